"""Packs the domains' ELF files into the core's file: page-aligned contents, and the table that describes them.

  image.py --domains build/domains --out build/gen/system

reads OUT/domains.txt (one name a line, in id order) and writes
  images.bin  the pages of all domains, one after another
  images.S    puts images.bin into section .images, page-aligned, as system_image_bytes[]
  images.c    system_image[] of core/object/system.h
  UPDATES/NAME.update  each domain as a file for a live update (--updates; abi/zog/update.h)
OUT/image_limits.txt, where it is, says how large a program may be, and which line of which manifest says so.
Refused are domains that are larger, and those that were built with different states of a contract that they share (abi/zog/image.h).
The measure of a domain is the SHA-256 over the sums of its pages (core/fault/measure.h).
"""

import argparse
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from zoglib.elf import Elf, ElfError, PF_EXECUTE, PF_WRITE
from zoglib.image_table import image_table, pairs_check
from zoglib.update_file import Identity, header_page

PAGE = 4096
IMAGE_BASE = 0x400000


def page_sum(page):
	"""The digests of its eight parts; part i is the words i, i + 8, i + 16, ..."""
	words = memoryview(page).cast("I")
	return b"".join(hashlib.sha256(words[part::8].tobytes()).digest() for part in range(8))


def page_sums(content):
	return b"".join(page_sum(content[at:at + PAGE]) for at in range(0, len(content), PAGE))


def pages_of(content):
	"""The content, zero-padded to whole pages."""
	return content + bytes(-len(content) % PAGE)


def split_segments(elf):
	"""The three segments of a domain by kind; None where there is none."""
	parts = {"text": None, "constants": None, "data": None}
	for segment in elf.segments():
		kind = "text" if segment.flags & PF_EXECUTE else "data" if segment.flags & PF_WRITE else "constants"
		if segment.flags & PF_EXECUTE and segment.flags & PF_WRITE:
			raise ElfError(f"{elf.path}: a segment is writable and executable")
		if parts[kind] is not None:
			raise ElfError(f"{elf.path}: more than one segment of kind {kind}")
		if segment.address % PAGE or segment.address < IMAGE_BASE:
			raise ElfError(f"{elf.path}: segment {kind} at {segment.address:#x} is not page-aligned or below the image base")
		parts[kind] = segment
	if parts["text"] is None:
		raise ElfError(f"{elf.path}: no code")
	text = parts["text"]
	if not text.address <= elf.entry < text.address + text.memory_bytes:
		raise ElfError(f"{elf.path}: entry {elf.entry:#x} is not in the code")
	return parts


class Image:
	"""A domain as the core keeps it: contents by kind, measure, page 0 of its update file."""

	def __init__(self, name, elf, generated):
		parts = split_segments(elf)
		self.entry, self.parts = elf.entry, parts
		self.text, self.constants = (pages_of(parts[kind].content) if parts[kind] else b"" for kind in ("text", "constants"))
		self.data = parts["data"].content if parts["data"] else b""
		self.data_memory_bytes = parts["data"].memory_bytes if parts["data"] else 0
		contents = (self.text, self.constants, pages_of(self.data))
		self.measure = hashlib.sha256(b"".join(page_sums(content) for content in contents)).digest()
		self.header = header_page(self, Identity(name, elf, generated))
		self.update = self.header + b"".join(contents)

	def address(self, kind):
		return self.parts[kind].address if self.parts[kind] and (kind == "data" or getattr(self, kind)) else 0


class Packer:
	"""Collects contents and renders the table rows."""

	def __init__(self):
		self.content = bytearray()

	def add(self, content):
		offset = len(self.content)
		self.content += pages_of(content)
		return offset

	def row(self, name, image):
		fields = [f".entry = {image.entry:#x}"]
		for kind in ("text", "constants"):
			content = getattr(image, kind)
			fields.append(f".{kind} = {{ {image.address(kind):#x}, {len(content) // PAGE}, system_image_bytes + {self.add(content):#x} }}")
		fields.append(f".data = {{ {image.address('data'):#x}, {len(image.data):#x}, {image.data_memory_bytes:#x}, "
		              f"system_image_bytes + {self.add(image.data):#x} }}")
		fields.append(f".header = system_image_bytes + {self.add(image.header):#x}")
		fields.append(f".sha256 = {{ {', '.join(f'0x{byte:02x}' for byte in image.measure)} }}")
		body = ",\n\t\t".join(fields)
		return f"\t{{ /* {name} */\n\t\t{body},\n\t}},\n"


IMAGES_S = """/* Written by tools/image.py. */
	.section .images, "a", @progbits
	.balign 4096
	.global system_image_bytes
system_image_bytes:
	.incbin "{blob}"
	.balign 4096
	.section .note.GNU-stack, "", @progbits
"""
IMAGES_C = """/* Written by tools/image.py: what the core maps and measures at every start of a domain. */
#include "object/system.h"

extern const uint8_t system_image_bytes[];

const struct image_desc system_image[] = {{
{rows}}};
"""


def limits_check(path, images):
	"""What the manifests' budget counts for a program is the most that it takes."""
	if not os.path.exists(path):
		return []
	refusals = []
	with open(path) as file:
		for name, kib, place in (line.split() for line in file):
			image = images[name]
			need = (len(image.text) + len(image.constants) + -(-image.data_memory_bytes // PAGE) * PAGE) // 1024
			if need > int(kib):
				refusals.append(f"{place}: the program of {name} takes {need} KiB, its budget is image_kib = {kib} (set it to {need}, or more, "
				                "and memory_kib to what the message then says)")
	return refusals


def write(path, text):
	with open(path, "w") as file:
		file.write(text)


def main():
	parser = argparse.ArgumentParser(description="pack the domains' images into the core's file")
	parser.add_argument("--domains", required=True, help="folder of NAME.elf")
	parser.add_argument("--out", required=True, help="folder of domains.txt and of the results")
	parser.add_argument("--gen", help="folder of generated sources: what says where a domain fits (without: for tests)")
	parser.add_argument("--updates", help="folder for NAME.update")
	parser.add_argument("--unpaired", action="store_true", help="pack what does not fit together, too: for tests of the core's own check")
	options = parser.parse_args()
	with open(os.path.join(options.out, "domains.txt")) as file:
		names = file.read().split()
	packer = Packer()
	try:
		elves = {name: Elf(os.path.join(options.domains, name + ".elf")) for name in names}
		images = {name: Image(name, elf, options.gen) for name, elf in elves.items()}
		rows = [packer.row(name, image) for name, image in images.items()]
		refusals = [] if options.unpaired else pairs_check({name: image_table(elf) for name, elf in elves.items()})
	except (ElfError, OSError) as error:
		sys.exit(f"image.py: {error}")
	oversized = limits_check(os.path.join(options.out, "image_limits.txt"), images)
	if oversized:
		sys.exit("\n".join(oversized))
	if refusals:
		sys.exit("\n".join(f"image.py: {refusal}" for refusal in refusals))
	if options.updates:
		os.makedirs(options.updates, exist_ok=True)
		for name, image in images.items():
			with open(os.path.join(options.updates, name + ".update"), "wb") as file:
				file.write(image.update)
	blob = os.path.join(options.out, "images.bin")
	with open(blob, "wb") as file:
		file.write(packer.content)
	write(os.path.join(options.out, "images.S"), IMAGES_S.format(blob=blob))
	write(os.path.join(options.out, "images.c"), IMAGES_C.format(rows="".join(rows)))


if __name__ == "__main__":
	main()
