"""NAME_server.h and NAME_server.c: the side of a contract that its domain serves.

The dispatcher decodes before it acts: it copies what the client passed by reference once into private scratch
memory (one set for each contract: one invocation at a time is in a domain), checks the copy and the words, and
only then calls NAME_METHOD_serve. A request outside the contract is answered with ZOG_ERR_ARGUMENT; an answer
outside the contract ends the domain, since it is the domain's own fault. Handlers write bytes and structs
straight into their reply half of the message area. Of once methods the reply is kept with the hash of the
arguments; a repeat is answered from it."""

from .emit_client import scalar_out_check
from .emit_header import NOTICE, bound_name, c_type, method_constant
from .layout import Reply, Request

# Every method may answer these: they come from the runtime, from validators, or from the core about a domain
# further down.
ALWAYS = ["OK", "RETRY", "ERR_ARGUMENT", "ERR_METHOD", "ERR_SEQUENCE", "ERR_VERSION", "ERR_POISON", "ERR_QUARANTINED"]


def serve_parameters(contract, method):
	result = ["struct zog_call *call"]
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
	return ", ".join(result)


def server_header_text(contract, source):
	guard = f"CONTRACTS_{contract.name}_SERVER_H".upper()
	text = NOTICE.format(source=source) + f"#ifndef {guard}\n#define {guard}\n\n"
	text += f'#include "rt/rt.h"\n#include "contracts/{contract.name}.h"\n\n'
	text += "/* Written by the serving domain. */\n"
	for method in contract.methods:
		text += f"zog_status_t {contract.name}_{method.name}_serve({serve_parameters(contract, method)});\n"
	text += "\n/* Validates one call and serves it. */\n"
	return text + f"zog_status_t {contract.name}_dispatch(struct zog_call *call);\n\n#endif\n"


class MethodServer:
	"""The generated function that decodes, serves and answers one method."""

	def __init__(self, contract, method):
		self.contract, self.method = contract, method
		self.name = f"{contract.name}_{method.name}"
		self.request, self.reply = Request(contract, method), Reply(contract, method)
		self.lines = []

	def add(self, *lines):
		self.lines += lines

	def word(self, argument):
		return f"word[{self.request.word[argument.name]}]"

	def text(self):
		self.declarations()
		self.decode()
		self.once_begin()
		self.serve()
		self.status_check()
		self.answer()
		body = "".join(f"\t{line}\n" if line else "\n" for line in self.lines)
		return f"static zog_status_t {self.name}_call(struct zog_call *call)\n{{\n{body}}}\n\n"

	def declarations(self):
		name, request = self.name, self.request
		if request.has_area:
			self.add(f"const struct {name}_area_in *peer_area =",
			         f"\t(const struct {name}_area_in *)ZOG_MESSAGE(call->client_domain, call->cpu);",
			         f"struct {name}_area_in *area = &{self.contract.name}_area.{self.method.name};")
		if self.reply.has_area:
			self.add(f"struct {name}_area_out *reply = (struct {name}_area_out *)",
			         "\t(ZOG_MESSAGE(SELF_DOMAIN, call->cpu) + ZOG_MESSAGE_SIZE / 2);")
		if request.word and not request.is_packed:
			self.add("const uint64_t *word = call->word;")
		elif request.is_packed:
			self.add("const uint64_t *word = area->word;")
		for a in self.method.outs:
			if a.kind == "scalar":
				self.add(f"{c_type(self.contract, a)} out_{a.name} = {self.out_initial(a)};")
			elif a.kind == "bytes":
				self.add(f"size_t out_{a.name}_length = 0;")
		if self.method.is_once:
			self.add("const uint64_t sequence = call->word[0];", "uint64_t hash;")
		self.add("zog_status_t status;", "")

	def out_initial(self, argument):
		"""A value that passes the checks, for handlers that leave a result unset with an error."""
		enum = self.contract.enum(argument.type)
		if enum:
			return f"{self.contract.name}_{enum.name}_{enum.values[0].name}".upper()
		if argument.range and not argument.range[0] <= 0 <= argument.range[1]:
			return str(argument.range[0])
		return "0"

	def refuse(self, condition):
		self.add(f"if ({condition})", "\treturn ZOG_ERR_ARGUMENT;")

	def decode(self):
		if self.request.is_packed:
			self.add("memcpy(area->word, peer_area->word, sizeof(area->word));")
		for a in self.method.ins:
			if a.kind == "scalar":
				condition = scalar_out_check(self.contract, a, self.word(a))
				if condition:
					self.refuse(condition)
			elif a.kind == "bytes":
				self.refuse(f"{self.word(a)} > {bound_name(self.contract, self.method, a)}")
		for member in self.request.members:
			a = member.argument
			if member.struct:
				self.add(f"memcpy(&area->{a.name}, &peer_area->{a.name}, sizeof(area->{a.name}));")
				if member.struct.has_ranges:
					self.refuse(f"!{self.contract.name}_{a.type}_is_valid(&area->{a.name})")
			else:
				self.add(f"memcpy(area->{a.name}, peer_area->{a.name}, {self.word(a)});",
				         f"area->{a.name}[{self.word(a)}] = 0;")

	def once_begin(self):
		if not self.method.is_once:
			return
		self.add("hash = rt_hash(call->method, NULL, 0);")
		for a in self.method.ins:
			if a.kind == "struct":
				self.add(f"hash = rt_hash(hash, &area->{a.name}, sizeof(area->{a.name}));")
				continue
			self.add(f"hash = rt_hash(hash, &{self.word(a)}, sizeof({self.word(a)}));")
			if a.kind == "bytes":
				self.add(f"hash = rt_hash(hash, area->{a.name}, {self.word(a)});")
		self.add("switch (rt_once_begin(call, sequence, hash, &status)) {", "case ZOG_OK:", "\tbreak;",
		         "case ZOG_ERR_EXISTS:", "\treturn status;", "default:", "\treturn ZOG_ERR_SEQUENCE;", "}")

	def serve(self):
		values = ["call"]
		for a in self.method.ins:
			if a.kind == "bytes":
				values += [f"area->{a.name}", f"(size_t){self.word(a)}"]
			elif a.kind == "struct":
				values.append(f"&area->{a.name}")
			else:
				values.append(f"({c_type(self.contract, a)}){self.word(a)}")
		for a in self.method.outs:
			if a.kind == "bytes":
				values += [f"reply->{a.name}", bound_name(self.contract, self.method, a), f"&out_{a.name}_length"]
			elif a.kind == "struct":
				# A field that the handler leaves out must not show an earlier client's reply.
				self.add(f"memset(&reply->{a.name}, 0, sizeof(reply->{a.name}));")
				values.append(f"&reply->{a.name}")
			else:
				values.append(f"&out_{a.name}")
		self.add(f"status = {self.name}_serve({', '.join(values)});")

	def status_check(self):
		declared = ALWAYS + [e.name for e in self.method.errors if e.name not in ALWAYS]
		self.add("switch (status) {")
		if self.method.may_wait:
			self.add("case ZOG_WAIT:", "\treturn status; /* the out words are rt_wait's */")
		self.add("case ZOG_RETRY:", "\treturn status;")
		self.add(*[f"case ZOG_{name}:" for name in declared if name != "RETRY"])
		self.add("\tbreak;", "default:", "\trt_fail(ZOG_CAUSE_CONTRACT, call->method, (uint64_t)status);", "}")

	def answer(self):
		for a in self.method.outs:
			if a.kind == "struct":
				if self.contract.struct(a.type).has_ranges:
					self.fail_if(f"status >= 0 && !{self.contract.name}_{a.type}_is_valid(&reply->{a.name})")
				continue
			place = f"call->out[{self.reply.word[a.name]}]"
			if a.kind == "bytes":
				self.fail_if(f"out_{a.name}_length > {bound_name(self.contract, self.method, a)}")
				self.add(f"{place} = out_{a.name}_length;")
				continue
			self.add(f"{place} = (uint64_t)out_{a.name};")
			condition = scalar_out_check(self.contract, a, place)
			if condition:
				self.fail_if(f"status >= 0 && ({condition})")
		if self.method.is_once:
			self.add("rt_once_end(call, sequence, hash, status);")
		self.add("return status;")

	def fail_if(self, condition):
		self.add(f"if ({condition})", "\trt_fail(ZOG_CAUSE_CONTRACT, call->method, (uint64_t)status);")


def dispatch_text(contract):
	text = f"zog_status_t {contract.name}_dispatch(struct zog_call *call)\n{{\n"
	text += "\tif (call->client_domain >= ZOG_DOMAIN_MAX || call->cpu >= ZOG_CPU_MAX)\n"
	text += "\t\treturn ZOG_ERR_ARGUMENT;\n\tswitch (call->method) {\n"
	for method in contract.methods:
		text += f"\tcase {method_constant(contract, method)}:\n"
		text += f"\t\treturn {contract.name}_{method.name}_call(call);\n"
	return text + "\tdefault:\n\t\treturn ZOG_ERR_METHOD;\n\t}\n}\n"


def server_text(contract, source):
	text = NOTICE.format(source=source)
	text += f'#include "rt/rt.h"\n#include "domain.h"\n#include "contracts/{contract.name}_server.h"\n\n'
	areas = [m for m in contract.methods if Request(contract, m).has_area]
	if areas:
		text += "/* The private copy of what a client passed by reference: one invocation at a time. */\nstatic union {\n"
		for method in areas:
			text += f"\tstruct {contract.name}_{method.name}_area_in {method.name};\n"
		text += f"}} {contract.name}_area;\n\n"
	text += "".join(MethodServer(contract, m).text() for m in contract.methods)
	return text + dispatch_text(contract)
