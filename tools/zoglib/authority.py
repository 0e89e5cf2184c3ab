"""`zog authority`: who may do what, and which of it was ever used; with --live the running system against its manifests.

The map (build/gen/authority.json, from the manifests), the live tables (/zog/authority, from the core) and what tests
used (build/authority-used.json, from the log lines `zog: used` of every machine that a test run powered off).
"""

import json
import os
import re
from dataclasses import dataclass, field

from .build import BUILD, Failure, make
from .elf import PF_EXECUTE, PF_WRITE, Elf

PAGE = 4096
USED = os.path.join(BUILD, "authority-used.json")
USED_LINE = re.compile(r"zog: used domain=(\w+) caps=0x([0-9a-f]+) irqs=0x([0-9a-f]+) pages=(\d+)$")
CALLED_LINE = re.compile(r"zog: called domain=(\w+) cap=(\d+) methods=0x([0-9a-f]+)$")
PLACE = re.compile(r"(\w+):([r-][w-][x-])(?::(\w+))?(?:@0x([0-9a-f]+)=0x([0-9a-f]+))?$")
NOT_RIGHTS = ("area", "memory")
# Whoever holds one of these places holds it alone: no frame of it may be in another domain's.
ALONE = ("home", "committed", "heap", "stack", "dma", "log", "image")


def add_arguments(parser):
	parser.add_argument("--live", action="store_true", help="boot, read /zog/authority, and compare it with the manifests")


# ---- the map ------------------------------------------------------------------------------------------------------


def map_load(build=BUILD):
	path = os.path.join(build, "gen", "authority.json")
	try:
		with open(path) as file:
			return {domain["name"]: domain for domain in json.load(file)["domains"]}
	except FileNotFoundError as error:
		raise Failure(f"{path} is missing: run make") from error


def image_spans(build, name):
	"""Where a domain's image lies, from what was linked. Text and constants are the core's frames, data its own."""
	spans = []
	for segment in Elf(os.path.join(build, "domains", name + ".elf")).segments():
		rights = "r" + ("w" if segment.flags & PF_WRITE else "-") + ("x" if segment.flags & PF_EXECUTE else "-")
		first = segment.address // PAGE * PAGE
		pages = -(-(segment.address + segment.memory_bytes - first) // PAGE)
		spans.append({"place": "image", "address": first, "pages": pages, "rights": rights, "owner": "own" if "w" in rights else "core"})
	return spans


# ---- the live tables ----------------------------------------------------------------------------------------------


@dataclass
class Memory:
	place: str
	rights: str
	owner: str | None # None: of an area
	address: int | None # None: counted only
	physical: int
	pages: int

	def text(self):
		where = f" at {self.address:#x}" if self.address is not None else ""
		return f"{self.place} {self.rights}{where}, {self.pages} pages" + (f" of {self.owner}" if self.owner not in (None, "own") else "")


@dataclass
class Live:
	"""What /zog/authority says of one domain."""

	rights: dict = field(default_factory=dict) # (kind, right) -> used: yes, no, -
	areas: list = field(default_factory=list)
	memory: list = field(default_factory=list)


def live_parse(text):
	"""{domain: Live} of the file's rows."""
	domains, has_begun = {}, False
	for line in text.splitlines():
		words = line.split()
		if words[:3] == ["domain", "kind", "right"]:
			has_begun = True
		elif has_begun and words:
			if len(words) != 5:
				raise ValueError(f"no row of /zog/authority: {line!r}")
			name, kind, right, pages, used = words
			live = domains.setdefault(name, Live())
			if kind not in NOT_RIGHTS:
				live.rights[kind, right] = used
				continue
			match = PLACE.match(right)
			if not match:
				raise ValueError(f"no memory: {line!r}")
			place, rights, owner, address, physical = match.groups()
			memory = Memory(place, rights, owner, int(address, 16) if address else None, int(physical or "0", 16), int(pages))
			(live.areas if kind == "area" else live.memory).append(memory)
	return domains


# ---- live against map ---------------------------------------------------------------------------------------------


def rights_expected(domain):
	return ({(cap["kind"], cap["right"]) for cap in domain["caps"]} | {("flag", flag) for flag in domain["flags"]}
	        | {("irq", irq["right"]) for irq in domain["irqs"]} | {("region", region["right"]) for region in domain["regions"]}
	        | {("object", item["right"]) for item in domain["objects"]})


def rights_compare(name, domain, live):
	held, given = set(live.rights), rights_expected(domain)
	return ([f"{name}: holds {kind} {right}, which its manifest does not give" for kind, right in sorted(held - given)]
	        + [f"{name}: lacks {kind} {right}, which its manifest gives" for kind, right in sorted(given - held)])


def is_within(memory, span):
	if memory.place != span["place"] or any(right not in ("-", most) for right, most in zip(memory.rights, span["rights"])):
		return False
	if memory.owner is not None and memory.owner != span["owner"]:
		return False
	if memory.address is None:
		return True
	end = memory.address + memory.pages * PAGE
	return span["address"] <= memory.address and (span["pages"] is None or end <= span["address"] + span["pages"] * PAGE)


def memory_compare(name, spans, live):
	"""Every area and every page in the page tables lies in a range that the map gives, with no more rights, whose it says."""
	found = []
	for what, rows in (("may touch", live.areas), ("reaches", live.memory)):
		for memory in rows:
			if not any(is_within(memory, span) for span in spans):
				found.append(f"{name}: {what} {memory.text()}, which its manifest does not give")
	for place in {m.place for m in live.memory if m.address is None}: # counted rows: no more pages than there are
		pages = sum(m.pages for m in live.memory if m.place == place and m.owner == "own")
		most = sum(span["pages"] for span in spans if span["place"] == place and span["owner"] == "own")
		if pages > most:
			found.append(f"{name}: reaches {pages} own pages of {place}; its manifest gives {most}")
	return found


def overlaps(domains):
	"""Frames that two domains hold as theirs alone, and foreign pages that are not what the owner has at that place."""
	found, spans = [], []
	for name, live in domains.items():
		spans += [(area.physical, area.physical + area.pages * PAGE, name, area) for area in live.areas if area.place in ALONE]
		for memory in live.memory:
			if memory.owner in (None, "own", "core", "device") or memory.address is None:
				continue
			end = memory.physical + memory.pages * PAGE
			if not any(area.place == memory.place and area.physical <= memory.physical and end <= area.physical + area.pages * PAGE
			           and (area.place != "message" or area.address == memory.address) for area in domains.get(memory.owner, Live()).areas):
				found.append(f"{name}: reaches memory of {memory.owner} as {memory.text()}, which is something else there")
	spans.sort(key=lambda span: span[:3])
	for (_, end, name, area), (start, _, other, other_area) in zip(spans, spans[1:]):
		if start < end:
			found.append(f"{name} and {other}: {area.text()} and {other_area.text()} share frames")
	return found


def compare(domains, live, build=BUILD):
	"""Every difference between the map and the live tables, each in a sentence."""
	found = [f"{name}: runs, but has no manifest" for name in sorted(set(live) - set(domains))]
	found += [f"{name}: is not there" for name in sorted(set(domains) - set(live))]
	for name in sorted(set(domains) & set(live)):
		found += rights_compare(name, domains[name], live[name])
		found += memory_compare(name, domains[name]["memory"] + image_spans(build, name), live[name])
	return found + overlaps(live)


# ---- what was used ------------------------------------------------------------------------------------------------


class Used:
	"""What the machines of a test run used, merged."""

	def __init__(self):
		# name -> {"caps": mask, "irqs": mask, "pages": most touched, "runs": machines, "methods": {capability: mask}}
		self.domains = {}

	def feed(self, line):
		match = USED_LINE.match(line)
		if match:
			self.add(match[1], int(match[2], 16), int(match[3], 16), int(match[4]), 1)
		match = CALLED_LINE.match(line)
		if match:
			self.add_methods(match[1], match[2], int(match[3], 16))

	def _row(self, name):
		return self.domains.setdefault(name, {"caps": 0, "irqs": 0, "pages": 0, "runs": 0, "methods": {}})

	def add_methods(self, name, cap, mask):
		methods = self._row(name)["methods"]
		methods[cap] = methods.get(cap, 0) | mask

	def add(self, name, caps, irqs, pages, runs):
		row = self._row(name)
		row["caps"] |= caps
		row["irqs"] |= irqs
		row["pages"] = max(row["pages"], pages)
		row["runs"] += runs

	def save(self, path=USED):
		with open(path, "w") as file:
			json.dump(self.domains, file, indent=1, sort_keys=True)

	@staticmethod
	def load(path=USED):
		used = Used()
		if os.path.exists(path):
			with open(path) as file:
				used.domains = {name: {"methods": {}} | row for name, row in json.load(file).items()}
		return used

	def unused(self, domain):
		"""[(grant, why)] of the capabilities and interrupts that no machine used."""
		row = self.domains.get(domain["name"], {"caps": 0, "irqs": 0})
		return ([(cap["grant"], cap["why"]) for cap in domain["caps"] if not row["caps"] >> cap["index"] & 1]
		        + [(irq["grant"], irq["why"]) for place, irq in enumerate(domain["irqs"]) if not row["irqs"] >> place & 1])

	def uncalled(self, domain):
		"""(methods that its rights allow, [contract.method] of those that no machine called)."""
		row = self.domains.get(domain["name"], {"methods": {}})
		allowed, missing = 0, []
		for cap in domain["caps"]:
			mask = row["methods"].get(str(cap["index"]), 0)
			allowed += len(cap["methods"])
			missing += [f"{cap['grant'].removeprefix('uses.')}.{name}" for number, name in cap["methods"].items() if not mask >> int(number) & 1]
		return allowed, missing


def own_pages(domain):
	"""Pages that are its own and writable, the most it can touch; image and further CPUs' stacks left out."""
	return sum(s["pages"] for s in domain["memory"] if s["owner"] == "own" and "w" in s["rights"] and s["place"] != "stack")


def foreign_pages(domain):
	return {owner: sum(s["pages"] for s in domain["memory"] if s["owner"] == owner)
	        for owner in sorted({s["owner"] for s in domain["memory"]} - {"own", "core", "device"})}


def unused_text(unused):
	return ", ".join(grant + (f" ({why})" if why else "") for grant, why in unused) or "-"


def uncalled_text(used, domain):
	allowed, missing = used.uncalled(domain)
	return "-" if allowed == 0 else f"{allowed}; never: {', '.join(missing)}" if missing else f"{allowed}; all"


def table(domains, used):
	rows = [("domain", "capabilities", "own pages", "touched", "reads of others", "never used in the tests", "methods it may call")]
	for domain in domains.values():
		row = used.domains.get(domain["name"])
		others = foreign_pages(domain)
		rows.append((domain["name"], str(len(domain["caps"])), str(own_pages(domain)), str(row["pages"]) if row else "?",
		             f"{sum(others.values())} of {', '.join(others)}" if others else "-",
		             unused_text(used.unused(domain)) if row else "? (run ./zog test)", uncalled_text(used, domain) if row else "?"))
	widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
	return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


# ---- the command --------------------------------------------------------------------------------------------------


def live_check():
	from .testing import boot

	result = boot("cat /zog/authority")
	if result.status:
		raise Failure(f"the system did not say what it holds: {result.describe()}")
	live = live_parse(result.output)
	found = compare(map_load(), live)
	rights = sum(len(d.rights) for d in live.values())
	print("\n".join(found) or f"{len(live)} domains hold {rights} rights and the memory that their manifests give, and nothing else")
	return 1 if found else 0


def main(options):
	make()
	if options.live:
		return live_check()
	print(table(map_load(), Used.load()))
	return 0
