"""Shared regions in contracts: `region NAME { record ... }`.

	region = "region" NAME "{" record { record } "}" ;
	record = "record" NAME "[" NUMBER "]" "{" field { field } "}" ;
	field  = NAME ":" INTEGER { rule } ;
	rule   = "in" NUMBER ".." NUMBER | "enum" NAME | "offset" | "length" "of" NAME | "ref" NAME [ "optional" ]
	       | "monotonic" | "checksum" | "live" ;

A region is a row of tables, each of records of one kind, that starts as zeros. What the rules mean: enum
zog_region_rule in abi/zog/core.h. This file holds the model, its part of the parser, the checks, and the C header;
the core's tables are written by manifest_emit.py from index_of().
"""

from dataclasses import dataclass, field

from .model import INTEGERS, integer_c_type
from .report import c_constant, nearest

PAGE = 4096
BYTES_MAX = c_constant("abi/zog/layout.h", "ZOG_REGION_BYTES_MAX")
RECORD_MAX = c_constant("core/tsm/schema.h", "SCHEMA_RECORD_MAX")
RULES = ("in", "enum", "offset", "length", "ref", "monotonic", "checksum", "live")
NEEDS_UNSIGNED = ("enum", "offset", "length", "ref", "live")


@dataclass
class Rule:
	kind: str
	line: int
	range: tuple = None
	name: str = ""  # enum, length, ref
	is_optional: bool = False


@dataclass
class RegionField:
	name: str
	type: str
	rules: list
	line: int
	offset: int = 0

	@property
	def size(self):
		return INTEGERS[self.type][0]

	def rule(self, kind):
		return next((r for r in self.rules if r.kind == kind), None)


@dataclass
class Record:
	name: str
	count: int
	fields: list
	line: int
	doc: list
	size: int = 0
	offset: int = 0  # in the region

	def field(self, name):
		return next((f for f in self.fields if f.name == name), None)

	@property
	def live(self):
		return next((f for f in self.fields if f.rule("live")), None)


@dataclass
class Region:
	name: str
	records: list
	line: int
	doc: list
	bytes: int = 0

	def record(self, name):
		return next((r for r in self.records if r.name == name), None)


# --- parser ---

def region_parse(parser):
	start = parser.next()
	name = parser.name("the region's name").text
	parser.expect("{", "after the region's name")
	records = []
	while not parser.accept("}"):
		if not parser.is_at("record"):
			parser.fail(f"expected record or '}}', found {parser.token.describe()}")
		records.append(record_parse(parser))
	return Region(name, records, start.line, start.doc)


def record_parse(parser):
	start = parser.next()
	name = parser.name("the record's name").text
	parser.expect("[", "after the record's name")
	count = parser.number("how many records there are")
	parser.expect("]", "after the number of records")
	parser.expect("{", "after the number of records")
	fields = []
	while not parser.accept("}"):
		token = parser.name("a field")
		parser.expect(":", "after a field's name")
		kind = parser.name("an integer type").text
		rules = []
		while parser.token.text in RULES and parser.tokens[parser.place + 1].text != ":":
			rules.append(rule_parse(parser))
		fields.append(RegionField(token.text, kind, rules, token.line))
	return Record(name, count, fields, start.line, start.doc)


def rule_parse(parser):
	if parser.is_at("in"):
		line = parser.token.line
		return Rule("in", line, range=parser.range())
	token = parser.next()
	rule = Rule(token.text, token.line)
	if rule.kind == "length":
		parser.expect("of", "after length")
	if rule.kind in ("enum", "length", "ref"):
		rule.name = parser.name({"enum": "an enum", "length": "an offset field", "ref": "a kind of record"}[rule.kind]).text
	if rule.kind == "ref":
		rule.is_optional = parser.accept("optional") is not None
	return rule


# --- checks; `checks` is the ContractChecks of the contract ---

def region_check(checks, region):
	checks.name_check(region.name, region.line, "region")
	checks.unique_check([(r.name, r.line) for r in region.records], f"record of {region.name}")
	if not region.records:
		checks.error(region.line, f"region '{region.name}' has no records")
	if not all([record_layout(checks, record) for record in region.records]):
		return
	for record in region.records:
		record.offset = region.bytes
		region.bytes += (record.size * record.count + 7) & ~7
	region.bytes = (region.bytes + PAGE - 1) & ~(PAGE - 1)
	if region.bytes > BYTES_MAX:
		checks.error(region.line, f"region '{region.name}' takes {region.bytes} bytes; at most {BYTES_MAX} are possible")
	for record in region.records:
		for item in record.fields:
			for rule in item.rules:
				rule_check(checks, region, record, item, rule)
			start_check(checks, region, record, item)


def record_layout(checks, record):
	checks.name_check(record.name, record.line, "record")
	checks.unique_check([(f.name, f.line) for f in record.fields], f"field of {record.name}")
	if record.count < 1:
		checks.error(record.line, f"record '{record.name}' needs at least one place")
		return False
	if not record.fields:
		checks.error(record.line, f"record '{record.name}' has no fields")
		return False
	for item in record.fields:
		checks.name_check(item.name, item.line, "field")
		if item.type not in INTEGERS:
			checks.error(item.line, f"field '{item.name}' has type '{item.type}'; fields are integers" + nearest(item.type, INTEGERS))
			return False
		if record.size % item.size:
			checks.error(item.line, f"a hole of {item.size - record.size % item.size} bytes before '{item.name}': reorder, "
			             "or name it reserved")
			return False
		item.offset = record.size
		record.size += item.size
	align = max(f.size for f in record.fields)
	if record.size % align:
		checks.error(record.line, f"record '{record.name}' ends in a hole of {align - record.size % align} bytes; add a reserved field")
		return False
	if record.size > RECORD_MAX:
		checks.error(record.line, f"record '{record.name}' takes {record.size} bytes; at most {RECORD_MAX} are possible")
		return False
	return True


def rule_check(checks, region, record, item, rule):
	if sum(r.kind == rule.kind for r in item.rules) > 1:
		checks.error(rule.line, f"'{item.name}' has the rule {rule.kind} twice")
	if rule.kind in NEEDS_UNSIGNED and item.type[0] != "u":
		checks.error(rule.line, f"'{item.name}' has the rule {rule.kind} and is signed")
	if rule.kind == "in":
		item.range = rule.range
		checks.range_check(item, item.type)
	elif rule.kind == "enum" and not checks.contract.enum(rule.name):
		checks.error(rule.line, f"unknown enum '{rule.name}'" + nearest(rule.name, [e.name for e in checks.contract.enums]))
	elif rule.kind == "ref" and not region.record(rule.name):
		checks.error(rule.line, f"'{item.name}' refers to '{rule.name}', which is no record of region '{region.name}': a schema "
		             "does not look outside its region" + nearest(rule.name, [r.name for r in region.records]))
	elif rule.kind == "length":
		target = record.field(rule.name)
		if not target or not target.rule("offset"):
			checks.error(rule.line, f"'{item.name}' is the length of '{rule.name}', which is no offset field of '{record.name}'")
	elif rule.kind == "checksum" and item.type != "u32":
		checks.error(rule.line, f"'{item.name}' holds a CRC32C: its type is u32")
	if rule.kind in ("checksum", "live") and [f for f in record.fields if f.rule(rule.kind)][0] is not item:
		checks.error(rule.line, f"record '{record.name}' has a second {rule.kind} field")


def start_check(checks, region, record, item):
	"""Regions start as zeros: without a live flag, zeros must keep the schema."""
	if record.live:
		return
	for rule in item.rules:
		target = region.record(rule.name)
		is_broken = (
			rule.kind == "checksum"
			or (rule.kind == "in" and not rule.range[0] <= 0 <= rule.range[1])
			or (rule.kind == "enum" and checks.contract.enum(rule.name)
			    and all(v.value != 0 for v in checks.contract.enum(rule.name).values))
			or (rule.kind == "ref" and target and target.live)
		)
		if is_broken:
			checks.error(rule.line, f"'{item.name}' starts as 0, which its rule {rule.kind} refuses: give record '{record.name}' "
			             "a live flag")


# --- the header ---

def region_text(contract, region):
	text = "".join(f"/* {line.replace('*/', '* /')} */\n" for line in region.doc)
	base = f"{contract.name}_{region.name}"
	text += f"#define {base.upper()}_BYTES {region.bytes}u\n\n"
	return text + "".join(record_text(contract, base, place, record) for place, record in enumerate(region.records)) + "\n"


def record_text(contract, base, place, record):
	name = f"{base}_{record.name}"
	text = "".join(f"/* {line.replace('*/', '* /')} */\n" for line in record.doc)
	text += f"struct {name} {{\n"
	text += "".join(f"\t{integer_c_type(f.type)} {f.name};\n" for f in record.fields)
	text += f"}};\n_Static_assert(sizeof(struct {name}) == {record.size}, \"size of {name}\");\n"
	for item in record.fields:
		text += f"_Static_assert(offsetof(struct {name}, {item.name}) == {item.offset}, \"offset of {name}.{item.name}\");\n"
	checksum = next((f for f in record.fields if f.rule("checksum")), None)
	text += f"#define {name.upper()}_COUNT {record.count}u\n"
	text += "/* struct region_kind: number, offset in the region, bytes of one, how many, offset of the checksum */\n"
	text += (f"#define {name.upper()} ((struct region_kind){{ {place}u, {record.offset}u, {record.size}u, {record.count}u, "
	         f"{f'{checksum.offset}u' if checksum else 'REGION_NO_CHECKSUM'} }})\n")
	return text + valid_text(contract, name, record) + "\n"


def valid_text(contract, name, record):
	"""What a reader can check of one record by itself: all rules but references, progress and the checksum."""
	from .emit_header import range_condition

	text = f"static inline bool {name}_is_valid(const struct {name} *record)\n{{\n"
	if record.live:
		text += f"\tif (record->{record.live.name} > 1)\n\t\treturn false;\n"
		text += f"\tif (record->{record.live.name} == 0)\n\t\treturn true;\n"
	size = f"{name.rsplit('_' + record.name, 1)[0].upper()}_BYTES"
	for item in record.fields:
		for rule in item.rules:
			condition = ""
			if rule.kind == "in":
				item.range = rule.range
				condition = range_condition(item, item.type, f"record->{item.name}")
			elif rule.kind == "enum":
				condition = f"!{contract.name}_{rule.name}_is_valid(record->{item.name})"
			elif rule.kind == "offset":
				condition = f"record->{item.name} >= {size}"
			elif rule.kind == "length":
				condition = f"record->{rule.name} > {size} || record->{item.name} > {size} - record->{rule.name}"
			if condition:
				text += f"\tif ({condition})\n\t\treturn false;\n"
	return text + "\t(void)record;\n\treturn true;\n}\n"


# --- for tools/manifest.py ---

def index_of(contract, region):
	return {
		"name": region.name, "bytes": region.bytes,
		"records": [
			{
				"name": record.name, "offset": record.offset, "bytes": record.size, "count": record.count,
				"live": [record.live.offset, record.live.size] if record.live else [0, 0],
				"is_target": any(r.name == record.name for other in region.records for f in other.fields
				                 for r in f.rules if r.kind == "ref"),
				"rules": [rule_index(contract, region, record, number, item, rule)
				          for number, item in enumerate(record.fields) for rule in item.rules],
			}
			for record in region.records
		],
	}


RULE_CONSTANT = {"in": "ZOG_RULE_RANGE", "enum": "ZOG_RULE_ENUM", "offset": "ZOG_RULE_OFFSET", "length": "ZOG_RULE_LENGTH",
                 "ref": "ZOG_RULE_REF", "monotonic": "ZOG_RULE_MONOTONIC", "checksum": "ZOG_RULE_CHECKSUM", "live": "ZOG_RULE_LIVE"}


def rule_index(contract, region, record, number, item, rule):
	entry = {"field": item.name, "rule": RULE_CONSTANT[rule.kind], "number": number, "offset": item.offset, "bytes": item.size,
	         "is_signed": int(item.type[0] == "i"), "is_optional": int(rule.is_optional), "target_bytes": 0, "target": 0,
	         "first": 0, "last": 0, "values": []}
	if rule.kind == "in":
		entry["first"], entry["last"] = (value & (1 << 64) - 1 for value in rule.range)
	elif rule.kind == "enum":
		entry["values"] = [v.value for v in contract.enum(rule.name).values]
	elif rule.kind == "length":
		target = record.field(rule.name)
		entry["target"], entry["target_bytes"] = target.offset, target.size
	elif rule.kind == "ref":
		entry["target"] = region.records.index(region.record(rule.name))
	return entry


# --- the core's tables ---

def tables_text(system):
	"""system_region and what it points to. `system` is a manifest_resolve.System."""
	text = ""
	for place, shared in enumerate(system.regions):
		text += records_table(place, shared.index) + hooks_table(place, shared)
	text += "const struct region_desc system_region[] = {\n"
	for place, shared in enumerate(system.regions):
		text += (f"\t{{ \"{shared.contract}.{shared.index['name']}\", region_{place}_records, {len(shared.index['records'])}, "
		         f"{shared.index['bytes']}, {shared.writer.id}, {shared.history}, {int(shared.is_reconstructible)}, "
		         f"{shared.reader_count}, {int(shared.validator is not None)}, {shared.validator.id if shared.validator else 0}, "
		         f"{f'region_{place}_hooks' if shared.hooks else 'NULL'}, {len(shared.hooks)} }},\n")
	return text + f"\t{{ 0 }}\n}};\nconst uint32_t system_region_count = {len(system.regions)};\n\n"


def records_table(place, index):
	text, rows = "", ""
	for number, record in enumerate(index["records"]):
		name = f"region_{place}_{number}"
		for at, rule in enumerate(record["rules"]):
			if rule["values"]:
				text += f"static const uint64_t {name}_values_{at}[] = {{ {', '.join(map(str, rule['values']))} }};\n"
		if record["rules"]:
			text += f"static const struct rule_desc {name}_rules[] = {{\n"
			text += "".join(rule_row(name, at, rule) for at, rule in enumerate(record["rules"])) + "};\n"
		rules = f"{name}_rules" if record["rules"] else "NULL"
		rows += (f"\t{{ \"{record['name']}\", {record['offset']}, {record['bytes']}, {record['count']}, {rules}, "
		         f"{len(record['rules'])}, {record['live'][0]}, {record['live'][1]}, {int(record['is_target'])} }},\n")
	return text + f"static const struct record_desc region_{place}_records[] = {{\n{rows}}};\n"


def hooks_table(place, shared):
	if not shared.hooks:
		return ""
	rows = "".join(f"\t{{ {domain.id}, {at} }}, /* {domain.name} */\n" for _, domain, at in sorted(shared.hooks, key=lambda h: h[0]))
	return f"static const struct region_hook region_{place}_hooks[] = {{\n{rows}}};\n"


def rule_row(name, at, rule):
	values = f"{name}_values_{at}" if rule["values"] else "NULL"
	return (f"\t{{ \"{rule['field']}\", {rule['rule']}, {rule['number']}, {rule['offset']}, {rule['bytes']}, {rule['is_signed']}, "
	        f"{rule['is_optional']}, {rule['target_bytes']}, {rule['target']}, {rule['first']}ull, {rule['last']}ull, {values}, "
	        f"{len(rule['values'])} }},\n")


def ends_table(system, domain):
	if not domain.regions:
		return ""
	text = f"static const struct region_end {domain.name}_regions[] = {{\n"
	for entry, place in domain.regions:
		text += f"\t{{ {place}, REGION_{entry['role'].upper()} }}, /* {entry['name']} */\n"
	return text + "};\n"


def macros_text(domain):
	text = "/* Shared regions: place in the address space. */\n" if domain.regions else ""
	for number, (entry, _) in enumerate(domain.regions):
		text += f"#define REGION_{entry['name'].upper()} {number}u\n"
	return text + ("\n" if text else "")


# --- manifests ---

REGION_MAX = c_constant("abi/zog/layout.h", "ZOG_REGION_MAX")
ROLES = ("writer", "reader", "validator")
PROPOSAL_KIB = 4 + c_constant("abi/zog/core.h", "ZOG_REGION_STAGE_BYTES") // 1024 # its page and its records


def manifests_check(checks):
	"""Each region that somebody names has one writer. `checks` is the ManifestChecks."""
	writers = {}
	for manifest in checks.manifests:
		if len(manifest.regions) > REGION_MAX:
			checks.error(manifest, f"{len(manifest.regions)} regions; a domain has room for {REGION_MAX}", "", "region")
		for place, entry in enumerate(manifest.regions):
			manifest_region_check(checks, manifest, entry, place, writers)
	seconds_check(checks)
	for manifest in checks.manifests:
		for place, entry in enumerate(manifest.regions):
			if entry["role"] in ("reader", "validator") and region_name(entry) not in writers:
				checks.error(manifest, f"no domain writes region '{entry['name']}' of contract '{entry['contract']}'", "name", "region", place)


def region_name(entry):
	return entry["contract"], entry["name"]


def seconds_check(checks):
	"""One validator, who is not the writer; hooks of one region in an order without doubt."""
	validators, hooks = {}, {}
	for manifest in checks.manifests:
		for place, entry in enumerate(manifest.regions):
			if entry["role"] == "validator":
				other = validators.setdefault(region_name(entry), manifest)
				if other is not manifest:
					checks.error(manifest, f"region '{entry['name']}' already has the validator {other.name}", "role", "region", place)
			if "on_rollback" in entry:
				other = hooks.setdefault((*region_name(entry), entry["on_rollback"]), manifest)
				if other is not manifest:
					checks.error(manifest, f"{other.name} has the place {entry['on_rollback']} among the hooks of region "
					             f"'{entry['name']}', too", "on_rollback", "region", place)


def has_hook(domain):
	return any("on_rollback" in entry for entry, _ in domain.regions)


def index_find(contracts, entry):
	contract = contracts.get(entry["contract"])
	return next((r for r in contract.get("regions", []) if r["name"] == entry["name"]), None) if contract else None


def manifest_region_check(checks, manifest, entry, place, writers):
	def error(reason, key):
		checks.error(manifest, reason, key, "region", place)

	if entry["contract"] not in checks.contracts:
		error(f"unknown contract '{entry['contract']}'" + nearest(entry["contract"], checks.contracts), "contract")
		return
	index = index_find(checks.contracts, entry)
	if not index:
		known = [r["name"] for r in checks.contracts[entry["contract"]].get("regions", [])]
		error(f"contract '{entry['contract']}' has no region '{entry['name']}'" + nearest(entry["name"], known), "name")
		return
	if entry["role"] not in ROLES:
		error(f"unknown role '{entry['role']}'; there are writer, reader and validator", "role")
	elif entry["role"] != "writer":
		for key in ("history", "reconstructible", "budget_kib"):
			if key in entry:
				error(f"'{key}' is for the writer", key)
	else:
		other = writers.setdefault((entry["contract"], entry["name"]), manifest)
		if other is not manifest:
			error(f"region '{entry['name']}' is already written by {other.name}", "role")
		if entry.get("reconstructible") and not entry.get("history"):
			error("reconstructible without a history: there is no version to go back to", "reconstructible")
		validated = any(e["role"] == "validator" and region_name(e) == region_name(entry) for m in checks.manifests for e in m.regions)
		need = index["bytes"] // 1024 * (2 + entry.get("history", 0)) + (PROPOSAL_KIB if validated else 0)
		if need > entry.get("budget_kib", 0):
			error(f"region '{entry['name']}' with {entry.get('history', 0)} versions of history needs {need} KiB; budget_kib is "
			      f"{entry.get('budget_kib', 0)}", "budget_kib")


def budget_kib(manifest):
	return sum(entry.get("budget_kib", 0) for entry in manifest.regions)
