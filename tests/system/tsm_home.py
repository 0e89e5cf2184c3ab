"""Schemas of home regions: a domain that breaks its own records is stopped at the commit, by name, and goes on from what is
committed; /zog/tsm counts; the product's own domains keep their schemas."""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, expect

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
SAID = re.compile(r"zog: validation domain=(\w+) region=home (.*) value=(0x[0-9a-f]+)$")
FINDS = re.compile(r"home_breaker: step (\d+) finds (.*)$")
WANTED = [
	("item[2].kind breaks in", "0x4d"), ("item[1].next breaks ref", "0x5"), ("item[1].next breaks ref", "0x4"),
	("item[0].count breaks monotonic", "0x9"), ("item[3].kind breaks in", "0x0"),
]
COMMITTED = "kind 3 next 0 count 10 used 0"


def test_broken_records():
	make("lab")
	result = boot("""
		read line
		grep '^record' /zog/incidents/*/summary
		awk '$1 == "home_breaker" { print $2, $4 }' /zog/tsm""", kernel=KERNEL, append="home_break=1",
		on_log=lambda machine, line: machine.type(b"\n") if "home_breaker: done" in line else None)
	result.expect_status(0)
	said = [match.groups() for match in map(SAID.match, result.lines) if match]
	expect([s[1:] for s in said] == WANTED and all(s[0] == "home_breaker" for s in said), f"said {said}; {result.describe()}")
	incidents = [line for line in result.lines if line.startswith("zog: incident ")]
	expect(len(incidents) == len(WANTED) and all("domain=home_breaker cause=validation" in line for line in incidents), f"{incidents}")
	finds = [match.groups() for match in map(FINDS.search, result.lines) if match]
	expect([int(step) for step, _ in finds] == list(range(len(WANTED) + 2)), f"steps {finds}")
	expect(all(found == COMMITTED for _, found in finds), f"found {finds}")
	for what, _ in WANTED:
		expect(what in result.output, f"no summary says {what}: {result.output!r}")
	expect(f"{len(WANTED)} 0" in result.output, f"/zog/tsm: {result.output!r}")


def test_broken_records_unchecked():
	"""Negative control: with validation off nothing is refused, and what the domain broke is what it finds."""
	make("lab")
	result = boot("read line", kernel=KERNEL, append="home_break=1 tsm_control=unchecked",
		on_log=lambda machine, line: machine.type(b"\n") if "home_breaker: done" in line else None)
	result.expect_status(0)
	finds = [match.group(2) for match in map(FINDS.search, result.lines) if match]
	expect(finds and finds[-1] == "kind 77 next 4 count 9 used 1", f"found {finds}")
	expect(not any(SAID.match(line) for line in result.lines), f"refused: {result.describe()}")
