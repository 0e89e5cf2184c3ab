#!/usr/bin/env python3
"""The compiler of home schemas (tools/zoglang/home.py), in two steps:

  home.py ask --domain NAME --out NAME.json --depend FILE.d FILE.zidl -- COMPILER FLAGS...
      checks one domain's home.zidl against its own headers, and writes down offsets and rules
  home.py tables --domains domains.txt --out home.c NAME.json...
      the core's tables

Errors are printed as FILE:LINE: reason; then nothing is written and the exit status is 1.
"""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True

from zoglang.home import home_check, home_parse
from zoglang.home_emit import home_layout, index_of, tables_text
from zoglang.home_probe import Probe
from zoglang.report import Report, SourceError, file_write


def ask(options, compiler):
	report = Report()
	try:
		with open(options.file, encoding="utf-8") as source:
			schema = home_parse(options.file, source.read())
	except SourceError as error:
		report.add(error)
		report.finish_if_errors()
	home_check(schema, report)
	report.finish_if_errors()
	base = os.path.splitext(options.out)[0] + ".probe"
	numbers = Probe(schema).answers(compiler, base, options.depend, options.out, report)
	report.finish_if_errors()
	home_layout(schema, numbers, report)
	report.finish_if_errors()
	file_write(options.out, json.dumps(index_of(schema, options.domain), indent="\t") + "\n")
	os.utime(options.out)


def tables(options):
	indexes = []
	for path in options.files:
		with open(path, encoding="utf-8") as source:
			indexes.append(json.load(source))
	with open(options.domains, encoding="utf-8") as source:
		domains = source.read().split()
	file_write(options.out, tables_text(indexes, domains))


def main():
	arguments = sys.argv[1:]
	compiler = arguments[arguments.index("--") + 1:] if "--" in arguments else []
	parser = argparse.ArgumentParser(description="Compiles schemas of home regions.")
	steps = parser.add_subparsers(dest="step", required=True)
	one = steps.add_parser("ask")
	one.add_argument("--domain", required=True)
	one.add_argument("--out", required=True)
	one.add_argument("--depend", required=True)
	one.add_argument("file")
	every = steps.add_parser("tables")
	every.add_argument("--domains", required=True)
	every.add_argument("--out", required=True)
	every.add_argument("files", nargs="*")
	options = parser.parse_args(arguments[:arguments.index("--")] if "--" in arguments else arguments)
	if options.step == "ask":
		ask(options, compiler)
	else:
		tables(options)
	return 0


if __name__ == "__main__":
	sys.exit(main())
