"""The table of contracts in a domain's image (abi/zog/image.h): reading it, and finding pairs that do not fit."""

import struct
from dataclasses import dataclass

from .elf import PF_EXECUTE, PF_WRITE, ElfError

MAGIC, LAYOUT = 0x47414D49474F5A00, 1
HEAD, ENTRY = struct.Struct("<QII"), struct.Struct("<40sIHHQQ")
SERVES, USES, WRITES, READS = 1, 2, 3, 4
OFFERS = {USES: SERVES, READS: WRITES} # role -> role of the other side


@dataclass
class Entry:
	name: str
	version: int
	role: int
	number: int
	fingerprint: int

	def identity(self):
		return self.version, self.number, self.fingerprint

	def describe(self):
		return f"version {self.version} (number {self.number}, fingerprint {self.fingerprint:016x})"


def image_table(elf):
	"""The entries of a domain's ELF file."""
	constants = [s for s in elf.segments() if not s.flags & (PF_EXECUTE | PF_WRITE)]
	if len(constants) != 1 or len(constants[0].content) < HEAD.size:
		raise ElfError(f"{elf.path}: no constants with a table of contracts")
	content = constants[0].content
	magic, layout, count = HEAD.unpack_from(content)
	if magic != MAGIC or layout != LAYOUT:
		raise ElfError(f"{elf.path}: its constants do not begin with a table of contracts of layout {LAYOUT}")
	if HEAD.size + count * ENTRY.size > len(content):
		raise ElfError(f"{elf.path}: its table of contracts reaches past its constants")
	rows = (ENTRY.unpack_from(content, HEAD.size + i * ENTRY.size) for i in range(count))
	return [Entry(name.split(b"\0")[0].decode("ascii", "replace"), version, role, number, fingerprint)
	        for name, version, role, number, fingerprint, _ in rows]


def pairs_check(tables):
	"""What does not fit among the tables {domain: entries}: one message for each pair."""
	offered = {(entry.role, entry.name): (domain, entry) for domain, entries in tables.items() for entry in entries}
	messages = []
	for domain, entries in tables.items():
		for entry in entries:
			other, theirs = offered.get((OFFERS.get(entry.role), entry.name), (None, None))
			if theirs and theirs.identity() != entry.identity():
				what = "region" if entry.role == READS else "contract"
				messages.append(f"{domain} was built with {what} {entry.name} {entry.describe()}, but {other} offers {theirs.describe()}: "
				                "build both from the same contract")
	return messages
