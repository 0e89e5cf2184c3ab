"""Reference pages of contracts: one page each, and lines for an index."""

import os

from .checks import contracts_check
from .fingerprint import hex_of
from .model import CLOSED
from .parser import contract_parse
from .report import Report, file_write


def contracts_checked(paths):
	"""The contracts of PATHS with numbers and sizes; ends the program when one does not pass."""
	report, contracts = Report(), []
	for path in paths:
		with open(path, encoding="utf-8") as source:
			contracts.append(contract_parse(path, source.read()))
	contracts_check(contracts, report)
	report.finish_if_errors()
	return contracts


def cell(text):
	return text.replace("|", "\\|")


def type_of(a):
	length = f"{a.least}..{a.bound}" if a.least else str(a.bound)
	bounds = f" in {a.range[0]}..{a.range[1]}" if a.range else ""
	if a.kind == "array":
		return f"array<{a.type}{bounds}, {length}>"
	if a.is_list:
		return f"list<{a.type}, {a.bound}>"
	if a.is_sized:
		return f"{a.kind}<{length}>"
	return ("handle " if a.kind == "handle" else "") + a.type + bounds


def doc_of(part):
	return " ".join(part.doc)


def method_text(contract, method):
	text = f"\n## `{method.name}`\n{doc_of(method)}\n\n" if method.doc else f"\n## `{method.name}`\n\n"
	text += "| | |\n|---|---|\n"
	text += f"| kind | {method.kind} |\n| rights | {', '.join(method.rights) or 'none'} |\n"
	text += f"| waits | {'on ' + ', '.join(method.waits) if method.waits else 'never'} |\n| deadline | {method.deadline_ms} ms |\n"
	text += f"| number | {method.number:#06x} |\n"
	for title, arguments in (("argument", method.ins), ("result", method.outs)):
		text += "".join(f"| {title} `{a.name}` | {cell(type_of(a))} |\n" for a in arguments)
	if method.handle:
		machine = contract.handle(method.handle.type)
		text += f"| may be called | in {', '.join(machine.sources_of(method.name))} of {machine.name} |\n"
	text += "".join(f"| `{e.name}` | {cell(e.cause)} |\n" for e in method.errors)
	return text


def handle_text(handle):
	text = f"\n### handle `{handle.name}`\n{doc_of(handle)}\n\n" if handle.doc else f"\n### handle `{handle.name}`\n\n"
	text += ("Its states live in the server's home region.\n\n" if handle.is_durable
	         else "Forgotten when the server dies; the client's stubs replay what led to its state.\n\n")
	text += f"At most {handle.limit} of one client. Begins and ends as {CLOSED}.\n\n| in | by | to |\n|---|---|---|\n"
	return text + "".join(f"| {', '.join(t.sources)} | `{t.method}` | {t.target} |\n" for t in handle.transitions)


def field_rules(field):
	rules = []
	for rule in field.rules:
		extra = f" of {rule.name}" if rule.kind == "length" else f" {rule.name}" if rule.name else ""
		if rule.kind == "in":
			extra = f" {rule.range[0]}..{rule.range[1]}"
		rules.append(rule.kind + extra + (" optional" if rule.is_optional else ""))
	return ", ".join(rules) or "–"


def region_text(region):
	text = f"\n### region `{region.name}`\n{doc_of(region)}\n\n{region.bytes} bytes, fingerprint {hex_of(region.fingerprint)}.\n"
	for record in region.records:
		text += f"\n`{record.name}`: {record.count} records of {record.size} bytes\n\n| field | type | rules |\n|---|---|---|\n"
		text += "".join(f"| {f.name} | {f.type} | {field_rules(f)} |\n" for f in record.fields)
	return text


def object_text(item):
	text = f"\n### object `{item.name}`\n{doc_of(item)}\n\n{item.bytes} bytes, fingerprint {hex_of(item.fingerprint)}. Its header:\n\n"
	text += "| field | type | rules |\n|---|---|---|\n"
	return text + "".join(f"| {f.name} | {f.type} | {field_rules(f)} |\n" for f in item.header.fields)


def contract_page(contract):
	text = f"# Contract {contract.name}\n{doc_of(contract)}\n\nVersion {contract.version}, fingerprint {hex_of(contract.fingerprint)}, "
	text += f"number {contract.number}. Source: `{contract.path}`.\n"
	for title, parts in (("right", contract.rights), ("event", contract.events)):
		text += "".join(f"\n### {title} `{p.name}`\n{doc_of(p)}\n" for p in parts)
	for enum in contract.enums:
		text += f"\n### enum `{enum.name}`\n{doc_of(enum)}\n\n" + ", ".join(f"{v.name} = {v.value}" for v in enum.values) + "\n"
	for struct in contract.structs:
		text += f"\n### struct `{struct.name}`\n{doc_of(struct)}\n\n| field | type |\n|---|---|\n"
		for f in struct.fields:
			rule = f" in {f.range[0]}..{f.range[1]}" if f.range else f" enum {f.enum}" if f.enum else ""
			text += f"| {f.name} | {f.type}{rule} |\n"
	for entry in contract.entries:
		text += f"\n### entry `{entry.name}`\n{doc_of(entry)}\n\n| field | type |\n|---|---|\n"
		for f in entry.fields + [entry.string]:
			rule = f" in {f.range[0]}..{f.range[1]}" if f.range else f" enum {f.enum}" if getattr(f, "enum", "") else ""
			text += f"| {f.name} | {type_of(f) if f is entry.string else f.type + rule} |\n"
	text += "".join(handle_text(h) for h in contract.handles) + "".join(region_text(r) for r in contract.regions)
	text += "".join(object_text(o) for o in contract.objects)
	return text + "".join(method_text(contract, m) for m in contract.methods)


def reference_write(contracts, folder):
	for contract in contracts:
		file_write(os.path.join(folder, contract.name + ".md"), contract_page(contract))
	rows = "".join(f"| [{c.name}]({c.name}.md) | {c.version} | {hex_of(c.fingerprint)} | {', '.join(m.name for m in c.methods) or '–'} |\n"
	               for c in sorted(contracts, key=lambda c: c.name))
	file_write(os.path.join(folder, "README.md"), "# Contracts\n\nGenerated by `./zog docs`; do not edit.\n\n"
	           "| contract | version | fingerprint | methods |\n|---|---|---|---|\n" + rows)
