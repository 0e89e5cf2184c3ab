"""The same load while subsystems hang: each one ends at its deadline and comes back."""

from zoglib.recovery import check_recovered, check_traces, run_load, strikes
from zoglib.testing import by_tier, expect


DOMAINS = ("virtio_blk", "ext4", "linux")


def test_hang():
	count = by_tier(6, 99)
	result = run_load("echo hang $domain > /zog/ctl", DOMAINS, count, by_tier(4, 64), pause_us=100000,
	                  least={domain: count // 3 for domain in DOMAINS})
	found = strikes(result.log, cause="deadline")
	expect(len(found) >= count, f"{len(found)} missed deadlines, not {count}")
	expect(check_traces(found) == len(found), "a hang that cut no invocation")
	check_recovered(result.log)


def test_hang_console():
	run_load("echo hang $domain > /zog/ctl", ("console",), by_tier(3, 20), 1, pause_us=100000)
