"""A machine that is thousands of times slower than its clock: an instruction takes 128 ns of its time, whatever the host does. A
tick of a millisecond is 8,000 instructions there, so work that is near its deadline, or is charged with what the core does,
misses it; and two runs are the same. Only domains that are asked to die may."""

from zoglib.testing import boot, expect

SLOW = ["-icount", "shift=7,sleep=off"]
# Each domain is stepped to its end, by exceptions of which each counts thousands of nanoseconds, and starts again page by page.
SCRIPT = """
cd /root
for n in 397 794 1191; do for d in linux ext4 virtio_blk console memory clock entropy scheduler supervisor pci; do
	echo kill $d $n > /zog/ctl; date > /dev/null; head -c 4096 /dev/urandom > a; cp a b; sync; cmp a b
done; done
for n in 16000 24000 32000 40000; do echo kill linux $n > /zog/ctl; for i in 1 2 3; do (cd /); done; done
echo worked
"""


def test_no_deadline_is_missed():
	result = boot(SCRIPT, smp=1, extra=SLOW)
	result.expect_status(0)
	result.expect_output("worked\n")
	expect(len(result.log.incidents) >= 20, f"only {len(result.log.incidents)} kills")
	others = [fields for fields in result.log.incidents.values() if fields["asked"] != "1"]
	expect(not others, f"{len(others)} incidents that nobody asked for: {others[:2]}")
