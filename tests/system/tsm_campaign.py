# groups: tsm
"""Random corruptions by the writer of a shared region: random bytes into its write-ahead buffer and its own memory, then a
commit. No reader may see a record that breaks the schema, and honest commits must go on. With validation off, and with
rollback off, the campaign must notice: the negative controls."""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, by_tier, expect, progress

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
WRITER = re.compile(r"mad_writer: done steps=(\d+) passed=(\d+) refused=(\d+) ended=(\d+) honest=(\d+) honest_refused=(\d+)$")
READER = re.compile(r"sane_reader: done snapshots=(\d+) changes=(\d+) torn=(\d+) bad=(\d+)$")
SCRIPT = "read line; echo worked"
CAUSE = re.compile(r"zog: incident \d+ domain=(\w+) cause=(\w+) ")
RULES = ("", "range", "enum", "offset", "length", "ref", "monotonic", "checksum", "live")
RULE = re.compile(r"zog: validation domain=mad_writer .* rule=(\d+) ")


class Outcome:
	"""What both domains said at the end, and the incidents by cause."""

	def __init__(self, result):
		self.result = result
		self.writer = self.find(WRITER, ("steps", "passed", "refused", "ended", "honest", "honest_refused"))
		self.reader = self.find(READER, ("snapshots", "changes", "torn", "bad"))
		self.causes, self.rules = {}, {}
		for line in result.lines:
			if match := CAUSE.match(line):
				self.causes[match[1], match[2]] = self.causes.get((match[1], match[2]), 0) + 1
			elif match := RULE.match(line):
				self.rules[RULES[int(match[1])]] = self.rules.get(RULES[int(match[1])], 0) + 1

	def find(self, pattern, names):
		for line in self.result.lines:
			if match := pattern.match(line):
				return dict(zip(names, map(int, match.groups())))
		return None

	def table(self):
		causes = ", ".join(f"{cause} {count}" for (_, cause), count in sorted(self.causes.items()))
		rules = ", ".join(f"{rule} {count}" for rule, count in sorted(self.rules.items()))
		return f"tsm campaign: {self.writer}; reader {self.reader}; incidents: {causes}; rules broken: {rules}"


def campaign(steps, append="", awaited=2):
	"""Ends when both have said that they are done, or the writer alone."""
	done = set()

	def on_log(machine, line):
		for name, pattern in (("writer", WRITER), ("reader", READER)):
			if pattern.match(line) and name not in done:
				done.add(name)
				if len(done) == awaited:
					machine.type(b"\n")

	make("lab")
	words = f"tsm_campaign={steps} tsm_seed=20 {append}".strip()
	outcome = Outcome(boot(SCRIPT, kernel=KERNEL, append=words, smp=2, on_log=on_log))
	progress(outcome.table())
	return outcome


def test_readers_never_see_damage():
	steps = by_tier(500, 10000)
	outcome = campaign(steps)
	writer, reader = outcome.writer, outcome.reader
	outcome.result.expect_output("worked\n")
	expect(writer["steps"] == steps and writer["passed"] + writer["refused"] + writer["ended"] == steps, f"{writer}")
	expect(writer["refused"] > steps // 4 and writer["ended"] > 0 and writer["passed"] > 0, f"the damage does not vary: {writer}")
	expect(writer["honest_refused"] == 0, f"honest work was refused: {writer}")
	expect(reader["bad"] == 0 and reader["changes"] > steps // 10, f"the reader saw {reader}")
	expect(set(outcome.rules) == set(RULES[1:]), f"rules that were never broken: {set(RULES[1:]) - set(outcome.rules)}")
	others = [domain for domain, _ in outcome.causes if domain != "mad_writer"]
	expect(not others, f"incidents of {others}")



def test_control_without_validation():
	outcome = campaign(200, "tsm_control=unchecked")
	expect(outcome.reader is not None and outcome.reader["bad"] > 0, f"without validation the reader saw nothing: {outcome.reader}")


def test_control_without_rollback():
	outcome = campaign(200, "tsm_control=keeps", awaited=1)
	expect(outcome.writer is not None and outcome.writer["honest_refused"] > 0, f"without rollback nothing was noticed: {outcome.writer}")
