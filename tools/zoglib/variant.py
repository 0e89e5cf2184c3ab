"""Other builds of the same system's domains: a copy of the tree under build/, in which sources are changed before it is built.

What was built already is copied along, so that only what a change touches is compiled again.
"""

import os
import shutil

from .build import BUILD, ROOT, in_build, tool

SOURCES = ("Makefile", "abi", "core", "lib", "subsystems", "tools")
BUILT = ("domains", "gen", "lists", "obj", "libdomain.a")


class VariantTree:
	"""Used with `with`: the copy goes when the block ends."""

	def __init__(self, name, sources=(), built=()):
		"""sources, built: what is needed of the tree and of build/ besides what domains are made of."""
		self.path = in_build("tests", "variant", name, "x")[:-2]
		self.sources, self.built = SOURCES + tuple(sources), BUILT + tuple(built)

	def __enter__(self):
		shutil.rmtree(self.path, ignore_errors=True)
		for names, source, target in ((self.sources, ROOT, self.path), (self.built, BUILD, os.path.join(self.path, "build"))):
			for name in names:
				place, copy = os.path.join(source, name), os.path.join(target, name)
				os.makedirs(os.path.dirname(copy), exist_ok=True)
				(shutil.copytree if os.path.isdir(place) else shutil.copy2)(place, copy)
		return self

	def __exit__(self, *_):
		shutil.rmtree(self.path, ignore_errors=True)

	def build(self, changes, *domains):
		"""{domain: bytes of its update file}, with changes {path: (old text, new text)} made and taken back; old "": at the end."""
		kept = {}
		for name, (old, new) in changes.items():
			path = os.path.join(self.path, name)
			with open(path, encoding="utf-8") as file:
				kept[path] = file.read()
			if kept[path].count(old) != 1 and old:
				raise ValueError(f"{name} does not hold {old!r} once")
			self.write(path, kept[path].replace(old, new) if old else kept[path] + new)
		tool("make", "-s", "-C", self.path, "-j2", "updates")
		files = {}
		for domain in domains:
			with open(os.path.join(self.path, "build", "updates", domain + ".update"), "rb") as file:
				files[domain] = file.read()
		for path, text in kept.items():
			self.write(path, text)
		return files

	@staticmethod
	def write(path, text):
		with open(path, "w", encoding="utf-8") as file:
			file.write(text)
