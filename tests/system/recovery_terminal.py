"""Lines typed at the terminal, and lines printed on it, while the personality and the console driver are killed at random
instructions: each arrives once, in order."""

import hashlib
import re

from zoglib.recovery import check_recovered, ends_rule, strikes
from zoglib.testing import boot, by_tier, expect

# The work goes on until enough kills have struck both.
STRIKES = r"""
cat > /tmp/enough.awk << 'END'
RULES END { exit met != 2 }
END
( while [ ! -e /tmp/enough ]; do
	for domain in linux console; do echo kill $domain $((RANDOM % 6000)) > /zog/ctl; usleep 10000; done
done ) &
"""
READ = r"""awk '$2 != NR { print "line", NR, "is", $0; exit }
	NR >= COUNT && system("awk -f /tmp/enough.awk /zog/domains") == 0 { print "all of", NR; exit }'; : > /tmp/enough; wait"""
PRINT = r"""i=0
	until [ $i -ge COUNT ] && awk -f /tmp/enough.awk /zog/domains; do i=$((i + 1)); echo "line $i printed"; done; : > /tmp/enough; wait"""


def script(work, count, least):
	rules = " ".join(ends_rule(domain, least) for domain in ("linux", "console"))
	return (STRIKES + work).replace("RULES", rules).replace("COUNT", str(count))


def check_strikes(log, least):
	for domain in ("linux", "console"):
		found = len(strikes(log, domain, "killed"))
		expect(found >= least, f"only {found} strikes on {domain}")
	check_recovered(log)


def test_typed_lines():
	count, least = by_tier(2000, 10000), by_tier(10, 50)
	typed = "".join(f"line {i} typed\n" for i in range(1, 5 * count)).encode() # more than it takes until enough have struck
	result = boot(script(READ, count, least), stdin=typed)
	result.expect_status(0)
	told = re.fullmatch(r"all of (\d+)\n", result.output)
	expect(told and int(told[1]) >= count, result.describe())
	check_strikes(result.log, least)


def test_printed_lines():
	count, least = by_tier(2000, 10000), by_tier(10, 50)
	result = boot(script(PRINT, count, least))
	result.expect_status(0)
	lines = result.output.splitlines()
	wrong = [n for n, line in enumerate(lines, 1) if line != f"line {n} printed"]
	expect(len(lines) >= count and not wrong, f"{len(lines)} lines of {count}; first wrong ones: {wrong[:3]}")
	check_strikes(result.log, least)


def test_more_is_typed_than_there_is_room_for():
	"""The terminal, the stream to it and the console's own ring fill up and wait for a reader: nothing typed is lost."""
	typed = "".join(f"line {i} typed\n" for i in range(1, 2001)).encode()
	result = boot("""
		until [ $(cut -d. -f1 /zog/uptime) -ge 3 ]; do md5sum < /bin/busybox > /dev/null; done
		head -c %d | md5sum""" % len(typed), stdin=typed)
	result.expect_status(0)
	result.expect_output(hashlib.md5(typed).hexdigest() + "  -\n")
