"""The same work on names, sizes and contents of files, once undisturbed and once while the personality, the file system
and the disk driver are killed at random instructions: both print the same, and the disks are clean."""

from zoglib.disk import disk_check
from zoglib.recovery import check_recovered, ends_rule, strikes
from zoglib.testing import boot, by_tier, expect, work_disk

# Everything printed is derived from what the files hold: a lost, doubled or torn operation changes it.
WORK = r"""
mkdir /root/work; cd /root/work
i=0
while [ $i -lt {rounds} ]; do
	echo "n $i" > f$i; mv f$i g$i; ln -s g$i l$i; ln g$i h$i; cat l$i >> all; rm h$i; mkdir d$i; rmdir d$i
	echo "appended line $i of some length" >> log
	dd if=/dev/zero of=z bs=3000 count=9 status=none; truncate -s $((i * 777)) z; echo tail$i >> z; sha1sum z
	i=$((i + 1))
done | sha1sum
sha1sum all log; wc -l all log
seq 1 20000 > n; sort -rn n | head -n 1; tr -d '\n' < n | wc -c; sed 's/1/x/g' n | sha1sum
tar cf t.tar n log z all; mkdir x; cd x; tar xf ../t.tar; cmp n ../n && cmp log ../log && cmp z ../z && echo equal; cd ..
dd if=/dev/zero bs=64k count=64 status=none | tr '\0' 'q' > big; sha1sum big; truncate -s 100001 big; sha1sum big
find . | sort | sha1sum; find . -type l | wc -l
cd /root; rm -r work; ls /root
"""

STRIKES = r"""
( n=0; while [ ! -e /tmp/enough ]; do
	for domain in linux ext4 linux virtio_blk; do
		echo kill $domain $((RANDOM * 2 % 40000)) > /zog/ctl; n=$((n + 1)); usleep 3000
	done
done ) &
"""

# A kill waits for instructions of its domain: so some work goes on until enough have struck each.
GO_ON = r"""
until awk 'RULES END { exit met != 3 }' /zog/domains; do cp /bin/busybox /root/more; sync; rm /root/more; done
: > /tmp/enough; wait
"""
DOMAINS = ("linux", "ext4", "virtio_blk")


def run(script):
	disk = work_disk()
	result = boot(script, disk=disk)
	result.expect_status(0)
	is_clean, told = disk_check(disk)
	expect(is_clean, f"e2fsck -f: {told.strip().splitlines()[-8:]}")
	return result


def test_names_and_sizes():
	work = WORK.format(rounds=by_tier(20, 100))
	least = by_tier(10, 50)
	calm = run(work)
	expect("equal\n" in calm.output and calm.output.count("\n") >= 12, f"the work itself failed: {calm.describe()}")
	rules = " ".join(ends_rule(domain, least) for domain in DOMAINS)
	struck = run(STRIKES + work + GO_ON.replace("RULES", rules))
	expect(struck.output == calm.output, f"under strikes it printed\n{struck.output}\nnot\n{calm.output}")
	for domain in DOMAINS:
		found = len(strikes(struck.log, domain, "killed"))
		expect(found >= least, f"only {found} strikes on {domain}")
	check_recovered(struck.log)
