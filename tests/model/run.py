#!/usr/bin/env python3
# groups: tsm
"""Checks the models of Zog's protocols with Spin: run.py [--tier quick|full|campaign] [NAME...]

Each NAME.pml is checked as it stands, and must have no error; then once for each `#define MUTANT_X n` in it, which takes
one guarantee away, and must have one: a counterexample, left as build/tests/model/NAME/MUTANT_X.trail (replay it there:
ZOG_MUTANT=n ./pan -r MUTANT_X.trail). Prints `ok NAME`, `ok NAME.x`, or `FAIL ... reason`.
A model checks assertions and deadlocks; one with an `ltl` formula checks that, by its never claim and with weak fairness.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "build", "tests", "model")
LIMIT_S = 3000
# Larger bounds of the full tier; the model's own are the quick ones.
LARGER = {
	"chain": ["KILLS=4", "OTHER_CALLS=2"],
	"commit": ["CALLS=2", "KILLS=3", "EXCEPTIONS=3"],
	"kill": ["VISITS=3", "REQUESTS=3"],
	"object": ["COMMITS=5", "READS=4", "EXCEPTIONS=2", "BUFFERS=2"],
	"once": ["CALLS=3", "KILLS=3", "WAITS=2"],
	"proposal": ["PROPOSALS=6", "KILLS=4", "FLIPS=2"],
	"region": ["COMMITS=2", "READS=2", "KILLS=1", "EXCEPTIONS=2"],
	"reply": ["CALLS=6", "REQUESTS=4"],
	"stream": ["RECORDS=3", "SLOTS=2", "KILLS=1"],
	"wait": ["KILLS=4"],
}


class ModelError(Exception):
	pass


def run(command, folder, environment=None):
	try:
		return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
		                      timeout=LIMIT_S, env={**os.environ, **(environment or {})})
	except subprocess.TimeoutExpired as error:
		raise ModelError(f"{command[0]} not done after {LIMIT_S} s") from error


def mutants_of(text):
	"""[(name, number)] of the guarantees that the model can do without."""
	return [(name.lower(), int(number)) for name, number in re.findall(r"^#define MUTANT_(\w+) (\d+)\b", text, re.MULTILINE)]


class Model:
	def __init__(self, name, is_large):
		self.name, self.folder = name, os.path.join(WORK, name)
		with open(os.path.join(HERE, name + ".pml")) as file:
			self.text = file.read()
		self.has_claim = re.search(r"^ltl\b", self.text, re.MULTILINE) is not None
		self.bounds = LARGER.get(name, []) if is_large else []

	def build(self):
		shutil.rmtree(self.folder, ignore_errors=True)
		os.makedirs(self.folder)
		for source in (self.name + ".pml", "mutant.pml"):
			shutil.copy(os.path.join(HERE, source), self.folder)
		generated = run(["spin", "-a", *("-D" + bound for bound in self.bounds), self.name + ".pml"], self.folder)
		if generated.returncode != 0 or "Error" in generated.stdout:
			raise ModelError("spin: " + " | ".join((generated.stdout + generated.stderr).split("\n")[:3]))
		flags = ["-DNFAIR=3"] if self.has_claim else ["-DSAFETY"]
		compiled = run(["gcc", "-O1", "-w", "-DVECTORSZ=2048", *flags, "-o", "pan", "pan.c"], self.folder)
		if compiled.returncode != 0:
			raise ModelError("gcc: " + compiled.stderr.strip().split("\n")[0])

	def check(self, mutant):
		"""(number of errors, what is wrong or how much was looked at) with guarantee MUTANT taken away; 0: none."""
		arguments = ["-a", "-f"] if self.has_claim else []
		result = run(["./pan", "-b", "-m50000", "-w22", *arguments], self.folder, {"ZOG_MUTANT": str(mutant)})
		found = re.search(r"errors: (\d+)", result.stdout)
		if found is None or result.returncode != 0 or "out of memory" in result.stdout:
			raise ModelError("pan: " + " | ".join((result.stdout + result.stderr).strip().split("\n")[:3]))
		wrong = re.search(r"^pan:1: (.*)", result.stdout, re.MULTILINE)
		states = re.search(r"(\d+) states, stored", result.stdout)
		return int(found[1]), wrong[1] if wrong else f"{states[1]} states"

	def mutant_case(self, name, number):
		errors, wrong = self.check(number)
		trail = os.path.join(self.folder, self.name + ".pml.trail")
		if errors == 0:
			raise ModelError(f"without this guarantee the check still finds nothing wrong ({wrong})")
		if "max search depth" in wrong:
			raise ModelError("the search was too deep to tell")
		if not os.path.exists(trail):
			raise ModelError("no counterexample was left")
		os.replace(trail, os.path.join(self.folder, name + ".trail"))
		return wrong

	def sound_case(self):
		errors, wrong = self.check(0)
		if errors:
			raise ModelError(f"{wrong}; counterexample in {os.path.relpath(self.folder, ROOT)}")
		return wrong


def report(name, body):
	try:
		print(f"ok {name} {body()}", flush=True)
		return True
	except ModelError as error:
		print(f"FAIL {name} {error}", flush=True)
		return False


def model_run(name, is_large):
	model = Model(name, is_large)
	mutants = mutants_of(model.text)

	def sound():
		if not mutants:
			raise ModelError("it has no mutant: nothing shows that the check can fail")
		model.build()
		return model.sound_case()

	passed = report(name, sound)
	for mutant, number in mutants if passed else []:
		passed &= report(f"{name}.{mutant}", lambda mutant=mutant, number=number: model.mutant_case(mutant, number))
	return passed


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--tier", default=os.environ.get("ZOG_TIER", "quick"), choices=("quick", "full", "campaign"))
	parser.add_argument("names", nargs="*")
	options = parser.parse_args()
	models = sorted(name[:-4] for name in os.listdir(HERE) if name.endswith(".pml") and name != "mutant.pml")
	if shutil.which("spin") is None:
		print("FAIL spin it is not installed")
		return 1
	passed = True
	for name in models:
		if not options.names or name in options.names:
			passed &= model_run(name, options.tier != "quick")
	return 0 if passed else 1


if __name__ == "__main__":
	sys.exit(main())
