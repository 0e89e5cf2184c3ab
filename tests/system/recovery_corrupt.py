"""Memory of virtio_blk and ext4 is overwritten from outside. What a check detects is recovered; what none detects is
counted in /zog/corruptions, and may show as wrong data or errors: that is told, not hidden."""

import re

from zoglib.testing import boot, by_tier, expect, progress, work_disk

DOMAINS = ("virtio_blk", "ext4")
# Detections so far of all domains, by the shell alone: nothing that is asked for here touches the disk.
SCRIPT = r"""
detected() {{ sum=0; while read name asked found rest; do case $found in [0-9]*) sum=$((sum + found));; esac; done < /zog/corruptions; }}
cd /root
n=0
while [ $n -lt {count} ]; do
	for domain in {domains}; do
		n=$((n + 1))
		detected; before=$sum; looks={looks}
		echo corrupt $domain $n > /zog/ctl || echo "refused $n"
		while [ $looks -gt 0 ] && [ $sum = $before ]; do usleep 100000; detected; looks=$((looks - 1)); done
		told=$(dd if=/dev/zero of=f$((n % 4)) bs=64k count=8 status=none 2>&1) || echo "dd $n $told"
		told=$(sync 2>&1) || echo "sync $n $told"
		told=$(cmp -n 524288 f$((n % 4)) /dev/zero 2>&1) || echo "differs $n $told"
	done
done
echo ---
cat /zog/corruptions
"""


def strike(count, looks):
	"""Runs the script; returns (asked, detected, lines that programs printed about trouble). looks: how often the damage is waited
	for to be noticed before it is used."""
	script = SCRIPT.format(count=count, domains=" ".join(DOMAINS), looks=looks)
	result = boot(script, disk=work_disk())
	result.expect_status(0)
	visible, _, table = result.output.partition("---\n")
	rows = {row[0]: (int(row[1]), int(row[2])) for row in re.findall(r"^(\w+) +(\d+) +(\d+)", table, re.MULTILINE)}
	expect(set(DOMAINS) <= set(rows), f"/zog/corruptions: {table!r}")
	asked = sum(rows[domain][0] for domain in DOMAINS)
	detected = sum(rows[domain][1] for domain in DOMAINS)
	progress(f"  corrupt: {asked} asked, {detected} detected, {asked - detected} not detected, {len(visible.splitlines())} visible to programs")
	expect(asked == count, f"{asked} corruptions on file, {count} asked for")
	expect("refused" not in visible, f"a corruption was refused: {visible!r}")
	return asked, detected, visible.splitlines()


def test_while_idle():
	"""The scrubber finds the damage before anything uses it: no program sees anything of a detected corruption."""
	asked, detected, visible = strike(by_tier(10, 60), 20)
	expect(detected * 2 >= asked, f"only {detected} of {asked} detected")
	expect(not visible or detected < asked, f"a detected corruption was visible: {visible}") # one that stays may show again and again


def test_under_load():
	"""The domain runs on over the damage at once. The system goes on, and what was not detected is counted."""
	asked, detected, visible = strike(by_tier(10, 100), 0)
	expect(0 < detected <= asked, f"{detected} of {asked} detected")
	expect(not visible or detected < asked, f"a detected corruption was visible: {visible}") # one that stays may show again and again
