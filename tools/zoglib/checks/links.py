"""Pages and headers: do the things exist that they point at, and does nothing point in a circle?"""

import os
import re

from .tree import Finding

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\./zog ([a-z][a-z-]*)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def anchor(heading):
	"""As the usual renderers make it from a heading's text."""
	text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m[1] or "", heading.strip().lower())
	return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors_of(text):
	return {anchor(line.lstrip("#")) for line in text.split("\n") if re.match(r"#{1,6} ", line)}


def target_finding(tree, name, target):
	"""What is wrong with the link, or None. Generated pages are under build/: only their folder is known."""
	path, _, fragment = target.partition("#")
	if re.match(r"[a-z]+:", target):
		return None
	full = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
	if full.startswith("build/"):
		return None
	if not tree.has(full):
		return f"link to '{target}', which is not there"
	if fragment and full.endswith(".md") and fragment not in anchors_of(tree.read(full)):
		return f"link to '{target}', but {full} has no such heading"
	return None


def commands(tree):
	text = tree.read("tools/zoglib/__main__.py") if tree.has("tools/zoglib/__main__.py") else ""
	return set(re.findall(r'^\t"([a-z-]+)": \("', text, re.MULTILINE))


def links_check(tree):
	known = commands(tree)
	for name in tree.of(".md"):
		for number, line in enumerate(tree.read(name).split("\n"), 1):
			for target in LINK.findall(line):
				wrong = target_finding(tree, name, target)
				if wrong:
					yield Finding(name, number, wrong)
			for command in COMMAND.findall(line):
				if known and command not in known:
					yield Finding(name, number, f"'./zog {command}' is no command")


def readme_check(tree):
	for name in tree.files:
		if re.fullmatch(r"(subsystems|examples)/([^/]+/)*[^/]+/manifest\.toml", name):
			folder = os.path.dirname(name)
			if not tree.has(os.path.join(folder, "README.md")):
				yield Finding(name, 1, f"{folder} has no README.md")


def header_find(tree, name, included):
	for folder in (os.path.dirname(name), "core", "abi", "lib", ""):
		path = os.path.normpath(os.path.join(folder, included))
		if tree.has(path) and not path.startswith("build/"):
			return path
	return None


def includes_check(tree):
	"""Depth first; a header on the way that comes again closes a circle."""
	graph = {}
	for name in tree.of(".h"):
		found = (INCLUDE.match(line) for line in tree.read(name).split("\n"))
		graph[name] = [path for path in (header_find(tree, name, m[1]) for m in found if m) if path]
	done = set()

	def visit(name, way):
		if name in way:
			circle = way[way.index(name):] + [name]
			yield Finding(min(circle), 1, "headers in a circle: " + " -> ".join(circle))
		elif name not in done:
			for other in graph.get(name, []):
				yield from visit(other, way + [name])
			done.add(name)

	for name in graph:
		yield from visit(name, [])
