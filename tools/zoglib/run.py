"""`zog run`: builds, boots, and joins the guest's console with the terminal.

With --exec the command's output is all that goes to standard output, and its exit status becomes ours. Without, the
terminal is the guest's console: every key goes to the guest, Ctrl-C too; Ctrl-A X ends the machine, Ctrl-A Ctrl-A sends
one Ctrl-A.
"""

import os
import sys
import termios
import tty

from .build import BUILD, RUN, Failure, in_build, make
from .disk import disk_default
from .log import incident_sentence, parse_record, quarantine_sentence
from .machine import Config, Machine, disk_of_user, machine_verdict

ESCAPE = 0x01  # Ctrl-A
LAB_GOALS = ("lab",)
LAB_KERNEL = os.path.join(BUILD, "lab", "zog.elf")
END_OF_FILE = b"\x04"  # Ctrl-D


def add_arguments(parser):
	parser.add_argument("--exec", dest="exec_text", metavar="CMD", help="run one command line; its output and status are ours")
	parser.add_argument("--smp", type=int, default=2, metavar="N", help="CPUs, 1..8 (default 2)")
	parser.add_argument("--mem", type=int, default=1024, metavar="MIB", help="memory in MiB (default 1024)")
	parser.add_argument("--disk", metavar="IMG", help="ext4 image to use as root (default build/disk.img)")
	parser.add_argument("--fresh", action="store_true", help="make build/disk.img anew first")
	parser.add_argument("--log", metavar="FILE", help="keep the system log in FILE, too (default build/run/log)")
	parser.add_argument("--append", default="", metavar="WORDS", help="further words for the kernel's command line")
	parser.add_argument("--no-iommu", action="store_true", help="a machine without IOMMU: drivers and their devices are trusted with all memory")
	parser.add_argument("--device", action="append", default=[], metavar="TEXT", help="a further device, as for QEMU's -device; may be repeated")
	parser.add_argument("--lab", action="store_true", help="build and run build/lab/zog.elf, with the test domains of tests/domains")
	parser.add_argument("--no-build", action="store_true", help="boot what was built last, whatever has changed since")
	parser.add_argument("--debug", action="store_true", help="QEMU logs exceptions and resets to build/run/qemu.log")
	parser.add_argument("--gdb", action="store_true", help="wait for gdb on loopback port 1234 before the first instruction")


def check(options):
	"""A message for wrong arguments, or None."""
	if not 1 <= options.smp <= 8:
		return "--smp: from 1 to 8 CPUs"
	if not 16 <= options.mem <= 65536:
		return "--mem: from 16 to 65536 MiB"
	if options.exec_text is not None and not options.exec_text.strip():
		return "--exec: the command is empty"
	return None


class Terminal:
	"""The host's standard input: raw while the guest has it, as it was afterwards."""

	def __init__(self, is_interactive):
		self.descriptor = sys.stdin.fileno() if sys.stdin else None
		self.is_tty = self.descriptor is not None and os.isatty(self.descriptor)
		# A job in the background must not touch the terminal.
		self.is_ours = self.is_tty and os.tcgetpgrp(self.descriptor) == os.getpgrp()
		self.is_raw = is_interactive and self.is_ours
		self.saved = None

	def __enter__(self):
		if self.is_raw:
			self.saved = termios.tcgetattr(self.descriptor)
			tty.setraw(self.descriptor)
		return self

	def __exit__(self, *_):
		if self.saved is not None:
			termios.tcsetattr(self.descriptor, termios.TCSADRAIN, self.saved)
			self.saved = None

	def tell(self, text):
		"""A message on standard error that looks right in raw mode."""
		sys.stderr.write((text + "\n").replace("\n", "\r\n") if self.saved is not None else text + "\n")
		sys.stderr.flush()


class Session:
	"""One run: passes bytes both ways until the machine ends."""

	def __init__(self, machine, terminal, is_interactive):
		self.machine = machine
		self.terminal = terminal
		self.is_interactive = is_interactive
		self.is_escaped = False
		self.at_line_start = True

	def run(self):
		terminal = self.terminal
		if terminal.descriptor is not None and (terminal.is_ours or not terminal.is_tty):
			content = self.machine.take_input(terminal.descriptor)
			if content is not None:
				self.on_input(content)
				self.on_input(b"")
		for kind, data in self.machine.events():
			if kind == "console":
				sys.stdout.buffer.write(data)
				sys.stdout.buffer.flush()
			elif kind == "log":
				self.on_log(data)
			elif kind == "input":
				self.on_input(data)

	def on_input(self, data):
		if self.terminal.is_raw:
			data = self.filter_escapes(data)
		elif not data: # on a terminal line, end of file is Ctrl-D at the start of a line, or twice within one
			data = END_OF_FILE if self.at_line_start else END_OF_FILE * 2
		else:
			self.at_line_start = data.endswith(b"\n")
		if data:
			self.machine.type(data)

	def filter_escapes(self, data):
		"""Takes Ctrl-A sequences out of what is typed."""
		kept = bytearray()
		for byte in data:
			if self.is_escaped:
				self.is_escaped = False
				if byte in b"xX":
					self.terminal.tell("\nzog: ended by Ctrl-A X")
					self.machine.log.power_off = 0
					self.machine.process.kill()
				elif byte == ESCAPE:
					kept.append(byte)
				else:
					self.terminal.tell("\nzog: Ctrl-A X ends the machine, Ctrl-A Ctrl-A sends Ctrl-A")
			elif byte == ESCAPE:
				self.is_escaped = True
			else:
				kept.append(byte)
		return bytes(kept)

	def on_log(self, line):
		record = parse_record(line)
		if record is None:
			return
		kind, number, fields = record
		if kind == "fatal":
			self.machine.process.kill() # nothing follows; the verdict carries the text
		elif kind == "incident" and self.is_interactive:
			self.terminal.tell(incident_sentence(number, fields))
		elif kind == "quarantine":
			self.terminal.tell(quarantine_sentence(fields))
		elif kind == "iommu off":
			self.terminal.tell(f"zog: NO IOMMU: {fields}")


def main(options):
	disk = disk_of_user(options.disk) if options.disk else None
	if not options.no_build:
		make(*LAB_GOALS if options.lab else ())
	if disk is None:
		disk = disk_default(options.fresh)
	is_interactive = options.exec_text is None
	logs = [in_build("run", "log")] + ([options.log] if options.log else [])
	config = Config(disk=disk, smp=options.smp, memory_mib=options.mem, exec_text=options.exec_text,
					**({"kernel": LAB_KERNEL} if options.lab else {}), append=options.append,
					qemu_log=in_build("run", "qemu.log") if options.debug else None,
					has_gdb=options.gdb, has_iommu=not options.no_iommu, work=RUN,
					extra=[word for text in options.device for word in ("-device", text)])
	try:
		machine = Machine(config, logs)
	except OSError as error:
		raise Failure(f"--log: {error}") from error
	with Terminal(is_interactive) as terminal:
		if options.gdb:
			terminal.tell("zog: waiting for gdb: gdb build/zog.elf -ex 'target remote :1234'")
		machine.start()
		try:
			Session(machine, terminal, is_interactive).run()
		except KeyboardInterrupt:
			machine.process.kill()
			return 130
		except BrokenPipeError: # nobody reads our output any more
			machine.process.kill()
			os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
			return 141
	status, message = machine_verdict(machine)
	if message:
		print(message, file=sys.stderr)
	return status
