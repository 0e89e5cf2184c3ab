"""Makes the boot module "symbols" (layout: abi/zog/symbols.h) from the ELF files of the core and the domains.

  symbols.py --core build/core.elf --domains build/domains --list domains.txt --blob symbols.bin --source symbols.c
	  writes the blob, and a C source that puts it into section .symbols and defines system_module[]
  symbols.py --empty --source symbols_empty.c
	  the same with no blob, for the first link of the core
  symbols.py --core build/core.elf --same-code-as build/zog.elf
	  fails unless both have the same functions at the same addresses: the blob must not have moved any code
"""

import argparse
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from zoglib.elf import Elf, ElfError

MAGIC = 0x4D59535A474F5A00
VERSION = 1
HEADER, IMAGE, FUNCTION, LINE = "<QIIIIII", "<32sQQIIII", "<III", "<III"
ROW = re.compile(r"^\S.*?\s(\d+|-)\s+(0x[0-9a-f]+|0)(\s|$)")


def decode_lines(path):
	"""(address, file, line) by rising address; line 0 where code without source lines begins."""
	dump = subprocess.run(["readelf", "--debug-dump=decodedline", "-W", path], check=True, text=True,
						  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}).stdout
	rows = {}
	file = ""
	for text in dump.splitlines():
		row = ROW.match(text)
		if row:
			address = int(row.group(2), 16)
			if row.group(1) == "-":
				rows.setdefault(address, ("", 0)) # a sequence ends here, unless another begins here
			else:
				rows[address] = (file, int(row.group(1)))
		elif text.endswith(":"):
			file = text.removeprefix("CU: ")[:-1].removeprefix("./")
	return squeeze_lines(rows)


def squeeze_lines(rows):
	"""Drops records that say what the one before them says."""
	result = []
	for address in sorted(rows):
		if not result or result[-1][1:] != rows[address]:
			result.append((address, *rows[address]))
	return result


class Blob:
	"""Builds the blob: header and image records first, then tables, strings last."""

	def __init__(self, image_count):
		self.strings = bytearray(b"\0")
		self.places = {"": 0}
		self.images = []
		self.tables = bytearray()
		self.table_base = struct.calcsize(HEADER) + image_count * struct.calcsize(IMAGE)

	def string(self, text):
		if text not in self.places:
			self.places[text] = len(self.strings)
			self.strings += text.encode() + b"\0"
		return self.places[text]

	def table(self, layout, records):
		offset = self.table_base + len(self.tables)
		for record in records:
			self.tables += struct.pack(layout, *record)
		return offset, len(records)

	def add(self, name, path):
		functions = [f for f in Elf(path).functions() if f.size]
		end = max((f.address + f.size for f in functions), default=0)
		# The core's first instructions run at low addresses and are gone after boot: only the 2 GiB below the end count.
		functions = [f for f in functions if f.address >= end - (1 << 31)]
		base = functions[0].address if functions else 0
		rows = [row for row in decode_lines(path) if base <= row[0] < end]
		named = self.table(FUNCTION, [(f.address - base, f.size, self.string(f.name)) for f in cut_overlaps(functions)])
		lined = self.table(LINE, [(a - base, self.string(file), line) for a, file, line in rows])
		self.images.append(struct.pack(IMAGE, name.encode()[:31], base, end, *named, *lined))

	def bytes(self):
		string_offset = self.table_base + len(self.tables)
		total = string_offset + len(self.strings)
		header = struct.pack(HEADER, MAGIC, VERSION, len(self.images), struct.calcsize(HEADER), string_offset,
							 len(self.strings), total)
		return header + b"".join(self.images) + bytes(self.tables) + bytes(self.strings)


def cut_overlaps(functions):
	"""A function ends where the next begins (assembly may state sizes that reach further)."""
	for function, follower in zip(functions, functions[1:]):
		function.size = min(function.size, follower.address - function.address)
	return functions


SOURCE = """/* Written by tools/symbols.py: the modules that boot with the core. */
#include "object/system.h"

{carrier}
const struct module_desc system_module[] = {{
	{{ .name = "symbols", .content = system_symbols, .bytes = {size} }},
}};
const uint32_t system_module_count = 1;
"""
CARRIER = """__asm__(".pushsection .symbols, \\"a\\", @progbits\\n"
	".balign 4096\\n"
	".global system_symbols\\n"
	"system_symbols:\\n"
	{content}
	".balign 4096\\n"
	".popsection\\n");
extern const uint8_t system_symbols[];
"""


def write_source(path, blob_path, size):
	content = f'".incbin \\"{blob_path}\\"\\n"' if blob_path else ""
	with open(path, "w") as file:
		file.write(SOURCE.format(carrier=CARRIER.format(content=content), size=size))


def make_blob(options):
	with open(options.list) as file:
		names = file.read().split()
	blob = Blob(1 + len(names))
	blob.add("core", options.core)
	for name in names:
		blob.add(name, os.path.join(options.domains, name + ".elf"))
	content = blob.bytes()
	with open(options.blob, "wb") as file:
		file.write(content)
	write_source(options.source, options.blob, len(content))


def check_same_code(first, second):
	one = {f.name: f.address for f in Elf(first).functions()}
	other = {f.name: f.address for f in Elf(second).functions()}
	if one != other:
		moved = sorted(name for name in one if other.get(name) != one[name])
		sys.exit(f"symbols.py: {second}: code differs from {first}: {', '.join(moved[:5])}; "
				 "the linker script must place .symbols behind all code")


def main():
	parser = argparse.ArgumentParser(description="make the symbols module")
	for name in ("core", "domains", "list", "blob", "source", "same-code-as"):
		parser.add_argument("--" + name)
	parser.add_argument("--empty", action="store_true")
	options = parser.parse_args()
	try:
		if options.empty:
			write_source(options.source, None, 0)
		elif options.same_code_as:
			check_same_code(options.core, options.same_code_as)
		else:
			make_blob(options)
	except (ElfError, OSError, subprocess.CalledProcessError) as error:
		sys.exit(f"symbols.py: {error}")


if __name__ == "__main__":
	main()
