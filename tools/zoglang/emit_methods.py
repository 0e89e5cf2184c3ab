"""NAME_methods.h: a contract as a table (lib/rt/method.h), and NAME_fuzz.h: its fuzzer. names.h and status_names.h: what
reports call methods and statuses."""

from .emit_header import NOTICE
from .layout import Reply, Request
from .model import INTEGERS
from .report import abi_statuses

KIND = {"pure": "RT_PURE", "idempotent": "RT_IDEMPOTENT", "once": "RT_ONCE"}
SIZED = {"bytes": "RT_BYTES", "text": "RT_TEXT", "utf8": "RT_TEXT", "name": "RT_TEXT", "array": "RT_ARRAY", "list": "RT_LIST"}
RULE = {"bytes": "RT_ANY", "text": "RT_NO_NUL", "utf8": "RT_UTF8", "name": "RT_NAME"} # of a string: where others have their range
# What any method may answer, whoever it is.
IMPLIED = ["OK", "RETRY", "ERR_ARGUMENT", "ERR_METHOD", "ERR_SEQUENCE", "ERR_VERSION", "ERR_POISON", "ERR_QUARANTINED", "ERR_STOPPED"]


def number(value):
	return f"{value & (1 << 64) - 1:#x}ull"


class Table:
	"""Collects the static tables of one contract."""

	def __init__(self, contract):
		self.contract, self.name, self.text = contract, contract.name, ""

	def enum_values(self, enum):
		rows = ", ".join(f'{{ "{v.name}", {v.value} }}' for v in enum.values)
		self.text += f"static const struct rt_value {self.name}_values_{enum.name}[] = {{ {rows} }};\n"

	def scalar(self, name, integer, enum, value_range, word, offset):
		size, low, high = INTEGERS[integer]
		first, last = value_range or (low, high)
		kind = "RT_ENUM" if enum else "RT_SIGNED" if integer[0] == "i" else "RT_UNSIGNED"
		values = f"{self.name}_values_{enum.name}, {len(enum.values)}" if enum else "NULL, 0"
		return f'\t{{ "{name}", {kind}, {word}, {offset}, {size}, 0, 0, {number(first)}, {number(last)}, {values}, 0, NULL }},\n'

	def struct_fields(self, struct):
		rows = "".join(self.scalar(f.name, f.type, self.contract.enum(f.enum) if f.enum else None, f.range, 0, f.offset)
		               for f in struct.fields)
		self.text += f"static const struct rt_argument {self.name}_fields_{struct.name}[] = {{\n{rows}}};\n"

	def entry_fields(self, entry):
		"""Its fields, and last its string."""
		rows = "".join(self.scalar(f.name, f.type, self.contract.enum(f.enum) if f.enum else None, f.range, 0, f.offset) for f in entry.fields)
		s = entry.string
		rows += (f'\t{{ "{s.name}", {SIZED[s.kind]}, 0, {entry.head_bytes}, 1, {s.least}, {s.bound}, {RULE[s.kind]}, 0, NULL, 0, 0, NULL }},\n')
		self.text += f"static const struct rt_argument {self.name}_fields_{entry.name}[] = {{\n{rows}}};\n"

	def argument(self, a, direction, offsets):
		contract, word = self.contract, direction.word.get(a.name, 0)
		if a.kind == "handle":
			return (f'\t{{ "{a.name}", RT_HANDLE, {word}, 0, 4, 0, 0, 0, {contract.handle(a.type).limit - 1}, NULL, 0, 0, NULL }},\n')
		if a.kind == "scalar":
			enum = contract.enum(a.type)
			return self.scalar(a.name, "u32" if enum else a.type, enum, a.range, word, 0)
		struct = contract.entry(a.type) if a.is_list else contract.struct(a.type)
		fields = f"{len(struct.fields) + a.is_list}, {self.name}_fields_{struct.name}" if struct else "0, NULL"
		first = last = 0
		if a.kind == "struct":
			kind, size = "RT_STRUCT", struct.size
		else:
			kind, size = SIZED[a.kind], struct.size if struct and not a.is_list else INTEGERS[a.type][0] if a.kind == "array" else 1
			if a.kind == "array" and not struct:
				first, last = a.range or INTEGERS[a.type][1:]
		first = RULE.get(a.kind) or number(first)
		return (f'\t{{ "{a.name}", {kind}, {word}, {offsets[a.name]}, {size}, {a.least}, {a.bound}, {first}, {number(last)}, '
		        f"NULL, 0, {fields} }},\n")

	def arguments(self, method, arguments, direction, suffix):
		offsets, offset = {}, 8 * direction.packed_count
		for member in direction.members:
			offsets[member.argument.name] = offset
			offset += member.size
		if not arguments:
			return "NULL"
		name = f"{self.name}_{suffix}_{method.name}"
		rows = "".join(self.argument(a, direction, offsets) for a in arguments)
		self.text += f"static const struct rt_argument {name}[] = {{\n{rows}}};\n"
		return name

	def method(self, method):
		request, reply = Request(self.contract, method), Reply(self.contract, method)
		ins, outs = self.arguments(method, method.ins, request, "in"), self.arguments(method, method.outs, reply, "out")
		declared = IMPLIED + [e.name for e in method.errors]
		declared += ["ERR_DENIED"] if method.rights else []
		declared += ["ERR_HANDLE", "ERR_STATE"] if method.handle else []
		declared = list(dict.fromkeys(declared))
		self.text += f"static const int8_t {self.name}_status_{method.name}[] = {{ {', '.join('ZOG_' + s for s in declared)} }};\n"
		return (f'\t{{ "{method.name}", {method.number:#06x}, {KIND[method.kind]}, {int(request.is_packed)}, {request.word_count}, 0, '
		        f"{ins}, {outs}, {len(method.ins)}, {len(method.outs)}, {self.name}_status_{method.name}, {len(declared)} }},\n")


def methods_text(contract, source):
	table, guard = Table(contract), f"CONTRACTS_{contract.name}_METHODS_H".upper()
	for enum in contract.enums:
		table.enum_values(enum)
	for struct in contract.structs:
		table.struct_fields(struct)
	for entry in contract.entries:
		table.entry_fields(entry)
	rows = "".join(table.method(m) for m in contract.methods)
	text = NOTICE.format(source=source) + f"#ifndef {guard}\n#define {guard}\n\n"
	text += '#include <stddef.h>\n#include "rt/method.h"\n#include "zog/status.h"\n\n'
	text += '#pragma GCC diagnostic push\n#pragma GCC diagnostic ignored "-Wunused-variable"\n' + table.text
	if rows:
		text += f"static const struct rt_method {contract.name}_method_table[] = {{\n{rows}}};\n"
	text += (f'static const struct rt_contract {contract.name}_contract = {{ "{contract.name}", {contract.number}, {len(contract.methods)}, '
	         f"{f'{contract.name}_method_table' if rows else 'NULL'} }};\n")
	return text + "#pragma GCC diagnostic pop\n\n#endif\n"


def fuzz_text(contract, source):
	guard = f"CONTRACTS_{contract.name}_FUZZ_H".upper()
	upper = contract.name.upper()
	text = NOTICE.format(source=source) + f"#ifndef {guard}\n#define {guard}\n\n"
	text += f'#include "fuzz/fuzz.h"\n#include "domain.h"\n#include "contracts/{contract.name}_methods.h"\n\n'
	text += f"/* One hostile call to the server of {contract.name}; returns the method. See fuzz/fuzz.h. */\n"
	text += f"static inline uint32_t {contract.name}_fuzz_step(struct fuzz *state)\n{{\n"
	text += f"\treturn fuzz_call(state, &{contract.name}_contract, CAP_{upper}, SELF_DOMAIN, SERVER_{upper});\n}}\n\n"
	return text + "#endif\n"


def names_text(contracts):
	text = "/* Generated by tools/zidl.py: all methods of all contracts, as METHOD(number, name). */\n#define CONTRACT_METHODS(METHOD)"
	for contract in sorted(contracts, key=lambda c: c.number):
		for method in contract.methods:
			text += f' \\\n\tMETHOD({method.number:#06x}, "{contract.name}.{method.name}")'
	return text + "\n"


def status_names_text():
	names = sorted(abi_statuses())
	text = "/* Generated by tools/zidl.py from abi/zog/status.h. */\n#define STATUS_NAMES(STATUS)"
	return text + "".join(f' \\\n\tSTATUS(ZOG_{name}, "{name}")' for name in names) + "\n"
