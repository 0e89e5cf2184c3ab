#!/usr/bin/env python3
"""What the parsers say when a word of a good file is wrong: _grammar.py FILE.zidl

Each token in turn gives its place to a mark that fits nowhere, and the file ends before it. Every answer is printed
on standard error, with the line where it came first. A file called home.zidl is one of tools/home.py."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "tools"))
from zoglang.home import home_parse
from zoglang.lexer import TOKEN
from zoglang.parser import contract_parse
from zoglang.report import SourceError

UNFIT = "]"


def variants(text):
	position = 0
	while position < len(text):
		match = TOKEN.match(text, position)
		if match.lastgroup not in ("space", "newline", "comment"):
			yield text[:position] + ("[" if match.group() == UNFIT else UNFIT) + text[match.end():]
			yield text[:position]
		position = match.end()


def main():
	path = sys.argv[1]
	with open(path, encoding="utf-8") as source:
		text = source.read()
	parse = home_parse if path == "home.zidl" else contract_parse
	parse(path, text) # the file itself is good: an error here is a broken case
	said = {}
	for variant in variants(text):
		try:
			parse(path, variant)
			said.setdefault(f"passes: ...{variant[-40:]!r}", path)
		except SourceError as error:
			said.setdefault(error.reason, error)
	print("\n".join(map(str, said.values())), file=sys.stderr)
	return 1


if __name__ == "__main__":
	sys.exit(main())
