#!/usr/bin/env python3
"""No domain packs or unpacks a message by hand: what stands in a string of a contract is bytes to everybody but the generated code.

Looked at are the sources of domains, for three things: the address of a message area; a struct or an integer laid over a payload
(the pointer that a handler was given for `bytes` or `text`, or that a stub was given to fill), or copied from or to one; and
a struct copied to a computed place of a buffer, which is what packing looks like before it is sent."""

import glob
import os
import re
import sys

sys.dont_write_bytecode = True
ROOT = os.environ.get("ZOG_ROOT", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from zoglang.parser import contract_parse

DOMAINS = ("subsystems", "examples", "tests/domains", "tools/templates")
# Those that speak to others past their stubs, which is what they are for.
HOSTILE = "tests/domains/hostile/"
# Structs that go to computed places of a buffer which is no message.
ALLOWED = {
	"subsystems/personality/linux/deliver.c": "the frame of a signal, as Linux's ABI lays it out for a program",
}
AREA = re.compile(r"\bZOG_MESSAGE\(")
PACKED = re.compile(r"\bmemcpy\(\s*\w+(?:->\w+)*\s*\+[^,;]*,\s*&\s*\w+\s*,")
TYPE = r"(?:const\s+)?(?:struct\s+\w+|union\s+\w+|u?int(?:16|32|64)_t|unsigned(?:\s+\w+)*|(?:long|short|int)(?:\s+\w+)*)"


class CaseFailure(Exception):
	pass


def expect(condition, reason):
	if not condition:
		raise CaseFailure(reason)


def read(path):
	with open(path, encoding="utf-8") as file:
		return file.read()


def found(*patterns):
	return sorted(path for top in DOMAINS for pattern in patterns for path in glob.glob(os.path.join(ROOT, top, "**", pattern), recursive=True))


def contracts():
	paths = [path for path in found("*.zidl") if os.path.basename(path) != "home.zidl" and "templates" not in path]
	return [contract_parse(path, read(path)) for path in paths]


def payload_places(method, is_server):
	"""Which parameters of a handler, or arguments of a stub, are strings."""
	place, places = 1 if is_server or method.is_once else 0, []
	for argument in method.ins + method.outs:
		is_string = argument.is_sized and argument.kind not in ("array", "list")
		places += [place] if is_string else []
		place += 1 if not argument.is_sized or argument.is_list else 2 if argument in method.ins else 3
	return places


def arguments_at(text, start):
	"""The arguments between the parenthesis at START and its partner."""
	depth, parts, begin = 0, [], start + 1
	for place in range(start, len(text)):
		depth += (text[place] in "([{") - (text[place] in ")]}")
		if depth == 0 or (depth == 1 and text[place] == ","):
			parts.append(text[begin:place].strip())
			begin = place + 1
		if depth == 0:
			break
	return parts


def function_round(text, place):
	"""The text of the function that PLACE is in, or begins."""
	start = text.rfind("\n}\n", 0, place)
	end = text.find("\n}\n", place)
	return max(start, 0), end if end >= 0 else len(text)


def payloads(text, known):
	"""(name, start, end): a name that means a payload in this piece of the text."""
	for contract, method in known:
		for is_server in (False, True):
			name = f"{contract.name}_{method.name}{'_serve' if is_server else ''}"
			for match in re.finditer(rf"\b{name}\(", text):
				parts = arguments_at(text, match.end() - 1)
				for place in payload_places(method, is_server):
					words = re.findall(r"\w+", parts[place]) if place < len(parts) else []
					if words and words[-1] not in ("NULL", "0"):
						yield (words[-1], *function_round(text, match.start()))


def findings(path, text, known):
	text = re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.DOTALL)

	def at(place, what):
		return f"{path}:{text.count(chr(10), 0, place) + 1}: {what}"
	for match in AREA.finditer(text):
		yield at(match.start(), "a message area by its address")
	for match in PACKED.finditer(text):
		if path not in ALLOWED:
			yield at(match.start(), "a record packed by hand")
	for name, start, end in payloads(text, known):
		laid_over = rf"\(\s*{TYPE}\s*\*\s*\)\s*[(&\s]*(?:\(\s*(?:const\s+)?\w+\s*\**\s*\)\s*[(&\s]*)*{name}\b"
		copied = rf"\bmemcpy\(\s*&[^,;]+,\s*(?:\([^)]*\))?\s*{name}\b|\bmemcpy\(\s*{name}\b[^,;]*,\s*&"
		for match in re.finditer(laid_over + "|" + copied, text[start:end]):
			yield at(start + match.start(), f"the payload '{name}' read or written as something else than bytes")


def case_no_domain_packs_or_unpacks_by_hand():
	known = [(contract, method) for contract in contracts() for method in contract.methods]
	paths = [os.path.relpath(path, ROOT) for path in found("*.c", "*.h", "*.zig")]
	expect(len(known) > 40 and len(paths) > 150, f"only {len(known)} methods and {len(paths)} sources found")
	bad = [finding for path in paths if not path.startswith(HOSTILE) for finding in findings(path, read(os.path.join(ROOT, path)), known)]
	expect(not bad, "; ".join(sorted(set(bad))[:5]))
	expect(all(list(PACKED.finditer(read(os.path.join(ROOT, path)))) for path in ALLOWED), "a file is allowed that needs it not")


def case_what_is_packed_by_hand_is_found():
	contract = contract_parse("x.zidl", """contract shop version 1 {
		struct tag { a: u64 }
		method sell(t: in tag, key: u64, goods: bytes<64>) -> (left: out bytes<64>, paid: u64) kind idempotent rights none wait no deadline_ms 1 errors { }
	}""")
	known = [(contract, method) for method in contract.methods]
	call = "static void f(void)\n{\n\tuint8_t goods[64], left[64];\n\tshop_sell(&tag, 5, goods, sizeof(goods), left, sizeof(left), &length, &paid);\n\t%s\n}\n"
	serve = "zog_status_t shop_sell_serve(struct zog_call *call, const struct shop_tag *t, uint64_t key, const void *goods, size_t goods_length,\n" \
	        "\tvoid *left, size_t left_size, size_t *left_length, uint64_t *paid)\n{\n\t%s\n}\n"
	for text in (call % "const struct row *row = (const struct row *)(left + at);", call % "memcpy(&row, left + at, sizeof(row));",
	             call % "uint64_t node = *(uint64_t *)left;", call % "memcpy(goods, &row, sizeof(row));", call % "x = *(const uint32_t *)(const void *)(left + 4);",
	             serve % "const struct row *row = goods;".replace("= goods", "= (const struct row *)goods"), serve % "memcpy(left, &row, sizeof(row));",
	             serve % "memcpy(out + used, &row, sizeof(row));", serve % "memcpy((void *)ZOG_MESSAGE(1, 2, 0), x, 8);"):
		expect(list(findings("x.c", text, known)), f"not found: {text!r}")
	for text in (call % "memcpy(name, left, length);", call % "struct row *row = (struct row *)other;", serve % "memcpy(left, goods, goods_length);",
	             serve % "*paid = ((const struct home *)rt_home())->paid;", call % "/* ZOG_MESSAGE */"):
		expect(not list(findings("x.c", text, known)), f"a good line is refused: {text!r}")


def main():
	failed = 0
	for name, case in [(n.removeprefix("case_"), c) for n, c in globals().items() if n.startswith("case_")]:
		try:
			case()
			print(f"ok {name}", flush=True)
		except (CaseFailure, OSError, IndexError) as failure:
			failed += 1
			print(f"FAIL {name} {' '.join(str(failure).split())}", flush=True)
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
