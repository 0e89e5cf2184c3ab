# groups: tsm
"""docs/howto/share-a-table.md: its commands do what it says, the tests that it names exist, and what it shows of contract,
manifests and code stands in tests/domains/tsm/ word for word."""

import glob
import os
import re
import subprocess

from zoglib.build import ROOT
from zoglib.testing import expect

HOWTO = os.path.join(ROOT, "docs", "howto", "share-a-table.md")
COMMAND_LIMIT_S = 7200


def indented_lines():
	with open(HOWTO, encoding="utf-8") as file:
		return [line[1:].rstrip() for line in file if line.startswith("\t")]


def command_run(command):
	result = subprocess.run(["sh", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
	                        timeout=COMMAND_LIMIT_S)
	expect(result.returncode == 0, f"'{command}' ends with {result.returncode}: {result.stdout[-200:]} {result.stderr[-300:]}")
	return result.stdout


def row_of(output):
	"""Version and commits of counter.table in what `cat /zog/tsm` printed."""
	row = next(line.split() for line in output.splitlines() if line.startswith("counter.table"))
	return int(row[3]), int(row[5])


def test_commands_do_what_they_say():
	runs = [line for line in indented_lines() if line.startswith("./zog run")]
	greps = [line for line in indented_lines() if line.startswith("grep ")]
	expect(len(runs) == 2 and len(greps) == 1, f"the howto has {len(runs)} runs and {len(greps)} looks at the log")
	version, commits = row_of(command_run(runs[0]))
	expect(commits >= 1 and commits - version in (0, 1), f"calm: version {version}, {commits} commits") # 1: amid a commit
	version, commits = row_of(command_run(runs[1]))
	expect(commits >= 1 and commits - version in (0, 1), f"mad: version {version}, {commits} commits")
	told = command_run(greps[0])
	for wanted in ("record=counter", "field=", "cause=validation", "refused", "counter_reader: version"):
		expect(wanted in told, f"the log does not say '{wanted}': {told[:500]}")
	expect("is mad" not in told, "the reader saw a mad record")


def test_tests_that_it_names_exist():
	for line in indented_lines():
		if line.startswith("./zog test"):
			expect(command_run(f"{line} --list").strip(), f"'{line}' selects nothing")


def words(line):
	"""Without comments and the space between: how a listing is compared."""
	return re.sub(r"\s+", " ", line.split("#")[0]).strip()


def test_listings_are_the_files():
	source = set()
	for path in glob.glob(os.path.join(ROOT, "tests", "domains", "tsm", "counter*")) + glob.glob(
			os.path.join(ROOT, "tests", "domains", "tsm", "counter_*", "*")):
		if os.path.isfile(path):
			with open(path, encoding="utf-8") as file:
				source.update(words(line) for line in file)
	listed = [words(line) for line in indented_lines() if not line.startswith(("./zog", "grep ")) and words(line) not in ("", "...")]
	missing = [line for line in listed if line not in source]
	expect(len(listed) > 30 and not missing, f"{len(listed)} lines are shown; these stand in no file: {missing}")
