# groups: tsm
"""Large objects: the bad inputs of a writer and of a reader, each refused or its end, with the published version unchanged;
readers that stay inside while others are published; and the writer killed anywhere while a reader checks every word."""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, by_tier, expect

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
ATTEMPT = re.compile(r"picture_\w+: attempt (\w+) (ended|refused|succeeded) status=(-?\d+)$")
INCIDENT = re.compile(r"zog: incident \d+ domain=(\w+) cause=(\w+) ")
SCRIPT = "read line; cat /zog/tsm; echo worked"

WRITER_WANTED = {
	"history_works": "succeeded picture_writer:rollback",
	"fill_works": "succeeded",
	**dict.fromkeys((
		"double_commit", "commit_of_another_buffer", "commit_of_a_wide_buffer", "commit_with_unknown_flags", "object_unknown", "object_huge",
		"commit_by_non_writer", "rollback_by_non_writer", "double_rollback", "commit_and_rollback", "rollback_to_the_future",
		"rollback_to_no_version", "rollback_to_nothing"), "ended picture_writer:violation"),
	"version_stale": "refused -20",
	"use_after_abort": "refused -31",
	**dict.fromkeys(("value_outside_range", "length_outside_object", "offset_outside_object", "serial_goes_back", "checksum_wrong"),
	                "refused -32 picture_writer:validation"),
	"reply_with_broken_picture": "ended picture_writer:validation",
	**dict.fromkeys(("store_to_head", "store_after_commit", "store_behind_buffer"), "ended picture_writer:page_fault"),
	"draw_at_the_end": "succeeded picture_writer:rollback",
}
READER_WANTED = {
	"reads_on_while_others_are_published": "succeeded",
	"never_leaves": "refused -25",
	"draws_again": "succeeded",
	"writer_stores_without_buffer": "refused -80 picture_writer:page_fault picture_writer:page_fault",
	"draws_after_the_fault": "succeeded",
	"looks_at_what_is_being_written": "ended picture_reader:page_fault",
	"stores_to_published": "ended picture_reader:page_fault",
	"commits_as_reader": "ended picture_reader:violation",
	"begins_as_reader": "refused -2",
	"hangs": "ended picture_reader:deadline",
	"draws_after_the_hang": "succeeded",
}


def outcomes(lines):
	"""What came of each attempt: outcome, status where refused, incidents meanwhile."""
	found, incidents = {}, []
	for line in lines:
		if match := INCIDENT.match(line):
			incidents.append(f"{match[1]}:{match[2]}")
		elif match := ATTEMPT.match(line):
			status = [match[3]] if match[2] == "refused" else []
			found[match[1]] = " ".join([match[2], *status, *incidents])
			incidents = []
	return found


def type_at(text):
	return lambda machine, line: machine.type(b"\n") if text in line else None


def attempts_run(who, wanted):
	make("lab")
	result = boot(SCRIPT, kernel=KERNEL, append=f"tsm_object={who}", on_log=type_at(f"picture_{who}: done"))
	expect(result.output.endswith("worked\n"), f"the machine did not go on: {result.describe()}")
	found = outcomes(result.lines)
	wrong = {name: found.get(name) for name in wanted if found.get(name) != wanted[name]}
	expect(not wrong and len(found) == len(wanted), f"not as wanted: {wrong}; {len(found)} attempts; {result.describe()}")
	return result


def object_row(output, name):
	"""The row of /zog/tsm for an object, by the words of its header line."""
	lines = output.splitlines()
	heads = [line.split() for line in lines if line.startswith("object ")]
	rows = [line.split() for line in lines if line.startswith(name + " ")]
	expect(len(heads) == 1 and len(rows) == 1 and len(heads[0]) == len(rows[0]), f"no row {name} in {output}")
	return dict(zip(heads[0], rows[0]))


def test_bad_inputs_of_the_writer():
	result = attempts_run("writer", WRITER_WANTED)
	row = object_row(result.output, "picture.frame")
	refused = sum("validation" in outcome for outcome in WRITER_WANTED.values())
	expect(row["writer"] == row["author"] == "picture_writer" and int(row["refused"]) == refused and int(row["rollbacks"]) == 2, f"/zog/tsm says {row}")
	expect(int(row["memory"]) == 4 * int(row["bytes"]) + 4096 and int(row["epoch"]) == 2, f"/zog/tsm says {row}")


def test_readers_that_stay_inside():
	result = attempts_run("reader", READER_WANTED)
	row = object_row(result.output, "picture.frame")
	expect(int(row["busy"]) >= 3 and int(row["refused"]) == 0, f"/zog/tsm says {row}")


def test_writer_killed_at_any_instruction():
	"""The writer dies at instructions of its work, the commit among them; another activity of it scribbles into its buffer
	whenever it gets in; the reader on another CPU checks each word, twice, and that record and object are of one commit."""
	make("lab")
	kills = by_tier(60, 600)
	result = boot(f"""
		n=0; i=0
		while [ $n -lt {kills} ]; do
			echo kill picture_writer $((n * 977 % 50021 + 1)) > /zog/ctl
			n=$((n + 1))
			until [ "$(awk '$2 == "picture_writer" {{ print $4 }}' /zog/domains)" -gt $n ]; do
				i=$((i + 1)) # a kill that meets a domain at its end is lost: asked for again
				[ $((i % 200)) -ne 0 ] || echo kill picture_writer > /zog/ctl
			done
		done
		read line; cat /zog/tsm""", kernel=KERNEL, append="tsm_object=honest", smp=2, on_log=type_at("picture_reader: looks="))
	result.expect_status(0)
	commits = int(object_row(result.output, "picture.frame")["commits"])
	cut = [line for line in result.lines if "domain=picture_writer cause=killed" in line and "running=1" in line]
	bad = [line for line in result.lines if " bad" in line and "bad=0" not in line]
	others = [line for line in result.lines if INCIDENT.match(line) and "domain=picture_writer cause=killed" not in line]
	expect(not bad and not others, f"{len(bad)} findings: {bad[:3]}; incidents {others[:3]}")
	expect(len(cut) >= kills // 2, f"{len(cut)} of {kills} kills cut an invocation")
	expect(commits > 0, "no commits amid the kills")
