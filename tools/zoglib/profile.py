"""Which function of which domain how many instructions were spent in, over one run of a machine with counted instructions.

QEMU runs with the plugin tools/profile/blocks.c, which writes how often each translated block ran. Domains share their
addresses; the host address of a block tells whose text it lies in, since a domain's text is executed where it lies in
the core's file: KERNEL_BASE + guest address of the core's text fixes where QEMU keeps the guest's memory.
"""

import bisect
import glob
import os
from collections import Counter

from .build import Failure, in_build, tool
from .elf import PF_EXECUTE, Elf

KERNEL_BASE = 0xffffffff80000000
CORE = "core"
SOURCE = os.path.join("tools", "profile", "blocks.c")
# What the compiler calls for a store, and what these call. The straight parts are in hook.S, the rest in hook.c.
HOOK_PREFIX = "__asan_"
HOOK_FUNCTIONS = {"rt_store", "rt_store_general", "store_elsewhere", "home_note_full", "home_note", "page_mode_begin", "pages_note"}


class Text:
	"""Functions of one image, by address."""

	def __init__(self, path):
		self.functions = Elf(path).functions()
		self.starts = [function.address for function in self.functions]

	def name_at(self, address):
		at = bisect.bisect_right(self.starts, address) - 1
		if at < 0:
			return "?"
		return self.functions[at].name


def plugin_build(root):
	"""Compiles the plugin; its path."""
	path = in_build("profile", "blocks.so")
	tool("gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden", os.path.join(root, SOURCE), "-o", path)
	return path


def plugin_arguments(plugin, output):
	"""Further arguments for QEMU."""
	return ["-plugin", f"{plugin},out={output}"]


def texts_find(kernel, domains):
	"""[(first physical address, behind the last, link address, name)] of the domains' texts inside the kernel's file."""
	core = [segment for segment in Elf(kernel).segments() if segment.address >= KERNEL_BASE]
	found = []
	for path in sorted(glob.glob(os.path.join(domains, "*.elf"))):
		text = next(segment for segment in Elf(path).segments() if segment.flags & PF_EXECUTE)
		for segment in core:
			at = segment.content.find(text.content)
			if at >= 0:
				first = segment.address + at - KERNEL_BASE
				found.append((first, first + len(text.content), text.address, os.path.basename(path)[:-4]))
				break
		else:
			raise Failure(f"profile: the text of {path} is not in {kernel}")
	return found


def blocks_read(path):
	"""[(guest address, host address, instructions executed)] of all blocks that lie in memory."""
	with open(path) as file:
		rows = [line.split() for line in file]
	return [(int(address, 16), int(host, 16), int(count) * int(runs)) for address, host, count, runs in rows if int(host, 16)]


def counts(kernel, domains, path):
	"""{domain or CORE: Counter of function -> instructions}; programs are left out."""
	blocks = blocks_read(path)
	# The core's text is mapped where it was linked; boot code and programs are elsewhere.
	bases = Counter(host - (address - KERNEL_BASE) for address, host, _ in blocks if address >= KERNEL_BASE)
	if not bases:
		raise Failure("profile: no block of the core has run")
	memory = bases.most_common(1)[0][0]
	texts = texts_find(kernel, domains)
	names = {CORE: Text(kernel)}
	result = {CORE: Counter()}
	for address, host, instructions in blocks:
		if address >= KERNEL_BASE:
			result[CORE][names[CORE].name_at(address)] += instructions
			continue
		for first, last, link, name in texts:
			if first <= host - memory < last:
				if name not in names:
					names[name] = Text(os.path.join(domains, name + ".elf"))
					result[name] = Counter()
				result[name][names[name].name_at(host - memory - first + link)] += instructions
				break
	return result


def hook_share(functions):
	"""Percent of a domain's instructions that its store hook takes; the call of the hook itself is the store's."""
	total = sum(functions.values())
	hook = sum(count for name, count in functions.items() if name.startswith(HOOK_PREFIX) or name in HOOK_FUNCTIONS)
	if total == 0:
		raise Failure("profile: the domain has not run")
	return 100 * hook / total
