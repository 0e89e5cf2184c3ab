"""The same load while memory of virtio_blk and ext4 is overwritten from outside. What a check detects is recovered;
what none detects is counted, and may show as wrong data: that is told, not hidden."""

import re

from zoglib.testing import boot, by_tier, expect, progress, work_disk

DOMAINS = ("virtio_blk", "ext4")
SCRIPT = r"""
cd /root
n=0
while [ $n -lt {count} ]; do
	for domain in {domains}; do
		n=$((n + 1))
		echo corrupt $domain $n > /zog/ctl || echo "refused $n"
		dd if=/dev/zero of=f$((n % 4)) bs=64k count=8 status=none 2>/dev/null || echo "dd $n"
		sync
		cat f$((n % 4)) 2>/dev/null | cmp -n 524288 - /dev/zero >/dev/null 2>&1 || echo "differs $n"
	done
done
echo ---
cat /zog/corruptions
"""


def test_corrupt():
	count = by_tier(10, 100)
	result = boot(SCRIPT.format(count=count, domains=" ".join(DOMAINS)), disk=work_disk())
	result.expect_status(0)
	visible, _, table = result.output.partition("---\n")
	rows = {row[0]: (int(row[1]), int(row[2])) for row in re.findall(r"^(\w+) +(\d+) +(\d+)", table, re.MULTILINE)}
	expect(set(DOMAINS) <= set(rows), f"/zog/corruptions: {table!r}")
	asked = sum(rows[domain][0] for domain in DOMAINS)
	detected = sum(rows[domain][1] for domain in DOMAINS)
	expect(asked == count, f"{asked} corruptions on file, {count} asked for")
	expect(0 < detected <= asked, f"{detected} of {asked} detected")
	expect("refused" not in visible, f"a corruption was refused: {visible!r}")
	undetected = asked - detected
	wrong = len(visible.splitlines())
	progress(f"  corrupt: {asked} asked, {detected} detected and recovered, {undetected} not detected, {wrong} visible to programs")
	expect(wrong <= undetected, f"{wrong} wrong results, but only {undetected} undetected: a detected one was visible: {visible!r}")
