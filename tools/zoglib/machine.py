"""One QEMU: started, listened to, asked, stopped.

QEMU's two serial lines (console, system log) are pipes and its monitor is a socket pair, so everything is one event
loop, nothing is polled, and QEMU ends when this process does. Not sockets for the lines: QEMU sends byte by byte, a
socket has room for some 250 such messages only, and what waits in the serial chip at power off is lost.
"""

import ctypes
import fcntl
import os
import re
import selectors
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field

from .build import KERNEL, Failure
from .log import Log

PIPE_BYTES = 1 << 20
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
SIGN_OF_LIFE = re.compile(r"(?!zog:)[a-z0-9_]+: ") # a log line of a domain
POWER_OFF_GRACE_S = 120 # from the log's `power off` to QEMU's end


@dataclass
class Config:
	"""What to boot."""

	disk: str | None = None
	smp: int = 2
	memory_mib: int = 1024
	exec_text: str | None = None
	append: str = ""
	init: str = "/bin/sh"
	kernel: str = KERNEL
	qemu_log: str | None = None  # file for -d int,cpu_reset
	has_gdb: bool = False
	has_iommu: bool = True
	disk_options: str = ""  # further options of the disk's -drive, each with a comma in front
	work: str = ""  # folder for what QEMU is handed by file
	extra: list = field(default_factory=list)  # further QEMU arguments

	def cmdline(self):
		words = ["root=/dev/vda", f"init={self.init}"]
		words += ["zog.exec=1"] if self.exec_text is not None else ["TERM=vt100", "HOME=/root"]
		words += [self.append] if self.append else []
		# Unknown words without "=" become arguments of init: -l makes the shell read /etc/profile.
		words += ["-l"] if self.exec_text is None and self.init == "/bin/sh" else []
		return " ".join(words)


def virtio_device(text, config):
	"""A virtio device for -device: modern, and behind the IOMMU where there is one (else it would go past it)."""
	return text + ",disable-legacy=on" + (",iommu_platform=on" if config.has_iommu else "")


def qemu_arguments(config, log, monitor):
	"""The command line; log: descriptor of a pipe's writing end, monitor: of a socket. The console is QEMU's stdin, stdout."""
	arguments = ["qemu-system-x86_64", "-M", "q35" + (",kernel-irqchip=split" if config.has_iommu else ""), "-accel", "tcg",
				 "-cpu", "max", "-smp", str(config.smp), "-m", str(config.memory_mib), "-display", "none", "-no-reboot", "-nodefaults",
				 "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
				 "-chardev", f"file,id=log,path=/proc/self/fd/{log}", "-serial", "chardev:log",
				 "-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=readline",
				 "-kernel", config.kernel, "-append", config.cmdline()]
	if config.has_iommu: # before every device that it is to serve
		arguments += ["-device", "intel-iommu,intremap=on,device-iotlb=on"]
	if config.disk:
		arguments += ["-drive", f"file={config.disk.replace(',', ',,')},if=none,format=raw,id=d0,cache=writeback{config.disk_options}",
					  "-device", virtio_device("virtio-blk-pci,drive=d0", config)]
	if config.exec_text is not None:
		text = os.path.join(config.work, "exec")
		with open(text, "w") as file:
			file.write(config.exec_text)
		arguments += ["-initrd", text]
	if config.qemu_log:
		arguments += ["-d", "int,cpu_reset", "-D", config.qemu_log]
	if config.has_gdb:
		arguments += ["-gdb", "tcp:127.0.0.1:1234", "-S"]
	return arguments + config.extra


def die_with_parent():
	LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Machine:
	"""A running QEMU. Iterate over events(): ("console", bytes), ("log", line), ("input", bytes), ("idle", seconds)."""

	def __init__(self, config, log_paths=()):
		self.config = config
		self.log = Log()
		self.lines = []  # the log's last lines
		self.process = None
		self.error_text = ""
		self._log_files = [open(path, "wb", buffering=0) for path in log_paths]
		self._log_part = b""
		self._selector = selectors.DefaultSelector()
		self._to_console = bytearray()
		self._open = set()
		self._input = None
		self._is_sending = False
		self._is_listening = False # the guest's console is up: see type()
		self._power_off_at = None

	def start(self):
		console_input, self._console_in = os.pipe()
		self._console_out, console_output = os.pipe()
		self._log_out, log = os.pipe()
		self._monitor, monitor = socket.socketpair()
		for end in (console_output, log):
			fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
		arguments = qemu_arguments(self.config, log, monitor.fileno())
		self._errors = open(os.path.join(self.config.work, "qemu.err"), "w+")
		# A session of its own: Ctrl-C on the terminal is for us to deal with.
		self.process = subprocess.Popen(arguments, stdin=console_input, stdout=console_output, stderr=self._errors,
			pass_fds=[log, monitor.fileno()], preexec_fn=die_with_parent, start_new_session=True)
		for end in (console_input, console_output, log):
			os.close(end)
		monitor.close()
		os.set_blocking(self._console_in, False)
		for end, name in ((self._console_out, "console"), (self._log_out, "log")):
			self._selector.register(end, selectors.EVENT_READ, name)
			self._open.add(name)

	def take_input(self, descriptor):
		"""Bytes that arrive at this file descriptor become "input" events; b"" when it ends."""
		try:
			self._selector.register(descriptor, selectors.EVENT_READ, "input")
			self._input = descriptor
		except PermissionError: # a regular file is always ready and cannot be waited for
			self._input = None
			return open(descriptor, "rb", closefd=False).read()
		return None

	def drop_input(self):
		if self._input is not None:
			self._selector.unregister(self._input)
			self._input = None

	def type(self, data):
		"""Sends bytes to the console, as far as the guest takes them; the rest follows by itself. Nothing goes out before
		the guest gives a sign of life beyond the core's own: a serial chip loses what it holds when it is set up."""
		self._to_console += data
		if self._is_listening:
			self._send()

	def _hear(self):
		if not self._is_listening:
			self._is_listening = True
			self._send()

	def _send(self):
		try:
			while self._to_console:
				sent = os.write(self._console_in, self._to_console[:4096])
				del self._to_console[:sent]
		except BlockingIOError:
			pass
		except OSError:
			self._to_console.clear() # QEMU is gone; the reading side notices
		if bool(self._to_console) != self._is_sending:
			self._is_sending = bool(self._to_console)
			if self._is_sending:
				self._selector.register(self._console_in, selectors.EVENT_WRITE, "room")
			else:
				self._selector.unregister(self._console_in)

	def events(self, tick_s=1.0):
		"""Ends when QEMU has closed both serial lines. "idle" comes after each tick without any event."""
		while self._open:
			ready = self._selector.select(tick_s)
			if not ready:
				yield "idle", tick_s
			for key, _ in ready:
				if key.data == "room":
					self._send()
				elif key.data == "input":
					yield "input", self._receive_input(key.fd)
				else:
					yield from self._receive(key)
			if self._power_off_at and time.monotonic() > self._power_off_at + POWER_OFF_GRACE_S:
				self.stop()
		self.stop()

	def _receive_input(self, descriptor):
		data = os.read(descriptor, 4096)
		if not data:
			self.drop_input()
		return data

	def _receive(self, key):
		data = os.read(key.fd, 65536)
		if not data:
			self._selector.unregister(key.fd)
			self._open.discard(key.data)
		if key.data == "log":
			yield from self._receive_log(data)
		elif data:
			self._hear()
			yield "console", data

	def _receive_log(self, data):
		for file in self._log_files:
			file.write(data)
		self._log_part += data if data else b"\n" * bool(self._log_part)
		*whole, self._log_part = self._log_part.split(b"\n")
		for raw in whole:
			line = raw.decode("utf-8", "replace").rstrip("\r")
			self.lines = self.lines[-199:] + [line]
			self.log.feed(line)
			if SIGN_OF_LIFE.match(line):
				self._hear()
			if self.log.power_off is not None and self._power_off_at is None:
				self._power_off_at = time.monotonic()
			yield "log", line

	def ask(self, command, timeout_s=300):
		"""One command to QEMU's monitor; returns its answer, or what came of it."""
		answer = b""
		try:
			self._monitor.settimeout(timeout_s)
			if not getattr(self, "_has_prompt", False):
				while not answer.endswith(b"(qemu) "):
					answer += self._monitor.recv(65536) or b"(qemu) "
				self._has_prompt = True
			self._monitor.sendall(command.encode() + b"\n")
			answer = b""
			while not answer.endswith(b"(qemu) "):
				answer += self._monitor.recv(65536) or b"(qemu) "
		except OSError as error:
			answer += f"[the monitor does not answer: {error}]".encode()
		text = answer.decode("utf-8", "replace").replace("\r", "")
		return text.partition("\n")[2].removesuffix("(qemu) ") # the first line is the echo of what was typed

	def stop(self):
		"""Ends QEMU if it still runs; may be called again."""
		if self.process is None:
			return
		if self._power_off_at is None or time.monotonic() > self._power_off_at + POWER_OFF_GRACE_S:
			if self.process.poll() is None and self._open:
				self.process.kill()
		try:
			self.process.wait(POWER_OFF_GRACE_S)
		except subprocess.TimeoutExpired:
			self.process.kill()
			self.process.wait()
		self._errors.seek(0)
		self.error_text = self._errors.read()
		self._selector.close()
		for thing in (self._errors, self._monitor, *self._log_files):
			thing.close()
		for end in (self._console_in, self._console_out, self._log_out):
			os.close(end)
		self._open.clear()
		self.process = None


def machine_verdict(machine):
	"""Exit status of a finished run and, where it did not end by power off, a message: (status, message or None)."""
	if machine.log.fatal is not None:
		return 1, f"zog: {machine.log.fatal}"
	if machine.log.power_off is not None:
		return machine.log.power_off, None
	tail = "\n".join("  " + line for line in machine.lines[-15:]) or "  (nothing)"
	said = f"\nQEMU says:\n{machine.error_text.rstrip()}" if machine.error_text.strip() else ""
	return 1, f"zog: the machine stopped without powering off. The system log's last lines:\n{tail}{said}"


def disk_of_user(path):
	"""Checks a --disk argument."""
	if not os.path.isfile(path):
		raise Failure(f"--disk {path}: no such file")
	if not os.access(path, os.R_OK | os.W_OK):
		raise Failure(f"--disk {path}: may not be read and written")
	return path
