"""Does every message of the compilers have an example? Asked by run.py when all of its cases have run.

A place is a call in tools/zoglang, or in a compiler's own file, that says something about an input: one of SAYING, with a text
among its arguments. It has an example when a case of run.py reached it (_watch.py). A text that is chosen before it is said
(CHOSEN: assigned to `why`, or returned by a function that words it) is looked for in what was said."""

import ast
import glob
import os
import re

SAYING = ("error", "fail", "SourceError", "expect", "expect_kind", "name", "names", "number", "word_of", "c_path", "value")
WORDING = ("bad_character", "reason_of") # functions that return texts
CHOSEN = "why"
PROGRAMS = ("zidl.py", "manifest.py", "uses.py", "home.py")


def sources(root):
	tools = os.path.join(root, "tools")
	return [os.path.join(tools, name) for name in PROGRAMS] + sorted(glob.glob(os.path.join(tools, "zoglang", "*.py")))


def is_text(node):
	"""A literal with a word in it, on its own or as the beginning of a longer text."""
	if isinstance(node, ast.BinOp):
		return is_text(node.left)
	return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def pattern_of(node):
	"""A regular expression for the text of a literal."""
	if isinstance(node, ast.BinOp):
		return pattern_of(node.left) + ".*"
	parts = node.values if isinstance(node, ast.JoinedStr) else [node]
	return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in parts)


def places(path):
	"""(first line, last line, None) of a call; (line, line, pattern) of a chosen text."""
	with open(path, encoding="utf-8") as source:
		tree = ast.parse(source.read())
	for node in ast.walk(tree):
		if isinstance(node, ast.Call):
			name = getattr(node.func, "attr", getattr(node.func, "id", ""))
			if name in SAYING and any(is_text(argument) for argument in node.args):
				yield node.lineno, node.end_lineno, None
		elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == CHOSEN and is_text(node.value):
			yield node.lineno, node.lineno, pattern_of(node.value)
		elif isinstance(node, ast.FunctionDef) and node.name in WORDING:
			for inner in ast.walk(node):
				if isinstance(inner, ast.Return) and is_text(inner.value):
					yield inner.lineno, inner.lineno, pattern_of(inner.value)


def without_example(root, reached, said):
	"""FILE:LINE of every place that no case reached; and how many places there are. REACHED: lines of _watch.py."""
	lines, missing, total = {}, [], 0
	for site in reached:
		path, _, line = site.rpartition(":")
		lines.setdefault(path, set()).add(int(line))
	for path in sources(root):
		name = os.path.relpath(path, root)
		for first, last, pattern in places(path):
			total += 1
			is_seen = re.search(pattern, said) if pattern else lines.get(name, set()) & set(range(first, last + 1))
			if not is_seen:
				missing.append(f"{name}:{first}")
	return missing, total
