# groups: tsm
"""The straight commit of one record, cut in the running system by a real exception in ring 0 at each of its instructions. The
debugger's stub stops the CPU before the instruction and sends it to one that is none (ud2); what follows is the core's own
recovery. Before the point of no return the writer is ended and makes the commit again; behind it the recovery finishes
it. Writer and reader, on two CPUs, know what every byte must be in every version."""

import os
import subprocess
import threading
from collections import Counter

from zoglib import gdbstub
from zoglib.build import BUILD, make
from zoglib.elf import PF_EXECUTE, Elf
from zoglib.testing import boot, by_tier, expect, work_folder

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
CORE = os.path.join(BUILD, "lab", "core.elf")
FUNCTION = "region_commit_straight"
UD2 = b"\x0f\x0b"
RAX, RSI, RSP = 0, 4, 7
COMMITS_BEFORE = 8 # more than the history keeps
PATH_MIN, PATH_MAX = 200, 2000 # instructions of a commit; a look at what does not go straight is shorter


def place_of(name):
	text = subprocess.run(["nm", CORE], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
	return next(int(value, 16) for value, _, symbol in (line.split() for line in text.splitlines() if len(line.split()) == 3) if symbol == name)


def bad_instruction():
	"""The address of a ud2 in the core's text."""
	for segment in Elf(CORE).segments():
		if segment.flags & PF_EXECUTE and segment.address >= 0xFFFFFFFF80000000 and UD2 in segment.content:
			return segment.address + segment.content.index(UD2)
	raise AssertionError("the core's text has no ud2")


class Cutter(threading.Thread):
	"""Owns the machine through the stub until all cuts are made."""

	def __init__(self, path, each):
		super().__init__(daemon=True)
		self.path, self.each = path, each
		self.entry, self.ud2 = place_of(FUNCTION), bad_instruction()
		self.cuts, self.problem, self.is_done = 0, None, False
		self.domain = None # its record in the core: only its commits are cut

	def run(self):
		try:
			self.stub = gdbstub.Stub(self.path)
			places = self.instructions()
			for place in places[:: self.each]:
				self.cut(place)
			self.stub.detach()
		except Exception as problem: # shown by the test: the machine would stand still
			self.problem = problem
		self.is_done = True

	def stop_at(self, place, is_wanted):
		"""Runs until IS_WANTED of the thread that comes to the place."""
		while True:
			self.stub.break_at(place)
			thread = self.stub.resume()
			self.stub.choose(thread)
			self.stub.break_remove(place)
			found = self.stub.register(gdbstub.RIP)
			if found != place:
				raise gdbstub.StubFailure(f"stopped at {found:#x}, not at {place:#x}")
			if is_wanted(thread):
				return thread
			self.stub.step(thread)

	def commit_begin(self):
		"""The writer enters the function."""
		return self.stop_at(self.entry, lambda thread: self.stub.register(RSI) == self.domain)

	def instructions(self):
		"""Where a commit passes, each place once, in the order of the first time; it ends with the return. The writer is whoever
		does that so often: others commit one record at their start, or none this way. Its history is full by then, so it
		comes to each of these places again."""
		seen = Counter()
		while True:
			thread = self.stop_at(self.entry, lambda thread: True)
			domain, stack = self.stub.register(RSI), self.stub.register(RSP)
			back = int.from_bytes(bytes.fromhex(self.stub.ask(f"m{stack:x},8")), "little")
			path = []
			while (place := self.stub.register(gdbstub.RIP)) != back and len(path) < PATH_MAX:
				path.append(place)
				self.stub.step(thread)
			seen[domain] += len(path) >= PATH_MIN and self.stub.register(RAX) & 0xff == 1
			if seen[domain] == COMMITS_BEFORE:
				self.domain = domain
				return list(dict.fromkeys(path))

	def cut(self, place):
		thread = self.commit_begin()
		if place != self.entry:
			self.stop_at(place, lambda other: other == thread)
		self.stub.set_rip(self.ud2)
		self.cuts += 1
		# The call that was cut is finished, or made again, whole; the next cut is of a later one.
		self.stub.step(self.commit_begin())


def test_straight_commit_cut_at_its_instructions():
	make("lab")
	path = os.path.join(work_folder(), "stub")
	cutter = Cutter(path, by_tier(3, 1))
	cutter.start()

	def on_log(machine, line):
		if cutter.is_done and "lines " in line:
			machine.type(b"\n")
	result = boot("""read line
		awk '$1 == "ledger.sheet" { print $6 }' /zog/tsm
		awk '$2 == "mad_writer" { print $4 }' /zog/domains""", kernel=KERNEL, append="tsm_lines=1", smp=2, on_log=on_log,
		extra=gdbstub.arguments(path))
	expect(cutter.problem is None, f"after {cutter.cuts} cuts: {cutter.problem!r}; {result.describe()}")
	result.expect_status(0)
	exceptions = [line for line in result.lines if "core exception" in line and f"rip={cutter.ud2:#x} " in line and not line.endswith(": tried again")]
	bad = [line for line in result.lines if " bad" in line]
	commits, lives = (int(word) for word in result.output.split())
	expect(not bad, f"{len(bad)} findings: {bad[:3]}")
	expect(len(exceptions) == cutter.cuts and cutter.cuts >= by_tier(60, 200), f"{len(exceptions)} exceptions of {cutter.cuts} cuts")
	expect(commits > 2 * cutter.cuts, f"{commits} commits amid {cutter.cuts} cuts")
	ended = lives - 1
	expect(cutter.cuts // 10 < ended < cutter.cuts, f"{ended} of {cutter.cuts} cuts ended the writer: none, or all, before the point of no return")
	expect(any("changes " in line for line in result.lines), "the reader saw no change")
	return f"{cutter.cuts} crash points"
