"""No entry into the core is long: nothing is preempted there, so the longest one is how long an interrupt may wait.

Counted in instructions by a QEMU plugin (tools/profile/entries.c), on a machine whose clock is its instructions, so that two
runs are alike whatever else the host does."""

import os
from collections import Counter

from zoglib import profile
from zoglib.bench_core import COUNTING
from zoglib.build import BUILD, ROOT, in_build, tool
from zoglib.disk import disk_copy, disk_template
from zoglib.machine import Config, Machine, machine_verdict
from zoglib.testing import expect, work_folder

KERNEL = os.path.join(BUILD, "zog.elf")
LONGEST = 1_000_000  # a third of a millisecond or so where QEMU runs 3 instructions a nanosecond
SILENCE_S = 900
LEAST = 100_000  # entries as long as this are written with their functions


def entries_count(commands):
	"""Runs the commands; (console, [(instructions, Counter of function -> instructions)] of long entries, of the longest, of all)."""
	plugin, output = in_build("profile", "entries.so"), os.path.join(work_folder(), "entries")
	tool("gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden",
	     os.path.join(ROOT, "tools", "profile", "entries.c"), "-o", plugin)
	disk = disk_copy(disk_template(), os.path.join(work_folder(), "disk.img"))
	machine = Machine(Config(kernel=KERNEL, disk=disk, smp=1, exec_text=commands, work=work_folder(),
	                         extra=[*COUNTING, "-plugin", f"{plugin},out={output},least={LEAST}"]), [os.path.join(work_folder(), "log")])
	console, silent_s = b"", 0
	machine.start()
	for kind, data in machine.events():
		console += data if kind == "console" else b""
		silent_s = silent_s + data if kind == "idle" else 0
		if silent_s > SILENCE_S:
			machine.stop()
			expect(False, f"the machine is silent: {console[-500:]!r}, {machine.lines[-3:]}")
	status, message = machine_verdict(machine)
	expect(status == 0, message or f"status {status}: {console[-500:]!r}")
	found, names, longest, count = [], profile.Text(KERNEL), None, None
	with open(output) as file:
		for words in map(str.split, file):
			if words[0] == "entry":
				found.append((int(words[2]), Counter()))
			elif words[0] == "longest":
				longest, count = int(words[1]), int(words[3])
			else:
				found[-1][1][names.name_at(int(words[0], 16))] += int(words[1])
	return console.decode(), found, longest, count


def expect_short(commands, wanted, least_seen):
	"""No long entry; and the plugin saw what it should have: LEAST_SEEN is spent in one entry somewhere."""
	console, found, longest, count = entries_count(commands)
	expect(wanted in console, f"{wanted!r} is not in {console[-600:]!r}")
	long = [(total, functions.most_common(3)) for total, functions in found if total > LONGEST]
	expect(not long, f"entries of more than {LONGEST} instructions: {long[:5]}")
	expect(longest is not None and least_seen < longest <= LONGEST and count > 10_000, f"longest {longest} of {count}")
	expect(max(total for total, _ in found) == longest, f"longest {longest}, but written were {sorted(found)[-1:]}")


def test_of_a_large_program():
	expect_short("cd /tmp; /tests/large", "ok pages far apart", LEAST)


def test_of_recoveries_and_reports():
	expect_short("""cat /zog/authority /zog/tsm > /dev/null
for name in linux ext4 virtio_blk supervisor memory console linux; do echo kill $name > /zog/ctl; ls /root > /dev/null; done
dd if=/dev/zero of=/root/file bs=1M count=8 2> /dev/null; sync; rm /root/file; sync
echo corrupt clock 5 > /zog/ctl; date > /dev/null; echo all done""", "all done", LEAST)
