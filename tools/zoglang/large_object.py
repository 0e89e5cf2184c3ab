"""Large objects in contracts: `object NAME[BYTES] { ... }`.

	object = "object" NAME "[" NUMBER "]" "{" field { field } "}" ;

An object is a run of BYTES bytes, whole pages, that is published whole. It begins with a header, whose fields keep the
rules that fields of records keep (region.py), but for `ref` and `live`: there is nothing to refer to, and an object of
which no version is published is not read. `offset` and `length` are inside the object, `checksum` is over all of it. This
file holds the model, its part of the parser, the checks, the C header, the core's tables, and the manifests' part.
"""

from dataclasses import dataclass

from .model import integer_c_type
from .region import PAGE, RULES, Record, RegionField, record_layout, rule_check, rule_index, rule_parse, rule_row, valid_text
from .report import c_constant, nearest

BYTES_MAX = c_constant("abi/zog/layout.h", "ZOG_OBJECT_BYTES_MAX")
OBJECT_MAX = c_constant("abi/zog/layout.h", "ZOG_OBJECT_MAX")
HISTORY_MAX = 6  # with the published buffer and the writer's: ZOG_OBJECT_BUFFER_MAX
EXCLUDED = {"ref": "an object has no records to refer to", "live": "an object is read only when a version of it is published"}
ROLES = ("writer", "reader")


@dataclass
class LargeObject:
	name: str
	bytes: int
	header: Record
	line: int
	doc: list

	def record(self, name):
		return None  # nothing can be referred to

	@property
	def records(self):
		return [self.header]


# --- parser ---

def object_parse(parser):
	start = parser.next()
	name = parser.name("the object's name").text
	parser.expect("[", "after the object's name")
	size = parser.number("the bytes of the object")
	parser.expect("]", "after the bytes of the object")
	parser.expect("{", "after the bytes of the object")
	fields = []
	while not parser.accept("}"):
		token = parser.name("a field")
		parser.expect(":", "after a field's name")
		kind = parser.name("an integer type").text
		rules = []
		while parser.token.text in RULES and parser.tokens[parser.place + 1].text != ":":
			rules.append(rule_parse(parser))
		fields.append(RegionField(token.text, kind, rules, token.line))
	return LargeObject(name, size, Record("header", 1, fields, start.line, []), start.line, start.doc)


# --- checks; `checks` is the ContractChecks of the contract ---

def object_check(checks, item):
	checks.name_check(item.name, item.line, "object")
	if item.bytes == 0 or item.bytes % PAGE or item.bytes > BYTES_MAX:
		checks.error(item.line, f"object '{item.name}' has {item.bytes} bytes: whole pages of {PAGE} are possible, up to {BYTES_MAX}")
	if not record_layout(checks, item.header):
		return
	for member in item.header.fields:
		for rule in member.rules:
			if rule.kind in EXCLUDED:
				checks.error(rule.line, f"'{member.name}' has the rule {rule.kind}: {EXCLUDED[rule.kind]}")
			else:
				rule_check(checks, item, item.header, member, rule)


# --- the header ---

def object_text(contract, item):
	base, name = f"{contract.name}_{item.name}", f"{contract.name}_{item.name}_header"
	text = "".join(f"/* {line.replace('*/', '* /')} */\n" for line in item.doc)
	text += f"#define {base.upper()}_BYTES {item.bytes}u\nstruct {name} {{\n"
	text += "".join(f"\t{integer_c_type(f.type)} {f.name};\n" for f in item.header.fields)
	text += f"}};\n_Static_assert(sizeof(struct {name}) == {item.header.size}, \"size of {name}\");\n"
	for member in item.header.fields:
		text += f"_Static_assert(offsetof(struct {name}, {member.name}) == {member.offset}, \"offset of {name}.{member.name}\");\n"
	checksum = next((f for f in item.header.fields if f.rule("checksum")), None)
	text += "/* struct object_kind: bytes, offset of the checksum */\n"
	text += (f"#define {base.upper()} ((struct object_kind){{ {item.bytes}u, "
	         f"{f'{checksum.offset}u' if checksum else 'OBJECT_NO_CHECKSUM'} }})\n")
	return text + valid_text(contract, name, item.header) + "\n"


# --- for tools/manifest.py ---

def object_index(contract, item):
	return {
		"name": item.name, "bytes": item.bytes, "header_bytes": item.header.size,
		"rules": [rule_index(contract, item, item.header, number, member, rule)
		          for number, member in enumerate(item.header.fields) for rule in member.rules],
	}


def object_find(contracts, entry):
	contract = contracts.get(entry["contract"])
	return next((o for o in contract.get("objects", []) if o["name"] == entry["name"]), None) if contract else None


class SharedObject:
	"""A large object with its one writer."""

	def __init__(self, entry, index, writer):
		self.contract, self.index, self.writer = entry["contract"], index, writer
		self.history, self.is_reconstructible = entry.get("history", 0), entry.get("reconstructible", False)
		self.reader_count = 0


def objects_assign(domains, contracts):
	"""All objects of the system; each domain gets (entry, place in them) of its own."""
	objects, places = [], {}
	for domain in domains:
		for entry in domain.manifest.objects:
			if entry["role"] == "writer":
				places[entry["contract"], entry["name"]] = len(objects)
				objects.append(SharedObject(entry, object_find(contracts, entry), domain))
	for domain in domains:
		for entry in domain.manifest.objects:
			place = places[entry["contract"], entry["name"]]
			domain.objects.append((entry, place))
			objects[place].reader_count += entry["role"] == "reader"
	return objects


# --- the core's tables ---

def object_tables_text(system):
	"""system_object and what it points to. `system` is a manifest_resolve.System."""
	text = "".join(record_table(place, shared.index) for place, shared in enumerate(system.objects))
	text += "const struct object_desc system_object[] = {\n"
	for place, shared in enumerate(system.objects):
		text += (f"\t{{ .schema = {{ .name = \"{shared.contract}.{shared.index['name']}\", .record = &object_{place}_record, .record_count = 1, "
		         f".bytes = {shared.index['bytes']}, .writer = {shared.writer.id}, .history = {shared.history}, "
		         f".is_reconstructible = {int(shared.is_reconstructible)}, .reader_count = {shared.reader_count} }},\n"
		         f"\t  .header_bytes = {shared.index['header_bytes']}, .buffer_count = {2 + shared.history} }},\n")
	return text + f"\t{{ .header_bytes = 0 }}\n}};\nconst uint32_t system_object_count = {len(system.objects)};\n\n"


def record_table(place, index):
	name, text = f"object_{place}", ""
	for at, rule in enumerate(index["rules"]):
		if rule["values"]:
			text += f"static const uint64_t {name}_values_{at}[] = {{ {', '.join(map(str, rule['values']))} }};\n"
	rows = "".join(rule_row(name, at, rule) for at, rule in enumerate(index["rules"]))
	if rows:
		text += f"static const struct rule_desc {name}_rules[] = {{\n{rows}}};\n"
	return text + (f"static const struct record_desc {name}_record = {{ .name = \"object\", .bytes = {index['bytes']}, .count = 1, "
	               f".rule = {f'{name}_rules' if rows else 'NULL'}, .rule_count = {len(index['rules'])} }};\n")


def object_ends_table(domain):
	if not domain.objects:
		return ""
	rows = "".join(f"\t{{ {place}, {int(entry['role'] == 'writer')} }}, /* {entry['name']} */\n" for entry, place in domain.objects)
	return f"static const struct object_end {domain.name}_objects[] = {{\n{rows}}};\n"


def object_macros_text(domain):
	text = "/* Large objects: place in the address space. */\n" if domain.objects else ""
	for number, (entry, _) in enumerate(domain.objects):
		text += f"#define OBJECT_{entry['name'].upper()} {number}u\n"
	return text + ("\n" if text else "")


# --- manifests ---

def manifest_objects_check(checks):
	"""Each object that somebody names has one writer. `checks` is the ManifestChecks."""
	writers = {}
	for manifest in checks.manifests:
		if len(manifest.objects) > OBJECT_MAX:
			checks.error(manifest, f"{len(manifest.objects)} objects; a domain has room for {OBJECT_MAX}", "", "object")
		for place, entry in enumerate(manifest.objects):
			manifest_object_check(checks, manifest, entry, place, writers)
	for manifest in checks.manifests:
		for place, entry in enumerate(manifest.objects):
			if entry["role"] == "reader" and (entry["contract"], entry["name"]) not in writers:
				checks.error(manifest, f"no domain writes object '{entry['name']}' of contract '{entry['contract']}'", "name", "object", place)


def manifest_object_check(checks, manifest, entry, place, writers):
	def error(reason, key):
		checks.error(manifest, reason, key, "object", place)

	if entry["contract"] not in checks.contracts:
		error(f"unknown contract '{entry['contract']}'" + nearest(entry["contract"], checks.contracts), "contract")
		return
	index = object_find(checks.contracts, entry)
	if not index:
		known = [o["name"] for o in checks.contracts[entry["contract"]].get("objects", [])]
		error(f"contract '{entry['contract']}' has no object '{entry['name']}'" + nearest(entry["name"], known), "name")
		return
	if entry["role"] not in ROLES:
		error(f"unknown role '{entry['role']}'; there are writer and reader", "role")
	elif entry["role"] == "reader":
		for key in ("history", "reconstructible", "budget_kib"):
			if key in entry:
				error(f"'{key}' is for the writer", key)
	else:
		other = writers.setdefault((entry["contract"], entry["name"]), manifest)
		if other is not manifest:
			error(f"object '{entry['name']}' is already written by {other.name}", "role")
		if entry.get("reconstructible") and not entry.get("history"):
			error("reconstructible without a history: there is no version to go back to", "reconstructible")
		need = index["bytes"] // 1024 * (2 + entry.get("history", 0))
		if need > entry.get("budget_kib", 0):
			error(f"object '{entry['name']}' with {entry.get('history', 0)} versions of history needs {need} KiB; budget_kib is "
			      f"{entry.get('budget_kib', 0)}", "budget_kib")


def objects_budget_kib(manifest):
	return sum(entry.get("budget_kib", 0) for entry in manifest.objects)
