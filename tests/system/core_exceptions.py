# groups: isolation
"""Exceptions in the core, at each instruction of its straight ways: QEMU's gdb stub stops the machine there and sends the CPU
to an address where nothing is. The core takes back or finishes what it was at, ends the domain it worked for, and goes on: a
shell that works on files and pipes meanwhile sees no error and no wrong byte. Interrupts do not come between the steps."""

import itertools
import os
import queue
import random
import re
import subprocess
import threading

from zoglib import gdbstub
from zoglib.build import BUILD, in_build
from zoglib.gdbstub import symbol
from zoglib.testing import boot, by_tier, expect

NOWHERE = 0xffffff0000000010 # no mapping: the fetch is a page fault in ring 0
WAYS = (("call", 0), ("reply", 1), ("commit", 2)) # of crossing_straight, by rax; abi/zog/core.h
UNDEFINED, UNDEFINED_VECTOR = bytes.fromhex("0f0b"), 6
ALIGNMENT_CHECK = 1 << 18 # set, it lets ring 0 touch memory of ring 3 (SMAP)
BETWEEN = 5 # crossings that are let by before the next cut
CUT = re.compile(r"zog: incident (\d+) domain=\w+ cause=core ")
RECOVERED = re.compile(r"zog: recovered (\d+) ")
BLAMELESS_LINES = 12
RECOVERY_STEPS = 6000 # and a recovery
TAKEN_STEPS, GENERAL_STEPS = 40, 1500 # where a general call is cut: a jump to nowhere before a program's call is taken in loses it (CAVEATS.md)
INTO_HANDLER = 26 # instructions to the call of core_interrupted, but one that is passed over
STACK_BYTES, STACK_ALIGNMENT = 24576, 4096 # of a stack, core/object/cpu.h
LOG_STEPS = 900 # and a line of the log
PATIENCE_S = 3600 # for a recovery, on a busy machine
SCRIPT = """
	exec 3<&0; { read line <&3; touch /tmp/done; } &
	echo kill scheduler > /zog/ctl
	sum=$(md5sum < /bin/busybox); i=0
	until [ -e /tmp/done ]; do
		i=$((i + 1)); echo "line $i" > /tmp/file
		[ "$(cat /tmp/file | cat)" = "line $i" ] || echo "wrong line at $i"
		[ $((i % 10)) -ne 0 ] || echo kill entropy > /zog/ctl
		[ $((i % 20)) -ne 0 ] || [ "$(md5sum < /bin/busybox)" = "$sum" ] || echo "wrong sum at $i"
	done
	echo worked"""


# The child grows, and so has page faults, until something ends it.
POISON_SCRIPT = """
	sh -c 'echo kill entropy > /zog/ctl; x=x; while :; do x="$x 123456789 123456789 123456789"; done'
	echo status $?; cat /bin/busybox | cmp - /bin/busybox && echo worked"""
METHOD_PAGE_FAULT = 3 # abi/zog/core.h


def instructions(first, behind, program="core.elf"):
	"""Addresses of the instructions from one symbol to another."""
	limits = [f"--start-address={symbol(first, program)}", f"--stop-address={symbol(behind, program)}"]
	listing = subprocess.run(["objdump", "-d", *limits, os.path.join(BUILD, program)], capture_output=True, text=True, check=True).stdout
	return [int(match[1], 16) for match in re.finditer(r"^([0-9a-f]{16}):\t[0-9a-f ]+\t[a-z(]", listing, re.MULTILINE)]


class Sweep(threading.Thread):
	"""Cuts the ways in turn, each at its first instruction, STRIDE further, and so on, until it is through with all of them."""

	way = "crossing_straight"

	def __init__(self, path, stride, ways=WAYS):
		super().__init__(daemon=True)
		self.path, self.stride, self.ways = path, stride, ways
		self.begin, self.news = threading.Event(), queue.Queue()
		self.cuts = {name: 0 for name, _ in ways}
		self.recovered = set() # numbers of incidents
		self.failure = None

	def run(self):
		self.begin.wait()
		try:
			self.stub = gdbstub.Stub(self.path)
			self.entry = symbol(self.way)
			self.sweep()
			self.stub.detach()
		except (gdbstub.StubFailure, OSError) as error:
			self.failure = str(error)
		except queue.Empty:
			self.failure = f"no recovery after {self.cuts}"

	def sweep(self):
		next_cut = {name: 0 for name, _ in self.ways}
		while next_cut:
			for name, number in self.ways:
				if name in next_cut and self.cut(number, next_cut[name]):
					self.cuts[name] += 1
					next_cut[name] += self.stride
				else:
					next_cut.pop(name, None)

	def cut(self, number, steps, between=BETWEEN):
		"""False: the way takes fewer steps."""
		self.stub.break_at(self.entry)
		thread = self.reach(number, between)
		is_inside = all(self.step_inside(thread) for _ in range(steps))
		self.stub.break_remove(self.entry)
		if not is_inside:
			return False
		self.strike()
		self.stub.run()
		self.await_recovery()
		self.stub.halt()
		return True

	def strike(self):
		self.stub.set_rip(NOWHERE)

	def fail_once(self, address):
		"""The instruction there is none when it is come to the next time."""
		self.stub.break_at(address)
		thread = self.stub.resume()
		self.stub.choose(thread)
		self.stub.break_remove(address)
		kept = self.stub.memory(address, len(UNDEFINED))
		self.stub.set_memory(address, UNDEFINED)
		while self.stub.register(gdbstub.RIP) == address: # a step may end before it has begun
			self.stub.step(thread)
		self.stub.set_memory(address, kept)
		if self.stub.register(gdbstub.RIP) != symbol(f"vector_{UNDEFINED_VECTOR}"):
			raise gdbstub.StubFailure(f"no exception at {address:x}")
		handler = symbol("core_interrupted")
		self.stub.break_at(handler) # whose way passes here, too, perhaps
		self.stub.resume()
		self.stub.break_remove(handler)

	def await_recovery(self):
		"""Until the domain has answered again, so that no call is cut twice: that would be poison. Where the core worked for
		none, there is no incident: some lines of the log without one."""
		down = set()
		for heard in itertools.count():
			if down <= self.recovered and (down or heard >= BLAMELESS_LINES):
				return
			line = self.news.get(timeout=PATIENCE_S)
			if match := CUT.match(line):
				down.add(match[1])
			elif match := RECOVERED.match(line):
				self.recovered.add(match[1])

	def step_inside(self, thread):
		self.stub.step(thread)
		return self.stub.register(gdbstub.CS) & 3 == 0

	def reach(self, number, between):
		"""The way's first instruction, some crossings from here; returns the CPU's thread. number None: any call's."""
		for passed in itertools.count():
			thread = self.stub.resume()
			self.stub.choose(thread)
			if passed >= between and number in (None, self.stub.register(gdbstub.RAX)):
				return thread
			self.stub.step(thread) # or the breakpoint would stop it again
		return None

	def attend(self, machine, line):
		"""A line of the system log."""
		self.news.put(line)
		if "domain=scheduler cause=killed" in line:
			self.begin.set()
		if self.begin.is_set() and not self.is_alive():
			machine.type(b"\n")


class RandomSweep(Sweep):
	"""Cuts general calls into the core, whatever they are, at random instructions."""

	way = "core_syscall"

	def __init__(self, path, count):
		super().__init__(path, 0)
		self.count = count
		self.cuts = {"general": 0}

	def sweep(self):
		draw = random.Random(1)
		while self.cuts["general"] < self.count:
			self.cuts["general"] += self.cut(None, draw.randrange(TAKEN_STEPS, GENERAL_STEPS), draw.randrange(BETWEEN, 3 * BETWEEN))


class LogSweep(RandomSweep):
	"""Cuts lines of the log, wherever they come from, at random instructions."""

	way = "log_line"

	def sweep(self):
		draw = random.Random(3)
		while self.cuts["general"] < self.count:
			self.cuts["general"] += self.cut(None, draw.randrange(LOG_STEPS), 1)


class RecoverySweep(RandomSweep):
	"""Cuts general calls, and then what the core does about that, at random instructions."""

	def sweep(self):
		self.recovery, self.again = symbol("core_recover"), 0
		draw = random.Random(2)
		while self.cuts["general"] < self.count:
			self.draws = draw.randrange(RECOVERY_STEPS)
			self.cuts["general"] += self.cut(None, draw.randrange(TAKEN_STEPS, GENERAL_STEPS), draw.randrange(BETWEEN, 3 * BETWEEN))
		self.cuts["again"] = self.again

	def strike(self):
		self.stub.set_rip(NOWHERE)
		self.stub.break_at(self.recovery)
		thread = self.stub.resume()
		self.stub.break_remove(self.recovery)
		if all(self.step_inside(thread) for _ in range(self.draws)):
			self.stub.set_rip(NOWHERE)
			self.again += 1

	def await_recovery(self):
		"""Until the last domain that went down has answered: the incident before it may be left open."""
		down = 0
		for heard in itertools.count():
			if down in self.recovered or (not down and heard >= BLAMELESS_LINES):
				return
			line = self.news.get(timeout=PATIENCE_S)
			if match := CUT.match(line):
				down = match[1]
			elif match := RECOVERED.match(line):
				self.recovered.add(match[1])


class WayInAndOut(Sweep):
	"""Puts an undefined instruction into the place of each by which ring 3 comes into the core and is left for, for one try."""

	ways = (("way", None),)

	def __init__(self, path, stride):
		super().__init__(path, stride, self.ways)

	def sweep(self):
		for address in instructions("syscall_entry", "interrupt_in_core")[::self.stride]:
			self.fail_once(address)
			self.cuts["way"] += 1


class NestedSweep(RandomSweep):
	"""Cuts core calls of domains at random instructions; on the way into the handler of that exception another hits."""

	way = "core_call"

	def sweep(self):
		draw = random.Random(4)
		self.cuts["nested"], self.opened = 0, 0
		for address in itertools.islice(itertools.cycle(instructions("interrupt_in_core", "core_restart_stack")[:INTO_HANDLER]), self.count):
			self.address = address
			while not self.cut(None, draw.randrange(TAKEN_STEPS, GENERAL_STEPS), draw.randrange(BETWEEN, 3 * BETWEEN)):
				pass
			self.cuts["general"] += 1
			self.cuts["nested"] += 1

	def strike(self):
		self.stub.set_register(gdbstub.FLAGS, self.stub.register(gdbstub.FLAGS) | ALIGNMENT_CHECK)
		self.stub.set_rip(NOWHERE)
		self.fail_once(self.address)
		self.opened += self.stub.register(gdbstub.FLAGS) & ALIGNMENT_CHECK != 0


class OverrunSweep(RandomSweep):
	"""Lets core calls of domains, which are made again, begin at the end of the core's stack."""

	way = "core_call"

	def __init__(self, path, count):
		super().__init__(path, count)
		self.cuts["again"] = 0 # the instruction is tried again
		self.ends = set()

	def sweep(self):
		for _ in range(self.count):
			self.cut(None, 0, 3 * BETWEEN)
			self.cuts["general"] += 1
			self.cuts["again"] += 1

	def strike(self):
		end = (self.stub.register(gdbstub.RSP) & -STACK_ALIGNMENT) + STACK_ALIGNMENT - STACK_BYTES
		self.stub.set_register(gdbstub.RSP, end)
		self.ends.add(end)


def cut_machine(sweep_of, ends=True):
	"""ends: whether exceptions end domains. Returns the log, too."""
	path = in_build("run", f"gdb.{os.getpid()}")
	sweep = sweep_of(path)
	sweep.start()
	result = boot(SCRIPT, smp=1, on_log=sweep.attend, extra=gdbstub.arguments(path))
	exceptions = sum(line.startswith("zog: core exception") for line in result.lines)
	cuts = sum(sweep.cuts.values())
	expect(sweep.failure is None, f"{sweep.failure}; {result.describe()}")
	result.expect_output("worked\n")
	result.expect_status(0)
	told = cuts - sweep.cuts.get("again", 0) # what cuts the log's own work cannot be logged
	expect(told <= exceptions <= cuts and min(sweep.cuts.values()) >= 5, f"{exceptions} exceptions, cuts {sweep.cuts}")
	expect(not any("stopped" in line or "quarantine" in line for line in result.lines), "a CPU or a domain was given up")
	expect(any("cause=core" in line for line in result.lines) == ends, "a domain ended" if not ends else "no domain ended")
	return f"{cuts} crash points", result.lines, sweep


def machine_is_cut(sweep_of, ends=True):
	return cut_machine(sweep_of, ends)[0]


def test_at_each_instruction_of_the_straight_ways():
	return machine_is_cut(lambda path: Sweep(path, by_tier(9, 1)))


def test_at_random_instructions_of_the_general_ways():
	return machine_is_cut(lambda path: RandomSweep(path, by_tier(20, 200)))


def test_inside_a_line_of_the_log():
	"""What is told of the exception stands on a line of its own."""
	return machine_is_cut(lambda path: LogSweep(path, by_tier(8, 80)))


def test_at_random_instructions_of_recoveries():
	return machine_is_cut(lambda path: RecoverySweep(path, by_tier(15, 200)))


def test_on_the_way_into_the_handler_of_another():
	"""Both are told, and what the first one saved is there when the second is over."""
	answer, lines, sweep = cut_machine(lambda path: NestedSweep(path, by_tier(INTO_HANDLER, 4 * INTO_HANDLER)))
	expect(sweep.opened == 0, f"{sweep.opened} handlers could touch memory of ring 3")
	firsts = [line for line in lines if line.startswith("zog: core exception") and "tried again" not in line]
	expect(len(firsts) == sweep.cuts["general"] and all(f" vector=14 error=0x10 rip=0x{NOWHERE:x} " in line for line in firsts), f"{firsts[:3]}")
	return answer


def test_a_stack_that_is_too_short_ends_on_its_guard():
	answer, lines, sweep = cut_machine(lambda path: OverrunSweep(path, by_tier(5, 20)))
	faults = [line for line in lines if line.startswith("zog: core exception")]
	wanted = [f"address=0x{end - 8:x}" for end in sweep.ends]
	expect(faults and all(any(text in line for text in wanted) for line in faults), f"{faults[:3]}, not at {wanted}")
	return answer


def test_an_instruction_of_the_way_in_or_out_that_fails_is_tried_again():
	"""Where registers of ring 3 are all there is, nothing can be taken back or made again but the instruction itself."""
	return machine_is_cut(lambda path: WayInAndOut(path, 1), ends=False)


class Poisoner(threading.Thread):
	"""Sends `linux` astray at the first instruction of its page-fault handler, for one fault and for that fault again."""

	def __init__(self, path):
		super().__init__(daemon=True)
		self.path = path
		self.begin = threading.Event()
		self.failure = None

	def run(self):
		self.begin.wait()
		try:
			self.stub = gdbstub.Stub(self.path)
			self.space = self.linux_space()
			self.stub.break_at(symbol("domain_page_fault", "domains/linux.elf"))
			for _ in range(2):
				self.reach_in_linux()
				self.stub.set_rip(NOWHERE)
			self.stub.detach()
		except (gdbstub.StubFailure, OSError) as error:
			self.failure = str(error)

	def linux_space(self):
		"""The page tables of the domain that makes the first core call after a program's page fault."""
		root_call, entry = symbol("root_call"), symbol("crossing_straight")
		self.stub.break_at(root_call)
		thread = self.stub.resume()
		self.stub.choose(thread)
		while self.stub.register(gdbstub.RSI) != METHOD_PAGE_FAULT:
			self.stub.step(thread)
			self.stub.resume()
		self.stub.break_remove(root_call)
		self.stub.break_at(entry)
		self.stub.resume()
		self.stub.break_remove(entry)
		return self.stub.register(gdbstub.CR3)

	def reach_in_linux(self):
		thread = self.stub.resume()
		while self.stub.register(gdbstub.CR3) != self.space: # other programs have other code there
			self.stub.step(thread)
			self.stub.resume()

	def attend(self, _machine, line):
		if "domain=entropy cause=killed" in line:
			self.begin.set()


def test_a_page_that_cannot_be_had_is_a_bus_error():
	"""The same page fault of a program ends `linux` twice: the program gets SIGBUS, its parent is told, everything else goes on."""
	path = in_build("run", f"gdb.{os.getpid()}")
	poisoner = Poisoner(path)
	poisoner.start()
	result = boot(POISON_SCRIPT, smp=1, on_log=poisoner.attend, extra=gdbstub.arguments(path))
	expect(poisoner.failure is None, f"{poisoner.failure}; {result.describe()}")
	expect(sum("zog: poison domain=linux method=0x3" in line for line in result.lines) == 1, result.describe())
	result.expect_output("Bus error\nstatus 135\nworked\n")
	result.expect_status(0)
