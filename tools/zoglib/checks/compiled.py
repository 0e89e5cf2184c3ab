"""Checks that run a tool over each C file with the flags of the build. What a tool said is kept in build/check/, under a hash
of the command and of every file that the compiler read for the object (its .d file)."""

import hashlib
import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

from ..build import Failure
from .tree import Finding

LIMIT_S = 300
MESSAGE = re.compile(r"^([^\s:][^:]*):(\d+):\d+: (?:warning|error|style|performance|portability): (.*)$", re.MULTILINE)
# Beyond -Wall -Wextra: what has found real faults in kernels, and is not noise in this code.
GCC_WARNINGS = ("-Wshadow=local", "-Wvla", "-Wundef", "-Wstrict-prototypes", "-Wlogical-op", "-Wduplicated-cond",
                "-Wduplicated-branches", "-Wnull-dereference", "-Wformat=2", "-Wno-format-nonliteral", "-Wpointer-arith", "-Wcast-qual")
CLANG_WARNINGS = ("-Wall", "-Wextra", "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument", "-Wno-ignored-optimization-argument",
                  "-Wno-gnu-folding-constant", "-Wno-missing-field-initializers", "-Wno-unused-function", "-Wloop-analysis", "-Wconditional-uninitialized")
TIDY = ("-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-narrowing-conversions,"
        "-bugprone-assignment-in-if-condition,-bugprone-macro-parentheses,-bugprone-branch-clone,-bugprone-implicit-widening-of-multiplication-result,"
        "-bugprone-sizeof-expression,-bugprone-switch-missing-default-case,misc-redundant-expression,misc-misplaced-const,"
        "readability-misleading-indentation,readability-duplicate-include")
# Only gcc knows these.
GCC_ONLY = re.compile(r"-fsanitize=kernel-address|--param|asan-.*|-fno-tree-loop.*|-ffile-prefix-map.*|-MMD|-MP|-fno-asynchronous-unwind-tables")


class Unit:
	"""One C file as the build compiles it."""

	def __init__(self, root, words):
		self.source, self.object = words[words.index("-c") + 1], words[words.index("-o") + 1]
		self.flags = [word for word in words[1:words.index("-c")] if word not in ("-MMD", "-MP") and not word.startswith("-ffile-prefix-map")]
		self.root = root

	def plain_flags(self):
		return [word for word in self.flags if not GCC_ONLY.fullmatch(word)]

	def inputs(self):
		"""All files the compiler reads for it, by the build's .d file."""
		path = os.path.join(self.root, os.path.splitext(self.object)[0] + ".d")
		with open(path) as file:
			text = file.read().replace("\\\n", " ")
		return sorted(set(text.split(":", 1)[1].split("\n")[0].split()))

	def digest(self, command):
		sum_ = hashlib.sha256("\0".join(command).encode())
		for name in self.inputs():
			with open(os.path.join(self.root, name), "rb") as file:
				sum_.update(hashlib.sha256(file.read()).digest())
		return sum_.hexdigest()


def units_of(tree):
	listed = subprocess.run(["make", "-n", "-B", "V=1", "-C", tree.root, "all"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
	lines = [line for line in listed.stdout.split("\n") if line.startswith("gcc ") and " -c " in line and " -o " in line]
	units = [Unit(tree.root, shlex.split(line)) for line in lines]
	units = [unit for unit in units if unit.source.endswith(".c")]
	if not units:
		raise Failure("make names no C file that it compiles: " + listed.stderr[-300:])
	return units


def messages(text):
	return [[path, int(line), message] for path, line, message in MESSAGE.findall(text)]


def unit_check(unit, command, name):
	"""Messages of one tool on one file, from the store or from the tool."""
	kept = os.path.join(unit.root, "build", "check", name, unit.digest(command) + ".json")
	if os.path.exists(kept):
		with open(kept) as file:
			return json.load(file)
	result = subprocess.run(command, cwd=unit.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=LIMIT_S)
	found = messages(result.stdout + result.stderr)
	if result.returncode != 0 and not found:
		raise Failure(f"{' '.join(command)}: status {result.returncode}\n{(result.stdout + result.stderr)[-1000:]}")
	os.makedirs(os.path.dirname(kept), exist_ok=True)
	with open(kept + ".new", "w") as file:
		json.dump(found, file)
	os.replace(kept + ".new", kept)
	return found


def all_check(tree, name, command_of):
	units = units_of(tree)
	with ThreadPoolExecutor(os.cpu_count()) as pool:
		for found in pool.map(lambda unit: unit_check(unit, command_of(unit), name), units):
			for path, line, message in found:
				path = os.path.relpath(os.path.join(tree.root, path), tree.root)
				if not path.startswith(("build/", "..")):
					yield Finding(path, line, message)


def warnings_check(tree):
	yield from all_check(tree, "gcc", lambda unit: ["gcc", *unit.flags, *GCC_WARNINGS, "-fsyntax-only", unit.source])
	yield from all_check(tree, "clang", lambda unit: ["clang", *unit.plain_flags(), *CLANG_WARNINGS, "-fsyntax-only", unit.source])


def cppcheck_check(tree):
	yield from all_check(tree, "cppcheck", lambda unit: [
		"cppcheck", "--quiet", "--std=c11", "--platform=unix64", "--enable=warning,performance,portability", "--inline-suppr",
		"--suppress=missingInclude", "--suppress=missingIncludeSystem", "--suppress=unusedStructMember", "--suppress=unknownMacro",
		"--template={file}:{line}:{column}: {severity}: {message} [{id}]", "--max-configs=1", "-D__x86_64__=1", "-D__GNUC__=12",
		*[word for word in unit.flags if word.startswith(("-I", "-D"))], unit.source])


def tidy_check(tree):
	yield from all_check(tree, "tidy", lambda unit: ["clang-tidy", "--quiet", "--checks=" + TIDY, unit.source, "--", *unit.plain_flags(),
	                                                 "-Wno-everything", "-Wno-unknown-warning-option"])


def analyzer_check(tree):
	yield from all_check(tree, "analyzer", lambda unit: ["gcc", *unit.flags, "-fanalyzer", "-O1", "-fdiagnostics-plain-output",
	                                                     "-fanalyzer-call-summaries", "-S", "-o", "/dev/null", unit.source])
