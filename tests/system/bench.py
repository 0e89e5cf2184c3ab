"""`./zog bench`: the core's rows are there, repeat within 1 %, and lie near their marks; wrong arguments get usage."""

import json
import os

from zoglib.testing import expect, tier, work_folder, zog

CORE_ROWS = ["crossing_pure", "crossing_commit", "crossing_core", "crossing_commit_core", "crossing_stubs", "wait_wake", "stream_64",
             "home_tx_10", "program_page_fault", "restart_virtio_blk", "restart_ext4", "restart_linux"]
APART_ROWS = ["crossing_core", "crossing_commit_core", "crossing_stubs"]
CALL_ROWS = ["getppid", "read_4k", "write_4k", "open_close", "stat", "pipe_round_trip", "fork_exit", "fork_exec", "page_fault",
             "create_unlink"]
KEYS = ["name", "instructions", "address_space_switches", "tlb_flushes", "model_cost", "linux_lean", "ratio"]


def bench_rows(*arguments):
	"""Rows of the JSON file of one run, by name."""
	path = os.path.join(work_folder(), "bench.json")
	status, output, errors = zog("bench", *arguments, "--json", path)
	expect(status == 0, f"bench {arguments}: status {status}: {errors[-500:]!r}")
	with open(path) as file:
		found = json.load(file)
	expect(list(found) == ["rows"] and all(list(row) == KEYS for row in found["rows"]), f"keys of {found}")
	for row in found["rows"]:
		expect(row["name"] in output, f"{row['name']} is not in the table {output!r}")
	return {row["name"]: row for row in found["rows"]}


def expect_model(row):
	if row["address_space_switches"] is None:
		expect(row["model_cost"] is None, f"model cost without switches: {row}")
	else:
		model = row["instructions"] + 300 * row["address_space_switches"]
		expect(abs(row["model_cost"] - model) <= 0.05 + model / 1000, f"model cost of {row}")


def test_core_repeats():
	own = [name for name in CORE_ROWS if name not in APART_ROWS]
	first, second = bench_rows("core"), bench_rows(*own)
	expect(list(first) == CORE_ROWS and list(second) == own, f"rows {list(first)}, {list(second)}")
	for row in first.values():
		expect(row["instructions"] > 0 and row["linux_lean"] is None and row["ratio"] is None, f"row {row}")
	# Core and stubs are counted in boots of their own: they have to be parts of the whole.
	count = {name: row["instructions"] for name, row in first.items()}
	expect(count["crossing_core"] + 50 < count["crossing_pure"] < count["crossing_core"] + 2 * count["crossing_stubs"], f"{count}")
	expect(count["crossing_core"] + 50 < count["crossing_commit_core"] < count["crossing_commit"] - 50, f"{count}")
	for name in own:
		row = first[name]
		expect(abs(row["instructions"] - second[name]["instructions"]) <= row["instructions"] / 100,
			f"{name}: {row['instructions']}, then {second[name]['instructions']}")
		expect_model(row)
	expect(first["crossing_pure"]["address_space_switches"] == 2, f"a crossing is two switches: {first['crossing_pure']}")


def test_one_row():
	rows = bench_rows("getppid")
	expect(list(rows) == ["getppid"] and rows["getppid"]["instructions"] > 100, f"rows {rows}")


def test_tsm_says_which_marks_are_met():
	status, output, errors = zog("bench", "tsm")
	expect(status == 0, f"bench tsm: status {status}: {errors[-500:]!r}")
	lines = {line.split()[0]: line for line in output.splitlines()}
	for name in ("stream_64", "home_tx_10", "home_abort_10", "shared_commit_64", "stream_4080", "hook_share_linux", "hook_share_ext4", "pipe_round_trip"):
		expect("≤" in lines[name] and lines[name].endswith((": yes", ": no")), f"no verdict in {lines[name]!r}")
	for name in ("ring_raw_64", "memcpy_64", "memcpy_4080"):
		expect("≤" not in lines[name], f"a mark for what is only compared with: {lines[name]!r}")
	for name in ("hook_share_linux", "hook_share_ext4"):
		percent = float(lines[name].split()[1])
		expect(1 < percent < 60, f"the hook's share is {percent} %")


@tier("full")
def test_beside_linux():
	"""Needs the network at its first run: Debian's kernel is downloaded."""
	rows = bench_rows("--peer", "linux")
	expect(set(rows) >= set(CORE_ROWS + CALL_ROWS), f"rows {list(rows)}")
	for name in CALL_ROWS:
		row = rows[name]
		expect(row["linux_lean"] > 100, f"row {row}")
		expect(abs(row["ratio"] - row["model_cost"] / row["linux_lean"]) < 0.02, f"ratio of {row}")


def test_wrong_arguments():
	for arguments in (["nothing"], ["--peer", "minix"], ["--json"], ["core", "--nothing"]):
		status, output, errors = zog("bench", *arguments)
		expect(status == 2 and "usage:" in errors and output == "", f"bench {arguments}: status {status}, {output!r}, {errors!r}")
	status, output, errors = zog("bench", "core", "--json", "/nonexistent/folder/file")
	expect(status == 1 and "--json" in errors and output == "", f"--json: status {status}, {errors!r}")
