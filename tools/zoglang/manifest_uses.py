"""What a domain's sources use against what its manifest grants, both ways.

A grant that no source names is authority for nothing: the build stops. So does a source that names what is not granted,
before the C compiler meets a handle that does not exist. Sources are all files of the domain's folder in a programming
language; comments and strings do not count. Each row of the tables below says which words of a source are a use.

The domains of class `hostile` are there to try what they do not hold: for them only unused grants count.
"""

import glob
import os
import re

from .report import nearest

LANGUAGES = (".c", ".h", ".S", ".zig")
RULE_BREAKERS = ("hostile",)
PROGRAM_OPS = ("SPACE_CREATE", "SPACE_DESTROY", "MAP", "UNMAP", "PROTECT", "CLONE_RANGE", "THREAD_CREATE", "THREAD_DESTROY",
               "THREAD_REGS", "THREAD_WAKE", "THREAD_SPACE", "THREAD_XSTATE_RESET")
# Word -> rights of which one is needed for it to come to anything.
NEEDS = {
	"ZOG_OP_DEVICE_ATTACH": ("bus",), "ZOG_OP_DEVICE_RESUMED": ("bus",),
	"ZOG_OP_DOMAIN_CONTROL": ("control", "inject"), "ZOG_OP_POWER_OFF": ("power",), "ZOG_OP_SCHEDULE": ("schedule",),
	"rt_incident": ("inspect",), "rt_authority": ("inspect",), "rt_stats": ("stats",), "rt_region_stats": ("stats",),
	**{f"ZOG_OP_{name}": ("personality",) for name in PROGRAM_OPS},
}
# Right -> words of which one shows its use; the others have a handle of their own, CAP_RIGHT.
SHOWN_BY = {
	"personality": tuple(f"ZOG_OP_{name}" for name in PROGRAM_OPS),
	"frames": ("ZOG_OP_FRAME_GRANT",),
}
# Key of the manifest -> words of which one shows its use.
KEYS = {
	"home_kib": ("rt_home", "HOME_BYTES", "home_intact", "ZOG_HOME_BASE"),
	"heap_kib": ("ZOG_HEAP_BASE", "HEAP_BYTES"),
	"dma_kib": ("ZOG_DMA_BASE", "DMA_BYTES", "dma_physical"),
	"module": ("ZOG_MODULE_BASE", "module_bytes"),
	"dynamic_events": ("EVENT_DYNAMIC_BASE", "EVENT_DYNAMIC_COUNT"),
}


def without_comments_and_strings(text):
	"""Blanks in their place, so that lines stay. `//` covers both languages."""
	def blank(match):
		return re.sub(r"[^\n]", " ", match[0]) if match[0][0] == "/" else '""' + "\n" * match[0].count("\n")

	return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|/\*.*?\*/|//[^\n]*', blank, text, flags=re.DOTALL)


class Sources:
	"""The words of a domain's sources, each with the first place where it stands."""

	def __init__(self, folder):
		self.words, self.includes = {}, {}
		for path in sorted(glob.glob(os.path.join(folder, "*"))):
			if path.endswith(LANGUAGES):
				with open(path, encoding="utf-8", errors="replace") as file:
					self.read(path, file.read())

	def read(self, path, text):
		for match in re.finditer(r'^\s*#\s*include\s*"contracts/(\w+)_client\.h"', text, re.MULTILINE):
			self.includes.setdefault(match[1], (path, text.count("\n", 0, match.start(1)) + 1))
		for number, line in enumerate(without_comments_and_strings(text).splitlines(), 1):
			for word in re.findall(r"\w+", line):
				self.words.setdefault(word, (path, number))

	def has_any(self, words):
		return any(word in self.words for word in words)


class UsesCheck:
	"""All manifests against their sources."""

	def __init__(self, manifests, contracts, report):
		self.manifests, self.report = manifests, report
		self.contracts = {c["name"]: c for c in contracts}

	def run(self):
		for manifest in self.manifests:
			sources = Sources(os.path.dirname(manifest.path))
			if not sources.words: # a folder that holds nothing yet
				continue
			self.unused_check(manifest, sources)
			if manifest.class_name not in RULE_BREAKERS:
				self.undeclared_check(manifest, sources)

	# --- granted, not used ---

	def unused_check(self, manifest, sources):
		def error(what, key="", table="", place=0, hint="remove it"):
			self.report.error(manifest.path, manifest.line(key, table, place), f"{what} is granted, but no source uses it: {hint}")

		for name in manifest.uses:
			calls = [f"{name}_{method['name']}" for method in self.contracts[name]["methods"]]
			if not sources.has_any([f"CAP_{name.upper()}", f"{name}_fuzz_step", *calls]):
				error(f"contract '{name}'", "uses")
		for wait in manifest.waits:
			if not sources.has_any(["WAIT_" + wait.upper().replace(".", "_")]):
				error(f"waiting on '{wait}'", "waits")
		for place, ports in enumerate(manifest.ports):
			if not sources.has_any([f"CAP_PORTS_{ports['name'].upper()}"]):
				error(f"the port range '{ports['name']}'", "", "ports", place)
		for right in manifest.rights:
			if not sources.has_any(SHOWN_BY.get(right, (f"CAP_{right.upper()}",))):
				error(f"right '{right}'", "rights")
		for place, entry in enumerate(manifest.irqs):
			if not sources.has_any([f"EVENT_{entry['event'].upper()}"]):
				error(f"the interrupt that raises '{entry['event']}'", "", "irq", place)
		for table, entries, prefix in (("stream", manifest.streams, "STREAM_"), ("region", manifest.regions, "REGION_")):
			for place, entry in enumerate(entries):
				is_placed = "STREAM_PLACE" in sources.words and entry["name"].upper() in sources.words
				if not (table == "stream" and is_placed) and not sources.has_any([prefix + entry["name"].upper()]):
					error(f"{table} '{entry['name']}'", "name", table, place)
		for key, words in KEYS.items():
			if getattr(manifest, key) and not sources.has_any(words):
				error(f"{key} = {getattr(manifest, key)}", key, hint="set it to 0" if key.endswith("_kib") else "remove it")
		self.unused_rest_check(manifest, sources, error)

	def unused_rest_check(self, manifest, sources, error):
		for event in manifest.events:
			if not sources.has_any([f"EVENT_{event.upper()}"]):
				error(f"own event '{event}'", "events")
		if manifest.activities and not sources.has_any(["domain_activity"]):
			error(f"activity '{manifest.activities[0]['name']}'", "name", "activity")
		if manifest.devices and not sources.has_any(["window", "ZOG_MMIO_BASE", "bus_claim"]):
			error("the device", "", "device")
		if manifest.shares and not sources.has_any(["SHARES"]):
			error("[shares]", "", "shares")

	# --- used, not granted ---

	def undeclared_check(self, manifest, sources):
		def suggest(key, name):
			return f" (to grant it, add \"{name}\" to '{key}' there)"

		for name in sources.includes:
			if name not in manifest.uses:
				path, line = sources.includes[name]
				hint = suggest("uses", name) if name in self.contracts else nearest(name, self.contracts)
				self.report.error(path, line, f"calls contract '{name}', which {manifest.path} does not grant{hint}")
		self.handles_check(manifest, sources, suggest)
		for word, rights in NEEDS.items():
			if word in sources.words and not any(right in manifest.rights for right in rights):
				path, line = sources.words[word]
				self.report.error(path, line, f"{word} needs the right {' or '.join(rights)}, which {manifest.path} does not grant"
				                  + suggest("rights", rights[0]))

	def handles_check(self, manifest, sources, suggest):
		"""CAP_CONTRACT, WAIT_CONTRACT_EVENT and CAP_PORTS_NAME that domain.h will not define."""
		ports = {f"CAP_PORTS_{p['name'].upper()}": p["name"] for p in manifest.ports}
		for word, (path, line) in sources.words.items():
			if word.startswith("CAP_PORTS_") and word not in ports:
				self.report.error(path, line, f"{word} names a port range that {manifest.path} does not grant" + nearest(word, ports))
		for name, contract in self.contracts.items():
			places = [(f"CAP_{name.upper()}", "uses", name)] if name not in manifest.uses and name not in manifest.rights else []
			places += [(f"WAIT_{name.upper()}_{event.upper()}", "waits", f"{name}.{event}") for event in contract["events"]
			           if f"{name}.{event}" not in manifest.waits]
			for word, key, grant in places:
				if word in sources.words:
					path, line = sources.words[word]
					self.report.error(path, line, f"{word} is a handle that {manifest.path} does not grant" + suggest(key, grant))
