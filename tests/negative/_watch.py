#!/usr/bin/env python3
"""Runs a compiler and writes down from where it raised errors: _watch.py SITES PROGRAM ARGUMENT...

Every diagnostic becomes a SourceError (tools/zoglang/report.py). At each one the lines on the stack that are in tools/ are
added to the file SITES as `FILE:LINE`; _examples.py asks there whether a place that raises errors was ever reached."""

import os
import runpy
import sys

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.path.join(ROOT, "tools")


def watch(error_class, sites):
	plain = error_class.__init__

	def noting(self, *arguments):
		plain(self, *arguments)
		frame = sys._getframe(1)
		while frame:
			path = os.path.abspath(frame.f_code.co_filename)
			if path.startswith(TOOLS + os.sep):
				sites.add(f"{os.path.relpath(path, ROOT)}:{frame.f_lineno}")
			frame = frame.f_back

	error_class.__init__ = noting


def main():
	out, program = sys.argv[1:3]
	sys.argv = sys.argv[2:]
	sys.path[0] = TOOLS
	from zoglang.report import SourceError

	sites = set()
	watch(SourceError, sites)
	try:
		runpy.run_path(program, run_name="__main__")
	finally:
		with open(out, "a", encoding="utf-8") as file:
			file.write("".join(f"{site}\n" for site in sorted(sites)))


if __name__ == "__main__":
	main()
