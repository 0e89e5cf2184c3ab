#!/usr/bin/env python3
# groups: tsm
"""Bad contracts and manifests, each with the exact message that it must get: run.py [--write] [NAME...]

contracts/NAME.zidl (and NAME.*.zidl) go to tools/zidl.py. manifests/NAME.case changes the good system in
manifests/base/, which then goes through both compilers. uses/NAME.case changes that system with the sources of uses/base/;
the compilers must pass, and tools/uses.py must not. homes/NAME.zidl goes to tools/home.py, with homes/home.h. Of grammar/NAME.zidl,
which is good, each token in turn is made a wrong one (_grammar.py). NAME.expected holds what must stand on standard error,
with paths relative to the case; the exit status must be 1 and nothing may be written. The base itself must pass. At the end every place in
the compilers that raises an error must have been reached by some case (_examples.py).
--write records what is said now: read the difference before you commit it.

A .case file is made of lines:
	# comment
	file PATH      the lines below change this file; a new one starts empty
	-LINE          the next line of this text goes away (all files have one line with it)
	+LINE          is put in its place; without a line taken since the last `file`, at the end
	repeat N       the lines below, up to `end`, count N times, with 0, 1, ... in place of each `%`
contracts/NAME.case makes its files from nothing in the same way.
"""

import glob
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "build", "tests", "negative")
sys.path.insert(0, HERE)
from _examples import without_example

SITES = os.path.join(WORK, "sites.txt") # places that errors were raised from


class CaseError(Exception):
	pass


def compiler_run(name, arguments, folder):
	"""NAME: a program of tools/, or of this folder."""
	program = os.path.join(HERE if name.startswith("_") else os.path.join(ROOT, "tools"), name)
	command = [sys.executable, "-B", os.path.join(HERE, "_watch.py"), SITES, program, *arguments]
	return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)


def folder_fresh(name):
	folder = os.path.join(WORK, name)
	shutil.rmtree(folder, ignore_errors=True)
	os.makedirs(folder)
	return folder


def refusal(result, folder, output):
	"""What a compiler said when it refused; CaseError when it did not refuse properly."""
	if result.returncode != 1:
		raise CaseError(f"exit status {result.returncode}, not 1: {result.stderr.strip()[-300:]}")
	if result.stdout:
		raise CaseError(f"writes to standard output: {result.stdout.strip()[:300]}")
	if os.path.exists(os.path.join(folder, output)):
		raise CaseError(f"wrote {output} in spite of the error")
	return result.stderr


def contract_case(name):
	folder = folder_fresh(name)
	case = os.path.join(HERE, "contracts", name + ".case")
	if os.path.exists(case):
		case_apply(case, folder)
		return refusal(compiler_run("zidl.py", ["--out", "gen", *sorted(os.listdir(folder), key=len)], folder), folder, "gen")
	sources = sorted(glob.glob(os.path.join(HERE, "contracts", name + ".zidl"))
	                 + glob.glob(os.path.join(HERE, "contracts", name + ".*.zidl")), key=len)
	files = [os.path.basename(shutil.copy(source, folder)) for source in sources]
	return refusal(compiler_run("zidl.py", ["--out", "gen", *files], folder), folder, "gen")


def line_take(lines, text, path):
	if lines.count(text) != 1:
		raise CaseError(f"case: {lines.count(text)} lines '{text}' in {path}, not one")
	place = lines.index(text)
	del lines[place]
	return place


def commands_of(case):
	"""The lines of a .case file, repetitions carried out."""
	commands, body, count = [], None, 0
	with open(case, encoding="utf-8") as source:
		for line in source.read().splitlines():
			if line.startswith("repeat "):
				body, count = [], int(line.removeprefix("repeat "))
			elif line == "end":
				commands += [command.replace("%", str(number)) for number in range(count) for command in body]
				body = None
			else:
				(commands if body is None else body).append(line)
	return commands


def case_apply(case, folder):
	"""Carries out the changes that a .case file describes."""
	files, path, place = {}, None, None
	for command in commands_of(case):
		if command.startswith("file "):
			path, place = command.removeprefix("file "), None
			full = os.path.join(folder, path)
			if path not in files:
				files[path] = open(full, encoding="utf-8").read().splitlines() if os.path.exists(full) else []
		elif command.startswith("-"):
			place = line_take(files[path], command[1:], path)
		elif command.startswith("+"):
			place = len(files[path]) if place is None else place
			files[path].insert(place, command[1:])
			place += 1
		elif command and not command.startswith("#"):
			raise CaseError(f"case: what is '{command}'?")
	for path, lines in files.items():
		full = os.path.join(folder, path)
		os.makedirs(os.path.dirname(full), exist_ok=True)
		with open(full, "w", encoding="utf-8") as target:
			target.write("\n".join(lines) + "\n")


def system_compile(folder):
	"""Runs both compilers over the system in FOLDER; the contracts must pass."""
	def found(pattern):
		return sorted(os.path.relpath(p, folder) for p in glob.glob(os.path.join(folder, pattern)))

	contracts = compiler_run("zidl.py", ["--out", "gen", *found("*/*.zidl")], folder)
	if contracts.returncode:
		raise CaseError(f"its contracts do not pass: {contracts.stderr}")
	return compiler_run("manifest.py", ["--out", "gen", *found("*/*/manifest.toml")], folder)


def manifest_case(name):
	folder = folder_fresh(name)
	shutil.copytree(os.path.join(HERE, "manifests", "base"), folder, dirs_exist_ok=True)
	case_apply(os.path.join(HERE, "manifests", name + ".case"), folder)
	return refusal(system_compile(folder), folder, "gen/system")


def uses_check(folder):
	"""Runs both compilers over the system in FOLDER, which must pass, then the check of the sources."""
	result = system_compile(folder)
	if result.returncode:
		raise CaseError(f"its manifests do not pass: {result.stderr}")
	manifests = sorted(os.path.relpath(p, folder) for p in glob.glob(os.path.join(folder, "*/*/manifest.toml")))
	return compiler_run("uses.py", ["--contracts", "gen/contracts", *manifests], folder)


def uses_folder(name):
	folder = folder_fresh(name)
	for base in ("manifests", "uses"):
		shutil.copytree(os.path.join(HERE, base, "base"), folder, dirs_exist_ok=True)
	return folder


def uses_case(name):
	folder = uses_folder("uses_" + name)
	case_apply(os.path.join(HERE, "uses", name + ".case"), folder)
	return refusal(uses_check(folder), folder, "gen/uses")


def uses_base_check():
	result = uses_check(uses_folder("uses_base"))
	if result.returncode or result.stderr:
		raise CaseError(f"good sources are refused: {result.stderr}")


def home_case(name):
	"""homes/NAME.zidl against homes/home.h."""
	folder = folder_fresh("home_" + name)
	for path in (os.path.join(HERE, "homes", name + ".zidl"), *glob.glob(os.path.join(HERE, "homes", "*.h"))):
		shutil.copy(path, folder)
	with open(os.path.join(folder, "domain.h"), "w", encoding="utf-8") as file:
		file.write("#define HOME_BYTES 4096ul\n")
	arguments = ["ask", "--domain", "sample", "--out", "gen/home.json", "--depend", "gen.d", name + ".zidl", "--", "gcc", "-I."]
	result = compiler_run("home.py", arguments, folder)
	if name != "good":
		return refusal(result, folder, "gen/home.json")
	if result.returncode or not os.path.exists(os.path.join(folder, "gen/home.json")):
		raise CaseError(f"the good schema is refused: {result.stderr}")
	return result.stderr


def grammar_case(name):
	folder = folder_fresh("grammar_" + name)
	source = os.path.basename(shutil.copy(os.path.join(HERE, "grammar", name + ".zidl"), folder))
	return refusal(compiler_run("_grammar.py", [source], folder), folder, "gen")


def base_check():
	folder = folder_fresh("base")
	shutil.copytree(os.path.join(HERE, "manifests", "base"), folder, dirs_exist_ok=True)
	result = system_compile(folder)
	if result.returncode or result.stderr:
		raise CaseError(f"the good system is refused: {result.stderr}")
	names = open(os.path.join(folder, "gen", "system", "domains.txt"), encoding="utf-8").read().split()
	if names.index("echo") > names.index("client"):
		raise CaseError("a caller stands before its callee")


def expected_compare(said, path, is_written):
	if is_written:
		with open(path, "w", encoding="utf-8") as target:
			target.write(said)
		return
	if not os.path.exists(path):
		raise CaseError(f"no {os.path.basename(path)}")
	with open(path, encoding="utf-8") as source:
		expected = source.read()
	if said != expected:
		raise CaseError(f"said '{said.strip()}' instead of '{expected.strip()}'")


def cases():
	"""(name, function that returns what was said, file of the expected text); None for the base."""
	yield "base", base_check, None
	yield "uses_base", uses_base_check, None
	for kind, prefix, function in (("contracts", "", contract_case), ("manifests", "", manifest_case), ("uses", "uses_", uses_case),
	                               ("homes", "home_", home_case), ("grammar", "grammar_", grammar_case)):
		names = {os.path.basename(p).split(".")[0] for pattern in ("*.zidl", "*.case") for p in glob.glob(os.path.join(HERE, kind, pattern))}
		for name in sorted(names):
			yield prefix + name, lambda f=function, n=name: f(n), os.path.join(HERE, kind, name + ".expected")


def examples_check():
	"""Every place that raises an error was reached, by the cases that ran before."""
	said = ""
	for path in glob.glob(os.path.join(HERE, "*", "*.expected")):
		with open(path, encoding="utf-8") as source:
			said += source.read()
	with open(SITES, encoding="utf-8") as source:
		missing, total = without_example(ROOT, set(source.read().split()), said)
	nothing_reached, _ = without_example(ROOT, set(), "")
	if total < 300 or len(nothing_reached) != total:
		raise CaseError(f"{total} places found that raise errors, {len(nothing_reached)} of them without an example when no case runs")
	if missing:
		raise CaseError(f"{len(missing)} of {total} messages have no example: {' '.join(missing)}")


def main():
	wanted = [a for a in sys.argv[1:] if a != "--write"]
	is_written = "--write" in sys.argv[1:]
	failed = 0
	os.makedirs(WORK, exist_ok=True)
	open(SITES, "w", encoding="utf-8").close()
	every = [*cases(), ("every_message_has_an_example", examples_check, None)] if not wanted else cases()
	for name, function, expected in every:
		if wanted and not any(word in name for word in wanted):
			continue
		try:
			said = function()
			if expected:
				expected_compare(said, expected, is_written)
			print(f"ok {name}", flush=True)
		except (CaseError, OSError, KeyError, subprocess.TimeoutExpired) as error:
			failed += 1
			print(f"FAIL {name} {' '.join(str(error).split())}", flush=True)
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
