"""What system tests use: boot(), which runs a machine to its end, and expect().

A system test is a function `test_WHAT()` in tests/system/*.py; @tier("full") keeps it out of the quick runs. It passes
when it returns. A machine that is silent on both serial lines for too long has its state dumped through QEMU's monitor,
and its test fails.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field

from .authority import Used
from .build import KERNEL, ROOT, in_build
from .disk import disk_copy, disk_template
from .log import Log
from .machine import Config, Machine, machine_verdict

SILENCE_S = 900 # a machine that others keep busy is slow, not hung
TIERS = ("quick", "full", "campaign")
TEMPLATE = "template" # boot(disk=TEMPLATE): a fresh copy of the default image

current_test = "test" # set by the runner: names the work folder
current_tier = "quick"


used = Used() # what the machines of this run used of their authority


class TestFailure(Exception):
	pass


class TestSkipped(Exception):
	"""Something that is not part of the tree is not here: the test says so, and counts neither as passed nor as failed."""


def tier(name):
	"""The test runs in this tier and in larger ones only."""
	assert name in TIERS

	def mark(function):
		function.tier = name
		return function

	return mark


def by_tier(quick, full, campaign=None):
	"""The amount that suits the tier."""
	return {"quick": quick, "full": full, "campaign": full if campaign is None else campaign}[current_tier]


def expect(condition, reason):
	if not condition:
		raise TestFailure(reason)


@dataclass
class Result:
	status: int
	output: str # console, carriage returns dropped
	log: Log
	lines: list # of the system log
	message: str # what `zog run` would say on standard error; "" after an orderly end
	disk: str | None
	typed: list = field(default_factory=list)

	def expect_status(self, status):
		expect(self.status == status, f"exit status {self.status}, not {status}; {self.describe()}")

	def expect_output(self, output):
		expect(self.output == output, f"output is {shorten(self.output)}, not {shorten(output)}; {self.describe()}")

	def describe(self):
		tail = " | ".join(self.lines[-4:])
		return f"output ends {shorten(self.output[-300:])}; log ends {tail!r}{'; ' + self.message if self.message else ''}"


def shorten(text, limit=400):
	return repr(text) if len(text) <= limit else repr(text[: limit // 2]) + " ... " + repr(text[-limit // 2 :])


def work_folder():
	"""A folder for the running test."""
	name = re.sub(r"[^A-Za-z0-9_.-]", "_", current_test)
	return os.path.dirname(in_build("tests", "work", name, "x"))


def work_disk(name="disk.img"):
	"""A fresh copy of the default image."""
	return disk_copy(disk_template(), os.path.join(work_folder(), name))


def dump_state(machine, reason):
	"""Writes down where every CPU is; returns the file's name and the CPUs' instruction pointers."""
	registers = machine.ask("info registers -a")
	path = os.path.join(work_folder(), "hang.txt")
	with open(path, "w") as file:
		file.write(f"{reason}\n\n{registers}\n" + "\n".join(machine.lines[-50:]) + "\n")
	return path, re.findall(r"[RE]IP=([0-9a-f]+)", registers)


def fail_as_hung(machine, reason):
	path, places = dump_state(machine, reason)
	machine.stop()
	raise TestFailure(f"{reason}; CPUs at {', '.join(places) or 'unknown places'}; state in {os.path.relpath(path, ROOT)}")


class Talk:
	"""Types when the console shows what is waited for: steps of (awaited text, bytes to type, or what is called with the machine
	and returns them)."""

	def __init__(self, machine, steps):
		self.machine, self.steps = machine, list(steps)
		self.seen = ""

	def feed(self, text):
		self.seen += text
		while self.steps and self.steps[0][0] in self.seen:
			awaited, reply = self.steps.pop(0)
			self.seen = self.seen.split(awaited, 1)[1]
			self.machine.type(reply(self.machine) if callable(reply) else reply)


def boot(command=None, *, disk=TEMPLATE, talk=(), stdin=None, silence_s=None, limit_s=7200, on_log=None, **config):
	"""Boots and runs to the end. command: as --exec; None: an interactive shell, driven by talk.
	disk: TEMPLATE, a path, or None. Further arguments: fields of machine.Config."""
	silence_s = silence_s or SILENCE_S
	folder = work_folder()
	image = work_disk() if disk == TEMPLATE else disk
	machine = Machine(Config(disk=image, exec_text=command, work=folder, **config), [os.path.join(folder, "log")])
	output = bytearray()
	lines = []
	dialogue = Talk(machine, talk)
	machine.start()
	if stdin is not None:
		machine.type(stdin)
	started = heard = time.monotonic()
	has_spoken = False # how long a machine takes to say its first word is the host's affair
	try:
		for kind, data in machine.events():
			now = time.monotonic()
			if kind == "idle":
				if now - heard > (silence_s if has_spoken else SILENCE_S):
					waiting = f" while waiting for {dialogue.steps[0][0]!r}" if dialogue.steps else ""
					fail_as_hung(machine, f"silent for {silence_s} s{waiting}; output {shorten(output.decode(errors='replace'))}")
				continue
			heard, has_spoken = now, True
			if kind == "console":
				output += data
				dialogue.feed(data.decode("utf-8", "replace").replace("\r", ""))
			elif kind == "log":
				lines.append(data)
				used.feed(data)
				if on_log:
					on_log(machine, data)
				if machine.log.fatal is not None:
					machine.process.kill()
			if now - started > limit_s:
				fail_as_hung(machine, f"not done after {limit_s} s")
	finally:
		machine.stop()
		with open(os.path.join(folder, "console"), "wb") as file:
			file.write(output)
	status, message = machine_verdict(machine)
	expect(not dialogue.steps, f"never saw {dialogue.steps[0][0]!r} on the console: {shorten(output.decode(errors='replace'))}; "
		f"log ends {lines[-4:]}" if dialogue.steps else "")
	return Result(status, output.decode("utf-8", "replace").replace("\r", ""), machine.log, lines, message or "", image)


def zog(*arguments, stdin=b"", timeout_s=3600, tree=ROOT):
	"""Runs ./zog itself: (status, stdout, stderr) as text."""
	try:
		result = subprocess.run([os.path.join(tree, "zog"), *arguments], input=stdin, capture_output=True, timeout=timeout_s)
	except subprocess.TimeoutExpired as error:
		raise TestFailure(f"./zog {' '.join(arguments)} did not end within {timeout_s} s") from error
	return result.returncode, result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace")


def clear_work():
	"""Removes what the test left behind when it passed."""
	shutil.rmtree(work_folder(), ignore_errors=True)


def progress(text):
	print(text, file=sys.stderr, flush=True)


def have_kernel():
	return os.path.exists(KERNEL)
