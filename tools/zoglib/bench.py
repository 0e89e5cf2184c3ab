"""`zog bench`: what operations cost, counted in instructions under QEMU's -icount, beside Linux if asked for.

Rows of the core are measured by domains of build/lab/zog.elf, rows of Linux calls by one static binary. The model cost
adds 300 for every address-space switch, which an instruction count hides (design, section 8). Without PCID every switch
drops the TLB as well, so tlb_flushes counts switches and flushes by themselves.
"""

import json

from . import bench_apart
from .bench_apart import ROWS as APART_ROWS
from .bench_core import zog_run
from .build import Failure

CORE_ROWS = ("crossing_pure", "crossing_commit", *APART_ROWS, "wait_wake", "stream_64", "home_tx_10", "program_page_fault",
             "restart_virtio_blk", "restart_ext4", "restart_linux")
SHARE_ROWS = {"hook_share_linux": "linux", "hook_share_ext4": "ext4"}  # percent of that domain's instructions
TSM_ROWS = ("home_abort_10", "shared_commit_64", "shared_read_64", "memcpy_64", "ring_raw_64", "stream_4080", "stream_4080_copied",
            "memcpy_4080", "object_commit_64k", "copy_64k", "object_read", *SHARE_ROWS)
CALL_ROWS = ("getppid", "read_4k", "write_4k", "open_close", "stat", "pipe_round_trip", "fork_exit", "fork_exec", "page_fault",
             "create_unlink", "list_64")
GROUPS = {"core": CORE_ROWS, "calls": CALL_ROWS, "tsm": ("stream_64", "home_tx_10", *TSM_ROWS, "pipe_round_trip")}
ALL_ROWS = CORE_ROWS + TSM_ROWS + CALL_ROWS
SWITCH_COST = 300
# What each row is to stay below: a number, or the row it is measured against and the factor.
MARKS = {"crossing_pure": 400, "crossing_commit": 700, "crossing_core": 250, "crossing_commit_core": 450, "crossing_stubs": 150,
         "stream_64": 60, "home_tx_10": 400, "home_abort_10": ("home_tx_10", 1),
         "shared_commit_64": 500, "stream_4080": ("memcpy_4080", 1 / 0.8),
         "object_commit_64k": ("copy_64k", 1 / 2), "hook_share_linux": 10, "hook_share_ext4": 10,
         "pipe_round_trip": 11_300, "getppid": 800, "restart_virtio_blk": 200_000,
         "restart_ext4": 1_000_000, "restart_linux": 1_000_000}
SHARE_CALLS = CALL_ROWS[:-1]  # without list_64, as from the start: what runs while the store hook's share is taken
PROGRAM_FAULT = "page_fault"  # the program whose fault is the row program_page_fault


def add_arguments(parser):
	parser.add_argument("names", nargs="*", metavar="NAME", help="rows, or the groups core, tsm and calls; default: all")
	parser.add_argument("--peer", choices=("linux",), help="run the calls on Debian's kernel, too")
	parser.add_argument("--json", metavar="FILE", help="write the rows to FILE as well")


def check(options):
	"""A message for wrong arguments, or None."""
	for name in options.names:
		if name not in GROUPS and name not in ALL_ROWS:
			return f"no row {name!r}; there are {', '.join([*GROUPS, *ALL_ROWS])}"
	return None


def rows_wanted(names):
	wanted = [row for name in names for row in GROUPS.get(name, (name,))] or ALL_ROWS
	return [row for row in ALL_ROWS if row in wanted]


def number(value):
	"""Whole numbers as such, others with two decimals, None as it is."""
	if value is None:
		return None
	return int(value) if value == int(value) else round(value, 2)


def row_of(name, count, peer):
	"""One row of the JSON object."""
	switches = count.switches
	flushes = None if switches is None else switches + count.flushes
	model = None if switches is None else count.instructions + SWITCH_COST * switches
	linux = peer.instructions if peer else None
	return {"name": name, "instructions": number(count.instructions), "address_space_switches": number(switches),
	        "tlb_flushes": number(flushes), "model_cost": number(model), "linux_lean": number(linux),
	        "ratio": round(model / linux, 2) if linux and model is not None else None}


def measure(names, with_peer):
	"""All wanted rows, in order."""
	calls = [name for name in names if name in CALL_ROWS]
	fault_calls = [PROGRAM_FAULT] if "program_page_fault" in names and PROGRAM_FAULT not in calls else []
	domains = {row: domain for row, domain in SHARE_ROWS.items() if row in names}
	if domains:
		calls += [name for name in SHARE_CALLS if name not in calls]
	zog = {} if set(names) <= set(APART_ROWS) else zog_run(calls + [name for name in fault_calls if name not in calls], domains)
	if any(name in APART_ROWS for name in names):
		zog.update(bench_apart.rows())
	zog["program_page_fault"] = zog.get(PROGRAM_FAULT)
	peer = {}
	if with_peer and calls:
		from .bench_peer import linux_run

		peer = linux_run(calls)
	missing = [name for name in names if zog.get(name) is None]
	if missing:
		raise Failure(f"no counts for {', '.join(missing)}; see build/bench/zog.log")
	return [row_of(name, zog[name], peer.get(name)) for name in names]


def cell(value):
	return "–" if value is None else f"{value:,}"


def verdict(row, found):
	"""The row's mark and whether it is met; nothing where the row it is measured against was not run."""
	mark = MARKS.get(row["name"])
	if isinstance(mark, tuple):
		other, factor = mark
		if other not in found:
			return ""
		limit, named = found[other]["instructions"] * factor, f" ({other}{'' if factor == 1 else f' / {1 / factor:.2g}'})"
	else:
		limit, named = mark, ""
	if limit is None:
		return ""
	unit = " %" if row["name"] in SHARE_ROWS else ""
	return f"≤ {number(limit):,}{unit}{named}: {'yes' if row['instructions'] <= limit else 'no'}"


def table_text(rows):
	head = ("operation", "instructions", "switches", "TLB flushes", "model cost", "Linux (lean)", "ratio", "mark")
	lines = [head]
	found = {row["name"]: row for row in rows}
	for row in rows:
		cells = [cell(row[key]) for key in list(row)[1:]]
		if row["name"] in SHARE_ROWS:
			cells[0] += " %"
		lines.append((row["name"], *cells, verdict(row, found)))
	widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
	return "\n".join("  ".join(text.ljust(width) if i in (0, 7) else text.rjust(width)
	                           for i, (text, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def main(options):
	if options.json:
		try:
			open(options.json, "a").close()
		except OSError as error:
			raise Failure(f"--json: {error}") from error
	rows = measure(rows_wanted(options.names), options.peer is not None)
	print(table_text(rows))
	if options.json:
		with open(options.json, "w") as file:
			json.dump({"rows": rows}, file, indent=1)
			file.write("\n")
	return 0
