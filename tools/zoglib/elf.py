"""Reads 64-bit little-endian ELF files: segments and function symbols. Files come from our own linker, but a file that
is not what it should be gives an ElfError with its name, never a wrong image."""

import struct
from dataclasses import dataclass

PT_LOAD = 1
PF_EXECUTE, PF_WRITE, PF_READ = 1, 2, 4
SHT_SYMTAB = 2
STT_FUNC = 2


class ElfError(Exception):
	pass


@dataclass
class Segment:
	flags: int
	address: int
	content: bytes
	memory_bytes: int


@dataclass
class Function:
	address: int
	size: int
	name: str


class Elf:
	def __init__(self, path):
		self.path = path
		with open(path, "rb") as file:
			self.data = file.read()
		if self.data[:6] != b"\x7fELF\x02\x01":
			raise ElfError(f"{path}: no 64-bit little-endian ELF file")
		(self.entry, self._phoff, self._shoff) = self._at("<QQQ", 24)
		(self._phentsize, self._phnum, self._shentsize, self._shnum) = self._at("<HHHH", 54)

	def _at(self, layout, offset):
		if offset + struct.calcsize(layout) > len(self.data):
			raise ElfError(f"{self.path}: cut short at byte {offset}")
		return struct.unpack_from(layout, self.data, offset)

	def segments(self):
		"""The PT_LOAD segments that occupy memory, in file order."""
		found = []
		for i in range(self._phnum):
			at = self._phoff + i * self._phentsize
			kind, flags, offset, address, _, filesz, memsz, _ = self._at("<IIQQQQQQ", at)
			if kind == PT_LOAD and memsz:
				if offset + filesz > len(self.data):
					raise ElfError(f"{self.path}: a segment reaches past the end of the file")
				found.append(Segment(flags, address, self.data[offset : offset + filesz], memsz))
		return found

	def functions(self):
		"""Function symbols by rising address; of several at one address the first longest one."""
		found = {}
		for i in range(self._shnum):
			at = self._shoff + i * self._shentsize
			kind, = self._at("<I", at + 4)
			if kind != SHT_SYMTAB:
				continue
			offset, size, link = self._at("<QQI", at + 24)
			names, = self._at("<Q", self._shoff + link * self._shentsize + 24)
			for entry in range(offset, offset + size, 24):
				name, info, _, section, value, length = self._at("<IBBHQQ", entry)
				if info & 15 == STT_FUNC and section != 0:
					known = found.get(value)
					if known is None or length > known.size:
						found[value] = Function(value, length, self._string(names + name))
		return [found[address] for address in sorted(found)]

	def _string(self, offset):
		return self.data[offset : self.data.index(b"\0", offset)].decode("ascii", "replace")
