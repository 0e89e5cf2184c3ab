"""What the core's own tables hold, read from a running machine's memory through QEMU's monitor: nobody inside is asked.

Places come from the kernel's symbols, sizes and offsets from the compiler (the core's own headers); frames, threads, address
spaces and who waits for which event are counted by what they are. The replies that servers keep of once-calls (lib/rt/once.c)
are read from their committed home regions, at the place that their debugging information gives.
"""

import glob
import os
import re
import struct
import subprocess
import time
from collections import Counter
from dataclasses import dataclass

from .build import BUILD, ROOT, tool
from .home_layout import home_layout

CORE_BASE, PHYSMAP_BASE = 0xFFFFFFFF80000000, 0xFFFF800000000000
SYMBOLS = ("frame_table", "frame_count", "thread_table", "thread_total", "space_table", "space_total", "domain_table",
           "system_domain_count")
ONCE = re.compile(r"\bonce@(\w+) struct \d+ { record@0 struct (\d+) { sequence@0 [^}]*}\[(\d+)\]")
ONCE_PROGRAMS = 448 # records of programs' threads come first (lib/rt/once.c), then those of activities
THREAD_ACTIVITY = 0x8000
NUMBERS = {
	"frame": "sizeof(struct frame)", "frame.owner": "offsetof(struct frame, owner)", "frame.type": "offsetof(struct frame, type)",
	"frame.pins": "offsetof(struct frame, pin_count)", "frame.maps": "offsetof(struct frame, map_count)",
	"thread": "sizeof(struct thread)", "thread.state": "offsetof(struct thread, state)",
	"thread.activity": "offsetof(struct thread, is_activity)", "thread.id": "offsetof(struct thread, id)",
	"thread.root": "offsetof(struct thread, root_domain)", "thread.event": "offsetof(struct thread, wait_event)",
	"space": "sizeof(struct space)", "space.cr3": "offsetof(struct space, cr3)",
	"domain": "sizeof(struct domain)", "domain.desc": "offsetof(struct domain, desc)", "domain.event": "offsetof(struct domain, event)",
	"domain.home": "offsetof(struct domain, home_committed)",
	"domain.caps": "offsetof(struct domain, fast_cap)", "domain.cap_count": "offsetof(struct domain, cap_count)",
	"cap": "sizeof(struct fast_cap)", "cap.contract": "offsetof(struct fast_cap, contract)",
	"cap.methods": "offsetof(struct fast_cap, method_count)", "cap.method": "offsetof(struct fast_cap, method)",
	"method": "sizeof(struct cap_method)", "method.deadline": "offsetof(struct cap_method, deadline_ms)",
	"desc": "sizeof(struct domain_desc)", "desc.name": "offsetof(struct domain_desc, name)",
	"desc.events": "offsetof(struct domain_desc, event_count)",
	"event": "sizeof(struct event)", "event.count": "offsetof(struct event, count)",
}
FRAMES = ("reserved frames", "payload frames", "frames", "frames of page tables", "frames for devices") # enum frame_type
LOOKS = 150
DISK_WAITERS = "waiters on event virtio_blk 0" # block.done, the first in its manifest
CONTRACT_NONE, DENIED = 2**64 - 1, 0xFFFF # fast_cap.contract; METHOD_DENIED
ON_THEIR_WAY = (1, 2) # THREAD_READY, THREAD_RUNNING
PARKED = 3 # THREAD_PARKED


def numbers(folder):
	"""NUMBERS as the compiler has them."""
	source, out = os.path.join(folder, "tables.c"), os.path.join(folder, "tables.s")
	with open(source, "w") as file:
		file.write('#include <stddef.h>\n#include "object/frame.h"\n#include "object/thread.h"\n#include "object/space.h"\n#include "object/domain.h"\n')
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


def kept_places(build):
	"""{domain: (offset in its home region, bytes of a record, records)} of those that keep replies."""
	places = {}
	for path in glob.glob(os.path.join(build, "domains", "*.elf")):
		if match := ONCE.search(home_layout(path)):
			places[os.path.basename(path)[: -len(".elf")]] = (int(match[1], 0), int(match[2]), int(match[3]) + 1)
	return places


@dataclass
class Domain:
	name: str
	at: int # of its struct domain
	event: int # of its first event
	events: int
	home: int # of its committed home region


class Found(Counter):
	"""{what: how many}, and the counts of all events: {(domain, event): count}."""

	def __init__(self):
		super().__init__()
		self.events = {}


class Tables:
	"""The tables of one machine; look() while it runs."""

	def __init__(self, folder, kernel=os.path.join(BUILD, "zog.elf")):
		self.folder, self.number, self.symbol = folder, numbers(folder), symbols(kernel)
		self.kept, self.domains = kept_places(os.path.dirname(kernel)), []

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

	def _at(self, machine, pointer, size):
		return self._read(machine, pointer - (CORE_BASE if pointer >= CORE_BASE else PHYSMAP_BASE), size)

	def _number(self, machine, name, layout):
		return struct.unpack(layout, self._read(machine, self.symbol[name] - CORE_BASE, struct.calcsize(layout)))[0]

	def _table(self, machine, name, count):
		return self._at(machine, self._number(machine, name + "_table", "<Q"), self.number[name] * count)

	def _records(self, machine, name, count):
		size, data = self.number[name], self._table(machine, name, count)
		return [data[at : at + size] for at in range(0, size * count, size)]

	def _column(self, data, record, field, byte):
		"""That byte of the field of each record; there are too many frames to look at one by one."""
		return data[self.number[f"{record}.{field}"] + byte :: self.number[record]]

	def _frames_look(self, data, found):
		kinds = Counter(zip(self._column(data, "frame", "type", 0), self._column(data, "frame", "owner", 0)))
		for (kind, owner), count in kinds.items():
			found[f"{FRAMES[kind]} of {self.domains[owner].name}"] = count
		found["pins"] = sum(sum(self._column(data, "frame", "pins", byte)) << 8 * byte for byte in range(2))
		found["mappings"] = sum(sum(self._column(data, "frame", "maps", byte)) << 8 * byte for byte in range(4))

	def _field(self, record, name, layout):
		return struct.unpack_from(layout, record, self.number[name])[0]

	def _domains_read(self, machine):
		"""What does not change after boot."""
		of, size, first = self._field, self.number["domain"], self.symbol["domain_table"]
		table = self._at(machine, first, size * self._number(machine, "system_domain_count", "<I"))
		for at in range(0, len(table), size):
			record = table[at : at + size]
			desc = self._at(machine, of(record, "domain.desc", "<Q"), self.number["desc"])
			name = self._at(machine, of(desc, "desc.name", "<Q"), 32).split(b"\0")[0].decode()
			self.domains.append(Domain(name, first + at, of(record, "domain.event", "<Q"), of(desc, "desc.events", "<I"), of(record, "domain.home", "<Q")))

	def _events_look(self, machine, threads, found):
		"""Counts, and who waits for which."""
		size, names = self.number["event"], {}
		for domain in self.domains:
			data = self._at(machine, domain.event, size * domain.events)
			for number in range(domain.events):
				found.events[domain.name, number] = self._field(data[number * size :], "event.count", "<Q")
				names[domain.event + number * size] = f"{domain.name} {number}"
		for thread in threads:
			if self._field(thread, "thread.state", "<I") == PARKED:
				found[f"waiters on event {names.get(self._field(thread, 'thread.event', '<Q'), 'of none')}"] += 1

	def _kept_look(self, machine, threads, found):
		"""Replies kept, by server and client."""
		places = {domain.at: domain.name for domain in self.domains}
		roots = {self._field(thread, "thread.id", "<I"): self._field(thread, "thread.root", "<Q") for thread in threads}
		for domain in self.domains:
			offset, size, count = self.kept.get(domain.name, (0, 0, 0))
			data = self._at(machine, domain.home + offset, size * count) if count else b""
			for number in range(count):
				if struct.unpack_from("<Q", data, number * size)[0]: # the sequence; 0: none
					activity = number - ONCE_PROGRAMS + THREAD_ACTIVITY
					found[f"replies of {domain.name} kept for {places[roots[activity]] if number >= ONCE_PROGRAMS else 'programs'}"] += 1

	def look(self, machine):
		"""{what: how many}: the machine stands still meanwhile."""
		machine.ask("stop")
		if not self.domains:
			self._domains_read(machine)
		frames = self._table(machine, "frame", self._number(machine, "frame_count", "<Q"))
		threads = self._records(machine, "thread", self._number(machine, "thread_total", "<I"))
		spaces = self._records(machine, "space", self._number(machine, "space_total", "<I"))
		of, found = self._field, Found()
		self._events_look(machine, threads, found)
		self._kept_look(machine, threads, found)
		machine.ask("cont")
		self._frames_look(frames, found)
		for thread in threads:
			found["threads on their way"] += of(thread, "thread.state", "<I") in ON_THEIR_WAY
			kind = "activities" if of(thread, "thread.activity", "<I") else "programs' threads"
			found[kind] += of(thread, "thread.state", "<I") != 0
		for space in spaces:
			found["spaces"] += of(space, "space.cr3", "<Q") != 0
		return found

	def frame_place(self, machine, kind, owner):
		"""Where the core keeps what it knows of the last frame of that kind and owner: the address of each field."""
		count, of, owners = self._number(machine, "frame_count", "<Q"), self._field, [domain.name for domain in self.domains]
		records = self._records(machine, "frame", count)
		last = max(number for number, frame in enumerate(records)
			if FRAMES[of(frame, "frame.type", "<B")] == kind and owners[of(frame, "frame.owner", "<B")] == owner and of(frame, "frame.maps", "<I") == 0)
		first = self._number(machine, "frame_table", "<Q") + last * self.number["frame"]
		return {name: first + self.number["frame." + name] for name in ("owner", "pins")}

	def denied_place(self, machine, name):
		"""A method that the domain may not call, the first of its capabilities' methods, and where the core keeps that."""
		of, number = self._field, self.number
		domain = self._at(machine, next(domain.at for domain in self.domains if domain.name == name), number["domain"])
		caps, count = of(domain, "domain.caps", "<Q"), of(domain, "domain.cap_count", "<I")
		for at in range(0, count * number["cap"], number["cap"]):
			cap = self._at(machine, caps + at, number["cap"])
			methods, first = of(cap, "cap.methods", "<I"), of(cap, "cap.method", "<Q")
			if of(cap, "cap.contract", "<Q") == CONTRACT_NONE or not methods:
				continue
			data = self._at(machine, first, methods * number["method"])
			for method in range(0, len(data), number["method"]):
				if of(data[method:], "method.deadline", "<H") == DENIED:
					return method // number["method"], first + method + number["method.deadline"]
		raise ValueError(f"{name} may call every method of its contracts")


def changes(before, after, hostile=None):
	"""What is more or less than before: {what: (before, after)}. Mappings may be some pages more or less, those of a shell that has
	grown; more programs than before may have been there at a time, and have a last reply; a hostile domain has one for each of its
	two activities at most."""
	found = {}
	for what in before | after:
		least = 64 if what == "mappings" else 9 if what.endswith(" kept for programs") else 3 if hostile and what.endswith(" kept for " + hostile) else 1
		if abs(before[what] - after[what]) >= least:
			found[what] = (before[what], after[what])
	return found


def is_quiet(found):
	"""Nobody runs, and nobody waits for the disk."""
	return found["pins"] == 0 and found["threads on their way"] == 0 and found[DISK_WAITERS] == 0


def look_quiet(tables, machine, hostile=None, before=None):
	"""What the tables hold when the system is at rest; what is left behind does not go away by looking again."""
	for _ in range(LOOKS):
		found = tables.look(machine)
		if is_quiet(found) and not (before and changes(before, found, hostile)):
			break
		time.sleep(0.2)
	return found
