"""What the recovery tests share: the load that runs while subsystems are hit, and what must hold afterwards."""

import hashlib
import re

from .disk import disk_check, disk_read
from .testing import boot, expect, work_disk

# Writes, copies, pipes, sums and compares until the background loop has struck often enough, at least once. A stroke may wait
# for instructions of its domain, and takes in the next until then: so the loop goes on until enough are carried out, too.
# Every line that it prints but the two sums and the count is an error message.
LOAD = r"""
cd /root
is_enough() {{ awk '{wanted} END {{ exit met != {wanted_count} }}' /zog/domains; }}
strike() {{
	n=0
	until [ $n -ge {count} ] && is_enough; do
		for domain in {domains}; do
			{command}
			n=$((n + 1))
			usleep {pause_us}
		done
	done
	echo $n > /root/struck
}}
strike &
striker=$!
while :; do
	dd if=/dev/urandom of=a bs=64k count={blocks} status=none || echo "dd: status $?"
	cp a b || echo "cp: status $?"
	one=$(sha256sum < a) || echo "sha256sum: status $?"
	two=$(cat b | sha256sum) || echo "cat: status $?"
	[ "$one" = "$two" ] || echo "sums differ: $one $two"
	cmp a b || echo "cmp: status $?"
	kill -0 $striker 2>/dev/null || break
done
wait $striker || echo "striker: status $?"
echo $one
echo $two
cat struck
"""


def strikes(log, domain=None, cause=None):
	return [fields for fields in log.incidents.values()
		if domain in (None, fields.get("domain")) and cause in (None, fields.get("cause"))]


def ends_rule(name, least):
	"""For awk, of the lines of /zog/domains: counts one where the domain has ended that often."""
	return f'$2 == "{name}" {{ met += $5 >= {least} }}'


def run_load(command, domains, count, mebibytes, pause_us=20000, least=None, **config):
	"""Boots, runs LOAD with `command` as the stroke, and checks what must hold for programs and on the disk. least: {domain: how
	often it must have ended before the strokes stop}."""
	disk = work_disk()
	wanted = " ".join(ends_rule(*item) for item in (least or {}).items())
	script = LOAD.format(command=command, domains=" ".join(domains), count=count, blocks=mebibytes * 16, pause_us=pause_us,
	                     wanted=wanted, wanted_count=len(least or {}))
	result = boot(script, disk=disk, **config)
	result.expect_status(0)
	lines = result.output.splitlines()
	expect(len(lines) == 3 and re.fullmatch("[0-9a-f]{64} +-", lines[0]) and lines[0] == lines[1],
		f"not just two equal sums and a count: {result.describe()}")
	expect(int(lines[2]) >= count, f"only {lines[2]} strokes")
	check_disk(disk, lines[0].split()[0])
	return result


def check_disk(disk, sum_wanted):
	"""What Linux's own tools find on the disk afterwards."""
	is_clean, told = disk_check(disk)
	expect(is_clean, f"e2fsck -f: {told.strip().splitlines()[-8:]}")
	for path in ("/root/a", "/root/b"):
		found = hashlib.sha256(disk_read(disk, path)).hexdigest()
		expect(found == sum_wanted, f"{path} on the host has sum {found}, not {sum_wanted}")


def check_traces(incidents):
	"""Every incident that cut an invocation has a stack trace."""
	cut = [fields for fields in incidents if fields.get("running") == "1"]
	bare = [fields for fields in cut if not fields.get("trace")]
	expect(not bare, f"{len(bare)} of {len(cut)} incidents that cut an invocation have no trace: {bare[:1]}")
	return len(cut)


def check_recovered(log):
	"""Each incident was followed by a reply, but for one at the very end."""
	late = sorted(set(log.incidents) - set(log.recovered))
	expect(len(late) <= 3, f"{len(late)} of {len(log.incidents)} incidents have no reply on file: {late[:10]}")
