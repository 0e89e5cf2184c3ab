"""Services under the supervisor: started at boot and by command, stopped, ended by themselves, started again after faults with
back-off, given up; while service and supervisor are killed. And domains that fault again and again. On the lab image."""

import hashlib
import os
import re

from image import page_sums
from zoglib.build import BUILD, make
from zoglib.disk import disk_make
from zoglib.recovery import strikes
from zoglib.testing import boot, by_tier, expect, work_folder
from zoglib.update_file import HEAD, sealed

PAGE = 4096
KERNEL = os.path.join(BUILD, "lab", "zog.elf")
SHELL = """
state() { awk -v name=$1 '$1 == name { print $2 }' /zog/services; }
starts() { awk -v name=$1 '$2 == name { print $4 }' /zog/domains; }
faults() { awk -v name=$1 '$2 == name { print $5 }' /zog/domains; }
until_state() { until [ "$(state $1)" = "$2" ]; do usleep 10000; done; }
ask() { echo "$*" > /zog/ctl; }
"""


def run(script, **config):
	make("lab")
	return boot(SHELL + script, kernel=KERNEL, smp=config.pop("smp", 2), **config)


def own(result, name):
	return [line.removeprefix(name + ": ") for line in result.lines if line.startswith(name + ": ")]


def test_start_stop_exit():
	"""Boot starts what the manifest says, commands the rest; arguments arrive; a status is shown; state goes on."""
	result = run("""
		until_state errand ready; state visitor
		ask start errand once more 2> /dev/null || echo busy
		ask stop errand; until_state errand stopped
		ask start errand two words; until_state errand ready
		ask stop errand; until_state errand stopped
		ask start errand exit 42; until_state errand exited:42
		grep -c exited:42 /zog/domains
		ask start errand work 250; until_state errand exited:7
		ask start ext4 2> /dev/null || echo no service
		ask kill errand 2> /dev/null || echo nothing to kill
		ask start errand $(printf %0128d 0) 2> /dev/null || echo too long
		starts errand; faults errand""")
	result.expect_output("stopped\nbusy\n1\nno service\nnothing to kill\ntoo long\n4\n0\n")
	told = own(result, "errand")
	expect("start 2 after 0 steps, arguments 'two words'" in told and told[-3:] == ["step 100", "step 200", "done at step 250"], f"{told}")
	expect(not result.log.incidents, f"{result.log.incidents}")


def test_fresh_start_forgets():
	"""`fresh` starts with an empty home region; `start` goes on with what was kept; one whose state is too large is refused."""
	result = run("""
		until_state errand ready; ask stop errand; until_state errand stopped
		ask start errand work 150; until_state errand exited:7
		ask start errand work 30; until_state errand exited:7
		ask fresh errand work 130; until_state errand exited:7
		ask fresh errand; until_state errand ready; ask fresh errand 2> /dev/null || echo busy; ask stop errand; until_state errand stopped
		ask start errand crash; until_state errand quarantined
		ask fresh errand work 20; until_state errand exited:7
		ask fresh linux 2> /dev/null || echo no service""")
	result.expect_output("busy\nno service\n")
	done = [line for line in own(result, "errand") if line.startswith("done")]
	expect(done == [f"done at step {n}" for n in (150, 180, 130, 20)], f"{done}")


def test_fresh_start_is_made_once():
	"""Killed at all kinds of instructions while it orders fresh starts, the supervisor neither loses one nor makes one twice."""
	rounds = by_tier(8, 60)
	result = run(f"""
		until_state errand ready; ask stop errand; until_state errand stopped
		n=0
		while [ $n -lt {rounds} ]; do
			ask kill supervisor $((n * 97 % 1300 + 1))
			ask fresh errand work 20; until_state errand exited:7
			n=$((n + 1))
		done""")
	done = [line for line in own(result, "errand") if line.startswith("done")]
	expect(done == ["done at step 20"] * rounds, f"{done}")
	expect(strikes(result.log, "supervisor", "killed"), "the supervisor was never cut")


def other_program(name):
	"""The service's update file with another text among its constants, and the measure that goes with it."""
	with open(f"{BUILD}/lab/updates/{name}.update", "rb") as file:
		update = file.read()
	content = update[PAGE:].replace(b"start %u after", b"began %u after")
	expect(content != update[PAGE:], "the text is not there")
	values = list(HEAD.unpack_from(update))
	parts, at = [], 0
	for pages in (values[9], values[10], (values[11] + PAGE - 1) // PAGE):
		parts.append(content[at:at + pages * PAGE])
		at += pages * PAGE
	values[13] = hashlib.sha256(b"".join(page_sums(part) for part in parts)).digest()
	return sealed(HEAD.pack(*values) + update[HEAD.size:PAGE]) + content


def test_launch_from_a_file():
	"""`launch NAME PATH`: a service that does not run gets its program from a file and starts with it, in one go; refused with its
	reason where it runs, is no service, or the file does not fit; a program that fails gives its place back."""
	make("lab")
	other, disk = other_program("errand"), work_folder() + "/disk.img"
	damaged = other[:-1] + bytes([other[-1] ^ 1])
	with open(f"{BUILD}/lab/updates/visitor.update", "rb") as file:
		disk_make(disk, extra={"root/other": other, "root/damaged": damaged, "root/visitor": file.read()})
	result = run("""
		last() { awk -v name=$1 '$1 == name { for (i = 6; i <= NF; i++) printf "%s%s", $i, i < NF ? " " : "\\n" }' /zog/updates; }
		refused() { ask "$@" 2> /dev/null && echo taken; }
		until_state errand ready
		refused launch errand /root/other; last errand
		ask stop errand; until_state errand stopped
		refused launch errand /root/visitor; last errand; state errand
		refused launch errand /root/damaged; last errand; state errand
		refused launch errand /root/nothing; last errand; state errand
		refused launch ext4 /root/other; last ext4
		ask start errand work 5; until_state errand exited:7
		ask launch errand /root/other; until_state errand ready; last errand
		starts errand""", disk=disk)
	told = [line for line in own(result, "errand") if "after" in line]
	expect(told[-2:] == ["start 2 after 0 steps, arguments 'work 5'", "began 3 after 5 steps, arguments ''"], f"{told}")
	lines = result.output.splitlines()
	expect("taken" not in lines, f"{lines}")
	for wanted in ("refused: the service runs: stop it first", "refused: it is no service: `update` replaces its program", "in place"):
		expect(sum(wanted in line for line in lines) == 1, f"not once {wanted!r}: {lines}")
	expect(sum(line.startswith("refused: ") or " refused: " in line for line in lines) == 5, f"{lines}")
	expect(lines.count("stopped") == 3 and lines[-1] == "3", f"{lines}")
	expect(not result.log.incidents, f"{result.log.incidents}")


def test_callers_are_told():
	"""A call of a service that does not run, that is in quarantine, and that stops while it is called again and again."""
	result = run("""
		ask start visitor; until_state visitor exited:0
		ask stop errand; until_state errand stopped
		ask start visitor; until_state visitor exited:1
		ask start errand crash; until_state errand quarantined
		ask start visitor; until_state visitor exited:1
		ask start errand; until_state errand ready
		ask start visitor until; until_state visitor ready; usleep 50000
		ask stop errand; until_state visitor exited:1; until_state errand stopped
		echo done""")
	result.expect_output("done\n")
	answers = [int(match[1]) for line in own(result, "visitor") if (match := re.fullmatch(r"answer (-?\d+), total \d+", line))]
	expect(answers == [0, -82, -81, -82], f"answers {answers}")
	expect("until it is not 0" in own(result, "visitor"), f"{own(result, 'visitor')}")


def test_crash_loop_backs_off_and_ends():
	"""The first fault is repaired at once; then the supervisor waits longer each time, and gives up; `start` tries again."""
	result = run("""
		until_state errand ready; ask stop errand; until_state errand stopped
		ask start errand crash; until_state errand quarantined
		faults errand; grep -c ' quarantined ' /zog/domains
		ask start errand; until_state errand ready; state errand""")
	result.expect_output("8\n1\nready\n")
	waits = [tuple(map(int, match.groups())) for line in own(result, "supervisor")
	         if (match := re.fullmatch(r"service errand ended \(fault\): failure (\d+), next start in (\d+) turns", line))]
	expect(waits == [(n, 2 ** (n - 1)) for n in range(1, 7)], f"{waits}")
	expect(any("errand is given up after 7 failures in a row" in line for line in own(result, "supervisor")), f"{own(result, 'supervisor')}")
	found = strikes(result.log, "errand", "assert")
	expect(len(found) == 8, f"{len(found)} incidents")


def test_faults_that_end_are_forgiven():
	"""Five faults, then it runs: the supervisor stops counting, nothing is given up."""
	result = run("""
		until_state errand ready; ask stop errand; until_state errand stopped
		ask start errand crash 5; until_state errand ready
		until [ $(faults errand) -eq 5 ]; do usleep 10000; done; until_state errand ready; faults errand""")
	result.expect_output("5\n")
	expect(not result.log.quarantined, f"{result.log.quarantined}")


def test_killed_with_the_supervisor():
	"""Work goes on through kills of both at all kinds of instructions: every step is made once, no start is lost or made twice."""
	rounds = by_tier(12, 100)
	result = run(f"""
		until_state errand ready; ask stop errand; until_state errand stopped
		n=0
		while [ $n -lt {rounds} ]; do
			ask kill supervisor $((n * 37 % 900 + 1))
			ask start errand work 30 || echo start $n
			ask kill errand $((n * 53 % 700 + 1)) 2> /dev/null
			ask kill supervisor $((n * 91 % 1100 + 1))
			until_state errand exited:7
			n=$((n + 1))
		done
		awk '$1 == "errand" {{ print $5 }}' /zog/services""")
	result.expect_output(f"{rounds + 1}\n")
	done = [int(match[1]) for line in own(result, "errand") if (match := re.fullmatch(r"done at step (\d+)", line))]
	expect(sorted(set(done)) == [30 * (n + 1) for n in range(rounds)], f"done at {done}")
	expect(strikes(result.log, "supervisor", "killed"), "the supervisor was never cut")
	expect(not result.log.quarantined, f"{result.log.quarantined}")


def test_supervisor_killed_during_back_off():
	"""Its death neither shortens the series nor repeats a step of it."""
	result = run("""
		until_state errand ready; ask stop errand; until_state errand stopped
		ask start errand crash
		until [ "$(state errand)" = quarantined ]; do ask kill supervisor; usleep 5000; done
		faults errand; awk '$1 == "errand" { print $5 }' /zog/services""")
	result.expect_output("8\n8\n")
	expect(strikes(result.log, "supervisor", "killed"), "the supervisor was never cut")


def test_domain_that_faults_again_and_again():
	"""No service: its activity rests longer and longer, and in the end the core gives it up; the system goes on."""
	result = run("""
		until grep -q 'stumbler .*quarantined' /zog/domains; do usleep 10000; done
		faults stumbler""", append="stumbler=always")
	result.expect_output("16\n")
	expect(result.log.quarantined == ["stumbler"], f"{result.log.quarantined}")


def test_rare_faults_do_not_add_up():
	"""Forty faults, a hundred answered calls between any two: restarted each time, never given up."""
	result = run("""
		until [ $(faults stumbler) -ge 40 ]; do usleep 10000; done
		grep -c 'stumbler .*ready' /zog/domains""", append="stumbler=rarely")
	result.expect_output("1\n")
	expect(not result.log.quarantined, f"{result.log.quarantined}")


def test_trace_at_run_time():
	"""`trace NAME`: calls and answers with names, values and the client's name, through a restart, until `off`."""
	result = run("""
		ask trace virtio_blk; ask trace ext4; sync; ls / > /dev/null
		ask kill virtio_blk; dd if=/dev/zero of=/traced bs=4096 count=3 2> /dev/null; sync
		ask trace virtio_blk off; ask trace ext4 off; sync
		cat /zog/trace > /a; echo more > /b; sync; ls /b > /dev/null; cat /zog/trace > /c
		cmp /a /c && echo same; cat /a""", memory_mib=512)
	head, _, trace = result.output.partition("\n")
	expect(head == "same", f"{head}: the trace goes on after off")
	call = re.search(r"^virtio_blk trace (\d+) block\.transfer client=ext4/\d+ frame=\d+ block=\d+ direction=WRITE$", trace, re.MULTILINE)
	expect(call, f"no transfer: {trace[:400]}")
	expect(re.search(r"^virtio_blk trace \d+ block\.transfer -> (OK|PENDING)", trace, re.MULTILINE), "no answer")
	expect(re.search(r'^ext4 trace \d+ filesystem\.\w+ client=linux/\d+ .*name="traced"', trace, re.MULTILINE), "no name of a file")
	numbers = [int(match) for match in re.findall(r"^virtio_blk trace (\d+) \S+ client", trace, re.MULTILINE)]
	expect(numbers.count(1) >= 2, "the trace does not go on after the restart")
	expect(not any(": trace " in line for line in result.lines), "traces are in the log, too")
