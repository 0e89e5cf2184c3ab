"""`zog autopsy N`: everything on file about one incident of the last run, addresses resolved to source lines.

The images under build/ must be those that ran: a build after the run can move code, and then lines are off. Of a program
that is not the one under build/, by its measure (an update was in place), addresses stay without names."""

import json
import os
import re
import struct
import subprocess

from .build import BUILD, CORE, Failure
from .incidents import LOG, load_log
from .log import CAUSES, is_notice
from .update_file import HEAD

REASON_INTERRUPT = 0x20 # of the IOMMU, from here on: a request to interrupt
CORE_BASE = 0xFFFF800000000000 # above: the core's addresses
REGISTERS = ("rip", "rflags", "rsp", "rbp", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
	"r13", "r14", "r15", "fs_base", "gs_base")


def add_arguments(parser):
	parser.add_argument("incident", type=int, metavar="N", help="number of the incident (see ./zog incidents)")
	parser.add_argument("--log", default=LOG, metavar="FILE", help="system log to read (default: that of the last run)")


def built_image(folder, domain):
	"""The beginning of the measure of the domain's program that was built there, as the core tells it; None: there is none."""
	try:
		with open(os.path.join(folder, "updates", domain + ".update"), "rb") as file:
			return int.from_bytes(HEAD.unpack(file.read(HEAD.size))[13][:8], "little")
	except (OSError, struct.error):
		return None


def program_of(fields):
	"""The ELF file of the program that the incident is about; None: it is not the one that was built (an update was in place)."""
	domain, image = fields.get("domain", "?"), int(fields.get("image", "0"), 16)
	if not re.fullmatch(r"[a-z0-9_]+", domain):
		return None
	# Test domains are in the lab's image only (zog run --lab).
	for folder in (BUILD, os.path.join(BUILD, "lab")):
		path = os.path.join(folder, "domains", domain + ".elf")
		if os.path.isfile(path) and image in (0, built_image(folder, domain)):
			return path
	return None


def resolve(address, program):
	"""[(function, file:line)], innermost first; more than one where functions were inlined."""
	image = CORE if address >= CORE_BASE else program
	if image is None or not os.path.isfile(image):
		return [("?", "?")]
	result = subprocess.run(["addr2line", "-f", "-i", "-e", image, hex(address)], stdin=subprocess.DEVNULL,
		stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
	words = [line.replace("././", "").removeprefix("./") for line in result.stdout.splitlines()]
	return list(zip(words[0::2], words[1::2])) or [("?", "?")]


def trace_lines(fields):
	"""The stack trace: the place of the fault, then the return addresses."""
	program = program_of(fields)
	places = [int(word, 16) for word in fields.get("trace", "").split(",") if word]
	rip = int(fields.get("rip", "0"), 16)
	if rip and (not places or places[0] != rip):
		places.insert(0, rip)
	lines = []
	for depth, address in enumerate(places):
		# A return address is the instruction after the call: one byte before it is in the call.
		for level, (function, place) in enumerate(resolve(address - (depth > 0), program)):
			mark = f"#{depth:<2} {address:#018x}" if level == 0 else " " * 22
			lines.append(f"  {mark} {function} at {place}{' (inlined)' if level else ''}")
	return lines


def register_lines(fields):
	known = [(name, fields[name]) for name in REGISTERS if name in fields]
	cells = [f"{name:>7} {int(value, 16):#018x}" for name, value in known]
	return ["  " + "  ".join(cells[i : i + 3]) for i in range(0, len(cells), 3)]


CORE_METHODS = ("start", "activity", "system call", "page fault", "exception", "attention", "quiesce")
CLIENT_CORE = 0xFFFF # ZOG_CLIENT_CORE of abi/zog/core.h


def method_name(method):
	"""The method by its name, as the built contracts have it."""
	contract, number = method >> 8, method & 255
	if contract == 0:
		return CORE_METHODS[number] if number < len(CORE_METHODS) else f"core method {number}"
	try:
		with open(os.path.join(BUILD, "gen", "contracts", "contracts.json")) as file:
			found = {c["number"]: c for c in json.load(file)["contracts"]}[contract]
		return found["name"] + "." + {m["number"]: m["name"] for m in found["methods"]}[method]
	except (OSError, KeyError, ValueError):
		return f"contract {contract} method {number}"


def client_name(client):
	domain, thread = client >> 32, client & 0xFFFFFFFF
	if domain == CLIENT_CORE:
		return f"the core, thread {thread}"
	try:
		with open(os.path.join(BUILD, "gen", "system", "domains.txt")) as file:
			return f"{file.read().split()[domain]}, thread {thread}"
	except (OSError, IndexError):
		return f"domain {domain}, thread {thread}"


def refusal(error, address):
	"""What the IOMMU refused to whom; error as in abi/zog/core.h, ZOG_CAUSE_IOMMU."""
	source, reason = error & 0xffff, error >> 16 & 0xff
	what = "an interrupt" if reason >= REASON_INTERRUPT else "a write at" if error >> 24 & 1 else "a read at"
	return f"{source >> 8:02x}:{source >> 3 & 31:02x}.{source & 7} was refused {what} {address}"


def report(number, fields, recovered):
	"""The post-mortem as text."""
	cause = fields.get("cause", "?")
	method = int(fields.get("method", "0"), 16)
	client = int(fields.get("client", "0"), 16)
	lines = [f"Incident {number}: {fields.get('domain', '?')} {CAUSES.get(cause, cause)}"
		+ (" (asked for through /zog/ctl)" if fields.get("asked") == "1" else ""),
		f"  at           {int(fields.get('time_ns', 0)) / 1e9:.9f} s after boot",
		f"  cause        {cause}, CPU vector {fields.get('vector', '?')}, address {fields.get('address', '?')}, error {fields.get('error', '?')}",
		f"  rolled back  {fields.get('undone_ranges', '?')} ranges of the home region, {fields.get('undone_ops', '?')} staged operations"]
	if cause == "iommu":
		lines.append(f"  device       {refusal(int(fields.get('error', '0'), 16), fields.get('address', '?'))}")
	if fields.get("running") == "1":
		lines.append(f"  serving      {method_name(method)} for {client_name(client)}")
	if program_of(fields) is None:
		lines.append("  program      not the one under build/ (an update, or another build): its code is not named")
	if is_notice(fields):
		lines.append("  recovered    nothing ended: this is a notice")
	elif number in recovered:
		lines.append(f"  recovered    {recovered[number]} instructions from the fault to the first reply")
	else:
		lines.append("  recovered    no reply since")
	if is_notice(fields):
		return "\n".join(lines)
	trace = trace_lines(fields)
	if fields.get("running") == "1" or trace:
		lines += ["", "Stack, innermost first:", *(trace or ["  none on file"]), "", "Registers:", *register_lines(fields)]
	else:
		lines += ["", "It was idle: no invocation was cut, so there is no stack."]
	return "\n".join(lines)


def main(options):
	log = load_log(options.log)
	if options.incident not in log.incidents:
		known = f"the last run has {len(log.incidents)}" if log.incidents else "the last run has none"
		raise Failure(f"no incident {options.incident}: {known}")
	print(report(options.incident, log.incidents[options.incident], log.recovered))
	return 0
