# groups: tsm
"""A region with a validator: what the writer proposes is committed by the validator or by nobody. Misbehaviour of both sides by
name; hooks of rollbacks in their order, through faults and hangs; both sides killed at any instruction."""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, by_tier, expect

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
ATTEMPT = re.compile(r"petitioner: attempt (\w+) (ended|refused|decided) status=(-?\d+) sum=(new|old)$")
INCIDENT = re.compile(r"zog: incident \d+ domain=(\w+) cause=(\w+) ")
HOOK = re.compile(r"(\w+): hook region=0 epoch=(\d+)")

# How it ended, status, whether the book's total is the one noted in the petitioner's last commit, and the incidents meanwhile.
POISONED = "decided -80 old"
WANTED = {
	"accepted": "decided 0 new",
	"rejected": "decided -31 old petitioner:validation",
	"flip_after_proposal": "decided 0 new",
	"double_proposal": "decided 0 new",
	"proposal_over_pending": "decided 0 new petitioner:violation",
	"commit_past_validator": "ended 0 new petitioner:violation",
	"rollback_past_validator": "ended 0 new petitioner:violation",
	"verdict_by_writer": "ended 0 new petitioner:violation",
	"writer_dies_between": "decided 0 new petitioner:assert",
	"schema_broken": "refused -32 new petitioner:validation",
	"validator_faults": POISONED + " auditor:assert auditor:assert",
	"validator_hangs": POISONED + " auditor:deadline auditor:deadline",
	"sequence_forged": POISONED + " auditor:violation auditor:violation",
	"double_verdict": POISONED + " auditor:violation auditor:violation",
	"store_to_proposal": POISONED + " auditor:page_fault auditor:page_fault",
	"validator_silent": "decided -62 old auditor:deadline",
	"accepted_again": "decided 0 new",
	"rollback_first": "decided -6 old auditor:rollback",
	"accepted_between": "decided 0 new",
	"rollback_hook_faults": "decided -6 old auditor:rollback",
	"accepted_in_between": "decided 0 new",
	"rollback_hook_hangs": "decided -6 old auditor:rollback",
	"accepted_at_last": "decided 0 new",
}


def lines_of_attempts(lines):
	found, causes = {}, []
	for line in lines:
		if match := INCIDENT.match(line):
			causes.append(f"{match[1]}:{match[2]}")
		elif match := ATTEMPT.match(line):
			found[match[1]] = " ".join([match[2], match[3], match[4], *causes])
			causes = []
	return found


def hook_incidents(lines, cause):
	return [line for line in lines if "domain=auditor" in line and f"cause={cause}" in line and "method=0x7" in line]


def hooks_told(lines):
	"""Who was told of each epoch, in this order; hooks for a writer's end carry the epoch before."""
	told = {}
	for line in lines:
		if match := HOOK.match(line):
			told.setdefault(int(match[2]), []).append(match[1])
	return told


def attempts_run():
	def on_log(machine, line):
		if "petitioner: done" in line:
			machine.type(b"\n")

	make("lab")
	result = boot("read line; grep petition.book /zog/tsm; cat /zog/incidents/*/summary", kernel=KERNEL, append="petition=attempts", on_log=on_log)
	result.expect_status(0)
	return result


def test_misbehaviour_of_both_sides():
	result = attempts_run()
	# Hooks run beside the attempts: their incidents are looked at below.
	lines = [line for line in result.lines if "method=0x7" not in line]
	found = lines_of_attempts(lines)
	wrong = {name: found.get(name) for name in WANTED if found.get(name) != WANTED[name]}
	expect(not wrong and len(found) == len(WANTED), f"not as wanted: {wrong}; {len(found)} attempts; {result.describe()}")
	expect(not any("witness: bad" in line for line in result.lines), "the witness saw what the auditor never agreed to")
	reason = [line for line in result.lines if line.startswith("zog: rejection domain=petitioner validator=auditor region=petition.book")]
	expect(len(reason) == 1 and "record=total index=0" in reason[0] and "rule=9" in reason[0], f"rejections: {reason}")
	hooks_check(result.lines)
	losses_check(result)


def hooks_check(lines):
	told = hooks_told(lines)
	# Hooks of an end of the writer may still be due at the first rollback: they come before, with its epoch.
	expect(told.get(1, [])[-3:] == ["auditor", "witness", "petitioner"], f"hooks of the first rollback: {told.get(1)}")
	expect(told.get(2) == ["auditor", "auditor", "witness", "petitioner"], f"hooks of the second, one cut by a fault: {told.get(2)}")
	expect(told.get(3) == ["auditor", "auditor", "witness", "petitioner"], f"hooks of the third, one that hangs: {told.get(3)}")
	expect(len(hook_incidents(lines, "assert")) == 1, f"faults of hooks: {hook_incidents(lines, 'assert')}")
	expect(len(hook_incidents(lines, "deadline")) == 2, f"hangs of hooks: {hook_incidents(lines, 'deadline')}")
	expect(any(line.startswith("zog: hook failed domain=auditor region=petition.book") for line in lines), "the failed hook is not told")


def losses_check(result):
	"""The row of /zog/tsm and the summaries say what was undone."""
	row = next(line for line in result.output.splitlines() if line.startswith("petition.book")).split()
	rollbacks, validator, rejected, undone, undone_bytes, failed = row[7], row[15], row[16], row[17], row[18], row[20]
	expect((rollbacks, validator, rejected, undone) == ("3", "auditor", "7", "3"), f"the row is {row}")
	expect(int(undone_bytes) >= 40 and failed == "1", f"the row is {row}")
	losses = re.findall(r"visible loss: back to version \d+, 1 versions and (\d+) bytes undone", result.output)
	expect(len(losses) == 3 and sum(map(int, losses)) == int(undone_bytes), f"losses on file: {losses}, in the row: {undone_bytes}")


def test_killed_at_any_instruction():
	"""Writer and validator die in turn at instructions of their work: no proposal is lost, none is committed twice, and the
	witness sees only what the validator agreed to. The hooks that the writer's deaths raise run, too, and die as well."""
	make("lab")
	kills = by_tier(120, 1200)
	result = boot(f"""
		n=0; i=0
		while [ $n -lt {kills} ]; do
			if [ $((n % 2)) -eq 0 ]; then name=petitioner; else name=auditor; fi
			echo kill $name $((n * 41 % 2003 + 1)) > /zog/ctl
			n=$((n + 1)); wanted=$(((n + 1) / 2)); [ $name = petitioner ] || wanted=$((n / 2))
			until [ "$(awk -v name=$name '$2 == name {{ print $4 }}' /zog/domains)" -gt $wanted ]; do
				i=$((i + 1)) # a kill that meets a domain at its end is lost: asked for again
				[ $((i % 200)) -ne 0 ] || echo kill $name > /zog/ctl
			done
		done
		awk '$1 == "petition.book" {{ print $6 }}' /zog/tsm""", kernel=KERNEL, append="petition=calm", smp=2)
	result.expect_status(0)
	commits = int(result.output.strip() or 0)
	cut = {name: sum(f"domain={name} cause=killed" in line and "running=1" in line for line in result.lines) for name in ("petitioner", "auditor")}
	bad = [line for line in result.lines if ": bad" in line]
	expect(not bad, f"{len(bad)} findings: {bad[:3]}")
	expect(min(cut.values()) >= kills // 8, f"kills that cut an invocation: {cut} of {kills}")
	expect(commits > kills, f"{commits} commits amid {kills} kills")
	return f"{sum(cut.values())} crash points"
