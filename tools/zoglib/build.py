"""Runs make, and says where things are."""

import fcntl
import os
import subprocess
import sys

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
KERNEL = os.path.join(BUILD, "zog.elf")
CORE = os.path.join(BUILD, "core.elf")
RUN = os.path.join(BUILD, "run")


class Failure(Exception):
	"""Something that the user is told in one message; the command ends with status 1."""


def in_build(*parts):
	"""A path under build/ whose folder exists."""
	path = os.path.join(BUILD, *parts)
	os.makedirs(os.path.dirname(path), exist_ok=True)
	return path


def make(*goals):
	"""Builds; make's own messages go to standard error. One build at a time, whoever asks."""
	command = ["make", "-s" if not sys.stderr.isatty() else "--no-print-directory", "-C", ROOT, "-j2", *goals]
	with open(in_build(".lock"), "w") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)
		result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
	if result.returncode != 0:
		raise Failure("the build failed: the first error above says where")


def tool(*command, **options):
	"""Runs a tool of the host; its output is shown only when it fails."""
	result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
							text=True, errors="replace", **options)
	if result.returncode != 0:
		raise Failure(f"{' '.join(command)} failed with status {result.returncode}:\n{result.stdout.rstrip()}")
	return result.stdout
