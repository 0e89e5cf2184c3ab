"""The host tool itself, on a guest of a few instructions: outputs, statuses, hangs, deaths, the terminal."""

import os
import pty
import subprocess
import sys
import termios
import time

from zoglib.autopsy import report
from zoglib.build import ROOT, in_build, tool
from zoglib.incidents import HEAD, table_row, table_text
from zoglib.testing import TestFailure, boot, expect, work_folder

NEEDS_KERNEL = False


def guest():
	"""Builds the guest; returns its path."""
	source = os.path.join(ROOT, "tests", "system", "harness_guest.S")
	program = in_build("tests", "harness_guest.elf")
	tool("gcc", "-c", source, "-o", program + ".o")
	tool("ld", "-nostdlib", "-static", "--build-id=none", "-Ttext=0x100000", "-e", "_start", "-o", program, program + ".o")
	return program


def small(**config):
	return {"kernel": guest(), "disk": None, "smp": 1, "memory_mib": 64, **config}


def test_power_off_status():
	result = boot(stdin=b"abc\x01q", **small())
	result.expect_status(7)
	result.expect_output("guest\nabc\x01")
	expect(result.lines[0] == "booted" and result.log.recovered == {1: 4711}, f"log: {result.lines}")


def test_fatal_message():
	result = boot(stdin=b"f", **small())
	expect(result.status == 1 and result.message == "zog: no disk: give one with --disk", f"{result.status} {result.message!r}")


def test_death_without_power_off():
	result = boot(stdin=b"t", **small())
	expect(result.status == 1 and "without powering off" in result.message and "booted" in result.message, f"{result.message!r}")


def test_hang_dumps_state():
	try:
		boot(stdin=b"h", silence_s=8, **small())
	except TestFailure as failure:
		expect("silent for 8 s" in str(failure) and "CPUs at" in str(failure), f"the failure says {failure}")
	else:
		expect(False, "a hang passed")
	with open(os.path.join(work_folder(), "hang.txt")) as file:
		text = file.read()
	expect("IP=" in text and "CR3=" in text and "booted" in text, f"the dump holds {text[:300]!r}")


def test_bad_qemu_argument():
	result = boot(extra=["-nonsense"], **small())
	expect(result.status == 1 and "nonsense" in result.message, f"{result.message!r}")


def test_incident_reports():
	log = boot(stdin=b"q", **small()).log
	table = table_text([HEAD, table_row(1, log.incidents[1], log.recovered)])
	expect("virtio_blk" in table and "1.500000" in table and "4711" in table, f"table: {table!r}")
	text = report(1, log.incidents[1], log.recovered)
	for part in ("virtio_blk was killed (asked for", "serving      block.flush for ", "thread 2", "3 ranges", "rip 0x0000000000400000"):
		expect(part in text, f"the autopsy lacks {part!r}: {text!r}")


# Runs `zog run` on the guest instead of the kernel; arguments as after `zog run`.
DRIVER = """
import argparse, sys
import zoglib.run as run
from zoglib.machine import Config
run.make = lambda: None
run.disk_default = lambda is_fresh: None
run.in_build = lambda *parts: {log!r}
run.Config = lambda **given: Config(**{{**given, "kernel": {kernel!r}, "work": {work!r}}})
parser = argparse.ArgumentParser()
run.add_arguments(parser)
sys.exit(run.main(parser.parse_args(sys.argv[1:])))
"""


def driver_command(*arguments):
	folder = work_folder()
	text = DRIVER.format(log=os.path.join(folder, "log"), kernel=guest(), work=folder)
	return [sys.executable, "-c", text, "--mem", "64", *arguments]


def environment():
	return {**os.environ, "PYTHONPATH": os.path.join(ROOT, "tools")}


def test_outputs_are_apart():
	"""Standard output holds the console's bytes alone; incidents and failures go to standard error."""
	result = subprocess.run(driver_command("--exec", "x"), input=b"abc\n", capture_output=True, env=environment(), timeout=3600)
	expect((result.returncode, result.stdout, result.stderr) == (7, b"guest\r\nabc\n", b""), f"{result}")
	result = subprocess.run(driver_command("--exec", "x"), input=b"f", capture_output=True, env=environment(), timeout=3600)
	expect((result.returncode, result.stdout) == (1, b"guest\r\n") and b"zog: no disk" in result.stderr, f"{result}")
	result = subprocess.run(driver_command(), input=b"q", capture_output=True, env=environment(), timeout=3600)
	expect(result.stderr.count(b"zog: incident 1: virtio_blk was killed") == 1, f"{result}")


def read_until(descriptor, awaited, limit_s=600):
	seen = b""
	started = time.monotonic()
	while awaited not in seen:
		expect(time.monotonic() - started < limit_s, f"waited for {awaited!r}, saw {seen!r}")
		seen += os.read(descriptor, 4096)
	return seen


def test_terminal():
	"""Keys reach the guest as they are, Ctrl-C too; Ctrl-A X ends the machine and the terminal is as before."""
	master, slave = pty.openpty()
	before = termios.tcgetattr(slave)
	process = subprocess.Popen(driver_command(), stdin=slave, stdout=slave, stderr=slave, env=environment(), start_new_session=True,
		preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0))
	try:
		read_until(master, b"guest\r\n")
		expect(termios.tcgetattr(slave)[3] & termios.ICANON == 0, "the terminal is not raw")
		os.write(master, b"\x03z\x01\x01")
		read_until(master, b"\x03z\x01")
		os.write(master, b"\x01x")
		expect(process.wait(600) == 0, f"status {process.returncode}")
		expect(termios.tcgetattr(slave) == before, "the terminal's modes are not restored")
	finally:
		process.kill()
		process.wait()
		os.close(master)
		os.close(slave)
