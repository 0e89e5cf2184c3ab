# groups: tsm
"""Shared regions: the bad inputs of a writer, each refused or its end, with the committed records unchanged; and the two
domains of docs/howto/share-a-table.md, of which one goes mad."""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, by_tier, expect

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
ATTEMPT = re.compile(r"mad_writer: attempt (\w+) (ended|refused|succeeded) status=(-?\d+)$")
INCIDENT = re.compile(r"zog: incident \d+ domain=(\w+) cause=(\w+) ")
SEEN = re.compile(r"counter_reader: version (\d+) sum (\d+)$")
SCRIPT = "read line; echo worked"

WANTED = {
	"history_works": "succeeded rollback",
	**dict.fromkeys((
		"range_beyond", "range_over_the_end", "range_wrapping", "range_wide", "range_empty", "kind_unknown", "kind_wide",
		"region_unknown", "region_huge", "commit_by_non_writer", "rollback_by_non_writer", "double_commit", "double_rollback",
		"overlap", "runs_too_many", "commit_and_rollback", "rollback_to_the_future"), "ended violation"),
	"use_after_abort": "refused -31",
	"version_stale": "refused -20",
	"one_bad_of_two": "refused -32 validation",
	"reply_with_bad_records": "ended validation",
	**dict.fromkeys(("store_to_head", "store_to_committed", "store_behind_buffer"), "ended page_fault"),
}


def outcomes(lines):
	"""What came of each attempt: outcome, status where refused, causes of the incidents meanwhile."""
	found, causes = {}, []
	for line in lines:
		if match := INCIDENT.match(line):
			expect(match[1] == "mad_writer", f"an incident of {match[1]}: {line[:120]}")
			causes.append(match[2])
		elif match := ATTEMPT.match(line):
			status = [match[3]] if match[2] == "refused" else []
			found[match[1]] = " ".join([match[2], *status, *causes])
			causes = []
	return found


def type_at(text):
	return lambda machine, line: machine.type(b"\n") if text in line else None


def test_bad_inputs():
	make("lab")
	result = boot(SCRIPT, kernel=KERNEL, append="tsm_attempts=1", on_log=type_at("mad_writer: done"))
	result.expect_output("worked\n")
	found = outcomes(result.lines)
	wrong = {name: found.get(name) for name in WANTED if found.get(name) != WANTED[name]}
	expect(not wrong and len(found) == len(WANTED), f"not as wanted: {wrong}; {len(found)} attempts; {result.describe()}")


def test_one_goes_mad():
	"""The howto: every third turn of the writer is refused, and the reader never sees it."""
	make("lab")
	result = boot(SCRIPT, kernel=KERNEL, append="tsm=mad", on_log=type_at("counter_writer: turn 12 refused"))
	result.expect_output("worked\n")
	refused = [line for line in result.lines if "cause=validation" in line]
	seen = [(int(v), int(s)) for v, s in (match.groups() for match in map(SEEN.match, result.lines) if match)]
	expect(len(refused) >= 4 and all("domain=counter_writer" in line for line in refused), f"refused: {refused[:2]}")
	expect(len(seen) >= 8 and seen == sorted(seen), f"the reader saw {seen}")
	expect(not any("is mad" in line for line in result.lines), "the reader saw a mad record")


def test_aborts_do_not_put_off_a_deadline():
	make("lab")
	result = boot(SCRIPT, kernel=KERNEL, append="tsm=stuck", on_log=type_at("domain=counter_writer cause=deadline"))
	result.expect_output("worked\n")


def test_writer_killed_at_any_instruction():
	"""The writer dies at instructions of its work, the commit among them: the reader never sees half of a transaction, and the
	table and the writer's home region, which count together, never differ."""
	make("lab")
	kills = by_tier(120, 1200)
	result = boot(f"""
		n=0; i=0
		while [ $n -lt {kills} ]; do
			echo kill mad_writer $((n * 37 % 3001 + 1)) > /zog/ctl
			n=$((n + 1))
			until [ "$(awk '$2 == "mad_writer" {{ print $4 }}' /zog/domains)" -gt $n ]; do
				i=$((i + 1)) # a kill that meets a domain at its end is lost: asked for again
				[ $((i % 200)) -ne 0 ] || echo kill mad_writer > /zog/ctl
			done
		done
		awk '$1 == "ledger.book" {{ print $6 }}' /zog/tsm""", kernel=KERNEL, append="tsm_honest=1", smp=2)
	result.expect_status(0)
	commits = int(result.output.strip() or 0)
	cut = [line for line in result.lines if "domain=mad_writer cause=killed" in line and "running=1" in line]
	bad = [line for line in result.lines if " bad" in line]
	expect(not bad, f"{len(bad)} findings: {bad[:3]}")
	expect(len(cut) >= kills // 2, f"{len(cut)} of {kills} kills cut an invocation")
	expect(commits > kills, f"{commits} commits amid {kills} kills")
	return f"{len(cut)} crash points"
