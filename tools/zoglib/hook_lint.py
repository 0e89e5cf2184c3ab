"""Finds what the store hook cannot see in the sources of domains: hook_lint.sources(root) and hook_lint.images(folder).

The compiler reports every store through a pointer but these (tests/hook/ shows each of them pass by): outputs and memory
of inline assembly, functions that are excepted from the hook, thread-locals, and in gcc 12 the flag of a test-and-set
and of a clear, and the `expected` of a compare-exchange. They must not occur, or stand in ALLOWED with the reason why no home store can hide
there. Globals at constant addresses are not reported either: they are scratch by rule. lib/rt/ is built without the hook
and reports by hand: of it the assembly is listed here, and what it stores in C is seen by the checking mode
(docs/architecture/tsm.md, which has ALLOWED as a table).
"""

import glob
import os
import re
import struct

from .elf import Elf

PLACES = ("subsystems/*/*/*", "lib/base/*", "lib/stream/*", "lib/rt/*", "tests/domains/*/*/*")
# (file, what stands there): why it may.
ALLOWED = {
	("lib/base/mmio.h", "movb (%1), %0"): "reads a device register",
	("lib/base/mmio.h", "movw (%1), %0"): "reads a device register",
	("lib/base/mmio.h", "movl (%1), %0"): "reads a device register",
	("lib/base/mmio.h", "movb %0, (%1)"): "writes a device register",
	("lib/base/mmio.h", "movw %0, (%1)"): "writes a device register",
	("lib/base/mmio.h", "movl %0, (%1)"): "writes a device register",
	("lib/rt/core.c", "syscall"): "enters the core, which writes only where a call's arguments say: log that range first",
	("lib/rt/cross.h", "syscall"): "a crossing; results come in registers",
	("lib/rt/object.c", "syscall"): "enters the core; the result goes to a local of the caller's",
	("lib/rt/region.c", "syscall"): "enters the core; results go to locals and scratch of the caller's",
	("lib/rt/memory.c", "rep movsq"): "memcpy: the whole range is reported before",
	("lib/rt/memory.c", "rep stosq"): "memset: the whole range is reported before",
	("lib/rt/entry.S", "assembly"): "entry and crossings: stores to the own stack, and a crossing's results to a local array",
	("lib/rt/hook.S", "assembly"): "the hook itself: stores to the transaction page",
	("lib/stream/stream.c", "rep movsq"): "the caller has reported the range with rt_store, or it lies in the own stream pages",
	("lib/stream/stream.c", "no_sanitize"): "stores to own stream pages and scratch, reported by range",
	("tests/domains/bench/bench_client/bench_client.c", "rep movsq"): "the unprotected ring that streams are compared with, in scratch",
	("tests/domains/bench/bench_client/bench_client.c", "no_sanitize"): "measures the same stores without the hook, in scratch",
	("tests/domains/tsm/home_escaper/home_escaper.c", "movl %1, (%0)"): "escapes on purpose, for the checking mode to see",
	("tests/domains/tsm/home_escaper/home_escaper.c", "no_sanitize"): "escapes on purpose, for the checking mode to see",
}
RULE_BREAKERS = ("tests/domains/hostile/", "tests/domains/tsm/mad_writer/") # there to do what is forbidden
PT_TLS = 7


def without_comments(text):
	"""Comments as blanks, so that places stay; strings untouched."""
	def blank(match):
		return match[0] if match[0][0] in "\"'" else re.sub(r"[^\n]", " ", match[0])

	return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', blank, text, flags=re.DOTALL)


def arguments_at(text, start):
	"""What stands between the parenthesis at START and its partner."""
	depth, at = 0, start
	while at < len(text):
		if text[at] == '"':
			at = re.compile(r'"(?:\\.|[^"\\])*"').match(text, at).end()
			continue
		depth += {"(": 1, ")": -1}.get(text[at], 0)
		if depth == 0:
			return text[start + 1 : at]
		at += 1
	return text[start + 1 :]


def split_outside(text, mark):
	"""Splits at MARK where it stands outside of strings and brackets."""
	parts, depth = [""], 0
	for token in re.findall(r'"(?:\\.|[^"\\])*"|.', text, re.DOTALL):
		depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token, 0)
		if token == mark and depth == 0:
			parts.append("")
		else:
			parts[-1] += token
	return parts


def asm_reasons(arguments):
	"""(template, what of it the hook does not see) of one asm statement."""
	parts = split_outside(arguments, ":")
	template = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', parts[0]))
	for output in split_outside(parts[1], ",") if len(parts) > 1 else []:
		match = re.search(r'"([^"]*)"\s*\((.*)\)\s*$', output.strip(), re.DOTALL)
		if match and ("m" in match[1].split("@cc")[0] or not re.fullmatch(r"\s*\w+\s*", match[2])):
			yield template, f"assembly writes {match[2].strip()}"
	if template and len(parts) > 3 and '"memory"' in parts[3]:
		yield template, "assembly writes memory"


def asm_findings(text):
	for match in re.finditer(r"\b(?:__asm__|asm)\s*(?:volatile|__volatile__|goto|inline|\s)*(\()", text):
		for template, reason in asm_reasons(arguments_at(text, match.start(1))):
			yield match.start(), template, f'{reason}: "{template}"'


def word_findings(text):
	for match in re.finditer(r"\b(no_sanitize\w*|__thread|_Thread_local|__atomic_test_and_set|__atomic_clear)\b", text):
		yield match.start(), match[1], match[1]
	for match in re.finditer(r"\b__atomic_compare_exchange(?:_n)?\s*(\()", text):
		arguments = split_outside(arguments_at(text, match.start(1)), ",")
		if len(arguments) > 1 and not re.fullmatch(r"\s*&\s*\w+\s*", arguments[1]):
			yield match.start(), "__atomic_compare_exchange", f"compare-exchange writes {arguments[1].strip()}"


def keyed_findings(path, text):
	"""[(place in the text, key of ALLOWED, reason)]: all that the hook does not see."""
	if path.endswith(".S"):
		return [(0, "assembly", None)]
	text = without_comments(text)
	return sorted([*asm_findings(text), *word_findings(text)])


def source_findings(path, text):
	"""["PATH:LINE: what the hook does not see"] of one file, allowed things left out."""
	findings = []
	for at, key, reason in keyed_findings(path, text):
		what = "assembly: the hook sees none of its stores" if reason is None else f"{reason}: the hook does not see it"
		if (path, key) not in ALLOWED:
			findings.append(f"{path}:{text.count(chr(10), 0, at) + 1}: {what}")
	return findings


def sources(root):
	"""All findings in the sources of domains."""
	findings = []
	for place in PLACES:
		for path in sorted(glob.glob(os.path.join(root, place))):
			name = os.path.relpath(path, root)
			if name.endswith((".c", ".h", ".S")) and not name.startswith(RULE_BREAKERS):
				with open(path) as file:
					findings += source_findings(name, file.read())
	return findings


def allowed_but_gone(root):
	"""Rows of ALLOWED for what is not there (any more)."""
	gone = []
	for path, key in ALLOWED:
		try:
			with open(os.path.join(root, path)) as file:
				found = keyed_findings(path, file.read())
		except FileNotFoundError:
			found = []
		if not any(row[1] == key for row in found):
			gone.append(f'{path}: "{key}" is allowed, but not there')
	return gone


def table():
	"""ALLOWED as docs/architecture/tsm.md shows it, a row each."""
	return [f"| `{path}` | `{key}` | {reason} |" for (path, key), reason in sorted(ALLOWED.items())]


def images(folder):
	"""Domains' images with thread-local storage."""
	findings = []
	for path in sorted(glob.glob(os.path.join(folder, "*.elf"))):
		data = Elf(path).data
		(offset,), (size, count) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<HH", data, 54)
		if any(struct.unpack_from("<I", data, offset + i * size)[0] == PT_TLS for i in range(count)):
			findings.append(f"{os.path.basename(path)}: has thread-local storage: the hook does not see it")
	return findings
