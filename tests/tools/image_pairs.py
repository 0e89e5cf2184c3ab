#!/usr/bin/env python3
"""A domain that was built with another state of a contract is not packed with the rest: patches the table of
contracts (abi/zog/image.h) in copies of the built domains and runs tools/image.py over them."""

import glob
import os
import shutil
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = os.environ.get("ZOG_ROOT", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from zoglib.elf import Elf
from zoglib.image_table import ENTRY, HEAD, MAGIC, USES, image_table

WORK = os.path.join(ROOT, "build", "tests", "image-pairs")


class CaseFailure(Exception):
	pass


def expect(condition, reason):
	if not condition:
		raise CaseFailure(reason)


def domains_copy():
	shutil.rmtree(WORK, ignore_errors=True)
	os.makedirs(os.path.join(WORK, "out"))
	for path in glob.glob(os.path.join(ROOT, "build", "domains", "*.elf")):
		shutil.copy(path, WORK)
	shutil.copy(os.path.join(ROOT, "build", "gen", "system", "domains.txt"), os.path.join(WORK, "out"))


def entry_patch(domain, name, layout, offset, change):
	"""Changes one field of the entry NAME in the domain's table."""
	path = os.path.join(WORK, domain + ".elf")
	data = bytearray(open(path, "rb").read())
	table = data.index(struct.pack("<Q", MAGIC))
	names = [entry.name for entry in image_table(Elf(path))]
	at = table + HEAD.size + names.index(name) * ENTRY.size + offset
	struct.pack_into(layout, data, at, change(struct.unpack_from(layout, data, at)[0]))
	with open(path, "wb") as file:
		file.write(data)


def pack(*more):
	return subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools", "image.py"), "--domains", WORK, "--out",
	                       os.path.join(WORK, "out"), *more], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)


def identity(domain, name):
	entry = next(e for e in image_table(Elf(os.path.join(WORK, domain + ".elf"))) if e.name == name)
	return entry.describe()


def refused(domain, name, server):
	result = pack()
	said = (f"image.py: {domain} was built with contract {name} {identity(domain, name)}, but {server} offers "
	        f"{identity(server, name)}: build both from the same contract\n")
	expect(result.returncode == 1, f"exit status {result.returncode}")
	expect(result.stderr == said, f"said {result.stderr!r}, not {said!r}")
	expect(not os.path.exists(os.path.join(WORK, "out", "images.bin")), "packed in spite of the refusal")


def case_domains_of_one_tree_fit():
	result = pack()
	expect(result.returncode == 0 and not result.stderr, result.stderr)


def case_another_fingerprint_is_refused_with_both_names():
	entry_patch("ext4", "block", "<Q", 48, lambda value: value ^ 1)
	refused("ext4", "block", "virtio_blk")


def case_another_version_is_refused_with_both_names():
	entry_patch("ext4", "block", "<I", 40, lambda value: value + 1)
	refused("ext4", "block", "virtio_blk")


def case_another_number_is_refused_with_both_names():
	entry_patch("linux", "clock", "<H", 46, lambda value: value + 1)
	refused("linux", "clock", "clock")


def case_whoever_only_waits_must_fit_too():
	expect(any(e.name == "block" and e.role == USES for e in image_table(Elf(os.path.join(WORK, "linux.elf")))), "linux waits on block.done")
	entry_patch("linux", "block", "<Q", 48, lambda value: value + 1)
	refused("linux", "block", "virtio_blk")


def case_an_image_without_the_table_is_refused():
	entry_patch("clock", "clock", "<Q", -HEAD.size, lambda value: value + 1)
	result = pack()
	expect(result.returncode == 1 and "do not begin with a table of contracts" in result.stderr, result.stderr)


def main():
	failed = 0
	for name, case in [(n.removeprefix("case_"), c) for n, c in globals().items() if n.startswith("case_")]:
		try:
			domains_copy()
			case()
			print(f"ok {name}", flush=True)
		except (CaseFailure, StopIteration, ValueError, OSError) as failure:
			failed += 1
			print(f"FAIL {name} {failure}", flush=True)
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
