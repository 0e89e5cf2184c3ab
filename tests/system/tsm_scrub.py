# groups: tsm
"""The scrubber over shared regions: with tsm_control=damage, lab image only, a bit of a committed record changes from outside,
and later one of a kept version. Both are found, named and counted; the record is made good, and nobody has seen it."""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, expect

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
RECORD = "zog: scrub domain=counter_writer region=counter.table record=counter index=0 field=step repaired=1"
VERSION = re.compile(r"zog: scrub domain=counter_writer region=counter.table version=(\d+) dropped=(\d+)$")
INCIDENT = re.compile(r"zog: incident \d+ domain=counter_writer cause=(\w+) ")
SEEN = re.compile(r"counter_reader: version (\d+) sum (\d+)$")
# Names stand where their column's heading does.
SCRIPT = """read line
awk '/^region / { for (i = 1; i <= NF; i++) at[$i] = i }
	/^counter.table / { print "damaged", $at["damaged"], "repaired", $at["repaired"], "last", $at["last_damage"], "scrubbed", ($at["scrubbed"] > 0) }' /zog/tsm"""


def test_scrubber_makes_good_what_it_finds():
	"""One CPU: no reader runs between the damage and its repair, which one invocation of the scrubber does."""
	make("lab")
	dropped = []

	def on_log(machine, line):
		if (match := VERSION.match(line)) and not dropped:
			dropped.append((int(match[1]), int(match[2])))
		elif dropped and "counter_reader: version" in line and len(dropped) == 1:
			dropped.append(line)
			machine.type(b"\n")

	result = boot(SCRIPT, kernel=KERNEL, append="tsm=calm tsm_control=damage", smp=1, on_log=on_log)
	expect(result.lines.count(RECORD) == 1, f"the record's line: {[line for line in result.lines if 'zog: scrub' in line]}")
	expect(len(dropped) == 2, f"the version, and the reader after it: {dropped}; {result.describe()}")
	version, count = dropped[0]
	expect(version >= 3 and count >= 2, f"version {version}, {count} dropped")
	result.expect_output(f"damaged 2 repaired 1 last version[{version}].- scrubbed 1\n")
	causes = [match[1] for match in map(INCIDENT.match, result.lines) if match]
	expect(causes == ["scrub", "scrub"], f"incidents of the writer: {causes}")
	seen = [(int(v), int(s)) for v, s in (match.groups() for match in map(SEEN.match, result.lines) if match)]
	expect(len(seen) >= 4 and seen == sorted(seen), f"the reader saw {seen}")
	expect(not any("is mad" in line or "refused" in line for line in result.lines), "the damage was seen, or the writer hurt")
