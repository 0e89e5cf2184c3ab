"""Files are written, copied, piped, summed and compared while virtio_blk, ext4 and linux are killed in turn."""

from zoglib.recovery import check_recovered, check_traces, run_load, strikes
from zoglib.testing import boot, by_tier, expect

DOMAINS = ("virtio_blk", "ext4", "linux")


def test_kill_at_once():
	"""`kill NAME`: as the control file takes it, between two invocations of the domain or amid one."""
	count = by_tier(15, 102)
	least = {domain: count // 3 for domain in DOMAINS}
	result = run_load("echo kill $domain > /zog/ctl", DOMAINS, count, by_tier(4, 64), least=least)
	for domain in DOMAINS:
		found = len(strikes(result.log, domain, "killed"))
		expect(found >= count // 3, f"{found} incidents of {domain}, not {count // 3}")
	check_traces(result.log.incidents.values())
	check_recovered(result.log)


def test_kill_at_any_instruction():
	"""`kill NAME N`: after N further instructions of the domain, so each one cuts an invocation and has a trace."""
	count = by_tier(15, 102)
	result = run_load("echo kill $domain $((RANDOM % 3000)) > /zog/ctl", DOMAINS, count, by_tier(4, 64),
	                  least={domain: count // 3 for domain in DOMAINS})
	cut = check_traces(strikes(result.log, cause="killed"))
	expect(cut >= count, f"{cut} incidents with a stack trace, not {count}")
	check_recovered(result.log)


def test_kill_console():
	"""The console dies while much is printed: every byte comes once, in order."""
	rounds = by_tier(20, 100)
	result = boot(f"""
		( until [ $(awk '$2 == "console" {{ print $5 }}' /zog/domains) -ge {rounds} ]; do echo kill console > /zog/ctl; usleep 10000; done ) &
		i=0; while [ $i -lt 3000 ]; do echo "this is row number $i"; i=$((i+1)); done; wait""")
	result.expect_status(0)
	expected = "".join(f"this is row number {i}\n" for i in range(3000))
	expect(result.output == expected, f"rows are missing, doubled or out of order; {result.describe()}")
	expect(len(strikes(result.log, "console", "killed")) >= rounds, "too few incidents")


def test_trace_in_the_running_system():
	"""/zog/incidents/N/trace names functions, files and lines; the shell that asked lives on."""
	result = boot("""
		echo kill ext4 50 > /zog/ctl; ls -l /bin > /dev/null
		n=$(ls /zog/incidents | sort -n | tail -n 1); echo "incident $n"
		cat /zog/incidents/$n/summary; echo ---; cat /zog/incidents/$n/trace""")
	result.expect_status(0)
	expect("ext4" in result.output.split("---")[0], f"the summary does not name the domain: {result.output!r}")
	trace = result.output.split("---")[1]
	expect("subsystems/" in trace or "lib/rt/" in trace, f"no source line in the trace: {trace!r}")


def test_refused_commands():
	"""Commands that make no sense are refused and break nothing."""
	result = boot("""
		for c in 'kill' 'kill nobody' 'nonsense' 'kill ext4 x' '' 'hang'; do
			echo "$c" > /zog/ctl 2>/dev/null && echo "accepted: $c"
		done; echo end""")
	result.expect_output("end\n")
	expect(not result.log.incidents, f"incidents: {list(result.log.incidents.values())[:2]}")
