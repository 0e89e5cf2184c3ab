"""NAME_client.h: one static inline function for each method, as its callers see it.

A stub puts the arguments into register words and into its domain's own message area, crosses, and copies the
results out. It trusts the server with nothing: lengths, ranges and enum values that come back are checked, and a
reply outside the contract is ZOG_ERR_CORRUPT. Bytes and structs are only taken from replies that are no errors."""

from .emit_header import NOTICE, bound_name, c_type, element_type, length_bad, method_constant, range_condition, sized_invalid
from .layout import WORDS_IN, Reply, Request
from .model import INTEGERS


def replayed(contract, argument):
	"""A volatile handle: the caller keeps what brought it to its state, and the stub replays that."""
	return argument.kind == "handle" and not contract.handle(argument.type).is_durable


def parameters(contract, method):
	"""C parameters of a stub, in the agreed order."""
	result = ["uint64_t sequence"] if method.is_once else []
	for a in method.ins:
		if a.is_list:
			result.append(f"const struct rt_list *{a.name}")
		elif a.is_sized:
			# Texts come as char or unsigned char; the other side checks them in any case.
			pointer = "void" if a.is_text else element_type(contract, a)
			result += [f"const {pointer} *{a.name}", f"size_t {a.length_name}"]
		elif replayed(contract, a):
			result.append(f"struct rt_handle *{a.name}")
		elif a.kind == "struct":
			result.append(f"const struct {contract.name}_{a.type} *{a.name}")
		else:
			result.append(f"{c_type(contract, a)} {a.name}")
	for a in method.outs:
		if a.is_list:
			result.append(f"struct {contract.name}_{method.name}_{a.name}_list *{a.name}")
		elif a.is_sized:
			result += [f"{element_type(contract, a)} *{a.name}", f"size_t {a.name}_size", f"size_t *{a.length_name}"]
		elif a.kind == "struct":
			result.append(f"struct {contract.name}_{a.type} *{a.name}")
		else:
			result.append(f"{c_type(contract, a)} *{a.name}")
	return ", ".join(result) or "void"


def in_length(argument):
	return f"{argument.name}->length" if argument.is_list else argument.length_name


def word_values(contract, method):
	values = ["sequence"] if method.is_once else []
	for a in method.ins:
		if replayed(contract, a):
			values.append(f"{a.name}->slot")
		elif a.kind in ("scalar", "handle"):
			values.append(f"(uint64_t){a.name}")
		elif a.is_sized:
			values.append(in_length(a))
	return values


def request_lines(contract, method, request):
	lines = []
	for a in method.ins:
		if a.is_sized:
			lines += [f"if ({length_bad(contract, method, a, in_length(a))})", "\treturn ZOG_ERR_ARGUMENT;"]
	if request.is_packed:
		lines += [f"zog_area_in->word[{i}] = {value};" for i, value in enumerate(word_values(contract, method))]
	for member in request.members:
		a = member.argument
		size = f"sizeof(*{a.name})" if member.struct else f"{a.length_name} * {member.unit}u" if member.unit > 1 else in_length(a)
		to = f"&zog_area_in->{a.name}" if member.struct else f"zog_area_in->{a.name}"
		lines.append(f"memcpy({to}, {a.name}{'->bytes' if a.is_list else ''}, {size});")
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


def reply_sized_lines(contract, method, member, word):
	argument, name = member.argument, member.argument.name
	size = f"{word} * {member.unit}u" if member.unit > 1 else word
	lines = [
		f"if ({length_bad(contract, method, argument, word)})",
		"\treturn ZOG_ERR_CORRUPT;",
		f"if ({word} > {name}_size)",
		"\treturn ZOG_ERR_ARGUMENT;",
		f"memcpy({name}, zog_area_out->{name}, {size});",
	]
	invalid = sized_invalid(contract, argument, name, word)
	if invalid:
		lines += [f"if ({invalid})", "\treturn ZOG_ERR_CORRUPT;"]
	return lines + [f"if ({argument.length_name})", f"\t*{argument.length_name} = {word};"]


def reply_list_lines(contract, method, member, word):
	argument, name = member.argument, member.argument.name
	return [
		f"if ({length_bad(contract, method, argument, word)})",
		"\treturn ZOG_ERR_CORRUPT;",
		f"memcpy({name}->room, zog_area_out->{name}, {word});",
		f"if ({sized_invalid(contract, argument, f'(uint8_t *){name}->room', word)})",
		"\treturn ZOG_ERR_CORRUPT;",
		f"{name}->list.length = {word};",
	]


def reply_struct_lines(contract, argument):
	name = argument.name
	lines = [f"if ({name})", f"\tmemcpy({name}, &zog_area_out->{name}, sizeof(*{name}));"]
	if contract.struct(argument.type).has_ranges:
		lines += [f"if ({name} && !{contract.name}_{argument.type}_is_valid({name}))", "\treturn ZOG_ERR_CORRUPT;"]
	return lines


def reply_lines(contract, method, reply):
	lines = [f"if ({a.length_name})\n\t\t*{a.length_name} = 0;" for a in method.outs if a.is_sized and not a.is_list]
	lines += [f"{contract.name}_{method.name}_{a.name}_list_clear({a.name});" for a in method.outs if a.is_list]
	for a in method.outs:
		if a.kind == "scalar":
			lines += reply_scalar_lines(contract, a, f"zog_out[{reply.word[a.name]}]")
	if reply.members:
		lines += ["if (zog_status < 0)", "\treturn zog_status;"]
	for member in reply.members:
		a = member.argument
		if member.struct:
			lines += reply_struct_lines(contract, a)
		elif a.is_list:
			lines += reply_list_lines(contract, method, member, f"zog_out[{reply.word[a.name]}]")
		else:
			lines += reply_sized_lines(contract, method, member, f"zog_out[{reply.word[a.name]}]")
	return lines


def call_lines(contract, method, call):
	"""The crossing; with a volatile handle until the server knows it again, and with a note of where it stands now."""
	handle = method.handle
	if not handle or not replayed(contract, handle):
		return [f"zog_status = {call};"]
	machine, upper = contract.handle(handle.type), contract.name.upper()
	lines = ["uint32_t zog_tries = 0;", f"do {{\n\t\tzog_status = {call};",
	         f"}} while (zog_status == ZOG_ERR_HANDLE && zog_tries++ < RT_HANDLE_TRIES && rt_handle_restore({handle.name}, CAP_{upper}));"]
	target = machine.target_of(method.name)
	if machine.changes(method.name):
		lines += ["if (zog_status == ZOG_OK)", f"\trt_handle_note({handle.name}, {method_constant(contract, method)}, zog_in, "
		          + f"{contract.name}_{machine.name}_{target}".upper() + ");"]
	return lines


def stub_text(contract, method):
	name, upper = f"{contract.name}_{method.name}", contract.name.upper()
	request, reply = Request(contract, method), Reply(contract, method)
	values = ["sequence"] if method.is_once and request.is_packed else word_values(contract, method)
	if request.is_packed and not method.is_once:
		values = []
	lines = []
	if request.has_area or reply.has_area:
		lines.append("const uint32_t zog_cpu = rt_cpu();")
	if request.has_area:
		lines.append(f"struct {name}_area_in *zog_area_in =\n"
		             f"\t\t(struct {name}_area_in *)ZOG_MESSAGE(SELF_DOMAIN, SERVER_{upper}, zog_cpu);")
	if reply.has_area:
		lines.append(f"const struct {name}_area_out *zog_area_out = (const struct {name}_area_out *)\n"
		             f"\t\tZOG_MESSAGE(SERVER_{upper}, SELF_DOMAIN, zog_cpu);")
	lines.append(f"uint64_t zog_in[{WORDS_IN}] = {{ {', '.join(values) or '0'} }};")
	lines += ["uint64_t zog_out[4] = { 0 };", "zog_status_t zog_status;", ""]
	lines += request_lines(contract, method, request)
	lines += call_lines(contract, method, f"rt_cross(CAP_{upper}, {method_constant(contract, method)}, zog_in, zog_out)")
	lines += reply_lines(contract, method, reply) + ["return zog_status;"]
	body = "".join(f"\t{line}\n" if line else "\n" for line in lines)
	return f"static inline zog_status_t {name}({parameters(contract, method)})\n{{\n{body}}}\n\n"


def client_text(contract, source):
	upper = contract.name.upper()
	guard = f"CONTRACTS_{upper}_CLIENT_H"
	text = NOTICE.format(source=source) + f"#ifndef {guard}\n#define {guard}\n\n"
	text += f'#include "rt/rt.h"\n#include "rt/cross.h"\n#include "domain.h"\n#include "contracts/{contract.name}.h"\n\n'
	text += f"#ifndef CAP_{upper}\n#error \"the manifest of this domain does not use contract {contract.name}\"\n#endif\n\n"
	text += "".join(stub_text(contract, m) for m in contract.methods)
	return text + "#endif\n"
