"""Numbered lines through a pipe between two processes while the personality is killed at random instructions."""

from zoglib.recovery import check_recovered, strikes
from zoglib.testing import boot, by_tier, expect

SCRIPT = r"""
( until [ $(awk '$2 == "linux" {{ print $5 }}' /zog/domains) -ge {kills} ]; do
	echo kill linux $((RANDOM % 5000)) > /zog/ctl; usleep $((RANDOM % {pause_us}))
done; : > /tmp/enough ) &
while :; do
	/tests/lines write {lines} | /tests/lines read {lines} || echo "status $?"
	[ -e /tmp/enough ] && break
done
wait
echo whole
"""


def test_lines():
	kills = by_tier(30, 200)
	result = boot(SCRIPT.format(kills=kills, lines=by_tier(10000, 100000), pause_us=by_tier(20000, 30000)))
	result.expect_status(0)
	result.expect_output("whole\n")
	found = len(strikes(result.log, "linux", "killed"))
	expect(found >= kills, f"{found} incidents, not {kills}")
	check_recovered(result.log)


def test_threads_signals_memory():
	"""The guest programs run through while the personality dies under them."""
	result = boot("""
		cd /tmp
		( while [ ! -e /tmp/enough ]; do echo kill linux $((RANDOM % 5000)) > /zog/ctl; usleep 30000; done ) &
		for program in threads memory signals processes lines files; do /tests/$program || echo "$program: status $?"; done
		until [ $(awk '$2 == "linux" { print $5 }' /zog/domains) -ge 5 ]; do /tests/files > /dev/null || echo "files: status $?"; done
		: > /tmp/enough; wait""")
	result.expect_status(0)
	bad = [line for line in result.output.splitlines() if not line.startswith("ok ")]
	expect(not bad, f"{bad[:5]}; {result.describe()}")
	expect(result.output.count("ok ") >= 25, f"too few lines: {result.describe()}")
	expect(len(strikes(result.log, "linux", "killed")) >= 5, "too few kills to mean anything")
