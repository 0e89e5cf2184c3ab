"""Benchmarks on Zog: boots build/lab/zog.elf with instructions counted, and reads what its benches print.

The domain bench_client writes the core's rows to the system log; the guest program bench_calls prints those of Linux
calls to the console, and kills domains under itself for the rows restart_NAME (`zog: recovered` in the log).
"""

import os
import re
import statistics
from dataclasses import dataclass

from . import profile
from .build import BUILD, ROOT, Failure, in_build, make
from .disk import disk_copy, disk_template
from .machine import Config, Machine, machine_verdict

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
# One CPU, one instruction a nanosecond, nothing random: two runs count the same.
COUNTING = ["-cpu", "max,erms=off", "-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01T00:00:00,clock=vm", "-seed", "42"]
ROW = re.compile(r"bench (\w+) instructions=([0-9.]+) switches=(-?[0-9.]+) flushes=(-?[0-9.]+)")
CALIBRATION_LOOP = 1000  # instructions of the row `calibration`; the two looks at the counter come on top
CALIBRATION_SLACK = 16
RESTARTS = 9
RESTARTED = ("virtio_blk", "ext4", "linux")
SILENCE_S = 120


@dataclass
class Count:
	"""One operation's cost, as measured."""

	instructions: float
	switches: float | None
	flushes: float | None


def bench_folder():
	return os.path.dirname(in_build("bench", "x"))


def bench_disk():
	"""A fresh copy of the default image; both kernels run on it."""
	return disk_copy(disk_template(), os.path.join(bench_folder(), "disk.img"))


def machine_run(config, log_name):
	"""Boots, and collects until power off: (rows of both serial lines, machine)."""
	machine = Machine(config, [os.path.join(bench_folder(), log_name)])
	output, rows, silent_s = bytearray(), {}, 0
	machine.start()
	for kind, data in machine.events():
		silent_s = silent_s + data if kind == "idle" else 0
		if silent_s > SILENCE_S:
			machine.stop()
			raise Failure(f"the machine is silent for {SILENCE_S} s; its last words: {bytes(output[-300:])!r}, {machine.lines[-5:]}")
		if kind == "console":
			output += data
		elif kind == "log":
			rows_read(data, rows)
	text = output.decode("utf-8", "replace")
	with open(os.path.join(bench_folder(), log_name + ".console"), "w") as file:
		file.write(text)
	rows_read(text, rows)
	return rows, machine


def rows_read(text, rows):
	for name, *numbers in ROW.findall(text):
		rows[name] = Count(*map(float, numbers))


def shares_add(rows, domains, path):
	"""The store hook's share of each domain's instructions, in percent, as rows."""
	found = profile.counts(KERNEL, os.path.join(BUILD, "lab", "domains"), path)
	for row, domain in domains.items():
		if domain not in found:
			raise Failure(f"{domain} did not run: {row} has no count")
		rows[row] = Count(profile.hook_share(found[domain]), None, None)


def zog_run(calls, share_domains=None):
	"""Counts of the core's rows and of the given rows of bench_calls; those of RESTARTED are restarted besides. share_domains:
	{row: domain} whose store hook's share is taken over the whole run."""
	make("lab")
	blocks = os.path.join(bench_folder(), "blocks")
	extra = profile.plugin_arguments(profile.plugin_build(ROOT), blocks) if share_domains else []
	commands = [f"/tests/bench_calls /root {' '.join(calls)} || exit 1"] if calls else []
	commands += [f"/tests/bench_calls /root restart {domain} {RESTARTS} || exit 1" for domain in RESTARTED]
	config = Config(kernel=KERNEL, disk=bench_disk(), smp=1, exec_text="\n".join(commands), append="zog.bench=1",
	                work=bench_folder(), extra=COUNTING + extra)
	rows, machine = machine_run(config, "zog.log")
	status, message = machine_verdict(machine)
	if status != 0:
		raise Failure(message or f"the benchmarks ended with status {status}; see build/bench/zog.log.console")
	calibration_check(rows.pop("calibration", None))
	rows.update(("restart_" + domain, restart_count(machine.log, domain)) for domain in RESTARTED)
	if share_domains:
		shares_add(rows, share_domains, blocks)
	return rows


def calibration_check(count):
	"""Refuses a machine whose time stamp counter does not count instructions."""
	if count is None:
		raise Failure("bench_client wrote no row; see build/bench/zog.log")
	if not CALIBRATION_LOOP <= count.instructions <= CALIBRATION_LOOP + CALIBRATION_SLACK:
		raise Failure(f"a loop of {CALIBRATION_LOOP} instructions counts {count.instructions:.0f}: the counter does not count instructions")


def restart_count(log, domain):
	"""From fault entry to first reply, median; waiting for the device is in it."""
	counts = [instructions for number, instructions in log.recovered.items()
	          if log.incidents.get(number, {}).get("domain") == domain]
	if len(counts) != RESTARTS:
		raise Failure(f"{len(counts)} restarts of {domain} in the log, not {RESTARTS}")
	return Count(float(statistics.median(counts)), None, None)
