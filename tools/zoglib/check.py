"""`zog check`: does the tree read as docs and style ask, and what do the static analysers say?

A check is a function in CHECKS: it gets a Tree and yields Findings. Those of TEXT_CHECKS read files and take seconds; those of
COMPILED_CHECKS run a tool over each C file that the build compiles, with the build's own flags, side by side on all CPUs, and
what was found is kept in build/check/ under a hash of all that the tool read. A finding is one line: file:line: check: message.
What is known to be as it should be stands in tools/zoglib/checks/allowed.txt, with its reason.
"""

import os
import sys
import time

from .build import ROOT, Failure, make
from .checks import compiled, links, sizes, text
from .checks.tree import Tree, allowed_read

TEXT_CHECKS = {
	"text": (text.text_check, "tabs, trailing space, line length, end of file"),
	"words": (text.words_check, "notes to do something later, names of hosts, paths of one machine"),
	"sizes": (sizes.sizes_check, "long functions and files: the list of known ones may only shrink"),
	"readme": (links.readme_check, "a README.md in each domain's folder"),
	"links": (links.links_check, "links and anchors of all pages, and the commands they name"),
	"includes": (links.includes_check, "headers that include each other in a circle"),
}
COMPILED_CHECKS = {
	"warnings": (compiled.warnings_check, "gcc's and clang's warnings beyond the build's"),
	"cppcheck": (compiled.cppcheck_check, "cppcheck"),
	"tidy": (compiled.tidy_check, "clang-tidy, with a chosen list"),
	"analyzer": (compiled.analyzer_check, "gcc -fanalyzer"),
}
CHECKS = {**TEXT_CHECKS, **COMPILED_CHECKS}


def add_arguments(parser):
	parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CHECKS)}, or `fast`: those that read text only; default: all")
	parser.add_argument("--root", help="another tree than this one (text checks only)")


def check(options):
	for name in options.names:
		if name not in CHECKS and name != "fast":
			return f"no check {name!r}; there are {', '.join([*CHECKS, 'fast'])}"
	if options.root and any(name not in TEXT_CHECKS and name != "fast" for name in options.names or CHECKS):
		return "--root goes with text checks only: name them"
	return None


def names_wanted(names):
	names = [each for name in names for each in (TEXT_CHECKS if name == "fast" else (name,))]
	return [name for name in CHECKS if name in names] if names else list(CHECKS)


def run(name, tree, allowed):
	"""Prints what a check finds; how many findings are not allowed."""
	function, _ = CHECKS[name]
	start_s, count = time.monotonic(), 0
	for finding in sorted(set(function(tree))):
		if allowed.covers(name, finding):
			continue
		count += 1
		print(f"{finding.path}:{finding.line}: {name}: {finding.message}")
	print(f"check: {name}: {count or 'no'} finding{'' if count == 1 else 's'}, {time.monotonic() - start_s:.1f} s", file=sys.stderr)
	return count


def main(options):
	root = os.path.abspath(options.root) if options.root else ROOT
	if not os.path.isdir(root):
		raise Failure(f"--root: no folder {options.root!r}")
	names = names_wanted(options.names)
	if any(name in COMPILED_CHECKS for name in names):
		make()
	tree, allowed = Tree(root), allowed_read(root)
	count = sum(run(name, tree, allowed) for name in names)
	for line in allowed.unused(names):
		count += 1
		print(f"{allowed.path}:{line}: allowed: nothing needs this line any more")
	print(f"{count} findings" if count != 1 else "1 finding")
	return 1 if count else 0
