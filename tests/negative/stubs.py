#!/usr/bin/env python3
"""Generated stubs and validators against peers that break the contract: compiles stubs/*.zidl, builds stubs/messages.c, lists.c and
stubs/whole.c with what comes out, for the host and with sanitizers, and runs them. They print their own lines."""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "build", "tests", "negative-stubs")
FLAGS = ["-DZOG_HOME_COMMITTED_OFFSET=0", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-Wno-format-extra-args",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Itests/host/stand_in", "-Iabi", "-Ilib", "-I" + WORK]


def step(name, command):
	"""Runs one command; prints a FAIL line when it fails or says anything."""
	result = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
	if result.returncode or result.stderr:
		print(f"FAIL {name} {' '.join(result.stderr.split())[:600]}")
		sys.exit(1)
	return result.stdout


def undeclared_check():
	"""A domain whose manifest does not use the contract cannot compile a call."""
	folder = os.path.join(WORK, "undeclared")
	os.makedirs(folder)
	open(os.path.join(folder, "domain.h"), "w", encoding="utf-8").close()
	result = subprocess.run(["gcc", *FLAGS, "-I" + folder, "-fsyntax-only", "-x", "c", "-"], cwd=ROOT, text=True,
	                        input='#include "contracts/odd_client.h"\n', capture_output=True, timeout=1800)
	wanted = "the manifest of this domain does not use contract odd"
	if result.returncode and wanted in result.stderr:
		print("ok a_call_that_the_manifest_does_not_name_does_not_compile")
		return 0
	print(f"FAIL a_call_that_the_manifest_does_not_name_does_not_compile status {result.returncode}")
	return 1


def main():
	shutil.rmtree(WORK, ignore_errors=True)
	source = os.path.join("tests", "negative", "stubs")
	step("contract", [sys.executable, "-B", "tools/zidl.py", "--out", WORK, *[os.path.join(source, n + ".zidl") for n in ("odd", "whole", "lists")]])
	failed = undeclared_check()
	for name in ("messages", "whole", "lists"):
		program = os.path.join(WORK, name)
		step("stubs_compile", ["gcc", *FLAGS, "-I" + source, "-o", program, os.path.join(source, name + ".c"),
		                       "lib/rt/once.c", "lib/rt/hash.c", "lib/rt/handle.c", "lib/rt/trace.c", "lib/rt/list.c"])
		sys.stdout.flush()
		result = subprocess.run([program], cwd=ROOT, stdin=subprocess.DEVNULL, timeout=1800)
		if result.returncode not in (0, 1):
			print(f"FAIL {name} ended with status {result.returncode}")
		failed |= result.returncode != 0
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
