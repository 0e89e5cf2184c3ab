"""The small services (supervisor, clock, entropy, memory, scheduler, pci) die at any instruction while they are used."""

from zoglib.recovery import check_traces, run_load, strikes
from zoglib.testing import boot, by_tier, expect, work_disk

SERVICES = ("supervisor", "clock", "entropy", "memory", "scheduler", "pci")


def test_kill_at_any_instruction():
	"""Under the load of the other recovery tests, which draws on entropy, the supervisor and, when a driver restarts, pci."""
	count = by_tier(24, 120)
	domains = (*SERVICES, "virtio_blk")
	used = ("supervisor", "entropy", "pci")
	result = run_load("echo kill $domain $((RANDOM % 1000)) > /zog/ctl", domains, count, by_tier(4, 16), least=dict.fromkeys(used, 1))
	for domain in used:
		expect(strikes(result.log, domain, "killed"), f"{domain} was never cut")
	check_traces(strikes(result.log, cause="killed"))


def test_kill_while_idle():
	"""`kill NAME` without a count: each stroke is one incident, whether the domain is busy or not."""
	rounds = by_tier(3, 20)
	result = run_load("echo kill $domain > /zog/ctl", SERVICES, rounds * len(SERVICES), 1, least=dict.fromkeys(SERVICES, rounds))
	for domain in SERVICES:
		found = len(strikes(result.log, domain, "killed"))
		expect(found >= rounds, f"{found} incidents of {domain}, not {rounds}")


def test_control_exactly_once():
	"""A supervisor that dies in the middle of a command carries it out once: as many incidents as commands."""
	rounds = by_tier(40, 300)
	result = boot(f"""
		n=0
		while [ $n -lt {rounds} ]; do
			echo kill supervisor $((n * 7 + 1)) > /zog/ctl || echo "first $n"
			echo kill scheduler > /zog/ctl || echo "second $n"
			n=$((n + 1))
			# A kill that has not been carried out yet takes the next one in: wait for its incident.
			until [ "$(awk '$2 == "scheduler" {{ print $5 }}' /zog/domains)" -ge $n ]; do :; done
		done
		echo done""", disk=work_disk())
	result.expect_output("done\n")
	cut = len(strikes(result.log, "supervisor", "killed"))
	found = len(strikes(result.log, "scheduler", "killed"))
	expect(cut >= rounds // 2, f"the supervisor was cut only {cut} times")
	expect(found == rounds, f"{rounds} commands, {found} incidents")


def test_wall_clock_stays():
	"""The clock's death does not move the time."""
	result = boot("""
		before=$(date +%s)
		for n in 1 5 20 60 100 150; do echo kill clock > /zog/ctl; echo kill clock $n > /zog/ctl; date > /dev/null; done
		after=$(date +%s); up=$(cut -d. -f1 /zog/uptime)
		[ $((after - before)) -ge 0 ] && [ $((after - before)) -le $((up + 1)) ] && echo steady || echo "$before $after $up" """,
		disk=work_disk())
	result.expect_output("steady\n")


def test_random_bytes_differ_after_a_restart():
	"""Bytes given out before a death are not given out again."""
	rounds = by_tier(10, 50)
	result = boot(f"""
		n=0; while [ $n -lt {rounds} ]; do
			echo kill entropy > /zog/ctl; head -c 16 /dev/urandom | hexdump -v -e '16/1 "%02x" "\\n"'; n=$((n + 1))
		done""", disk=work_disk())
	result.expect_status(0)
	lines = result.output.split()
	expect(len(lines) == rounds and len(set(lines)) == rounds, f"{len(set(lines))} different of {len(lines)}: {lines[:4]}")
	expect(all(len(line) == 32 for line in lines), f"not 16 bytes each: {lines[:4]}")
