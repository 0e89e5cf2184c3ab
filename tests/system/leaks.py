"""What is left behind is named: the negative control of the comparisons that end a fuzz campaign (tests/system/fuzz.py).

One thing at a time is left behind, and the core's tables and the rights are looked at before and after. A hostile domain (leaks.c
of tests/domains/hostile/fuzzer) leaves a kept reply, a raised event and a waiter on somebody else's event; a program in the
background leaves itself. What the core lets nobody leave behind (a frame of another owner, a pin, a right) is written into its
tables from outside, with the machine standing still.
"""

import os
import re
import time

from zoglib import authority, gdbstub
from zoglib.build import BUILD, make
from zoglib.core_tables import LOOKS, Tables, changes, look_quiet
from zoglib.testing import boot, expect, work_folder

LAB = os.path.join(BUILD, "lab")
KERNEL = os.path.join(LAB, "zog.elf")
LEAKED = re.compile(r"fuzzer: leaked (\d)$")
SCRIPT = """
cd /root
step() { echo "step $1"; read line; }
cat /zog/authority > /dev/null; step begin
for life in 1 2 3; do echo kill fuzzer > /zog/ctl; read line; done
sleep 100000 & step program
step frame
step pin
echo "authority before"; cat /zog/authority; step right
echo "authority after"; cat /zog/authority; echo end
"""
# What must be named after each, and nothing else. A program's mappings are told only where they are many (changes).
LIVES = [{"replies of bench_server kept for fuzzer": 1}, {}, {"waiters on event fuzzer": -1, "waiters on event virtio_blk": 1}]
RAISED = 1 # life in which the fuzzer raises its event; the restart before each raises it, too
PROGRAM = {"programs' threads": 1, "spaces": 1, "waiters on event linux": 1}
FRAME = {"payload frames of linux": -1, "payload frames of fuzzer": 1}
PIN = {"pins": 1}
WORKING = ("console", "linux", "scheduler", "supervisor", "virtio_blk") # whose events the shell and the kills raise


def told_of(before, found):
	"""{what: how many more}; events by whose they are."""
	told = {}
	for what, (one, two) in changes(before, found).items():
		what = re.sub(r"^(waiters on event \w+) \d+$", r"\1", what)
		told[what] = told.get(what, 0) + two - one
	return {what: more for what, more in told.items() if more}


class Watch:
	"""Looks at the tables until they tell what is wanted, which is not at once where something still runs."""

	def __init__(self):
		self.tables, self.stub_path = Tables(work_folder(), KERNEL), os.path.join(work_folder(), "gdb")
		self.before, self.looks, self.planted = None, 0, None

	def look(self, machine, wanted, may=()):
		"""Returns the events of others that were raised meanwhile."""
		for _ in range(LOOKS):
			found = self.tables.look(machine)
			told = {what: more for what, more in told_of(self.before, found).items() if what not in may}
			if told == wanted:
				break
			time.sleep(0.2)
		expect(told == wanted, f"look {self.looks}: the tables tell {told}, not {wanted}")
		before, self.before = self.before, found
		self.looks += 1
		return {event: count - before.events[event] for event, count in found.events.items()
			if count != before.events[event] and event[0] not in WORKING}

	def poke(self, address, data):
		"""Changes the machine's memory while it stands still; returns what was there."""
		stub = gdbstub.Stub(self.stub_path)
		old = stub.memory(address, len(data))
		stub.set_memory(address, data)
		stub.detach()
		return old

	def step_begin(self, machine):
		self.before = look_quiet(self.tables, machine)
		return b"\n"

	def life(self, machine, number):
		raised = self.look(machine, LIVES[number])
		expect(raised == {("fuzzer", 0): 2 if number == RAISED else 1}, f"events raised in life {number}: {raised}")
		machine.type(b"\n")

	def step_program(self, machine):
		self.look(machine, PROGRAM, may=("mappings",))
		return b"\n"

	def plant(self, machine, address, data, wanted):
		"""Puts it there, looks, and takes it away again."""
		old = self.poke(address, data)
		self.look(machine, wanted)
		self.poke(address, old)
		self.look(machine, {what: -more for what, more in wanted.items()})
		return b"\n"

	def step_frame(self, machine):
		fuzzer = next(number for number, domain in enumerate(self.tables.domains) if domain.name == "fuzzer")
		return self.plant(machine, self.tables.frame_place(machine, "payload frames", "linux")["owner"], bytes([fuzzer]), FRAME)

	def step_pin(self, machine):
		return self.plant(machine, self.tables.frame_place(machine, "payload frames", "linux")["pins"], b"\1\0", PIN)

	def step_right(self, machine):
		self.planted, address = self.tables.denied_place(machine, "fuzzer")
		self.poke(address, (10).to_bytes(2, "little"))
		return b"\n"


def rights_found(output, head, tail):
	live = authority.live_parse(output.partition(f"{head}\n")[2].partition(f"{tail}\n")[0])
	expect(len(live) > 10, f"no authority behind {head}")
	return authority.compare(authority.map_load(LAB), live, LAB)


def test_each_leak_is_named():
	"""A kept reply, an event, a waiter, a program, a frame, a pin and a right that are left behind: each is named, and only that."""
	make("lab")
	watch = Watch()

	def on_log(machine, line):
		if match := LEAKED.match(line):
			watch.life(machine, int(match[1]))

	steps = [(f"step {name}\n", getattr(watch, "step_" + name)) for name in ("begin", "program", "frame", "pin", "right")]
	result = boot(SCRIPT, kernel=KERNEL, append="fuzzer=leaks", smp=2, on_log=on_log, talk=steps, extra=gdbstub.arguments(watch.stub_path))
	result.expect_status(0)
	expect(watch.looks == len(LIVES) + 1 + 4, f"{watch.looks} looks; {result.describe()}")
	before = rights_found(result.output, "authority before", "step right")
	after = rights_found(result.output, "authority after", "end")
	expect(not before, f"differences to the map before: {before[:3]}")
	masks = [re.fullmatch(r"fuzzer: (holds|lacks) entry \d+:supervisor@supervisor:0x(\w+), which its manifest .*", line) for line in after]
	expect(len(after) == 2 and all(masks), f"differences after: {after}")
	held, given = (int(next(mask[2] for mask in masks if mask[1] == word), 16) for word in ("holds", "lacks"))
	expect(held & ~given == 1 << watch.planted and not given & ~held, f"planted method {watch.planted}, differences {after}")
