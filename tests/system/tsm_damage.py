# groups: tsm
"""What the scrubber finds in home regions of the product's own domains, and what becomes of it: gdb changes a named field of a
named record past its rule, in the committed image, in both, or in the live one alone; the incident names it."""

import json
import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import expect, work_disk, work_folder, zog

# One CPU, and it is in the scrubber: nothing runs in any domain. Records of the table `page` are those of cached pages, which the
# shell's file has plenty of; bit 6 of their flags is none that a rule allows.
ROUND_NS = 10000000  # no slice is longer
SCRIPT = r"""
python
import gdb
PAGE, FLAGS, NUMBER, PAGES = {page!r}, {flags}, {page_number}, 4096
FLAG = 0x40

def number(text):
	return int(gdb.parse_and_eval(text))

def domain_named(name):
	for i in range(number("system_domain_count")):
		if gdb.parse_and_eval("system_domain[%d].name" % i).string() == name:
			return "domain_table[%d]" % i

def stop_at(*functions):
	'''At the first of them; the last one is where nothing runs in any domain.'''
	for function in functions:
		gdb.execute("tbreak " + function)
		gdb.execute("continue", to_string=True)

stop_at("control_request", "scrub_step") # the shell is up, and asks for a kill
LINUX, SCHEDULER = domain_named("linux"), domain_named("scheduler")
memory = gdb.selected_inferior()

def place(image, index):
	return number("(unsigned long)%s.home_%s" % (LINUX, image)) + PAGE["offset"] + index * PAGE["bytes"] + FLAGS

def byte(image, index):
	return memory.read_memory(place(image, index), 1)[0][0]

def damage(image, index):
	memory.write_memory(place(image, index), bytes([byte(image, index) | FLAG]))

def records_find():
	'''Three records of cached pages whose live frames hold them, on different pages of the region.'''
	valid = memory.read_memory(number("(unsigned long)%s.home_valid" % LINUX), number("%s.home_bytes" % LINUX) // PAGES).tobytes()
	start = number("(unsigned long)%s.home_committed" % LINUX) + PAGE["offset"]
	table = memory.read_memory(start, PAGE["bytes"] * PAGE["count"]).tobytes()
	found = []
	for index in range(PAGE["count"]):
		at = index * PAGE["bytes"]
		if table[at + PAGE["live"][0]] and valid[(PAGE["offset"] + at) // PAGES] and (not found or index > found[-1] + PAGES // PAGE["bytes"]):
			found.append(index)
	return found[:3]

def settled():
	'''An incident more, and nothing runs again.'''
	before = number("incident_total")
	stop_at("incident_log", "scrub_step")
	return number("incident_total") - before

def look_here(index):
	'''The scrubber goes on at this record: all of them before it would take minutes.'''
	gdb.execute("set var %s.scrub_table = %d" % (LINUX, NUMBER))
	gdb.execute("set var %s.scrub_record = %d" % (LINUX, index))

found = records_find()
print("FOUND", len(found))
A, B, C = found

damage("committed", A), damage("live", A)
look_here(A)
print("KEPT", A, settled(), byte("committed", A) & FLAG, byte("live", A) & FLAG)

damage("committed", B)
look_here(B)
print("REPAIRED", B, settled(), byte("committed", B) & FLAG, byte("live", B) & FLAG)

for image in ("committed", "live"):
	memory.write_memory(number("(unsigned long)%s.home_%s" % (SCHEDULER, image)) + {slice_offset}, b"\xff" * 8)
print("COLD", settled(),
      memory.read_memory(number("(unsigned long)%s.home_committed" % SCHEDULER) + {slice_offset}, 8).tobytes().hex())

damage("live", C)
gdb.execute("set var %s.scrub_page = %d" % (LINUX, (PAGE["offset"] + C * PAGE["bytes"]) // PAGES))
print("ROLLED_BACK", C, settled(), byte("committed", C) & FLAG)
end
zog finish
"""
WAITS = """
cat /bin/busybox > /dev/null; echo kill entropy > /zog/ctl
until test -e /zog/incidents/5; do usleep 100000; done
echo works > /tmp/file; cat /tmp/file
grep -h '^cause\\|^record' /zog/incidents/*/summary"""


def table_of(domain, name):
	with open(os.path.join(BUILD, "gen", "home", f"{domain}.json")) as file:
		tables = json.load(file)["tables"]
	number = next(i for i, table in enumerate(tables) if table["name"] == name)
	return number, tables[number]


def offset_of(table, field):
	return next(rule["offset"] for rule in table["rules"] if rule["field"] == field)


def test_damage_is_named_and_settled():
	make()
	number, page = table_of("linux", "page")
	_, scheduler = table_of("scheduler", "scheduler")
	script = SCRIPT
	for key, value in (("{page!r}", repr({k: page[k] for k in ("offset", "bytes", "count", "live")})), ("{flags}", str(offset_of(page, "flags"))),
	                   ("{page_number}", str(number)), ("{slice_offset}", str(scheduler["offset"] + offset_of(scheduler, "slice_ns")))):
		script = script.replace(key, value)
	path = os.path.join(work_folder(), "script.gdb")
	with open(path, "w") as file:
		file.write(script)
	status, output, errors = zog("debug", "--batch", path, "--disk", work_disk(), "--smp", "1", "--exec", WAITS)
	said = {line.split()[0]: line.split()[1:] for line in output.split("\n") if re.match(r"(FOUND|KEPT|REPAIRED|COLD|ROLLED_BACK) ", line)}
	expect(status == 0 and len(said) == 5, f"status {status}: {output[-1500:]!r} {errors[-800:]!r}")
	expect(said["FOUND"] == ["3"], f"{said}")
	a, b, c = said["KEPT"][0], said["REPAIRED"][0], said["ROLLED_BACK"][0]
	expect(said["KEPT"][1:] == ["1", "64", "64"], f"damage of both images: {said}")
	expect(said["REPAIRED"][1:] == ["1", "0", "0"], f"damage of the committed image: {said}")
	slice_ns = int.from_bytes(bytes.fromhex(said["COLD"][1]), "little")
	expect(said["COLD"][0] == "1" and slice_ns <= ROUND_NS, f"damage of a region that nobody relies on: {said}")
	expect(said["ROLLED_BACK"][1:] == ["1", "0"], f"damage of the live image: {said}")
	with open(os.path.join(BUILD, "run", "console")) as file:
		console = file.read().replace("\r", "").split("\n")
	expect(console[0] == "works", f"the system did not go on: {console}")
	records = [line for line in console if line.startswith("record: ")]
	wanted = [f"kept: page[{a}].flags breaks bits", f"repaired: page[{b}].flags breaks bits", "cold: scheduler.slice_ns breaks in"]
	expect([r.partition(", with the value 0x")[0][8:] for r in records] == [*wanted, f"page[{c}].flags"], f"{records}")
	values = [int(r.partition(", with the value 0x")[2], 16) for r in records[:3]]
	expect(values[0] & 64 and values[1] & 64 and values[2] == 2 ** 64 - 1, f"{records}")
	causes = [line.split()[1] for line in console if line.startswith("cause: ")]
	expect(causes == ["killed:", "damage:", "damage:", "damage:", "scrub:"], f"{causes}")
