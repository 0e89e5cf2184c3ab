"""`zog update-image NAME`: builds a domain's program as a file for a live update of a running system.

The kernel that was built stays as it is. The file fits a system of the same contracts, manifests, core interface and home
region (docs/howto/update-a-domain.md)."""

import os
import subprocess

from .build import BUILD, Failure, make, tool
from .machine import disk_of_user


def add_arguments(parser):
	parser.add_argument("domain", metavar="NAME", help="the domain, as in /zog/domains")
	parser.add_argument("--disk", metavar="IMG", help="put the file onto this ext4 image, too, as /root/NAME.update; no machine may be using it")


def disk_put(image, source, target):
	"""Writes a file into the image, in place of one of that name."""
	tool("debugfs", "-w", "-R", f"rm {target}", image) # debugfs's status is 0 whether it was there or not
	tool("debugfs", "-w", "-R", f"write {source} {target}", image)
	tool("debugfs", "-w", "-R", f"set_inode_field {target} uid 0", image)
	check = tool_output("debugfs", "-R", f"stat {target}", image)
	if f"Size: {os.path.getsize(source)}\n" not in check:
		raise Failure(f"{image}: {target} could not be written: {check.strip().splitlines()[-1:]}")


def tool_output(*command):
	return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace").stdout


def main(options):
	disk = disk_of_user(options.disk) if options.disk else None
	make("updates")
	path = os.path.join(BUILD, "updates", options.domain + ".update")
	if not os.path.isfile(path):
		known = sorted(name.removesuffix(".update") for name in os.listdir(os.path.dirname(path)))
		raise Failure(f"no domain {options.domain!r}; there are {', '.join(known)}")
	if disk:
		disk_put(disk, path, f"/root/{options.domain}.update")
	print(os.path.relpath(path))
	return 0
