"""`zog test`: builds, runs the tests, one line each, and ends with `N passed, N failed`.

  host/NAME        tests/host/test_NAME.c: unit tests (cmocka, ASan, UBSan) on the host
  FOLDER/FILE.CASE tests/negative/, tests/model/, tests/tools/ *.py: programs that print `ok CASE` or `FAIL CASE reason` lines
  system/FILE.CASE tests/system/*.py: functions test_CASE() that boot the kernel in QEMU
NAME selects the tests whose name contains it, and those whose file has it among its groups: a line `groups: WORD...` near its
top, in a comment. The group tsm is everything about transactional shared memory. Tests that cut the code under test say at how
many places; the sum is the last line but one. A test that needs what neither the tree nor its set-up brings (a Zig compiler) says
`skipped` without it.
"""

import glob
import importlib.util
import os
import re
import subprocess
import sys
import time
import traceback

from . import testing
from .authority import USED, Used
from .build import ROOT, Failure, in_build, make
from .testing import TIERS, TestFailure, TestSkipped

PROGRAM_FOLDERS = ("negative", "model", "tools")
PROGRAM_LIMIT_S = 3600
HOST_FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
              "-fno-omit-frame-pointer", "-Itests/host/stand_in", "-Iabi", "-Ilib", "-Icore", "-Isubsystems", "-Ibuild/gen", "-I."]


def add_arguments(parser):
	parser.add_argument("names", nargs="*", metavar="NAME", help="only tests whose name contains one of these")
	parser.add_argument("--tier", choices=TIERS, default="quick", help="how much: quick (default), full, campaign")
	parser.add_argument("--list", action="store_true", help="print the tests' names and run none")


class Runner:
	"""Counts and prints; knows which tests are asked for."""

	def __init__(self, options):
		self.names, self.tier, self.is_list = options.names, options.tier, options.list
		self.passed = self.failed = self.skipped = self.crash_points = 0

	def wants(self, name, path=None):
		if not self.names or any(part in name for part in self.names):
			return True
		return path is not None and any(part in groups_of(path) for part in self.names)

	def crash_points_add(self, output):
		self.crash_points += sum(int(count) for count in re.findall(r"(\d+) crash points", output))

	def report(self, name, reason=None):
		"""One test's result; reason: why it failed."""
		if reason is None:
			self.passed += 1
			print(f"ok {name}", flush=True)
		else:
			self.failed += 1
			print(f"FAIL {name}: {reason}", flush=True)

	def run(self, name, body, path=None):
		"""Runs body(), which raises when the test fails and returns what it said, if anything."""
		if not self.wants(name, path):
			return
		if self.is_list:
			print(name)
			return
		started = time.monotonic()
		try:
			self.crash_points_add(body() or "")
			self.report(name)
		except TestSkipped as reason:
			self.skipped += 1
			print(f"skipped {name}: {reason}", flush=True)
		except (TestFailure, Failure) as failure:
			self.report(name, failure)
		except Exception: # a broken test is a failed test, and the others still run
			self.report(name, "the test itself broke: " + traceback.format_exc().strip().replace("\n", " | "))
		print(f"  {name}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def groups_of(path):
	"""Groups that the head of a test's file names."""
	with open(path) as file:
		head = file.read(4000)
	return {word for words in re.findall(r"^(?:/\*|#) groups: ([a-z ]+?)(?: ?\*/)?$", head, re.MULTILINE) for word in words.split()}


# ---- unit tests on the host ------------------------------------------------------------------------------------


def header_words(text, key):
	"""Words of the comment `/* KEY: word word */` among the first lines of a test."""
	match = re.search(rf"/\*\s*{key}:\s*(.*?)\*/", text, re.DOTALL)
	return match.group(1).replace("\n", " ").replace(" * ", " ").split() if match else []


def run_host_test(source):
	with open(source) as file:
		text = file.read()
	name = os.path.splitext(os.path.basename(source))[0]
	program = in_build("tests", "host", name)
	command = ["gcc", *HOST_FLAGS, *header_words(text, "flags"), "-o", program, os.path.relpath(source, ROOT),
	           *header_words(text, "sources"), "-lcmocka"]
	compiled = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
	testing.expect(compiled.returncode == 0, "does not compile: " + first_errors(compiled.stderr))
	try:
		result = subprocess.run([program], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
		                        text=True, errors="replace", timeout=PROGRAM_LIMIT_S)
	except subprocess.TimeoutExpired as error:
		raise TestFailure(f"not done after {PROGRAM_LIMIT_S} s") from error
	if result.returncode != 0:
		with open(program + ".out", "w") as file:
			file.write(result.stdout)
		raise TestFailure(f"status {result.returncode}: {first_errors(result.stdout)}; all in {os.path.relpath(program, ROOT)}.out")
	testing.expect(re.search(r"PASSED\s*\]\s*[1-9]", result.stdout), "it ran no test")
	return result.stdout


def first_errors(text):
	"""The lines of a tool's output that say what is wrong."""
	lines = [line.strip() for line in text.splitlines()]
	told = [line for line in lines if re.search(r"error|FAILED|ERROR|runtime error|undefined", line)]
	return " | ".join((told or lines)[:4])


def run_host_tests(runner):
	for source in sorted(glob.glob(os.path.join(ROOT, "tests", "host", "test_*.c"))):
		name = os.path.splitext(os.path.basename(source))[0].removeprefix("test_")
		runner.run(f"host/{name}", lambda source=source: run_host_test(source), source)


# ---- programs that print their own lines ------------------------------------------------------------------------


def run_program(runner, prefix, path):
	environment = {**os.environ, "ZOG_ROOT": ROOT, "ZOG_TIER": runner.tier}
	try:
		result = subprocess.run([sys.executable, path], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		                        stderr=subprocess.STDOUT, text=True, errors="replace", timeout=PROGRAM_LIMIT_S, env=environment)
	except subprocess.TimeoutExpired:
		runner.report(prefix, f"not done after {PROGRAM_LIMIT_S} s")
		return
	cases = re.findall(r"^(ok|FAIL) (\S+)[ :]*(.*)$", result.stdout, re.MULTILINE)
	for verdict, case, reason in cases:
		runner.report(f"{prefix}.{case}", None if verdict == "ok" else reason or "no reason given")
	if result.returncode != 0 and not any(verdict == "FAIL" for verdict, _, _ in cases):
		runner.report(prefix, f"status {result.returncode}: {first_errors(result.stdout)}")
	elif not cases:
		runner.report(prefix, "it ran no test")
	runner.crash_points_add(result.stdout)


def run_programs(runner):
	for folder in PROGRAM_FOLDERS:
		for path in sorted(glob.glob(os.path.join(ROOT, "tests", folder, "*.py"))):
			prefix = f"{folder}/{os.path.splitext(os.path.basename(path))[0]}"
			if not os.path.basename(path).startswith("_") and runner.wants(prefix, path):
				if runner.is_list:
					print(prefix)
				else:
					run_program(runner, prefix, path)


# ---- system tests ------------------------------------------------------------------------------------------------


def load_module(path):
	specification = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
	module = importlib.util.module_from_spec(specification)
	specification.loader.exec_module(module)
	return module


def system_cases():
	"""(name, function) of every system test, in the order of the files."""
	for path in sorted(glob.glob(os.path.join(ROOT, "tests", "system", "*.py"))):
		module = load_module(path)
		for key, function in list(vars(module).items()):
			if key.startswith("test_") and callable(function):
				function.needs_kernel = getattr(module, "NEEDS_KERNEL", True)
				function.path = path
				yield f"system/{module.__name__}.{key.removeprefix('test_')}", function


def run_system_case(name, function):
	testing.current_test = name
	testing.clear_work()
	said = function()
	testing.clear_work() # not reached by a failure: its files stay for a look
	return said


def run_system_tests(runner, has_kernel):
	testing.current_tier = runner.tier
	for name, function in system_cases():
		if TIERS.index(getattr(function, "tier", "quick")) > TIERS.index(runner.tier):
			continue
		if has_kernel or runner.is_list or not function.needs_kernel:
			runner.run(name, lambda name=name, function=function: run_system_case(name, function), function.path)
		elif runner.wants(name, function.path):
			runner.report(name, "there is no kernel to boot")


def used_keep(runner):
	"""What the run's machines used of their authority: `./zog authority` shows it. A run of some tests adds to it."""
	kept = Used.load() if runner.names else Used()
	for name, row in testing.used.domains.items():
		kept.add(name, row["caps"], row["irqs"], row["pages"], row["runs"])
		for cap, mask in row["methods"].items():
			kept.add_methods(name, cap, mask)
	kept.save(in_build(os.path.basename(USED)))


def main(options):
	runner = Runner(options)
	has_kernel = True
	if not options.list:
		try:
			make()
		except Failure as failure:
			has_kernel = False
			runner.report("build", failure)
	run_host_tests(runner)
	run_programs(runner)
	run_system_tests(runner, has_kernel)
	if options.list:
		return 0
	used_keep(runner)
	if runner.passed + runner.failed + runner.skipped == 0:
		print(f"zog: no test is called {' or '.join(options.names)}", file=sys.stderr)
		return 1
	if runner.skipped:
		print(f"{runner.skipped} skipped", flush=True)
	if runner.crash_points:
		print(f"{runner.crash_points} crash points tried", flush=True)
	print(f"{runner.passed} passed, {runner.failed} failed", flush=True)
	return 1 if runner.failed else 0
