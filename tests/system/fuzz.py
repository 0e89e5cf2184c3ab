"""The fuzz campaign: hostile calls to every live server that can be reached, and to the core itself, from real domains.

The servers' calls come from the fuzzers generated from their contracts (tests/domains/hostile/fuzzer), the core's from
tests/domains/hostile/rogue. Both begin at a kill, so that the system can be looked at before; programs work beside them on two
CPUs with checked results. Before and after are compared by content: the live tables of authority, the counters of domains, and
what the core's own tables hold, read from outside. A violation ends the caller, which goes on with its next call.
"""

import dataclasses
import os
import re

from zoglib import authority
from zoglib.build import BUILD, ROOT, make
from zoglib.core_tables import Tables, changes, look_quiet
from zoglib.disk import disk_check
from zoglib.testing import TestSkipped, boot, by_tier, expect, progress, work_disk, work_folder

LAB = os.path.join(BUILD, "lab")
KERNEL = os.path.join(LAB, "zog.elf")
STREAMS = re.compile(r"session: streams (.*)$")
HOSTILE = ("fuzzer", "rogue")
WORKING = ("console", "linux", "scheduler", "supervisor", "virtio_blk") # whose events programs and incidents raise
WOKEN = {"fuzzer": ("picture_writer",), "rogue": ()} # whose events a served call raises
TARGETS = ("clock", "entropy", "memory", "bus", "block", "console", "session", "filesystem", "supervisor", "bench", "aim", "audit", "picture")
NEVER_ACCEPT = ("bus", "aim") # the fuzzer has no device; nobody asked for that of aim
SPARE_BLOCKS = 64 # behind the file system, for the fuzzer to write
FUZZED = re.compile(r"fuzzer: fuzzed (\w+) calls=(\d+) accepted=(\d+) refused=(\d+) broken=(\d+)$")
OUTCOME = re.compile(r"fuzzer: outcome (\w+)\.(\w+) status=(-?\d+) count=(\d+)$")
FLIPPED = re.compile(r"fuzzer: flipped (\d+) bytes, (\d+) inside a call; (\d+) answers not counted$")
WAITED = re.compile(r"fuzzer: waited (\d+) times for the answer, (\d+) calls were not made again$")
RANDOM = re.compile(r"rogue: done (\d+) random calls, (\d+) did not return")
TOLD_WHOLE = 1024 # INCIDENT_MAX: the log's budget for the faults of one domain
SKIPPED = 127 # FUZZ_SKIPPED

# Looks, works beside the hostile domain until a line is typed, and looks again in the same state.
SCRIPT = """
cd /root
work() {
	dd if=/dev/urandom of=a bs=64k count=4 status=none || echo "dd: status $?"
	cp a b || echo "cp: status $?"
	one=$(sha256sum < a); two=$(cat b | sha256sum)
	[ "$one" = "$two" ] || echo "sums differ: $one $two"
}
look() { sync; echo "domains $1"; cat /zog/domains; echo "authority $1"; cat /zog/authority; echo "look $1"; read line; }
work; look 0 > /dev/null < /dev/null
look 1
( until [ -e stop ] && [ -s rounds ]; do work; echo round >> rounds; done ) &
echo kill NAME > /zog/ctl
read line
touch stop; wait
look 2
[ -s rounds ] && echo worked
"""


def part(output, head, tail):
	"""The text between two lines of the output."""
	expect(f"\n{head}\n" in "\n" + output and f"\n{tail}\n" in output, f"no {head} in the output: {output[-300:]!r}")
	return ("\n" + output).split(f"\n{head}\n")[1].split(f"{tail}\n")[0]


def counters(text):
	"""{domain: (state, starts, faults)} of /zog/domains."""
	head, *rows = text.splitlines()
	names = head.split()
	name, *columns = [names.index(word) for word in ("name", "state", "starts", "faults")]
	return {words[name]: tuple(words[column] for column in columns) for words in map(str.split, rows) if len(words) >= len(names)}


def has_kept(before, after):
	"""The same state, starts and faults; a domain that nobody had called yet starts at its first call."""
	return before == after or (before, after) == (("starting", "0", "0"), ("ready", "1", "0"))


def check_domains(before, after):
	expect(set(before) == set(after) and len(before) > 10, f"domains: {sorted(before)}, then {sorted(after)}")
	changed = {name: (before[name], after[name]) for name in before if name not in HOSTILE and not has_kept(before[name], after[name])}
	expect(not changed, f"domains are not what they were: {changed}")
	expect({"linux", "ext4", "clock"} <= set(before), f"domains: {sorted(before)}")
	expect(not any(row[0] == "quarantined" for row in after.values()), f"given up on: {after}")


def area_told(area):
	"""The window of a large object's writer goes from buffer to buffer; all of them are told as areas of their own."""
	return dataclasses.replace(area, physical=0) if area.place == "object" and area.rights == "rw-" else area


def check_authority(before, after):
	domains = authority.map_load(LAB)
	for live in (before, after):
		found = authority.compare(domains, live, LAB)
		expect(set(live) == set(domains) and not found, f"{len(found)} differences to the map: {found[:4]}")
	for name in before:
		for what, one, two in (("rights", *(list(live[name].rights) for live in (before, after))),
		                       ("areas", *(list(map(area_told, live[name].areas)) for live in (before, after)))):
			changed = [row for row in one if row not in two] + [row for row in two if row not in one]
			expect(one == two, f"{name} holds other {what}: {changed[:6]}")


def check_tables(before, after, domain):
	expect(before["spaces"] > 0 and before["activities"] > 5 and before["mappings"] > 100, f"the core's tables read {dict(before)}")
	expect(any(" kept for programs" in what for what in before), f"programs' calls leave no replies: {dict(before)}")
	changed = changes(before, after, domain)
	expect(not changed, f"the core's tables hold (before, after): {changed}")
	expect(after["pins"] == 0, f"{after['pins']} pins are left")
	moved = {event: (count, after.events[event]) for event, count in before.events.items() if after.events[event] != count}
	fell = {event: counts for event, counts in moved.items() if counts[1] < counts[0]}
	expect(before.events and not fell, f"events whose count fell: {fell} of {len(before.events)}")
	foreign = {event: counts for event, counts in moved.items() if event[0] not in (*WORKING, *WOKEN[domain], domain)}
	expect(not foreign, f"events that nobody had a reason to raise: {foreign}")


def disk_spare():
	"""A disk that is larger than its file system."""
	disk = work_disk()
	with open(disk, "ab") as file:
		file.truncate(os.path.getsize(disk) + SPARE_BLOCKS * 4096)
	return disk


def check_disk(disk):
	"""Whatever was asked for, e2fsck finds nothing."""
	is_clean, told = disk_check(disk)
	expect(is_clean, f"e2fsck -f: {told.strip().splitlines()[-8:]}")


def run_hostile(domain, append, done):
	"""Boots the lab image and makes `domain` begin; compares what it left behind. Returns the result."""
	if domain == "fuzzer" and os.path.isdir(os.path.join(ROOT, "subsystems", "device", "edu")):
		raise TestSkipped("the fuzzer calls the lab's driver of edu, which belongs to another domain of this tree")
	make("lab")
	tables, seen, disk = Tables(work_folder(), KERNEL), [], disk_spare()

	def look(machine):
		seen.append(look_quiet(tables, machine, domain, *seen))
		return b"\n"

	def type_when_done(machine, line):
		if done.match(line):
			machine.type(b"\n")

	result = boot(SCRIPT.replace("NAME", domain), kernel=KERNEL, append=f"fuzz_gun=1 {append}", smp=2, disk=disk, on_log=type_when_done,
		talk=[("look 1\n", look), ("look 2\n", look)], limit_s=7200)
	result.expect_status(0)
	expect(result.output.endswith("look 2\nworked\n"), f"programs did not work: {result.describe()}")
	told = part(result.output, "look 1", "domains 2")
	expect(told == "", f"programs say {told!r}")
	others = [fields for fields in result.log.incidents.values() if fields["domain"] != domain]
	expect(not others and not result.log.quarantined, f"{len(others)} incidents of others: {others[:2]}; {result.log.quarantined}")
	core = [line for line in result.lines if "core exception" in line]
	expect(not core, f"the core itself met exceptions: {core[:2]}")
	check_domains(*(counters(part(result.output, f"domains {n}", f"authority {n}")) for n in (1, 2)))
	check_authority(*(authority.live_parse(part(result.output, f"authority {n}", f"look {n}")) for n in (1, 2)))
	check_tables(*seen, domain)
	check_disk(disk)
	return result


def status_names():
	with open(os.path.join(ROOT, "abi", "zog", "status.h")) as file:
		names = {int(value): name for name, value in re.findall(r"ZOG_(\w+) = (-?\d+)", file.read())}
	return names | {SKIPPED: "left out"}


def outcomes(lines):
	"""{(contract, method): {status: count}}"""
	table = {}
	for line in lines:
		if match := OUTCOME.search(line):
			table.setdefault((match[1], match[2]), {})[int(match[3])] = int(match[4])
	return table


def table_print(table):
	names = status_names()
	for (contract, method), row in sorted(table.items()):
		told = ", ".join(f"{names.get(status, status)} {count}" for status, count in sorted(row.items(), reverse=True))
		progress(f"    {contract + '.' + method:22} {told}")


def test_servers():
	"""Every server answers every hostile call as its contract says, nobody breaks, nothing is left behind, programs go on."""
	count = by_tier(20000, 100000, 1000000)
	result = run_hostile("fuzzer", f"fuzzer=calls fuzz_count={count} fuzz_seed=7 fuzz_spare={SPARE_BLOCKS}", re.compile(r"fuzzer: done "))
	table = outcomes(result.lines)
	table_print(table)
	broken = [line for line in result.lines if "fuzzer: broken" in line]
	expect(not broken, f"answers outside the contract: {broken[:3]}")
	incidents = list(result.log.incidents.values())
	expect(len(incidents) == 1 and incidents[0]["asked"] == "1", f"incidents: {incidents[:3]}")
	denied = table.get(("supervisor", "power_off"))
	expect(denied and set(denied) == {status for status, name in status_names().items() if name == "ERR_DENIED"}, f"power_off: {denied}")
	expect(f"fuzzer: done {count} calls, 0 did not return" in "\n".join(result.lines), result.describe())
	found = {match[1]: tuple(map(int, match.groups()[1:])) for line in result.lines if (match := FUZZED.search(line))}
	left = next(int(match[2]) for line in result.lines if (match := WAITED.search(line)))
	expect(set(found) == set(TARGETS) and sum(calls for calls, *_ in found.values()) == count - left, f"fuzzed: {found}, {left} given up")
	for name in TARGETS:
		expect(found[name][2] > 0, f"{name} refused nothing: {found[name]}")
		expect(found[name][1] > 0 or name in NEVER_ACCEPT, f"{name} accepted nothing: {found[name]}")
	event = next(line for line in result.lines if "fuzzer: waited for block.done" in line)
	expect(int(re.search(r"count=(\d+)", event)[1]) > 0, f"an event that moved: {event}")
	flips = next(tuple(map(int, match.groups())) for line in result.lines if (match := FLIPPED.search(line)))
	expect(flips[0] > count and flips[1:] == (0, 0), f"flips, flips inside a call, answers not counted: {flips}")
	expect(sum(sum(row.values()) for row in table.values()) == count - left, f"{count} calls, {left} given up, outcomes {table}")


def test_core_calls():
	"""Random core calls, copy requests and transactions: only the caller ends, and nothing is left behind."""
	count = by_tier(5000, 100000, 1000000)
	result = run_hostile("rogue", f"rogue=fuzz rogue_seed=11 rogue_count={count}", RANDOM)
	told = next(match for line in result.lines if (match := RANDOM.search(line)))
	causes = {}
	for fields in result.log.incidents.values():
		causes[fields["cause"]] = causes.get(fields["cause"], 0) + 1
	progress(f"    {told[1]} calls, {told[2]} did not return; ended by {causes}")
	expect(int(told[1]) == count and int(told[2]) >= count // 100, f"{told[0]}: the generator is too tame")
	expect({"violation", "capability"} <= set(causes), f"causes: {causes}")
	whole = sum("rip" in fields for fields in result.log.incidents.values())
	expect(TOLD_WHOLE < len(result.log.incidents) and whole <= TOLD_WHOLE + 1 + count // TOLD_WHOLE, f"{whole} incidents are told in full")


def test_program_buffers():
	"""A thread on the second CPU changes path, vector, time and bytes while another's calls read them: one of two states, no incident."""
	result = boot("cd /tmp; /tests/flips", smp=2)
	expect(result.output.count("ok ") == 4 and "FAIL" not in result.output, f"{result.output[-400:]!r}; {result.describe()}")
	result.expect_status(0)
	expect(not result.log.incidents and not result.log.quarantined, f"incidents: {list(result.log.incidents.values())[:2]}")


def test_stream_pages():
	"""A peer on the second CPU changes records and heads of two streams while they are used: what is used passed its check and stays so;
	the same check where the records lie, the control, is deceived."""
	def type_when_told(machine, line):
		if STREAMS.match(line):
			machine.type(b"\n")

	make("lab")
	result = boot("read line; echo went on", kernel=KERNEL, append="fuzzer=streams", smp=2, on_log=type_when_told)
	result.expect_status(0)
	told = [match for line in result.lines if (match := STREAMS.match(line))]
	expect(len(told) == 1, f"{len(told)} results; {result.describe()}")
	found = dict(word.split("=") for word in told[0][1].split())
	progress(f"    {told[0][1]}")
	expect(found["in_copy"] == "0" and found["broken"] == "0", f"used without a check, or answered wrongly: {found}")
	happened = all(int(found[what]) >= 100 for what in ("used", "refused", "corrupt", "put", "put_corrupt"))
	expect(happened and int(found["in_place"]) >= 10, f"too little happened: {found}")
	expect("went on" in result.output, result.describe())
	expect(not result.log.incidents and not result.log.quarantined, f"incidents: {list(result.log.incidents.values())[:2]}")
