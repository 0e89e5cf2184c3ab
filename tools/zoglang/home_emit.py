"""The layout of a home schema from the compiler's answers, the checks that need it, and the core's tables."""

from .report import c_constant

RECORD_MAX = c_constant("core/tsm/home_schema.h", "HOME_RECORD_MAX")
HOME_BASE = c_constant("abi/zog/layout.h", "ZOG_HOME_BASE")
MASK = (1 << 64) - 1


# --- layout ---

def home_layout(schema, numbers, report):
	"""Puts the compiler's numbers into the schema, and checks what can be said only now."""
	answers = iter(numbers)

	def error(line, reason):
		report.error(schema.path, line, reason)

	schema.home_bytes = next(answers)
	for table in schema.tables:
		table.offset, table.bytes, table.count = next(answers), next(answers), next(answers)
		for item in table.fields:
			field_layout(table, item, answers, error)
		if not table.is_array: # what stands behind the last field with a rule is none of ours
			last = max(f.offset + (f.repeat - 1) * f.stride + f.size for f in table.fields)
			table.bytes = min(table.bytes, (last + 7) & ~7)
		if table.end > schema.home_bytes:
			error(table.line, f"table '{table.name}' ends at byte {table.end} of a home region of {schema.home_bytes}")
		if table.bytes > RECORD_MAX:
			error(table.line, f"a record of '{table.name}' takes {table.bytes} bytes; at most {RECORD_MAX} are possible")
	schema.tables.sort(key=lambda t: t.offset)
	for before, after in zip(schema.tables, schema.tables[1:]):
		if after.offset < before.end:
			error(after.line, f"tables '{before.name}' and '{after.name}' overlap")


def field_layout(table, item, answers, error):
	item.offset, size, is_signed, item.stride, item.repeat = (next(answers) for _ in range(5))
	if size != item.size or bool(is_signed) != item.is_signed:
		error(item.line, f"field '{item.name}' of {table.name} is {'i' if is_signed else 'u'}{8 * size} in C, not {item.type}")
	if item.offset % item.size or item.stride % item.size:
		error(item.line, f"field '{item.name}' of {table.name} is not aligned")
	for rule in item.rules:
		rule.numbers = [signed(next(answers)) if item.is_signed else next(answers) for _ in rule.values]
		value_check(item, rule, error)
		if not table.live and not zero_passes(rule):
			error(rule.line, f"'{item.name}' starts as 0, which its rule {rule.kind} refuses: give table '{table.name}' a live field")


def signed(value):
	return value - (1 << 64) if value >> 63 else value


def value_check(item, rule, error):
	low, high = (-(1 << 8 * item.size - 1), (1 << 8 * item.size - 1) - 1) if item.is_signed else (0, (1 << 8 * item.size) - 1)
	for text, number in zip(rule.values, rule.numbers):
		if rule.kind != "ahead" and not low <= number <= high:
			error(rule.line, f"{text} is no value of {item.type}")
	if rule.kind == "in" and rule.numbers[0] > rule.numbers[1]:
		error(rule.line, f"the range of '{item.name}' is empty")


def zero_passes(rule):
	if rule.kind == "in":
		return rule.numbers[0] <= 0 <= rule.numbers[1]
	if rule.kind == "enum":
		return 0 in rule.numbers
	if rule.kind == "pointer":
		return rule.is_optional
	return rule.kind != "ref" or rule.from_one


# --- the core's tables ---

CONSTANT = {"in": "ZOG_RULE_RANGE", "enum": "ZOG_RULE_ENUM", "bits": "ZOG_RULE_BITS", "index": "ZOG_RULE_REF", "ref": "ZOG_RULE_REF",
            "pointer": "ZOG_RULE_REF", "ahead": "ZOG_RULE_AHEAD", "monotonic": "ZOG_RULE_MONOTONIC", "live": "ZOG_RULE_LIVE"}


def index_of(schema, domain):
	"""What tools/home.py keeps of one domain."""
	return {
		"domain": domain, "low": schema.tables[0].offset, "high": schema.tables[-1].end,
		"tables": [table_index(schema, table) for table in schema.tables],
	}


def table_index(schema, table):
	rules = [rule_index(schema, table, item, rule) for item in table.fields for rule in item.rules]
	return {"name": table.name, "offset": table.offset, "bytes": table.bytes, "count": table.count, "is_array": int(table.is_array),
	        "live": [table.live.offset, table.live.size] if table.live else [0, 0],
	        "rules": rules}


def rule_index(schema, table, item, rule):
	entry = {"field": item.name, "rule": CONSTANT[rule.kind], "offset": item.offset, "stride": item.stride, "repeat": item.repeat,
	         "bytes": item.size, "is_signed": int(item.is_signed), "has_none": 0, "needs_live": 0, "none": 0, "target": 0,
	         "first": 0, "last": 0, "values": []}
	if rule.kind == "in":
		entry["first"], entry["last"] = (n & MASK for n in rule.numbers)
	elif rule.kind == "enum":
		entry["values"] = sorted(rule.numbers)
	elif rule.kind in ("bits", "ahead"):
		entry["last"] = rule.numbers[0]
		entry["target"] = table.field(rule.name).offset if rule.kind == "ahead" else 0
	elif rule.kind in ("index", "ref", "pointer"):
		target = schema.table(rule.name)
		is_pointer = rule.kind == "pointer"
		entry["target"] = schema.tables.index(target)
		entry["needs_live"] = int(rule.kind == "ref")
		entry["first"] = HOME_BASE + target.offset if is_pointer else int(rule.from_one)
		entry["last"] = target.bytes if is_pointer else 1
		entry["has_none"] = int(rule.is_optional or rule.from_one)
		entry["none"] = (1 << 8 * item.size) - 1 if rule.is_optional and not is_pointer else 0
	return entry


def tables_text(indexes, domains):
	"""home.c: system_home, by domain id. DOMAINS: all names in the order of ids."""
	text = "/* Generated by tools/home.py from the home.zidl files. */\n#include <stddef.h>\n#include \"tsm/home_schema.h\"\n\n"
	known = {index["domain"]: index for index in indexes}
	text += "".join(schema_text(index) for index in indexes)
	text += "const struct home_schema *const system_home[] = {\n"
	text += "".join(f"\t&home_{name},\n" if name in known else f"\tNULL, /* {name} */\n" for name in domains)
	return text + "};\n"


def schema_text(index):
	name, text, rows = f"home_{index['domain']}", "", ""
	for number, table in enumerate(index["tables"]):
		base = f"{name}_{number}"
		text += "".join(f"static const uint64_t {base}_values_{at}[] = {{ {', '.join(f'{v}ull' for v in rule['values'])} }};\n"
		                for at, rule in enumerate(table["rules"]) if rule["values"])
		text += f"static const struct home_rule {base}_rules[] = {{\n"
		text += "".join(rule_text(base, at, rule) for at, rule in enumerate(table["rules"])) + "};\n"
		rows += (f"\t{{ \"{table['name']}\", {table['offset']}, {table['bytes']}, {table['count']}, {len(table['rules'])}, "
		         f"{table['offset'] + table['bytes'] * table['count']}, 0, {base}_rules, "
		         f"{table['live'][0]}, {table['live'][1]}, {table['is_array']} }},\n")
	text += f"static const struct home_table {name}_tables[] = {{\n{rows}}};\n"
	return text + (f"static const struct home_schema {name} = {{ {index['low']}, {index['high']}, {len(index['tables'])}, {name}_tables }};\n\n")


def rule_text(base, at, rule):
	values = f"{base}_values_{at}" if rule["values"] else "NULL"
	return (f"\t{{ \"{rule['field']}\", {values}, {rule['first']}ull, {rule['last']}ull, {rule['none']}ull, {rule['target']}, {rule['offset']}, "
	        f"{rule['stride']}, {rule['repeat']}, {len(rule['values'])}, {rule['rule']}, {rule['bytes']}, {rule['is_signed']}, "
	        f"{rule['has_none']}, {rule['needs_live']} }},\n")
