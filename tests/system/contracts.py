"""What the code generated from contracts keeps to in the running system: handles under fire, tracing, and a domain that was
built with another state of a contract. Hostile calls are in fuzz.py. The domains are tests/domains/hostile/fuzzer and session."""

import glob
import os
import re
import shutil
import struct
import subprocess
import sys

from zoglib.build import BUILD, ROOT, make
from zoglib.elf import Elf
from zoglib.image_table import ENTRY, HEAD, MAGIC, image_table
from zoglib.testing import boot, by_tier, expect, work_folder

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
FUZZED = re.compile(r"fuzzer: fuzzed (\w+) calls=(\d+) accepted=(\d+) refused=(\d+) broken=(\d+)$")

# Works until a line is typed; the sums must stay equal.
SCRIPT = """
cd /root
dd if=/dev/urandom of=a bs=64k count=8 status=none
while [ ! -e stop ]; do cp a b && cmp a b || echo "copy: status $?"; done &
read line
touch stop
wait
echo worked
"""


def type_at(text):
	return lambda machine, line: machine.type(b"\n") if text in line else None


def incidents(result):
	return [line[:160] for line in result.lines if line.startswith("zog: incident ")]


def fuzzed(result):
	return {match[1]: tuple(map(int, match.groups()[1:])) for line in result.lines if (match := FUZZED.search(line))}


# Kills the server again and again until the line is typed.
KILLS = """
cd /root
while [ ! -e stop ]; do echo kill session $((RANDOM % 400)) > /zog/ctl; usleep 3000; done &
read line
touch stop
wait
echo worked
"""


def test_handles_survive_their_server():
	"""Volatile handles are set up again by the client's stubs, durable ones are kept, at any instruction."""
	make("lab")
	rounds = by_tier(300, 1000) # of ten milliseconds at least: the kills begin later
	result = boot(KILLS, kernel=KERNEL, append=f"fuzzer=handles handle_rounds={rounds}", on_log=type_at("fuzzer: done "))
	result.expect_output("worked\n")
	wrong = [line for line in result.lines if "fuzzer: wrong" in line]
	expect(not wrong, f"handles are not what they were: {wrong[:3]}")
	expect(f"fuzzer: done {rounds} rounds" in "\n".join(result.lines), result.describe())
	deaths = [line for line in incidents(result) if "domain=session cause=killed" in line]
	expect(len(deaths) >= 5, f"session was killed {len(deaths)} times only")
	expect(len(deaths) == len(incidents(result)), f"other incidents: {[i for i in incidents(result) if i not in deaths][:3]}")


def test_calls_are_traced_by_name():
	result = boot("ls / > /dev/null; sync; echo done", append="trace=block,clock,filesystem trace_lines=300")
	result.expect_output("done\n")
	traces = [line for line in result.lines if ": trace " in line]
	text = "\n".join(traces)
	call = re.search(r"^virtio_blk: trace (\d+) block\.transfer client=\d+/\d+ frame=\d+ block=\d+ direction=READ$", text, re.MULTILINE)
	expect(call, f"no transfer among {len(traces)} lines: {traces[:4]}")
	expect(f"\nvirtio_blk: trace {call[1]} block.transfer -> PENDING seen=" in text, f"no answer to trace {call[1]}")
	expect(re.search(r'^ext4: trace \d+ filesystem\.lookup client=\d+/\d+ parent=2 name="bin"$', text, re.MULTILINE), "no lookup of bin by name")
	expect(re.search(r"^ext4: trace \d+ filesystem\.info -> OK result=\{ node=\d+ size=\d+ .*\}?$", text, re.MULTILINE), "no struct by its fields")
	expect("ext4: trace ends: its budget is used up" in text or len(traces) < 600, "the budget was not kept")
	expect(not any("console." in line for line in traces), "a contract was traced that was not asked for")


def test_tracing_is_off_by_default():
	result = boot("ls / > /dev/null; echo done")
	result.expect_output("done\n")
	expect(not any(": trace " in line for line in result.lines), "something was traced")


def run(*command):
	result = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3600)
	expect(result.returncode == 0, f"{command[:3]}: {result.stderr[-400:]}")


def kernel_of_two_states(folder):
	"""The lab image, with a fuzzer that was built with other states of the contracts clock and block."""
	lab, system = os.path.join(BUILD, "lab"), os.path.join(BUILD, "lab", "gen", "system")
	domains = os.path.join(folder, "domains")
	os.makedirs(domains)
	for path in glob.glob(os.path.join(lab, "domains", "*.elf")):
		shutil.copy(path, domains)
	for name in os.listdir(system):
		if os.path.isfile(os.path.join(system, name)):
			shutil.copy(os.path.join(system, name), folder)
	fuzzer = os.path.join(domains, "fuzzer.elf")
	data = bytearray(open(fuzzer, "rb").read())
	names = [entry.name for entry in image_table(Elf(fuzzer))]
	for name in ("clock", "block"):
		at = data.index(struct.pack("<Q", MAGIC)) + HEAD.size + names.index(name) * ENTRY.size
		struct.pack_into("<I", data, at + 40, 9)                # version
		struct.pack_into("<Q", data, at + 48, 0x1122334455667788) # fingerprint
	with open(fuzzer, "wb") as file:
		file.write(data)
	run(sys.executable, "-B", "tools/image.py", "--unpaired", "--domains", domains, "--out", folder)
	sources = [os.path.relpath(os.path.join(root, name), ROOT) for place in ("core", "tests/core")
	           for root, _, names in os.walk(os.path.join(ROOT, place)) for name in names]
	objects = [os.path.join(lab, "obj", source + ".o") for source in sources if source.endswith((".c", ".S"))]
	tables = os.path.join(lab, "obj", "gen", "system")
	objects += [os.path.join(tables, name) for name in os.listdir(tables)
	            if name.endswith(".o") and not name.startswith("images.") and name != "symbols_empty.c.o"]
	for name in ("images.c", "images.S"):
		run("gcc", "-std=gnu11", "-O2", "-ffreestanding", "-fno-pic", "-fno-pie", "-mno-red-zone", "-mcmodel=kernel", "-Icore", "-Iabi", "-c",
		    os.path.join(folder, name), "-o", os.path.join(folder, name + ".o"))
		objects.append(os.path.join(folder, name + ".o"))
	kernel = os.path.join(folder, "zog.elf")
	run("ld", "-nostdlib", "-static", "--build-id=none", "-z", "noexecstack", "-z", "max-page-size=4096", "--no-warn-rwx-segments",
	    "-T", "core/arch/x86_64/core.ld", "-o", kernel, *sorted(objects))
	return kernel


def test_a_mismatched_pair_is_not_connected():
	"""Calls are refused by name, events never move, both sides are named in the log, and everybody else works."""
	make("lab")
	folder = os.path.join(work_folder(), "pair")
	shutil.rmtree(folder, ignore_errors=True)
	kernel = kernel_of_two_states(folder)
	result = boot(SCRIPT, kernel=kernel, append="fuzzer=calls fuzz_count=1200", on_log=type_at("fuzzer: done "))
	result.expect_output("worked\n")
	lines = sorted({line for line in result.lines if line.startswith("zog: mismatch ")})
	wanted = [rf"zog: mismatch domain=fuzzer contract={contract} version=9 fingerprint=1122334455667788 peer={peer} version=\d+ fingerprint=[0-9a-f]+"
	          for contract, peer in (("block", "virtio_blk"), ("clock", "clock"))]
	expect(len(lines) == 2 and all(map(re.fullmatch, wanted, lines)), f"told: {lines}")
	found = fuzzed(result)
	for name in ("clock", "block"):
		expect(found[name][1] == 0 and found[name][2] == found[name][0] > 0, f"{name}: {found[name]}")
	waited = next(line for line in result.lines if "fuzzer: waited for block.done" in line)
	expect(waited.endswith("count=0 reason=2"), f"an event of a domain that is not connected moved: {waited}")
	expect(found["entropy"][1] > 0 and not incidents(result), f"entropy: {found['entropy']}, incidents: {incidents(result)[:3]}")
