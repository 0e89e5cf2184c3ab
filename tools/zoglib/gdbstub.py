"""QEMU's gdb stub, spoken to directly: for tests that stop the machine at an instruction, step it, and change what it does
next. What gdb itself would be too slow for: tens of thousands of steps.

The machine is started with arguments(path). From the moment there is a Stub, it runs only between resume() and the next
stop, or between run() and halt(). Steps take no interrupts (the stub's default)."""

import os
import socket
import subprocess
import time

from .build import BUILD

RAX, RSI, RDI, RSP, RIP, FLAGS, CS, CR3 = 0, 4, 5, 7, 16, 17, 18, 29 # numbers of registers, as the stub describes its x86-64
CONNECT_S = 900


def arguments(path):
	"""QEMU's arguments: the stub listens at PATH, and stops the machine when somebody comes."""
	return ["-gdb", f"unix:{near(path)},server=on,wait=off"]


def symbol(name, program="core.elf"):
	"""Where it stands in a program of build/."""
	for line in subprocess.run(["nm", os.path.join(BUILD, program)], capture_output=True, text=True, check=True).stdout.splitlines():
		if line.split()[-1] == name:
			return int(line.split()[0], 16)
	raise LookupError(name)


def near(path):
	"""The shorter way to it from here, where QEMU is started, too: a socket's address has room for some 100 bytes."""
	return min(os.path.relpath(path), path, key=len)


class StubFailure(Exception):
	pass


class Stub:
	def __init__(self, path):
		self._socket = connect(path)
		self._received = b""
		self.send("qXfer:features:read:target.xml:0,ffb") # only who has read it may ask for single registers
		while "<target>" not in self.receive():
			pass # where the machine ran until now, the stub tells first that it stopped

	def close(self):
		self._socket.close()

	def send(self, text):
		data = text.encode()
		self._socket.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

	def receive(self):
		"""The next packet's text; waits for as long as it takes."""
		while True:
			start = self._received.find(b"$")
			end = self._received.find(b"#", start)
			if start >= 0 and 0 <= end <= len(self._received) - 3:
				packet = self._received[start + 1 : end]
				self._received = self._received[end + 3 :]
				self._socket.sendall(b"+")
				return packet.decode()
			data = self._socket.recv(65536)
			if not data:
				raise StubFailure("the machine is gone")
			self._received += data

	def ask(self, text):
		self.send(text)
		return self.receive()

	def _command(self, text):
		answer = self.ask(text)
		if answer != "OK":
			raise StubFailure(f"{text}: {answer or 'not supported'}")

	def break_at(self, address):
		self._command(f"Z1,{address:x},1")

	def break_remove(self, address):
		self._command(f"z1,{address:x},1")

	def resume(self):
		"""Runs to the next stop; returns the thread, one for each CPU, that stopped."""
		return self._stopped("vCont;c")

	def run(self, thread=None):
		"""Lets it run, or one of its CPUs alone; nothing but halt() may follow."""
		self.send(f"vCont;c:{thread}" if thread else "vCont;c")

	def halt(self):
		self._socket.sendall(b"\x03")
		self.receive()

	def step(self, thread):
		"""One instruction of this CPU; the others stand still."""
		self._stopped(f"vCont;s:{thread}")

	def _stopped(self, command):
		answer = self.ask(command)
		if not answer.startswith("T05") or "thread:" not in answer:
			raise StubFailure(f"{command}: stopped by {answer}")
		return answer.partition("thread:")[2].partition(";")[0]

	def choose(self, thread):
		"""Whose registers are meant from now on."""
		self._command(f"Hg{thread}")

	def register(self, number):
		return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

	def memory(self, address, size):
		return bytes.fromhex(self.ask(f"m{address:x},{size:x}"))

	def set_memory(self, address, data):
		self._command(f"M{address:x},{len(data):x}:{data.hex()}")

	def set_register(self, number, value):
		self._command(f"P{number:x}={value.to_bytes(8, 'little').hex()}")

	def set_rip(self, value):
		self.set_register(RIP, value)

	def detach(self):
		"""The machine goes on by itself."""
		self._command("D")
		self.close()


def connect(path):
	end = time.monotonic() + CONNECT_S
	while True:
		try:
			client = socket.socket(socket.AF_UNIX)
			client.connect(near(path))
			return client
		except OSError:
			client.close()
			if time.monotonic() > end:
				raise StubFailure(f"nobody listens at {os.path.basename(path)}") from None
			time.sleep(0.05)
