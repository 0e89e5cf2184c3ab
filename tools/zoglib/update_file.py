"""Page 0 of an update file (abi/zog/update.h): what a domain's program was built with, and where it fits."""

import glob
import hashlib
import os
import re
import struct

from .elf import ElfError
from .home_layout import home_layout
from .image_table import ENTRY, image_table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = 4096
MAGIC, LAYOUT = 0x4450555F474F5A00, 1
HEAD = struct.Struct("<QQII32sQQQQIIII32sQQQI76x")
CHECKSUM_AT = 8
CONTRACTS_MAX = 60


def fingerprint(text):
	return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def interface_fingerprint():
	"""Of the interface to the core: what abi/zog/*.h say, without comments and white space."""
	text = ""
	for path in sorted(glob.glob(os.path.join(ROOT, "abi", "zog", "*.h"))):
		with open(path, encoding="utf-8") as file:
			text += re.sub(r"//[^\n]*|/\*.*?\*/", "", file.read(), flags=re.DOTALL)
	return fingerprint("".join(text.split()))


class Identity:
	"""What an update must have in common with the program that it replaces."""

	interface = None # the same for all domains of a build

	def __init__(self, name, elf, generated):
		self.name, self.contracts = name, image_table(elf)
		self.authority, self.home, self.home_version = 0, 0, 0
		if generated is None:
			return
		if Identity.interface is None:
			Identity.interface = interface_fingerprint()
		with open(os.path.join(generated, "domains", name, "domain.h"), encoding="utf-8") as file:
			text = file.read()
		self.home_version = int(re.search(r"^#define HOME_VERSION (\d+)u$", text, re.MULTILINE).group(1))
		self.authority = fingerprint(text)
		layout = home_layout(elf.path)
		self.home = fingerprint(layout) if layout else 0


def checksum(page):
	"""FNV-1a, with the checksum itself as zeros."""
	total = 0xCBF29CE484222325
	for byte in page[:CHECKSUM_AT] + bytes(8) + page[CHECKSUM_AT + 8:]:
		total = (total ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
	return total


def sealed(page):
	"""The page with its checksum."""
	return page[:CHECKSUM_AT] + struct.pack("<Q", checksum(page)) + page[CHECKSUM_AT + 8:]


def header_page(image, identity):
	if len(identity.contracts) > CONTRACTS_MAX:
		raise ElfError(f"{identity.name}: {len(identity.contracts)} contracts and regions; an update file has room for {CONTRACTS_MAX}")
	page = HEAD.pack(MAGIC, 0, LAYOUT, len(identity.contracts), identity.name.encode(), image.entry,
	                 image.address("text"), image.address("constants"), image.address("data"),
	                 len(image.text) // PAGE, len(image.constants) // PAGE, len(image.data), image.data_memory_bytes,
	                 image.measure, Identity.interface or 0, identity.authority, identity.home, identity.home_version)
	for entry in identity.contracts:
		page += ENTRY.pack(entry.name.encode(), entry.version, entry.role, entry.number, entry.fingerprint, 0)
	return sealed(page + bytes(PAGE - len(page)))
