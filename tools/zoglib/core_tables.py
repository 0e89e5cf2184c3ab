"""What the core's own tables hold, read from a running machine's memory through QEMU's monitor: nobody inside is asked.

Places come from the kernel's symbols, sizes and offsets from the compiler (the core's own headers); frames, threads and
address spaces are counted by what they are.
"""

import os
import re
import struct
import subprocess
from collections import Counter

from .build import BUILD, ROOT, tool

CORE_BASE, PHYSMAP_BASE = 0xFFFFFFFF80000000, 0xFFFF800000000000
SYMBOLS = ("frame_table", "frame_count", "thread_table", "thread_total", "space_table", "space_total")
NUMBERS = {
	"frame": "sizeof(struct frame)", "frame.owner": "offsetof(struct frame, owner)", "frame.type": "offsetof(struct frame, type)",
	"frame.pins": "offsetof(struct frame, pin_count)", "frame.maps": "offsetof(struct frame, map_count)",
	"thread": "sizeof(struct thread)", "thread.state": "offsetof(struct thread, state)",
	"thread.activity": "offsetof(struct thread, is_activity)",
	"space": "sizeof(struct space)", "space.cr3": "offsetof(struct space, cr3)",
	"space.threads": "offsetof(struct space, thread_count)",
}


def numbers(folder):
	"""NUMBERS as the compiler has them."""
	source, out = os.path.join(folder, "tables.c"), os.path.join(folder, "tables.s")
	with open(source, "w") as file:
		file.write('#include <stddef.h>\n#include "object/frame.h"\n#include "object/thread.h"\n#include "object/space.h"\n')
		file.write("const unsigned long number[] = { " + ", ".join(NUMBERS.values()) + " };\n")
	tool("gcc", "-std=gnu11", "-I" + os.path.join(ROOT, "core"), "-I" + os.path.join(ROOT, "abi"), "-S", source, "-o", out)
	with open(out) as file:
		rows = re.findall(r"^\s*\.(quad|zero)\s+(\d+)$", file.read(), re.MULTILINE)
	values = [] # a zero is `.zero 8`, two of them `.zero 16`
	for kind, value in rows:
		values += [int(value)] if kind == "quad" else [0] * (int(value) // 8)
	if len(values) != len(NUMBERS):
		raise ValueError(f"the compiler gave {len(values)} numbers for {len(NUMBERS)}")
	return dict(zip(NUMBERS, values))


def symbols(kernel):
	text = subprocess.run(["nm", kernel], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
	found = {name: int(value, 16) for value, _, name in (line.split() for line in text.splitlines() if len(line.split()) == 3)}
	return {name: found[name] for name in SYMBOLS}


class Tables:
	"""The tables of one machine; look() while it runs."""

	def __init__(self, folder, kernel=os.path.join(BUILD, "zog.elf")):
		self.folder, self.number, self.symbol = folder, numbers(folder), symbols(kernel)

	def _read(self, machine, physical, size):
		path = os.path.join(self.folder, "memory")
		if os.path.exists(path):
			os.remove(path)
		answer = machine.ask(f'pmemsave {physical:#x} {size} "{path}"', 60)
		with open(path, "rb") as file:
			data = file.read()
		if len(data) != size:
			raise ValueError(f"{len(data)} of {size} bytes of memory at {physical:#x}: {answer!r}")
		return data

	def _number(self, machine, name, layout):
		return struct.unpack(layout, self._read(machine, self.symbol[name] - CORE_BASE, struct.calcsize(layout)))[0]

	def _records(self, machine, name, count):
		size = self.number[name]
		data = self._read(machine, self._number(machine, name + "_table", "<Q") - PHYSMAP_BASE, size * count)
		return [data[at : at + size] for at in range(0, size * count, size)]

	def _field(self, record, name, layout):
		return struct.unpack_from(layout, record, self.number[name])[0]

	def look(self, machine):
		"""{what: how many}: the machine stands still meanwhile."""
		machine.ask("stop")
		frames = self._records(machine, "frame", self._number(machine, "frame_count", "<Q"))
		threads = self._records(machine, "thread", self._number(machine, "thread_total", "<I"))
		spaces = self._records(machine, "space", self._number(machine, "space_total", "<I"))
		machine.ask("cont")
		of, found = self._field, Counter()
		for frame in frames:
			found[f"frames of type {of(frame, 'frame.type', '<B')} of domain {of(frame, 'frame.owner', '<B')}"] += 1
			found["pins"] += of(frame, "frame.pins", "<H")
			found["mappings"] += of(frame, "frame.maps", "<I")
		for thread in threads:
			kind = "activities" if of(thread, "thread.activity", "<I") else "programs' threads"
			found[kind] += of(thread, "thread.state", "<I") != 0
		for space in spaces:
			found["spaces"] += of(space, "space.cr3", "<Q") != 0
			found["threads in spaces"] += of(space, "space.threads", "<I")
		return found
