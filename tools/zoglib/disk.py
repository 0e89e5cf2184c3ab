"""Makes disk images: an ext4 file system with Debian's busybox, its applets, and the static test programs.

The default image build/disk.img stays between runs, so that files written in Zog are still there; it is made anew when
it is missing, when --fresh asks for it, or when what goes into it has changed (the old one is then kept as disk.img.old).
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys

from .build import BUILD, ROOT, Failure, in_build, tool

BUSYBOX = "/bin/busybox"
DEFAULT_BYTES = 512 << 20
FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin", "etc", "dev", "proc", "zog", "tmp", "root", "home", "mnt", "var", "tests")
SBIN_APPLETS = {"halt", "poweroff", "reboot", "init", "mkfs.ext2", "mke2fs", "fdisk", "ifconfig", "route", "swapon",
				"swapoff", "syslogd", "klogd", "mkswap", "losetup", "getty", "modprobe", "insmod", "rmmod", "lsmod"}
FILES = {
	"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
	"etc/group": "root:x:0:\nnogroup:x:65534:\n",
	"etc/hostname": "zog\n",
	# With the shell as process 1 nobody is there to take poweroff's signal, so the system call is made at once.
	"etc/profile": "export HOME=/root PATH=/sbin:/usr/sbin:/bin:/usr/bin PS1='zog:\\w\\$ '\n"
				   "alias poweroff='poweroff -f' halt='halt -f' reboot='reboot -f'\n"
				   "cd /root\n",
}


def build_programs():
	"""Compiles tests/linux/*.c for the guest; returns their paths."""
	programs = []
	for source in sorted(glob.glob(os.path.join(ROOT, "tests", "linux", "*.c"))):
		program = in_build("tests", "linux", os.path.splitext(os.path.basename(source))[0])
		if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
			tool("gcc", "-static", "-O2", "-Wall", "-Wextra", "-pthread", "-o", program + ".new", source)
			os.replace(program + ".new", program)
		programs.append(program)
	return programs


def fingerprint(programs):
	"""Names what the default image is made of."""
	digest = hashlib.sha256()
	for path in [BUSYBOX, __file__, *programs]:
		with open(path, "rb") as file:
			digest.update(path.encode() + b"\0" + hashlib.sha256(file.read()).digest())
	return digest.hexdigest()


def stage_tree(tree, programs, extra):
	shutil.rmtree(tree, ignore_errors=True)
	for folder in FOLDERS:
		os.makedirs(os.path.join(tree, folder))
	os.chmod(os.path.join(tree, "tmp"), 0o1777)
	os.chmod(os.path.join(tree, "root"), 0o700)
	shutil.copy(BUSYBOX, os.path.join(tree, "bin", "busybox"))
	applets = subprocess.run([BUSYBOX, "--list"], check=True, text=True, stdout=subprocess.PIPE).stdout.split()
	for applet in applets:
		if applet != "busybox":
			os.symlink("/bin/busybox", os.path.join(tree, "sbin" if applet in SBIN_APPLETS else "bin", applet))
	for name, text in FILES.items():
		with open(os.path.join(tree, name), "w") as file:
			file.write(text)
	for program in programs:
		shutil.copy(program, os.path.join(tree, "tests", os.path.basename(program)))
	for name, content in extra.items():
		path = os.path.join(tree, name)
		os.makedirs(os.path.dirname(path), exist_ok=True)
		with open(path, "wb") as file:
			file.write(content)


def own_by_root(image, tree):
	"""Files made by an ordinary user belong to root inside the image."""
	commands = []
	for folder, folders, files in os.walk(tree):
		for name in folders + files:
			path = "/" + os.path.relpath(os.path.join(folder, name), tree)
			commands += [f'set_inode_field "{path}" uid 0', f'set_inode_field "{path}" gid 0']
	script = image + ".debugfs"
	with open(script, "w") as file:
		file.write("\n".join(commands) + "\n")
	tool("debugfs", "-w", "-f", script, image)
	os.remove(script)


def disk_make(image, size_bytes=DEFAULT_BYTES, extra=None):
	"""Writes a new image. extra: further files, {"path/in/image": bytes}."""
	if not os.path.exists(BUSYBOX):
		raise Failure(f"{BUSYBOX} is missing: install busybox-static")
	tree = image + ".tree"
	stage_tree(tree, build_programs(), extra or {})
	part = image + ".part"
	with open(part, "wb") as file:
		file.truncate(size_bytes)
	tool("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-E", "root_owner=0:0", "-d", tree, part)
	if os.geteuid() != 0:
		own_by_root(part, tree)
	shutil.rmtree(tree)
	os.replace(part, image)


def disk_default(is_fresh=False):
	"""The image that `run` uses; see the top of this file."""
	image = in_build("disk.img")
	mark = os.path.join(BUILD, "disk.inputs")
	now = fingerprint(build_programs())
	known = None
	if os.path.exists(mark):
		with open(mark) as file:
			known = file.read().strip()
	if is_fresh or not os.path.exists(image) or known != now:
		if os.path.exists(image) and not is_fresh:
			os.replace(image, image + ".old")
			print("zog: what goes into build/disk.img has changed: it is made anew, the old one is build/disk.img.old", file=sys.stderr)
		disk_make(image)
		with open(mark, "w") as file:
			file.write(now + "\n")
	return image


def disk_template():
	"""An image of default contents that is never booted: tests copy it."""
	image = in_build("tests", "template.img")
	mark = image + ".inputs"
	now = fingerprint(build_programs())
	if not os.path.exists(image) or not os.path.exists(mark) or open(mark).read().strip() != now:
		disk_make(image)
		with open(mark, "w") as file:
			file.write(now + "\n")
	return image


def disk_copy(source, target):
	"""A sparse copy."""
	tool("cp", "--sparse=always", "--", source, target)
	return target


def disk_check(image):
	"""e2fsck's verdict: (is_clean, its output)."""
	result = subprocess.run(["e2fsck", "-f", "-n", image], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
							stderr=subprocess.STDOUT, text=True, errors="replace")
	return result.returncode == 0, result.stdout


def disk_read(image, path):
	"""Contents of a file in the image."""
	result = subprocess.run(["debugfs", "-R", f"cat {path}", image], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
							stderr=subprocess.DEVNULL)
	return result.stdout
