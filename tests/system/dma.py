"""DMA is authority: a device reaches what its driver may, and nothing else; and not for a moment longer than its driver lives.

`marksman` of tests/domains/hostile drives QEMU's `edu` and aims its DMA where `canary` says; what stands in memory
afterwards is looked at by its owner. Without an IOMMU the same run shows what it is for.
"""

import os
import re

from zoglib.build import BUILD, ROOT, make
from zoglib.recovery import check_recovered, run_load, strikes
from zoglib.testing import TestSkipped, boot, by_tier, expect

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
EDU = ["-device", "edu,dma_mask=0xffffffff"]  # all that 32 address lines reach
SONGS = re.compile(r"canary: songs at (0x[0-9a-f]+)$")
STEP = re.compile(r"canary: step (\w+) (done|cut) equal=(\d+) songs_changed=(\d+) songs_brought=(\d+) lent_changed=(\d+) lent_brought=(\d+)$")
END = re.compile(r"canary: (done|step \w+ fails)")
WORDS = 128  # of a transfer
CORE_IMAGE = 0x110000  # physical; its text
NOWHERE = 0x30000000
REFUSED_WRITE, REFUSED_READ = 5, 6  # fault reasons of VT-d

# Writes, copies and compares until a line is typed.
WORK = """
cd /root
( until [ -e stop ] && [ -s rounds ]; do
	dd if=/dev/urandom of=a bs=64k count=4 status=none && cp a b && cmp a b && echo round >> rounds || echo "status $?"
done ) &
read line
touch stop
wait
[ -s rounds ] && echo worked
"""


class Song:
	"""What canary has told of a run."""

	def __init__(self, lines):
		self.steps = {} # name -> list of (outcome, equal, songs_changed, songs_brought, lent_changed, lent_brought)
		self.songs = None
		for line in lines:
			if match := SONGS.match(line):
				self.songs = int(match[1], 16)
			if match := STEP.match(line):
				self.steps.setdefault(match[1], []).append((match[2], *map(int, match.groups()[2:])))
		self.is_done = any(line.startswith("canary: done") for line in lines)

	def expect_step(self, name, *wanted):
		expect(self.steps.get(name) == [wanted], f"step {name}: {self.steps.get(name)}, not {wanted}")

	def expect_honest(self, where):
		"""To the device, back into own memory, and into a page that another domain lent: whole, and nowhere else."""
		self.expect_step(f"load_{where}", "done", 0, 0, 0, 0, 0)
		self.expect_step(f"own_{where}", "done", WORDS, 0, 0, 0, 0)
		self.expect_step(f"lent_{where}", "done", 0, 0, 0, WORDS, WORDS)


def run_canary(mode, script, is_icount=False, **config):
	"""Boots with `dma=MODE`; a line is typed when canary has come to its end."""
	def on_log(machine, line):
		if END.match(line):
			if mode == "rogue":
				cores.append(machine.ask(f"xp /128gx {CORE_IMAGE:#x}"))
			machine.type(b"\n")
		elif line == "canary: step load_at_first begins":
			cores.append(machine.ask(f"xp /128gx {CORE_IMAGE:#x}"))

	cores = []
	if os.path.isdir(os.path.join(ROOT, "subsystems", "device", "edu")):
		raise TestSkipped("edu belongs to another domain of this tree")
	make("lab")
	icount = ["-icount", "shift=0,sleep=off"] if is_icount else []
	result = boot(script, kernel=KERNEL, append=f"dma={mode}", on_log=on_log, extra=EDU + icount, **config)
	result.expect_status(0)
	song = Song(result.lines)
	expect(song.is_done, f"canary did not come to its end: {result.describe()}")
	if mode == "rogue":
		expect(len(cores) == 2 and cores[0].count("0x") == WORDS and cores[0] == cores[1], f"the core's image changed: {cores}")
	return result, song


def expect_refusals(result, refusals):
	"""Each ended the driver, with the address and the way of the access on file; and nobody else."""
	found = [(fields["domain"], fields["cause"], int(fields["address"], 16), int(fields["error"], 16) >> 16)
		for _, fields in sorted(result.log.incidents.items())]
	wanted = [("marksman", "iommu", address, REFUSED_WRITE | 0x100 if is_write else REFUSED_READ) for address, is_write in refusals]
	expect(found == wanted, f"incidents {found}, not {wanted}")
	sources = {int(fields["error"], 16) & 0xffff for fields in result.log.incidents.values()}
	owned = [line for line in result.lines if re.match(r"pci: [0-9a-f]+ is domain \d+'s$", line)]
	expect(len(sources) == len(owned) == 1 and owned[0].startswith(f"pci: {sources.pop():x} "), f"not the device of {owned}")


def test_rogue_is_confined():
	"""Behind the IOMMU: no transfer at foreign memory comes to anything, each ends the driver, and the next is honest again."""
	script = WORK + "cat /zog/incidents/*/summary; cat /zog/domains"
	result, song = run_canary("rogue", script)
	for where in ("at_first", "after_write_nowhere", "after_read_nowhere", "after_core", "at_last"):
		song.expect_honest(where)
	for name in ("write_nowhere", "read_nowhere", "write_core", "read_core", "read_songs", "write_songs"):
		song.expect_step(name, "cut", 0, 0, 0, 0, 0)
	# The device was to learn the songs: it brings back something else.
	song.expect_step("lent_after_read_songs", "done", 0, 0, 0, WORDS, 0)
	refusals = [(NOWHERE, True), (NOWHERE, False), (CORE_IMAGE, True), (CORE_IMAGE, False), (song.songs, False), (song.songs, True)]
	expect_refusals(result, refusals)
	expect(result.output.startswith("worked\n"), f"the program beside it did not work: {result.describe()}")
	for address, is_write in refusals:
		told = f"device: 00:02.0 was refused a {'write' if is_write else 'read'} at {address:#x}\n"
		expect(told in result.output, f"no summary says {told!r}: {result.output[:600]}")
	expect(re.search(r"^\d+ +marksman +ready +7 +6 .* confined$", result.output, re.M), f"not started seven times: {result.describe()}")
	expect(any(line.startswith("zog: iommu on ") for line in result.lines), "the IOMMU is not on")


def test_rogue_without_iommu():
	"""The same driver without an IOMMU: the device learns the songs and overwrites them, nobody notices, and Zog has said so."""
	result, song = run_canary("rogue", WORK + "cat /zog/domains", has_iommu=False)
	song.expect_honest("at_first")
	song.expect_step("read_songs", "done", 0, 0, 0, 0, 0)
	song.expect_step("lent_after_read_songs", "done", 0, 0, 0, 0, 0) # nothing changed: those are the songs
	song.expect_step("write_songs", "done", 0, WORDS, WORDS, 0, 0)
	expect(not result.log.incidents, f"incidents: {list(result.log.incidents.values())[:2]}")
	expect(any(line.startswith("zog: iommu off: ") and "trusted with all memory" in line for line in result.lines), "no warning in the log")
	expect("NO IOMMU: " in result.output and re.search(r" marksman .* ALL-MEMORY$", result.output, re.M), f"no warning in /zog/domains: {result.describe()}")


def test_death_with_dma_under_way():
	"""The driver dies while its device works: what it had begun lands nowhere, neither before it is back nor after. Guest time
	counts instructions, so that the device's tenth of a second is never over before the driver is dead."""
	for has_iommu in by_tier((True,), (True, False)):
		result, song = run_canary("flight", "read line; cat /zog/domains", is_icount=True, smp=1, has_iommu=has_iommu)
		song.expect_honest("before")
		song.expect_honest("after")
		for name, outcome in (("flight", "cut"), ("later", "done")):
			expect(song.steps.get(name) == [(outcome, 0, 0, 0, 0, 0)] * 5, f"step {name}: {song.steps.get(name)}")
		found = [(fields["domain"], fields["cause"]) for fields in result.log.incidents.values()]
		expect(found == [("marksman", "assert")] * 5, f"incidents: {found}")
		quiet = [line for line in result.lines if line.startswith("marksman: start ") and line.endswith("device quiet")]
		expect(len(quiet) == 6, f"not six starts with a quiet device: {[line for line in result.lines if line.startswith('marksman')]}")


def test_slow_disk():
	"""A disk that takes its time, so that most kills of its driver meet transfers under way: all data are right."""
	result = run_load("echo kill virtio_blk > /zog/ctl", ("virtio_blk",), by_tier(8, 60), by_tier(2, 8), disk_options=",throttling.iops-total=400")
	expect(len(strikes(result.log, "virtio_blk", "killed")) == len(result.log.incidents) > 0, f"incidents: {list(result.log.incidents.values())[:2]}")
	check_recovered(result.log)
