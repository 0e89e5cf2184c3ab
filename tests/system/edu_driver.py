"""The example driver and its client, once they are in subsystems/ (docs/howto/write-a-driver.md puts them there): killed at all
kinds of instructions while the device computes and copies; every factorial and every byte is right, nothing is lost.

In a tree without them there is no case here: tests/system/howto.py runs these in its copy."""

import math
import os
import re

from zoglib.build import ROOT
from zoglib.testing import boot, by_tier, expect

DEVICE = ["-device", "edu,dma_mask=0xffffffff"]
ECHO_BYTES = 512
SHELL = """
faults() { awk -v name=$1 '$2 == name { print $5 }' /zog/domains; }
turns() { awk '$2 == "edu" { print $6 }' /zog/domains; }
strike() {
	before=$(faults $1); echo kill $1 $2 > /zog/ctl
	until [ $(faults $1) != $before ]; do usleep 10000; done
}
go_on() { enough=$(($(turns) + 30)); until [ $(turns) -ge $enough ]; do usleep 10000; done; }
"""


def echo_sum(step):
	"""What abacus makes of the bytes that it gets back."""
	total = 0
	for i in range(ECHO_BYTES):
		total = (total * 33 + (step * 31 + i * 7) % 256) % 2**32
	return total


def check_steps(lines):
	"""Every answer that the client told, and that no step is left out. The number of the last."""
	steps = []
	for line in lines:
		if match := re.fullmatch(r"abacus: step (\d+): factorial (\d+) = (\d+)", line):
			step, n, value = map(int, match.groups())
			expect(n == step // 2 % 13 and value == math.factorial(n), line)
		elif match := re.fullmatch(r"abacus: step (\d+): echo (\d+) bytes, sum (\d+)", line):
			step, length, total = map(int, match.groups())
			expect(length == ECHO_BYTES and total == echo_sum(step), line)
		else:
			continue
		steps.append(step)
	expect(steps and steps[0] == 0 and all(after - before in (0, 1) for before, after in zip(steps, steps[1:])), f"steps {steps}")
	return steps[-1]


def tallies(lines):
	"""(answered by the driver, steps of the client) each time the client asked."""
	found = [tuple(map(int, match.groups())) for line in lines
	         if (match := re.fullmatch(r"abacus: tally (\d+) \+ (\d+) after (\d+) steps, (\d+) wrong", line))]
	expect(found and not any(wrong for *_, wrong in found), f"tallies {found[-3:]}")
	return [(factorials + echoes, steps) for factorials, echoes, steps, _ in found]


def run_struck(victims, rounds):
	"""Boots with the device; rounds kills of each victim in turn, and some work after the last."""
	result = boot(SHELL + f"""
		n=0
		while [ $n -lt {rounds} ]; do
			for domain in {' '.join(victims)}; do strike $domain $((n * 211 % 1700 + 1)); done
			n=$((n + 1))
		done
		go_on; echo $n""", extra=DEVICE)
	result.expect_output(f"{rounds}\n")
	found = [(fields.get("domain"), fields.get("cause")) for fields in result.log.incidents.values()]
	expect(sorted(found) == sorted([(victim, "killed") for victim in victims] * rounds), f"incidents {found}")
	expect(check_steps(result.lines) >= 4, f"{result.describe()}")
	last_start = max(place for place, line in enumerate(result.lines) if line.startswith("edu: start"))
	expect(result.lines[last_start] .endswith("device found"), result.lines[last_start])
	expect(any(line.startswith("abacus: step") for line in result.lines[last_start:]), "nothing was done after the last start")
	return result


if os.path.isdir(os.path.join(ROOT, "subsystems", "device", "edu")):

	def test_driver_killed():
		"""What the driver counts is what its client got: no call was answered twice."""
		result = run_struck(["edu"], by_tier(10, 80))
		for answered, steps in tallies(result.lines):
			expect(answered == steps, f"{answered} answers for {steps} steps")

	def test_driver_and_client_killed():
		"""The client may have to ask again, but gets each of its answers."""
		result = run_struck(["edu", "abacus"], by_tier(5, 40))
		for answered, steps in tallies(result.lines):
			expect(answered >= steps, f"{answered} answers for {steps} steps")

	def test_without_the_device():
		"""The domains start all the same, and wait."""
		result = boot("""awk '$2 == "edu" || $2 == "abacus" { print $2, $3, $5 }' /zog/domains""")
		result.expect_output("edu ready 0\nabacus ready 0\n")
		expect("edu: start 1: no device" in result.lines, f"{result.lines[-5:]}")
