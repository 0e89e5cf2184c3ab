"""Lines typed at the terminal, and lines printed on it, while the personality and the console driver are killed at random
instructions: each arrives once, in order."""

from zoglib.recovery import check_recovered, strikes
from zoglib.testing import boot, by_tier, expect

STRIKES = r"""
( while [ ! -e /tmp/enough ]; do
	for domain in linux console; do echo kill $domain $((RANDOM % 6000)) > /zog/ctl; usleep 10000; done
done ) &
"""
READ = r"""awk 'NR == COUNT { print; exit } { if ($2 != NR) { print "line", NR, "is", $0; exit } }'; : > /tmp/enough; wait"""
PRINT = r"""i=0; while [ $i -lt COUNT ]; do i=$((i + 1)); echo "line $i printed"; done; : > /tmp/enough; wait"""


def check_strikes(log, least):
	for domain in ("linux", "console"):
		found = len(strikes(log, domain, "killed"))
		expect(found >= least, f"only {found} strikes on {domain}")
	check_recovered(log)


def test_typed_lines():
	count = by_tier(2000, 10000)
	typed = "".join(f"line {i} typed\n" for i in range(1, count + 2)).encode()
	result = boot(STRIKES + READ.replace("COUNT", str(count)), stdin=typed)
	result.expect_status(0)
	result.expect_output(f"line {count} typed\n")
	check_strikes(result.log, by_tier(10, 50))


def test_printed_lines():
	count = by_tier(2000, 10000)
	result = boot(STRIKES + PRINT.replace("COUNT", str(count)))
	result.expect_status(0)
	lines = result.output.splitlines()
	wrong = [n for n, line in enumerate(lines, 1) if line != f"line {n} printed"]
	expect(len(lines) == count and not wrong, f"{len(lines)} lines, not {count}; first wrong ones: {wrong[:3]}")
	check_strikes(result.log, by_tier(10, 50))
