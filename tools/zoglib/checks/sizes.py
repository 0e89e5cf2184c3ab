"""Sizes of functions, files and the core: a ratchet.

Over the hard limit nothing may be; over the soft one only what stands in sizes.txt beside this file, `lines path[ function]`,
and it may not grow. A line of that list that is larger than the truth is a finding, too: the list may only shrink.

The core, whose code everybody has to trust, has a limit of its own: C and assembly without comments and blank lines.
"""

import ast
import os
import re

from .tree import Finding

LIST = os.path.join("tools", "zoglib", "checks", "sizes.txt")
FILE_SOFT, FILE_HARD = 500, 800
FUNCTION_SOFT, FUNCTION_HARD = 60, 100
CORE, CORE_LINES_MAX = "core/", 10660
NO_CODE = re.compile(r'("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')|/\*.*?\*/|//[^\n]*', re.DOTALL)
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


def code_lines(text):
	"""Lines of C or assembly that hold more than comment."""
	text = NO_CODE.sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)
	return sum(1 for line in text.split("\n") if line.strip())


def core_finding(tree):
	lines = sum(code_lines(tree.read(name)) for name in tree.of(".c", ".h", ".S") if name.startswith(CORE))
	if lines > CORE_LINES_MAX:
		yield Finding(CORE, 0, f"{lines} lines of code in all: at most {CORE_LINES_MAX}; what is policy, or for the lab only, belongs elsewhere")


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
	yield from core_finding(tree)
	for key, lines in known.items():
		if large.get(key, (0,))[0] < lines:
			yield Finding(LIST, 1, f"'{key}' has {large.get(key, ('no more than the limit',))[0]} lines, the list says {lines}: make it smaller")
