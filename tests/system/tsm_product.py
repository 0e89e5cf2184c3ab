"""Shared memory between domains of the product: the policy for processor time, proposed by `scheduler`, decided by `supervisor`,
read by `linux`; its rollback by hand; and both ends killed at any instruction while the load changes."""

from zoglib.recovery import strikes
from zoglib.testing import boot, by_tier, expect, work_disk

SLICES = {str(max(10_000_000 // ready, 2_000_000)) for ready in range(1, 6)}
ROW = """row() { awk '$1 == "scheduler.policy" { print $'$1' }' /zog/tsm; }
"""


def expect_slices(lines, result):
	wrong = [line for line in lines if line not in SLICES]
	expect(lines and not wrong, f"{len(lines)} slices, among them {wrong[:5]}; {result.describe()}")


def test_policy_is_decided_and_goes_back():
	"""Load changes the slice; a rollback brings the one before back, to the core, too: the hook has run."""
	result = boot(ROW + """
		for n in 1 2 3; do (while :; do :; done) & done
		before=$(row 4)
		/tests/slice not 10000000
		old=$(/tests/slice show)
		kill $!
		until new=$(/tests/slice show); [ $new != $old ]; do :; done
		version=$(row 4)
		hooks=$(row 20)
		echo rollback scheduler $((version - 1)) > /zog/ctl || echo refused
		until [ $(row 20) -gt $hooks ]; do :; done
		[ $(row 4) -gt $version ] || echo "no new version"
		echo "epoch $(row 5) validator $(row 16) rollbacks $(row 8) failed $(row 21)"
		echo rollback scheduler 1000 > /zog/ctl || echo "no such version"
		echo rollback ext4 1 > /zog/ctl || echo "no policy"
		echo $old; echo $new; /tests/slice show""", smp=1)
	result.expect_status(0)
	lines = [line for line in result.output.splitlines() if "write error" not in line]
	expect(lines[1:4] == ["epoch 1 validator supervisor rollbacks 1 failed 0", "no such version", "no policy"], f"{lines}")
	expect_slices([lines[0], *lines[4:]], result)
	expect(lines[4] != lines[5], f"the slice did not change: {lines}")
	told = [fields for fields in result.log.incidents.values() if fields["cause"] == "rollback"]
	expect(len(told) == 1 and told[0]["domain"] == "supervisor", f"incidents of rollbacks: {told}")


def test_policy_ends_killed_at_any_instruction():
	"""Writer and validator die by turns while the load comes and goes: readers see decided slices only, and in the end one is
	decided again. A kill waits for the instructions of its domain, so the rounds go on until enough have struck both."""
	rounds = by_tier(40, 400)
	result = boot(ROW + f"""
		struck() {{ awk '$2 == "'$1'" {{ print ($5 >= {rounds // 8}) }}' /zog/domains; }}
		n=0
		until [ $n -ge {rounds} ] && [ "$(struck scheduler)$(struck supervisor)" = 11 ]; do
			[ $((n % 4)) = 0 ] && (while :; do :; done) &
			echo kill scheduler $((n * 37 % 1500 + 1)) > /zog/ctl
			echo kill supervisor $((n * 53 % 2500 + 1)) > /zog/ctl
			/tests/slice show
			n=$((n + 1))
			[ $((n % 16)) = 0 ] && kill $(jobs -p) 2> /dev/null
		done
		kill $(jobs -p) 2> /dev/null
		echo kill scheduler > /zog/ctl
		version=$(row 4)
		(while :; do :; done) & (while :; do :; done) & (while :; do :; done) & (while :; do :; done) & (while :; do :; done) &
		until [ $(row 4) -gt $version ] || [ $(/tests/slice show) = 2000000 ]; do :; done
		echo "rounds $n rejected $(row 17) refused $(row 7) damaged $(row 23)" """, disk=work_disk())
	result.expect_status(0)
	lines = result.output.splitlines()
	expect(lines[-1] == f"rounds {len(lines) - 1} rejected 0 refused 0 damaged 0", f"{lines[-1]!r} of {len(lines)}; {result.describe()}")
	expect_slices(lines[:-1], result)
	ends = {name: len(strikes(result.log, name, "killed")) for name in ("scheduler", "supervisor")}
	expect(min(ends.values()) >= rounds // 8, f"kills that struck: {ends}")
	wrong = [fields for fields in result.log.incidents.values() if fields["asked"] != "1"]
	expect(not wrong, f"incidents nobody asked for: {wrong[:2]}")
