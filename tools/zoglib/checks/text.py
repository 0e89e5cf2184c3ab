"""What can be said of a file by reading its lines."""

import re

from .tree import Finding

SOURCES = (".c", ".h", ".S", ".py", ".zidl", ".toml", ".pml", ".ld", ".md")
LINE_MAX, TEST_LINE_MAX = 160, 200 # columns; tests have tables with long rows
TAB_COLUMNS = 8
CODE = (".c", ".h", ".S", ".py")
TABBED = (".c", ".h", ".S") # Python lines go on below the bracket that they stand in
# Two halves each, so that this file does not find itself.
WORDS = {
	"TO" + "DO:": "a note to do something later: what is not true yet stands in CAVEATS.md",
	"FIX" + "ME": "a note to do something later: what is not true yet stands in CAVEATS.md",
	"XX" + "X:": "a note to do something later: what is not true yet stands in CAVEATS.md",
	"deb." + "debian.org": "the name of a package host",
	"registry." + "npmjs": "the name of a package host",
	"/wo" + "rk/": "a path of one machine",
}


def columns(line):
	return len(line.expandtabs(TAB_COLUMNS)) if line.startswith("\t\t\t\t\t") else len(line.expandtabs(4))


def line_findings(name, number, line):
	if line.endswith("\r"):
		yield Finding(name, number, "a line that ends with a carriage return")
	elif line != line.rstrip():
		yield Finding(name, number, "space at the end of the line")
	if name.endswith(TABBED) and re.match(r" {2,}\S", line) and not re.match(r" +\*", line):
		yield Finding(name, number, "indented by spaces, not tabs")
	limit = TEST_LINE_MAX if name.startswith("tests/") else LINE_MAX
	if name.endswith(CODE) and columns(line) > limit:
		yield Finding(name, number, f"{columns(line)} columns; at most {limit}")


def text_check(tree):
	for name in tree.of(*SOURCES):
		text = tree.read(name)
		for number, line in enumerate(text.split("\n"), 1):
			yield from line_findings(name, number, line)
		if text and not text.endswith("\n"):
			yield Finding(name, text.count("\n") + 1, "no end of line at the end of the file")
		if text.endswith("\n\n"):
			yield Finding(name, text.count("\n"), "an empty line at the end of the file")


def words_check(tree):
	for name in tree.files:
		for number, line in enumerate(tree.read(name).split("\n"), 1):
			for word, what in WORDS.items():
				if word in line:
					yield Finding(name, number, f"'{word}': {what}")
