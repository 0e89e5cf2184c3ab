"""The same benchmarks on Debian's Linux kernel, under the same QEMU: nothing is installed.

The kernel's package is downloaded with apt-get and unpacked under build/peer. An initial RAM disk of our own holds
busybox and the modules of virtio-blk and ext4; it mounts the same disk image that Zog ran on and runs the same binary.
"""

import glob
import os
import re
import shutil
import subprocess

from .bench_core import COUNTING, bench_disk, bench_folder, machine_run
from .build import Failure, in_build, tool
from .disk import BUSYBOX
from .machine import Config

META_PACKAGE = "linux-image-amd64"
MODULES = ("crc32c_generic", "crc32c-intel", "virtio_pci", "virtio_blk", "ext4")
# Design, section 8: Debian's kernel without what it does for safety alone.
LEAN = "mitigations=off init_on_alloc=0 lsm=yama audit=0 randomize_kstack_offset=off hardened_usercopy=off"
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
{insmods}
mount -t ext4 /dev/vda /mnt || {{ echo 'bench: no disk'; poweroff -f; }}
chroot /mnt /tests/bench_calls /root {calls} || echo 'bench: failed'
sync
poweroff -f
"""
APPLETS = ("sh", "mount", "insmod", "chroot", "poweroff", "sync", "echo")


class LinuxConfig(Config):
	"""A Config whose command line is Linux's."""

	def cmdline(self):
		return f"console=ttyS0 quiet panic=-1 {LEAN}"


# ---- the kernel --------------------------------------------------------------------------------------------------


def package_name():
	"""The versioned package that linux-image-amd64 stands for."""
	told = subprocess.run(["apt-cache", "depends", META_PACKAGE], stdin=subprocess.DEVNULL, capture_output=True, text=True)
	match = re.search(r"Depends: (linux-image-\S+)", told.stdout)
	if told.returncode != 0 or not match:
		raise Failure(f"--peer linux: apt-get knows no package {META_PACKAGE}: run apt-get update, or check the network")
	return match.group(1)


def kernel_unpack():
	"""Folder with boot/vmlinuz-* and lib/modules; downloads and unpacks the package at the first use."""
	root = os.path.join(os.path.dirname(in_build("peer", "x")), "root")
	if glob.glob(os.path.join(root, "boot", "vmlinuz-*")):
		return root
	folder = os.path.dirname(root)
	try:
		tool("apt-get", "download", package_name(), cwd=folder)
	except (Failure, FileNotFoundError) as error:
		raise Failure(f"--peer linux: Debian's kernel cannot be downloaded: {error}") from error
	shutil.rmtree(root + ".new", ignore_errors=True)
	tool("dpkg-deb", "-x", glob.glob(os.path.join(folder, "linux-image-*.deb"))[0], root + ".new")
	os.replace(root + ".new", root)
	return root


def one_file(root, *pattern):
	found = sorted(glob.glob(os.path.join(root, *pattern), recursive=True))
	if not found:
		raise Failure(f"--peer linux: the package holds no {os.path.join(*pattern)}; remove build/peer and try again")
	return found[-1]


def module_find(root, name):
	"""Path of a module, or None when the kernel has it built in."""
	spelled = re.sub(r"[-_]", "[-_]", name)
	found = glob.glob(os.path.join(root, "lib", "modules", "*", "kernel", "**", spelled + ".ko"), recursive=True)
	return found[0] if found else None


def modules_in_order(root):
	"""Paths of MODULES and all they depend on, dependencies first. Each module names its own in its section .modinfo."""
	ordered = []

	def visit(name):
		path = module_find(root, name)
		if path is None or path in ordered:
			return
		with open(path, "rb") as file:
			match = re.search(rb"\0depends=([^\0]*)\0", file.read())
		for dependency in match.group(1).decode().split(",") if match else ():
			if dependency:
				visit(dependency)
		ordered.append(path)

	for name in MODULES:
		visit(name)
	return ordered


# ---- the initial RAM disk ------------------------------------------------------------------------------------------


def cpio_entry(number, name, mode, content=b"", device=(0, 0)):
	"""One file in the format that the kernel's Documentation/driver-api/early-userspace calls newc."""
	path = name.encode() + b"\0"
	fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0)
	entry = b"070701" + b"".join(b"%08x" % field for field in fields) + path
	entry += b"\0" * (-len(entry) % 4) + content
	return entry + b"\0" * (-len(entry) % 4)


def cpio(files):
	"""files: (name, mode with type, content) and (name, mode, content, device)."""
	entries = [cpio_entry(number, *file) for number, file in enumerate(files, 1)]
	return b"".join(entries) + cpio_entry(0, "TRAILER!!!", 0)


def initrd_write(root, calls, path):
	files = [(name, 0o040755) for name in ("bin", "dev", "proc", "mnt", "modules")]
	files.append(("dev/console", 0o020600, b"", (5, 1)))
	with open(BUSYBOX, "rb") as file:
		files.append(("bin/busybox", 0o100755, file.read()))
	files += [(f"bin/{applet}", 0o120777, b"busybox") for applet in APPLETS]
	insmods = []
	for module in modules_in_order(root):
		name = os.path.basename(module)
		with open(module, "rb") as file:
			files.append((f"modules/{name}", 0o100644, file.read()))
		insmods.append(f"insmod /modules/{name}")
	files.append(("init", 0o100755, INIT.format(insmods="\n".join(insmods), calls=" ".join(calls)).encode()))
	with open(path, "wb") as file:
		file.write(cpio(files))


def linux_run(calls):
	"""Instructions of the given rows of bench_calls on Linux: {name: Count}."""
	root = kernel_unpack()
	initrd = os.path.join(bench_folder(), "peer.cpio")
	initrd_write(root, calls, initrd)
	config = LinuxConfig(kernel=one_file(root, "boot", "vmlinuz-*"), disk=bench_disk(), smp=1, work=bench_folder(),
	                     extra=[*COUNTING, "-initrd", initrd])
	rows, _ = machine_run(config, "linux.log")
	missing = [name for name in calls if name not in rows]
	if missing:
		raise Failure(f"Linux did not print {', '.join(missing)}; see build/bench/linux.log.console")
	return rows
