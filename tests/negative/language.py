#!/usr/bin/env python3
"""docs/contracts.md against the compiler, and the tree against its own rule that nothing at a boundary is written by hand.

The page's examples compile. Its grammar is the parser's, every production of it is used by some production, and every word
in it stands in some contract that compiles. The reference has every contract, method and error. No file outside build/
defines a message's layout or the number of a capability."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tomllib

sys.dont_write_bytecode = True
ROOT = os.environ.get("ZOG_ROOT", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from zoglang.parser import contract_parse
from zoglang.reference import contracts_checked, reference_write

WORK = os.path.join(ROOT, "build", "tests", "language")
PAGE = os.path.join(ROOT, "docs", "contracts.md")
# Where a handle's number may stand: the generators' own test bench, which plays the manifest compiler. The core has no
# handles, and names of its own that look alike.
ALLOWED = ("tests/negative/stubs/domain.h",)
HANDLELESS = "core" + os.sep
HANDLE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Z0-9_]+)[ \t]+\(?(?:0x)?[0-9]", re.MULTILINE)
HANDLE_USED = re.compile(r"\brt_(?:call|port_read|port_write|incident|stats|region_stats|authority|event_count|notify)\s*\(\s*(?:0x)?[0-9]")
LAYOUT = re.compile(r"\bstruct\s+\w+_area_(?:in|out)\s*\{|\bstruct\s+\w*_(?:request|reply|message)_area\s*\{")
METHOD = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Z0-9_]+_METHOD_[A-Z0-9_]+)[ \t]", re.MULTILINE)


class CaseFailure(Exception):
	pass


def expect(condition, reason):
	if not condition:
		raise CaseFailure(reason)


def read(path):
	with open(path, encoding="utf-8") as file:
		return file.read()


def blocks(kind):
	return re.findall(rf"^```{kind}\n(.*?)^```$", read(PAGE), re.MULTILINE | re.DOTALL)


def productions(text):
	"""Name -> right side, white space made equal."""
	return {name: " ".join(body.split()) for name, body in re.findall(r"^\s*(\w+)\s*=\s(.*?)\s;\s*$", text, re.MULTILINE | re.DOTALL)}


def system_contracts():
	return sorted(glob.glob(os.path.join(ROOT, "subsystems", "*", "*.zidl")) + glob.glob(os.path.join(ROOT, "tests", "domains", "*", "*.zidl")))


def bench_contracts():
	return sorted(glob.glob(os.path.join(ROOT, "tests", "negative", "stubs", "*.zidl")))


def compile_into(folder, files):
	shutil.rmtree(folder, ignore_errors=True)
	return subprocess.run([sys.executable, "-B", os.path.join(ROOT, "tools", "zidl.py"), "--out", folder, *files], stdin=subprocess.DEVNULL,
	                      capture_output=True, text=True, timeout=1800)


def case_examples_on_the_page_compile():
	os.makedirs(WORK, exist_ok=True)
	expect(blocks("zidl"), "the page has no example")
	for number, text in enumerate(blocks("zidl")):
		path = os.path.join(WORK, f"example{number}.zidl")
		with open(path, "w", encoding="utf-8") as file:
			file.write(text)
		result = compile_into(os.path.join(WORK, "gen"), [path])
		expect(result.returncode == 0 and not result.stderr, result.stderr)
		# Both sides of it are C that compiles.
		name = contract_parse(path, text).name
		stubs = os.path.join(WORK, "domain.h")
		with open(stubs, "w", encoding="utf-8") as file:
			file.write(f"#define CAP_{name.upper()} 1u\n#define SERVER_{name.upper()} 2u\n#define SELF_DOMAIN 2u\n#define EVENT_FREED 0u\n")
		source = f'#include "contracts/{name}_client.h"\n#include "contracts/{name}_fuzz.h"\n#include "contracts/{name}_server.c"\n'
		built = subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-fsyntax-only", "-Iabi", "-Ilib", "-I" + WORK,
		                        "-I" + os.path.join(WORK, "gen"), "-x", "c", "-"], cwd=ROOT, input=source, capture_output=True, text=True, timeout=1800)
		expect(built.returncode == 0, built.stderr[:400])


def case_the_grammar_is_the_parsers():
	page, parser = productions("".join(blocks("ebnf"))), productions(read(os.path.join(ROOT, "tools", "zoglang", "parser.py")).split('"""')[1])
	expect(len(parser) > 15, f"only {len(parser)} productions found in the parser")
	different = [name for name in parser if page.get(name) != parser[name]]
	expect(not different, f"differ: {', '.join(different)}")
	used = set(re.findall(r"\b[A-Za-z_]+\b", re.sub(r'"[^"]*"', " ", " ".join(page.values()))))
	lost = [name for name in page if name not in used and name != "file"]
	expect(not lost, f"no production uses {', '.join(lost)}")
	unknown = used - set(page) - {"NAME", "NUMBER", "STRING", "end"}
	expect(not unknown, f"not defined: {', '.join(sorted(unknown))}")


def case_every_word_of_the_grammar_compiles_somewhere():
	files = system_contracts() + bench_contracts()
	result = compile_into(os.path.join(WORK, "gen"), files)
	expect(result.returncode == 0, result.stderr[:300])
	text = re.sub(r"#[^\n]*", "", "\n".join([read(f) for f in files] + blocks("zidl")))
	words = re.findall(r'"([a-z_]+)"', "".join(blocks("ebnf")))
	absent = sorted({word for word in words if not re.search(rf"\b{word}\b", text)})
	expect(not absent, f"in the grammar, but in no contract: {', '.join(absent)}")


def case_the_reference_has_everything():
	folder = os.path.join(WORK, "reference")
	shutil.rmtree(folder, ignore_errors=True)
	contracts = contracts_checked(system_contracts())
	reference_write(contracts, folder)
	for contract in contracts:
		page = read(os.path.join(folder, contract.name + ".md"))
		expect(f"{contract.fingerprint:016x}" in page, f"{contract.name}: no fingerprint")
		for method in contract.methods:
			expect(f"## `{method.name}`" in page, f"{contract.name}.{method.name} is missing")
			section = page.split(f"## `{method.name}`\n")[1].split("\n## ")[0]
			for wanted in [method.kind, f"{method.deadline_ms} ms", *method.rights, *method.waits, *[e.name for e in method.errors],
			               *[e.cause.replace("|", "\\|") for e in method.errors], *[a.name for a in method.ins + method.outs]]:
				expect(wanted in section, f"{contract.name}.{method.name}: no '{wanted}'")
		for part in contract.handles + contract.entries + contract.regions + contract.objects + contract.rights + contract.events + contract.enums + contract.structs:
			expect(f"`{part.name}`" in page, f"{contract.name}: no {part.name}")


def handle_names():
	"""The handles that manifests give their domains, as domain.h names them."""
	names = set()
	for path in glob.glob(os.path.join(ROOT, "subsystems", "*", "*", "manifest.toml")) + glob.glob(os.path.join(ROOT, "tests", "domains", "*", "*", "manifest.toml")):
		manifest = tomllib.loads(read(path))
		contracts = [re.split("[@:]", use)[0] for use in manifest.get("uses", [])]
		names |= {f"CAP_{name}" for name in contracts + manifest.get("rights", [])} | {f"SERVER_{name}" for name in contracts}
		names |= {"WAIT_" + wait.replace(".", "_") for wait in manifest.get("waits", [])} | {f"EVENT_{name}" for name in manifest.get("events", [])}
		for table, prefix in (("ports", "CAP_PORTS"), ("activity", "ACTIVITY"), ("stream", "STREAM"), ("region", "REGION")):
			names |= {f"{prefix}_{entry['name']}" for entry in manifest.get(table, [])}
	return {name.upper() for name in names}


def case_every_domain_of_the_product_says_what_it_takes():
	"""memory_kib is checked to add up; without it nothing would be."""
	paths = glob.glob(os.path.join(ROOT, "subsystems", "*", "*", "manifest.toml"))
	expect(len(paths) >= 10, f"only {len(paths)} manifests found")
	silent = [os.path.relpath(path, ROOT) for path in paths if "memory_kib" not in tomllib.loads(read(path))]
	expect(not silent, f"no memory_kib in {', '.join(silent)}")


def tracked():
	"""Sources of the tree: everything that is C or assembly outside build/."""
	found = [path for pattern in ("**/*.c", "**/*.h", "**/*.S") for path in glob.glob(os.path.join(ROOT, pattern), recursive=True)]
	paths = [os.path.relpath(path, ROOT) for path in found]
	return [path for path in paths if not path.startswith("build" + os.sep) and path not in ALLOWED]


def findings(path, text, handles):
	for pattern, what in ((HANDLE, "the number of a handle"), (HANDLE_USED, "a handle as a number"), (LAYOUT, "the layout of a message"),
	                      (METHOD, "the number of a method")):
		for match in pattern.finditer(text):
			if pattern in (HANDLE, METHOD) and path.startswith(HANDLELESS):
				continue
			if pattern is HANDLE and match[1] not in handles:
				continue
			if what == "the number of a method" and match[1].startswith("ZOG_METHOD"):
				continue
			yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {what}"


def case_nothing_at_a_boundary_is_written_by_hand():
	paths = tracked()
	expect(len(paths) > 200, f"only {len(paths)} sources found")
	handles = handle_names()
	found = [finding for path in paths for finding in findings(path, read(os.path.join(ROOT, path)), handles)]
	expect(not found, "; ".join(found[:5]))


def case_what_is_written_by_hand_is_found():
	handles = handle_names()
	for text in ("#define CAP_BLOCK 3u\n", "\trt_call(3, method, in, out);\n", "struct block_transfer_area_in { int x; };\n",
	             "#define BLOCK_METHOD_TRANSFER 0x0101\n", "#define EVENT_DONE (2)\n"):
		expect(list(findings("x.c", text, handles)), f"not found: {text!r}")
	expect(not list(findings("x.c", "#define EVENTS 4u\nrt_call(CAP_BLOCK, m, in, out);\n", handles)), "a good line is refused")


def main():
	failed = 0
	for name, case in [(n.removeprefix("case_"), c) for n, c in globals().items() if n.startswith("case_")]:
		try:
			case()
			print(f"ok {name}", flush=True)
		except (CaseFailure, OSError, IndexError, subprocess.TimeoutExpired) as failure:
			failed += 1
			print(f"FAIL {name} {' '.join(str(failure).split())}", flush=True)
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
