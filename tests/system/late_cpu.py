# groups: isolation
"""A CPU that starts after the core has given it up stays out: the core would not tell it to drop what it has cached."""

import os
import threading

from zoglib import gdbstub
from zoglib.build import in_build
from zoglib.gdbstub import symbol
from zoglib.testing import boot, expect

SCRIPT = "echo kill entropy > /zog/ctl; read line; echo worked"


class Latecomer(threading.Thread):
	"""Stops the second CPU at its first C function until the first has booted without it."""

	def __init__(self, path):
		super().__init__(daemon=True)
		self.path = path
		self.is_given_up, self.is_late = threading.Event(), threading.Event()
		self.place = self.failure = None

	def run(self):
		try:
			stub = gdbstub.Stub(self.path)
			stub.break_at(symbol("core_boot_ap"))
			second = stub.resume()
			stub.break_remove(symbol("core_boot_ap"))
			stub.run(second.replace("02", "01"))
			self.is_given_up.wait()
			stub.halt()
			stub.run()
			self.is_late.wait()
			stub.halt()
			stub.choose(second)
			self.place = stub.register(gdbstub.RIP)
			stub.detach()
		except (gdbstub.StubFailure, OSError) as error:
			self.failure = str(error)

	def attend(self, machine, line):
		if line.startswith("zog: boot cpus=1 "):
			self.is_given_up.set()
		elif "domain=entropy cause=killed" in line:
			self.is_late.set()
			self.join()
			machine.type(b"\n")


def test_a_cpu_that_starts_too_late_stays_out():
	path = in_build("run", f"gdb.{os.getpid()}")
	latecomer = Latecomer(path)
	latecomer.start()
	result = boot(SCRIPT, smp=2, on_log=latecomer.attend, extra=[*gdbstub.arguments(path), "-S"])
	expect(latecomer.failure is None, f"{latecomer.failure}; {result.describe()}")
	result.expect_output("worked\n")
	expect("zog: cpu 1 did not start" in result.lines, result.describe())
	offset = latecomer.place - symbol("core_boot_ap")
	expect(0 <= offset < 256, f"the second CPU is {offset} bytes behind core_boot_ap")
