"""`zog incidents`: a table of what broke in the last `zog run`."""

import os

from .build import RUN, Failure
from .log import Log, is_notice

LOG = os.path.join(RUN, "log")


def load_log(path):
	if not os.path.isfile(path):
		raise Failure(f"{path}: no such log: run something first (./zog run)")
	return Log.load(path)


def add_arguments(parser):
	parser.add_argument("--log", default=LOG, metavar="FILE", help="system log to read (default: that of the last run)")


def table_row(number, fields, recovered):
	"""The cells of one incident."""
	time_ns = int(fields.get("time_ns", 0))
	undone = f"{fields.get('undone_ranges', '?')} ranges, {fields.get('undone_ops', '?')} operations"
	return [str(number), f"{time_ns / 1e9:.6f}", fields.get("domain", "?"), fields.get("cause", "?"),
		"yes" if fields.get("asked") == "1" else "no", "yes" if fields.get("running") == "1" else "no", undone,
		"notice" if is_notice(fields) else str(recovered.get(number, "not yet"))]


HEAD = ["incident", "at (s)", "domain", "cause", "asked for", "was running", "rolled back", "instructions to first reply"]


def table_text(rows):
	widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
	return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def main(options):
	log = load_log(options.log)
	if not log.incidents:
		print("no incidents")
		return 0
	print(table_text([HEAD] + [table_row(n, log.incidents[n], log.recovered) for n in sorted(log.incidents)]))
	return 0
