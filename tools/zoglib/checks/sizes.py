"""Sizes of functions and files: a ratchet.

Over the hard limit nothing may be; over the soft one only what stands in sizes.txt beside this file, `lines path[ function]`,
and it may not grow. A line of that list that is larger than the truth is a finding, too: the list may only shrink.
"""

import ast
import os
import re

from .tree import Finding

LIST = os.path.join("tools", "zoglib", "checks", "sizes.txt")
FILE_SOFT, FILE_HARD = 500, 800
FUNCTION_SOFT, FUNCTION_HARD = 60, 100
HEAD = re.compile(r"^(?:STORES_ARE_OWN )?[A-Za-z_][\w \t*]*?\b(\w+)\(")


def c_functions(text):
	"""[(name, line, lines)]: a head in the first column, then `{` and `}` there."""
	found, name, start, is_inside = [], None, 0, False
	for number, line in enumerate(text.split("\n"), 1):
		head = HEAD.match(line)
		if head and not is_inside and not line.rstrip().endswith(";"):
			name, start = head[1], number
		if line.startswith("{") and name:
			is_inside = True
		elif line.startswith("}") and is_inside:
			found.append((name, start, number - start + 1))
			name, is_inside = None, False
	return found


def python_functions(text):
	return [(node.name, node.lineno, node.end_lineno - node.lineno + 1) for node in ast.walk(ast.parse(text))
	        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def sizes_of(tree):
	"""{key: (lines, path, line)} of everything over its soft limit."""
	large = {}
	for name in tree.of(".c", ".h", ".S", ".py", ".pml") + [name for name in ("zog", "Makefile") if tree.has(name)]:
		text = tree.read(name)
		lines = text.count("\n")
		if lines > FILE_SOFT:
			large[name] = (lines, name, 1)
		functions = c_functions(text) if name.endswith((".c", ".h")) else python_functions(text) if name.endswith(".py") else []
		for function, line, count in functions:
			if count > FUNCTION_SOFT:
				large[f"{name} {function}"] = (count, name, line)
	return large


def known_read(tree):
	known = {}
	for line in tree.read(LIST).split("\n") if tree.has(LIST) else []:
		if line and not line.startswith("#"):
			lines, _, key = line.partition(" ")
			known[key] = int(lines)
	return known


def sizes_check(tree):
	large, known = sizes_of(tree), known_read(tree)
	for key, (lines, path, line) in large.items():
		is_function = " " in key
		soft, hard = (FUNCTION_SOFT, FUNCTION_HARD) if is_function else (FILE_SOFT, FILE_HARD)
		what = f"function {key.split(' ')[1]}" if is_function else "the file"
		if lines > hard:
			yield Finding(path, line, f"{what} has {lines} lines: at most {hard}")
		elif lines > known.get(key, soft):
			yield Finding(path, line, f"{what} has {lines} lines: more than {known.get(key, soft)}, split it where the idea splits")
	for key, lines in known.items():
		if large.get(key, (0,))[0] < lines:
			yield Finding(LIST, 1, f"'{key}' has {large.get(key, ('no more than the limit',))[0]} lines, the list says {lines}: make it smaller")
