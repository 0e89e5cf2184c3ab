"""The files that are looked at, findings, and the list of those that are allowed."""

import functools
import os
import subprocess
from dataclasses import dataclass

from ..build import Failure

ALLOWED = os.path.join("tools", "zoglib", "checks", "allowed.txt")


@dataclass(frozen=True, order=True)
class Finding:
	path: str
	line: int
	message: str


class Tree:
	"""A checkout: its files by git where it has one, else all but build/."""

	def __init__(self, root):
		self.root = root

	@functools.cached_property
	def files(self):
		listed = subprocess.run(["git", "-C", self.root, "ls-files", "--cached", "--others", "--exclude-standard"], stdin=subprocess.DEVNULL,
		                        capture_output=True, text=True)
		if listed.returncode == 0 and os.path.isdir(os.path.join(self.root, ".git")):
			names = listed.stdout.split("\n")
		else:
			names = [os.path.relpath(os.path.join(folder, name), self.root) for folder, _, files in os.walk(self.root) for name in files]
		return sorted(name for name in names if name and not name.startswith("build/") and os.path.isfile(os.path.join(self.root, name)))

	def of(self, *endings):
		return [name for name in self.files if name.endswith(endings)]

	@functools.lru_cache(maxsize=None)
	def read(self, name):
		with open(os.path.join(self.root, name), encoding="utf-8", errors="replace", newline="") as file:
			return file.read()

	def has(self, name):
		return os.path.exists(os.path.join(self.root, name))


class Allowed:
	"""Lines `check path: start of the message # reason`; empty lines and lines that begin with # are skipped."""

	def __init__(self, path, text):
		self.path, self.rows, self.used = path, [], set()
		for number, line in enumerate(text.split("\n"), 1):
			if not line.strip() or line.startswith("#"):
				continue
			rule, _, reason = line.partition(" # ")
			check, _, rest = rule.partition(" ")
			name, _, message = rest.partition(": ")
			if not reason.strip() or not message:
				raise Failure(f"{path}:{number}: not `check path: message # reason`")
			self.rows.append((number, check, name, message.strip()))

	def covers(self, check, finding):
		for number, of_check, path, message in self.rows:
			if of_check == check and path == finding.path and finding.message.startswith(message):
				self.used.add(number)
				return True
		return False

	def unused(self, names):
		return [number for number, check, _, _ in self.rows if check in names and number not in self.used]


def allowed_read(root):
	path = os.path.join(root, ALLOWED)
	if not os.path.exists(path):
		return Allowed(ALLOWED, "")
	with open(path) as file:
		return Allowed(ALLOWED, file.read())
