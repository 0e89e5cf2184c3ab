"""Images of domains damaged in memory, from outside the machine: nothing of a damaged page is ever executed again.

Pages are measured when a new incarnation of the domain first touches them. The machine's memory is changed through QEMU's gdb
server, in its protocol's own words."""

import os
import re
import socket

from zoglib import profile
from zoglib.build import BUILD
from zoglib.disk import disk_make
from zoglib.elf import PF_EXECUTE, Elf
from zoglib.gdbstub import near
from zoglib.testing import boot, expect, work_folder

KERNEL = os.path.join(BUILD, "zog.elf")
PROMPT = "~# "
# Commands of the shell itself: without random bytes nothing can be executed.
ASK = "if read -n 1 byte < /dev/urandom; then echo given; else echo refused; fi"


def packet(connection, text):
	"""One request to the gdb server; its answer, past what it says of the machine having stopped."""
	connection.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) % 256))
	data = b""
	while not (found := re.search(rb"\$([^T#][^#]*)#..", data)):
		data += connection.recv(4096) or b"$E closed#00"
	connection.sendall(b"+")
	return found[1].decode()


def byte_flip(machine, physical):
	"""Turns the bits of one byte of the machine's memory, which stands still meanwhile."""
	path = near(os.path.join(work_folder(), "gdb"))
	machine.ask(f"gdbserver unix:{path},server=on,wait=off")
	with socket.socket(socket.AF_UNIX) as connection:
		connection.settimeout(3600)
		connection.connect(path)
		answer = packet(connection, "Qqemu.PhyMemMode:1")
		expect(answer == "OK", f"the gdb server knows no physical addresses: {answer!r}")
		old = int(packet(connection, f"m{physical:x},1"), 16)
		expect(packet(connection, f"M{physical:x},1:{old ^ 0xff:02x}") == "OK", "the gdb server does not write")
		found = int(packet(connection, f"m{physical:x},1"), 16)
		expect(found == old ^ 0xff, f"{found:#x} after {old:#x} was turned")
		packet(connection, "D") # the machine goes on
	machine.ask("gdbserver none")


def text_of(domain):
	"""Where the domain's text lies in the machine's memory: first byte, and the one behind the last."""
	rows = profile.texts_find(KERNEL, os.path.join(BUILD, "domains"))
	return next((first, last) for first, last, _, name in rows if name == domain)


def expect_measured(result, domain, causes):
	found = [fields["cause"] for fields in result.log.incidents.values() if fields["domain"] == domain]
	expect(found == causes, f"incidents of {domain}: {found}, not {causes}")
	expect(any(f"quarantine domain={domain} its image does not have its measure" in line for line in result.lines), "no quarantine in the log")


def test_damaged_text_never_runs():
	"""The page with the entry: the next start finds it, and the domain stays out, until it gets another program."""
	disk = os.path.join(work_folder(), "disk.img")
	with open(os.path.join(BUILD, "updates", "entropy.update"), "rb") as file:
		disk_make(disk, extra={"root/good": file.read()})
	first, _ = text_of("entropy")

	def damage(machine):
		byte_flip(machine, first) # of what only a domain that is told to hang executes
		return f"{ASK}; echo kill entropy > /zog/ctl; {ASK}; echo damage done\n".encode()
	result = boot(disk=disk, talk=[(PROMPT, f"echo kill entropy > /zog/ctl; {ASK}; echo first done\n".encode()), ("\nfirst done\n", damage),
		("\ndamage done\n", f"echo update entropy /root/good > /zog/ctl; {ASK}; poweroff\n".encode())])
	result.expect_status(0)
	answers = [line for line in result.output.splitlines() if line in ("given", "refused")]
	expect(answers == ["given", "given", "refused", "given"], f"before and after the damage, after the kill, after the update: {answers}; "
		f"{result.describe()}")
	expect_measured(result, "entropy", ["killed", "killed", "measure"])


def test_a_domain_damaged_at_boot_is_not_started():
	with open(KERNEL, "rb") as file:
		content = bytearray(file.read())
	text = next(part.content for part in Elf(os.path.join(BUILD, "domains", "scheduler.elf")).segments() if part.flags & PF_EXECUTE)
	content[content.find(text) + 100] ^= 0xff
	kernel = os.path.join(work_folder(), "damaged.elf")
	with open(kernel, "wb") as file:
		file.write(content)
	result = boot("grep -c quarantined /zog/domains; echo on", kernel=kernel)
	result.expect_status(0)
	result.expect_output("1\non\n")
	expect(any("measure domain=scheduler" in line for line in result.lines), "the boot does not tell")
	expect_measured(result, "scheduler", ["measure"])
