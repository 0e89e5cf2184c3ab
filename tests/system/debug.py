"""`./zog debug --batch`: gdb stops in one domain, names the whole chain, prints objects; the system then goes on."""

import os

from zoglib.testing import expect, work_disk, work_folder, zog

SCRIPT = """zog break virtio_blk block_transfer_serve
python
import gdb
for hit in range(2000):
	gdb.execute("continue", to_string=True)
	chain = gdb.execute("zog where", to_string=True)
	if "program, thread" in chain:
		break
print("CHAIN")
print(chain)
print("END")
end
zog domains
zog threads
zog regions
zog caps ext4
print cpu_table[0]
print domain_table[0]
print domain_table[0].event[0]
print region_table[0]
zog finish
"""


def debug(script, *arguments):
	"""Runs the script; returns (status, standard output, standard error)."""
	path = os.path.join(work_folder(), "script.gdb")
	with open(path, "w") as file:
		file.write(script)
	return zog("debug", "--batch", path, "--disk", work_disk(), *arguments)


def test_gdb_shows_the_chain_of_a_read_and_the_system_goes_on():
	status, output, errors = debug(SCRIPT, "--exec", "cat /bin/busybox | wc -c")
	expect(status == 0, f"status {status}: {output[-800:]!r} {errors[-800:]!r}")
	chain = output.partition("CHAIN\n")[2].partition("END\n")[0]
	at = [chain.find(text) for text in ("virtio_blk: method", " block_transfer_serve at ", "ext4: method", "linux: method",
		"program, thread")]
	expect(-1 not in at and at == sorted(at), f"places {at} in {chain!r}")
	linux = chain.partition("linux: method")[2]
	expect("subsystems/personality/linux/" in linux, f"no function of linux is named: {linux!r}")
	expect("subsystems/filesystem/ext4/" in chain, f"no function of ext4 is named: {chain!r}")
	for text in ("virtio_blk DOMAIN_READY", "<- runs here", "linux -> ext4 -> virtio_blk", "region clock.time",
			"CAP_ENTRY block of virtio_blk", "= cpu 0 cr3=0x", "= domain 0 clock DOMAIN_", "= event count=", "= region clock.time"):
		expect(text in output, f"{text!r} is not in {output[-3000:]!r}")
	expect("zog: powered off with status 0" in errors, f"the machine did not power off: {errors[-600:]!r}")


KILLED = """break incident_log
continue
print *incident
zog incident 1
zog where
zog finish
"""


def test_gdb_shows_an_incident():
	status, output, errors = debug(KILLED, "--exec", "echo kill virtio_blk >/zog/ctl; cat /bin/busybox | wc -c")
	expect(status == 0, f"status {status}: {output[-800:]!r} {errors[-800:]!r}")
	expect(output.count("incident 1 domain ") == 2 and "ZOG_CAUSE_KILLED" in output, f"no incident in {output[-1500:]!r}")
	expect(" incident_log at core/fault/incident.c" in output, f"the core's own functions are not named: {output[-1500:]!r}")
	expect("zog: powered off with status 0" in errors, f"the machine did not power off: {errors[-600:]!r}")


def test_an_error_in_the_script_is_the_status():
	status, output, errors = debug("zog break virtio_blk no_such_function\n", "--exec", "true")
	expect(status == 1, f"status {status}: {output!r}")
	expect("virtio_blk has no function no_such_function" in errors, f"said {errors[-600:]!r}")


def test_wrong_arguments_get_usage():
	for arguments, reason in ((("--batch", "no/such/file"), "no such file"), (("--gdb",), "here gdb is started"), (("--smp", "9"), "1 to 8")):
		status, _, errors = zog("debug", *arguments)
		expect(status == 2 and reason in errors and "usage:" in errors, f"{arguments}: {status} {errors!r}")
