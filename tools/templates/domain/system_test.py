"""@NAME@ beats, and is killed at all kinds of instructions: no beat is lost, none counts twice."""

import re

from zoglib.testing import boot, by_tier, expect

SHELL = """
faults() { awk '$2 == "@NAME@" { print $5 }' /zog/domains; }
strike() {
	before=$(faults); echo kill @NAME@ $1 > /zog/ctl
	until [ $(faults) != $before ]; do usleep 10000; done
}
"""


def beats_of(result):
	"""The counts that it told, each checked against its sum."""
	beats = [tuple(map(int, match.groups())) for line in result.lines if (match := re.fullmatch(r"@NAME@: beat (\d+) sum (\d+)", line))]
	for count, total in beats:
		expect(total == count * (count + 1) // 2, f"beat {count} has sum {total}")
	return [count for count, _ in beats]


def test_it_is_in_domains():
	result = boot("""until grep -q ' @NAME@ .* ready ' /zog/domains; do usleep 10000; done; awk '$2 == "@NAME@" { print $2, $3 }' /zog/domains""")
	result.expect_output("@NAME@ ready\n")
	expect(not result.log.incidents, f"incidents: {list(result.log.incidents.values())[:2]}")


def test_killed_at_any_instruction():
	rounds = by_tier(12, 100)
	result = boot(SHELL + f"""
		n=0
		while [ $n -lt {rounds} ]; do strike $((n * 37 % 400 + 1)); n=$((n + 1)); done
		turns() {{ awk '$2 == "@NAME@" {{ print $6 }}' /zog/domains; }}
		enough=$(($(turns) + 3)); until [ $(turns) -ge $enough ]; do usleep 10000; done
		echo $n""")
	result.expect_output(f"{rounds}\n")
	killed = [fields for fields in result.log.incidents.values() if (fields.get("domain"), fields.get("cause")) == ("@NAME@", "killed")]
	expect(len(killed) == len(result.log.incidents) == rounds, f"{rounds} strokes, incidents: {list(result.log.incidents.values())}")
	starts = [int(match[1]) for line in result.lines if (match := re.fullmatch(r"@NAME@: start \d+ at beat (\d+)", line))]
	expect(len(starts) > rounds // 2 and starts == sorted(starts), f"starts at beats {starts}")
	beats = beats_of(result)
	# What a cut turn told may be told again by the turn that takes its place; nothing may be left out.
	expect(all(after - before in (0, 1) for before, after in zip(beats, beats[1:])), f"beats {beats}")
	expect(beats[0] == 1 and beats[-1] >= max(starts) > 0, f"beats {beats}, starts at {starts}")
