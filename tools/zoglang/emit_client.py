"""NAME_client.h: one static inline function for each method, as its callers see it.

A stub puts the arguments into register words and into its domain's own message area, crosses, and copies the
results out. It trusts the server with nothing: lengths, ranges and enum values that come back are checked, and a
reply outside the contract is ZOG_ERR_CORRUPT. Bytes and structs are only taken from replies that are no errors."""

from .emit_header import NOTICE, bound_name, c_type, method_constant, range_condition
from .layout import WORDS_IN, Reply, Request
from .model import INTEGERS


def parameters(contract, method):
	"""C parameters of a stub, in the agreed order."""
	result = ["uint64_t sequence"] if method.is_once else []
	for a in method.ins:
		if a.kind == "bytes":
			result += [f"const void *{a.name}", f"size_t {a.name}_length"]
		elif a.kind == "struct":
			result.append(f"const struct {contract.name}_{a.type} *{a.name}")
		else:
			result.append(f"{c_type(contract, a)} {a.name}")
	for a in method.outs:
		if a.kind == "bytes":
			result += [f"void *{a.name}", f"size_t {a.name}_size", f"size_t *{a.name}_length"]
		elif a.kind == "struct":
			result.append(f"struct {contract.name}_{a.type} *{a.name}")
		else:
			result.append(f"{c_type(contract, a)} *{a.name}")
	return ", ".join(result) or "void"


def word_values(method):
	values = ["sequence"] if method.is_once else []
	for a in method.ins:
		if a.kind == "scalar":
			values.append(f"(uint64_t){a.name}")
		elif a.kind == "bytes":
			values.append(f"{a.name}_length")
	return values


def request_lines(contract, method, request):
	lines = []
	for a in method.ins:
		if a.kind == "bytes":
			lines += [f"if ({a.name}_length > {bound_name(contract, method, a)})", "\treturn ZOG_ERR_ARGUMENT;"]
	if request.is_packed:
		lines += [f"zog_area_in->word[{i}] = {value};" for i, value in enumerate(word_values(method))]
	for member in request.members:
		a = member.argument
		size = f"sizeof(*{a.name})" if member.struct else f"{a.name}_length"
		to = f"&zog_area_in->{a.name}" if member.struct else f"zog_area_in->{a.name}"
		lines.append(f"memcpy({to}, {a.name}, {size});")
	return lines


def scalar_out_check(contract, argument, word):
	"""Condition under which a result word is outside the contract, or nothing."""
	if contract.enum(argument.type):
		return f"!{contract.name}_{argument.type}_is_valid({word})"
	parts = []
	if INTEGERS[argument.type][0] < 8:
		parts.append(f"{word} != (uint64_t)({c_type(contract, argument)}){word}")
	if argument.range:
		parts.append(range_condition(argument, argument.type, f"({c_type(contract, argument)}){word}"))
	return " || ".join(filter(None, parts))


def reply_scalar_lines(contract, argument, word):
	lines = []
	condition = scalar_out_check(contract, argument, word)
	if condition:
		lines += [f"if (zog_status >= 0 && ({condition}))", "\treturn ZOG_ERR_CORRUPT;"]
	return lines + [f"if ({argument.name})", f"\t*{argument.name} = ({c_type(contract, argument)}){word};"]


def reply_bytes_lines(contract, method, argument, word):
	name = argument.name
	return [
		f"if ({word} > {bound_name(contract, method, argument)})",
		"\treturn ZOG_ERR_CORRUPT;",
		f"if ({word} > {name}_size)",
		"\treturn ZOG_ERR_ARGUMENT;",
		f"memcpy({name}, zog_area_out->{name}, {word});",
		f"if ({name}_length)",
		f"\t*{name}_length = {word};",
	]


def reply_struct_lines(contract, argument):
	name = argument.name
	lines = [f"if ({name})", f"\tmemcpy({name}, &zog_area_out->{name}, sizeof(*{name}));"]
	if contract.struct(argument.type).has_ranges:
		lines += [f"if ({name} && !{contract.name}_{argument.type}_is_valid({name}))", "\treturn ZOG_ERR_CORRUPT;"]
	return lines


def reply_lines(contract, method, reply):
	lines = [f"if ({a.name}_length)\n\t\t*{a.name}_length = 0;" for a in method.outs if a.kind == "bytes"]
	for a in method.outs:
		if a.kind == "scalar":
			lines += reply_scalar_lines(contract, a, f"zog_out[{reply.word[a.name]}]")
	if reply.members:
		lines += ["if (zog_status < 0)", "\treturn zog_status;"]
	for member in reply.members:
		a = member.argument
		if member.struct:
			lines += reply_struct_lines(contract, a)
		else:
			lines += reply_bytes_lines(contract, method, a, f"zog_out[{reply.word[a.name]}]")
	return lines


def stub_text(contract, method):
	name, upper = f"{contract.name}_{method.name}", contract.name.upper()
	request, reply = Request(contract, method), Reply(contract, method)
	values = ["sequence"] if method.is_once and request.is_packed else word_values(method)
	if request.is_packed and not method.is_once:
		values = []
	lines = []
	if request.has_area or reply.has_area:
		lines.append("const uint32_t zog_cpu = rt_cpu();")
	if request.has_area:
		lines.append(f"struct {name}_area_in *zog_area_in =\n"
		             f"\t\t(struct {name}_area_in *)ZOG_MESSAGE(SELF_DOMAIN, zog_cpu);")
	if reply.has_area:
		lines.append(f"const struct {name}_area_out *zog_area_out = (const struct {name}_area_out *)\n"
		             f"\t\t(ZOG_MESSAGE(SERVER_{upper}, zog_cpu) + ZOG_MESSAGE_SIZE / 2);")
	lines.append(f"uint64_t zog_in[{WORDS_IN}] = {{ {', '.join(values) or '0'} }};")
	lines += ["uint64_t zog_out[4] = { 0 };", "zog_status_t zog_status;", ""]
	lines += request_lines(contract, method, request)
	lines.append(f"zog_status = rt_call(CAP_{upper}, {method_constant(contract, method)}, zog_in, zog_out);")
	lines += reply_lines(contract, method, reply) + ["return zog_status;"]
	body = "".join(f"\t{line}\n" if line else "\n" for line in lines)
	return f"static inline zog_status_t {name}({parameters(contract, method)})\n{{\n{body}}}\n\n"


def client_text(contract, source):
	upper = contract.name.upper()
	guard = f"CONTRACTS_{upper}_CLIENT_H"
	text = NOTICE.format(source=source) + f"#ifndef {guard}\n#define {guard}\n\n"
	text += f'#include "rt/rt.h"\n#include "domain.h"\n#include "contracts/{contract.name}.h"\n\n'
	text += f"#ifndef CAP_{upper}\n#error \"the manifest of this domain does not use contract {contract.name}\"\n#endif\n\n"
	text += "".join(stub_text(contract, m) for m in contract.methods)
	return text + "#endif\n"
