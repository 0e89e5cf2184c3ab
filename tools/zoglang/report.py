"""What both compilers say and write: diagnostics with file and line, and files that change only when they must.

A compiler collects as many errors as it can in one run; it writes nothing when there is one.
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class SourceError(Exception):
	"""One error of an input file; line 0 stands for the file as a whole."""

	def __init__(self, path, line, reason):
		super().__init__(reason)
		self.path, self.line, self.reason = path, line, reason

	def __str__(self):
		return f"{self.path}:{max(self.line, 1)}: {self.reason}"


class Report:
	"""Errors found so far, in the order in which the user reads the files."""

	def __init__(self):
		self.errors = []

	def error(self, path, line, reason):
		self.errors.append(SourceError(path, line, reason))

	def add(self, error):
		self.errors.append(error)

	def finish_if_errors(self):
		"""Prints the errors, each once, and ends the program with status 1 if there is any."""
		if not self.errors:
			return
		lines = []
		for error in sorted(self.errors, key=lambda e: (e.path, e.line)):
			if str(error) not in lines:
				lines.append(str(error))
		print("\n".join(lines), file=sys.stderr)
		sys.exit(1)


def nearest(word, known):
	"""' (did you mean X?)' when one of the known words is close, else nothing."""
	import difflib

	close = difflib.get_close_matches(word, sorted(known), 1)
	return f" (did you mean {close[0]}?)" if close else ""


def file_write(path, text):
	"""Writes a generated file; leaves an equal one alone so that make rebuilds nothing for it."""
	os.makedirs(os.path.dirname(path), exist_ok=True)
	if os.path.exists(path):
		with open(path, encoding="utf-8") as old:
			if old.read() == text:
				return
	with open(path, "w", encoding="utf-8") as new:
		new.write(text)


def c_constant(path, name):
	"""Value of `#define NAME number` in a file of the repository: the C stays the only place of it."""
	with open(os.path.join(ROOT, path), encoding="utf-8") as source:
		found = re.search(rf"^#define {name} (0x[0-9a-fA-F]+|\d+)", source.read(), re.MULTILINE)
	if not found:
		raise SystemExit(f"{path}: no constant {name}")
	return int(found.group(1), 0)


def abi_statuses():
	"""Names of enum zog_status without their ZOG_ prefix."""
	with open(os.path.join(ROOT, "abi", "zog", "status.h"), encoding="utf-8") as source:
		return set(re.findall(r"^\tZOG_(\w+) = ", source.read(), re.MULTILINE))
