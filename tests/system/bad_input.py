"""Bad disks, full disks, little memory: a plain message that says what to do, a status other than 0, no hang."""

import os
import re

from zoglib.disk import disk_check, disk_make, disk_read
from zoglib.testing import boot, expect, work_disk, work_folder


def expect_plain_failure(result, words):
	expect(result.status != 0, f"status 0; {result.describe()}")
	expect(result.message and result.log.fatal, f"no `zog: fatal` message; {result.describe()}")
	expect(re.search(words, result.message, re.IGNORECASE), f"the message does not say it: {result.message!r}")


def test_no_disk():
	expect_plain_failure(boot("true", disk=None), "disk")


def test_damaged_superblock():
	disk = work_disk()
	with open(disk, "r+b") as file:
		file.seek(1024 + 0x38)
		file.write(b"\0\0")
	expect_plain_failure(boot("true", disk=disk), "ext4|file system|superblock")


def test_random_superblock():
	disk = work_disk()
	with open(disk, "r+b") as file:
		file.seek(1024)
		file.write(bytes((i * 197 + 91) & 255 for i in range(1024)))
	expect_plain_failure(boot("true", disk=disk), "ext4|file system|superblock")


def test_tiny_disk():
	"""A disk shorter than its file system says."""
	disk = work_disk()
	os.truncate(disk, 64 << 20)
	expect_plain_failure(boot("true", disk=disk), "ext4|file system|superblock|disk")


def test_no_init():
	expect_plain_failure(boot(None, init="/bin/nothing"), "/bin/nothing")


def test_little_memory():
	result = boot("true", memory_mib=64)
	expect_plain_failure(result, "memory")


def test_full_disk():
	"""ENOSPC for the program; the file system stays clean, and space comes back."""
	disk = os.path.join(work_folder(), "small.img")
	disk_make(disk, 48 << 20)
	result = boot("""
		cd /root; echo precious > kept
		told=$(dd if=/dev/zero of=big bs=64k count=2000 status=none 2>&1); echo "dd $?"
		echo "$told" | grep -o 'No space left on device'
		rm big; sync; dd if=/dev/zero of=small bs=64k count=16 status=none; echo "again $?"; cat kept""", disk=disk)
	result.expect_output("dd 1\nNo space left on device\nagain 0\nprecious\n")
	is_clean, told = disk_check(disk)
	expect(is_clean, f"e2fsck -f: {told.strip().splitlines()[-8:]}")
	expect(disk_read(disk, "/root/small") == bytes(1 << 20), "the file written afterwards is not right")


def test_bad_programs():
	"""A text file, a directory, a damaged ELF file: the shell says so, status 126 or 127."""
	result = boot("""
		cd /tmp; printf '\\177ELF\\2\\1\\1' > cut; chmod +x cut; ./cut 2>/dev/null; echo $?
		head -c 100 /bin/busybox > head; chmod +x head; ./head 2>/dev/null; echo $?
		/tmp 2>/dev/null; echo $?; ./nothing 2>/dev/null; echo $?""")
	result.expect_status(0)
	codes = result.output.split()
	expect(len(codes) == 4 and all(code in ("2", "126", "127") for code in codes), f"statuses {codes}")
