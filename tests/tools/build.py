"""The build's own tools: what image.py refuses, that symbols.py writes a blob in bounds, and ./zog without its packages."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "lib", "rt", "domain.ld")
# A table of no contracts (abi/zog/image.h) comes first in the constants.
GOOD = "__attribute__((section(\".rodata.image_table\"))) const unsigned long none[2] = { 0x47414d49474f5a00, 1 };\n" \
	"int table[2] = { 1, 2 }; const char text[] = \"constant\"; int zero[100];\n" \
	"__attribute__((noinline)) int twice(int x) { return table[0] * x + zero[x] + text[x]; }\n" \
	"void rt_entry(void) { twice(3); }\n"


def run(*command, **options):
	return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)


def link(folder, name, source, script=SCRIPT):
	"""Builds folder/name.elf from C; returns the linker's result."""
	path = os.path.join(folder, name)
	with open(path + ".c", "w") as file:
		file.write(source)
	compiled = run("gcc", "-g", "-O1", "-ffreestanding", "-fno-pic", "-fno-pie", "-fno-asynchronous-unwind-tables", "-c", path + ".c", "-o", path + ".o")
	assert compiled.returncode == 0, compiled.stderr
	return run("ld", "-nostdlib", "-static", "--build-id=none", "-z", "max-page-size=4096", "-T", script, "-o", path + ".elf", path + ".o")


def pack(folder, *names):
	with open(os.path.join(folder, "domains.txt"), "w") as file:
		file.write("\n".join(names) + "\n")
	return run(sys.executable, os.path.join(ROOT, "tools", "image.py"), "--domains", folder, "--out", folder)


def read(folder, name, mode="r"):
	with open(os.path.join(folder, name), mode) as file:
		return file.read()


def images_hold_what_was_linked(folder):
	assert link(folder, "one", GOOD).returncode == 0
	result = pack(folder, "one")
	assert result.returncode == 0, result.stderr
	source = read(folder, "images.c")
	places = [int(place, 16) for place in re.findall(r"system_image_bytes \+ (0x[0-9a-f]+)", source)]
	blob = read(folder, "images.bin", "rb")
	assert places == [0, 4096, 8192, 12288] and blob[12288:12296] == b"\0ZOG_UPD" and b"constant" in blob[4096:8192] and blob[8192:8200] == struct.pack("<II", 1, 2), (places, source)
	# Of each page eight digests (core/fault/measure.h): of words 0, 8, 16 ..., of words 1, 9, 17 ..., and so on.
	parts = [b"".join(blob[page + at:page + at + 4] for at in range(4 * part, 4096, 32)) for page in (0, 4096, 8192) for part in range(8)]
	wanted = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
	assert ", ".join(f"0x{byte:02x}" for byte in wanted) in source, "the measure is not that of the contents"
	assert re.search(r"\.data = \{ 0x402000, 0x8, 0x1[0-9a-f]{2},", source), source


def a_program_beyond_its_budget_is_refused(folder):
	assert link(folder, "one", GOOD).returncode == 0
	limits = os.path.join(folder, "image_limits.txt")
	for kib, wanted in ((12, ""), (8, "sub/one/manifest.toml:7: the program of one takes 12 KiB, its budget is image_kib = 8 (set it to 12, or more, "
	                               "and memory_kib to what the message then says)\n")):
		with open(limits, "w") as file:
			file.write(f"one {kib} sub/one/manifest.toml:7\n")
		result = pack(folder, "one")
		assert result.stderr == wanted and result.returncode == (1 if wanted else 0), (kib, result.stderr)


def bad_images_are_refused(folder):
	link(folder, "one", GOOD)
	cases = {
		"writable_code": (lambda data: poke(data, 0, 4, 7), "writable and executable"),
		"two_texts": (lambda data: poke(data, 1, 4, 5), "more than one segment of kind text"),
		"odd_address": (lambda data: poke(data, 2, 16, 0x10, layout="<Q"), "not page-aligned"),
		"entry_outside": (lambda data: data[:24] + struct.pack("<Q", 0x10) + data[32:], "is not in the code"),
		"cut_short": (lambda data: data[:80], "cut short"),
		"no_elf": (lambda data: b"text" + data[4:], "no 64-bit"),
	}
	good = read(folder, "one.elf", "rb")
	for name, (damage, message) in cases.items():
		with open(os.path.join(folder, name + ".elf"), "wb") as file:
			file.write(damage(good))
		result = pack(folder, name)
		assert result.returncode == 1 and message in result.stderr, (name, result.stderr)
	result = pack(folder, "absent")
	assert result.returncode == 1 and "absent.elf" in result.stderr, result.stderr


def poke(data, header, offset, value, layout="<I"):
	"""Changes a field of a program header."""
	at = struct.unpack_from("<Q", data, 32)[0] + header * 56 + offset
	return data[:at] + struct.pack(layout, value) + data[at + struct.calcsize(layout):]


def constructors_end_the_link(folder):
	result = link(folder, "early", GOOD + "__attribute__((constructor)) void early(void) { zero[0] = 1; }\n")
	assert result.returncode != 0 and "constructors" in result.stderr, result.stderr


def the_symbols_blob_is_in_bounds(folder):
	link(folder, "one", GOOD)
	link(folder, "two", GOOD)
	with open(os.path.join(folder, "list"), "w") as file:
		file.write("one\ntwo\n")
	blob_path = os.path.join(folder, "blob")
	result = run(sys.executable, os.path.join(ROOT, "tools", "symbols.py"), "--core", os.path.join(folder, "one.elf"), "--domains", folder,
		"--list", os.path.join(folder, "list"), "--blob", blob_path, "--source", os.path.join(folder, "symbols.c"))
	assert result.returncode == 0, result.stderr
	blob = read(folder, "blob", "rb")
	_, version, images, image_at, string_at, string_bytes, total = struct.unpack_from("<QIIIIII", blob)
	assert (version, images, total) == (1, 3, len(blob)) and string_at + string_bytes == total and blob[-1] == 0
	for index in range(images):
		_, base, end, functions_at, functions, lines_at, lines = struct.unpack_from("<32sQQIIII", blob, image_at + index * 64)
		rows = [struct.unpack_from("<III", blob, functions_at + i * 12) for i in range(functions)]
		names = {blob[string_at + name:blob.index(b"\0", string_at + name)] for _, _, name in rows}
		assert names == {b"twice", b"rt_entry"} and all(base + address + size <= end for address, size, _ in rows), (names, rows)
		places = [struct.unpack_from("<III", blob, lines_at + i * 12) for i in range(lines)]
		assert places == sorted(places, key=lambda place: place[0]) and {1, 2, 3} & {line for _, _, line in places}, places
		assert all(file < string_bytes for _, file, _ in places)


def moved_code_is_noticed(folder):
	link(folder, "one", GOOD)
	link(folder, "other", "void another(void) { }\n" + GOOD)
	command = [sys.executable, os.path.join(ROOT, "tools", "symbols.py"), "--core", os.path.join(folder, "one.elf"), "--same-code-as"]
	assert run(*command, os.path.join(folder, "one.elf")).returncode == 0
	result = run(*command, os.path.join(folder, "other.elf"))
	assert result.returncode == 1 and "code differs" in result.stderr, result.stderr


def fake_path(folder, user, has_apt):
	"""A PATH that lacks compiler, QEMU and Python; apt-get only tells how it was called."""
	tools = os.path.join(folder, "bin")
	os.makedirs(tools)
	for name in ("dirname", "grep", "sort", "tr", "cat", "pwd"):
		os.symlink(next(p for p in (f"/bin/{name}", f"/usr/bin/{name}") if os.path.exists(p)), os.path.join(tools, name))
	scripts = {"id": f"echo {user}"} | ({"apt-get": 'echo "called: $*"'} if has_apt else {})
	for name, text in scripts.items():
		with open(os.path.join(tools, name), "w") as file:
			file.write(f"#!/bin/sh\n{text}\n")
		os.chmod(os.path.join(tools, name), 0o755)
	return tools


def start_without_packages(folder, user, has_apt=True):
	path = fake_path(folder, user, has_apt)
	with open(os.path.join(ROOT, "zog")) as file: # its own additions to PATH would find the real tools
		text = re.sub(r"^PATH=\$PATH:.*$", "", file.read(), flags=re.MULTILINE)
	copy = os.path.join(folder, "zog")
	with open(copy, "w") as file:
		file.write(text)
	return run("/bin/sh", copy, "run", env={"PATH": path})


def missing_packages_are_named_to_users(folder):
	result = start_without_packages(folder, 1000)
	assert result.returncode == 1 and result.stdout == "", result
	command = re.search(r"apt-get update && apt-get install --yes --no-install-recommends (.*)", result.stderr)
	assert command and {"gcc", "make", "python3", "qemu-system-x86"} <= set(command.group(1).split()), result.stderr


def missing_packages_are_installed_by_root(folder):
	result = start_without_packages(folder, 0)
	assert result.stdout == "" and "called: -qq update" in result.stderr, result
	assert re.search(r"called: -qq install --yes --no-install-recommends .*\bgcc\b.*\bpython3\b", result.stderr), result.stderr
	assert result.returncode == 1 and "python3" in result.stderr # the acted-out apt-get brought no Python


def lab_manifests(tree):
	"""Names of the domains that the lab build of TREE has, by what its own manifest compiler is given."""
	result = run("make", "-s", "-C", tree, "O=build/lab", "LAB=1", "build/lab/gen/manifests.stamp")
	assert result.returncode == 0, result.stderr
	return read(os.path.join(tree, "build", "lab", "gen", "system"), "domains.txt").split()


def the_lab_gives_way_to_another_driver_of_its_device(folder):
	"""A device has one owner: with the example driver in the tree the lab builds without its own, and without who calls it."""
	tree = os.path.join(folder, "tree")
	for name in ("tools", "subsystems", "tests/domains", "tests/core", "lib", "abi", "core"):
		shutil.copytree(os.path.join(ROOT, name), os.path.join(tree, name))
	shutil.copy(os.path.join(ROOT, "Makefile"), tree)
	before = lab_manifests(tree)
	shutil.copytree(os.path.join(ROOT, "examples", "device"), os.path.join(tree, "subsystems", "device"))
	after = lab_manifests(tree)
	away = {"marksman", "canary", "fuzzer", "session"}
	assert away <= set(before) and set(after) == set(before) - away | {"edu"}, (before, after)


CASES = [images_hold_what_was_linked, a_program_beyond_its_budget_is_refused, bad_images_are_refused, constructors_end_the_link, the_symbols_blob_is_in_bounds,
	moved_code_is_noticed, missing_packages_are_named_to_users, missing_packages_are_installed_by_root,
	the_lab_gives_way_to_another_driver_of_its_device]


def main():
	failed = 0
	for case in CASES:
		try:
			with tempfile.TemporaryDirectory() as folder:
				case(folder)
			print(f"ok {case.__name__}")
		except AssertionError as error:
			failed += 1
			print(f"FAIL {case.__name__}: {str(error)[:500]!r}")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
