"""NAME_server.h and NAME_server.c: the side of a contract that its domain serves.

The dispatcher decodes before it acts: it copies what the client passed by reference once into private scratch
memory (one set for each contract: one invocation at a time is in a domain), checks the copy and the words, and
only then calls NAME_METHOD_serve. A request outside the contract is answered with ZOG_ERR_ARGUMENT; an answer
outside the contract ends the domain, since it is the domain's own fault. Handlers write bytes and structs
straight into the message area for this client. Of once methods the reply is kept with the hash of the
arguments; a repeat is answered from it."""

from .emit_client import scalar_out_check
from .emit_header import NOTICE, bound_name, c_type, element_type, length_bad, method_constant, sized_invalid
from .layout import Reply, Request

# Every method may answer these: they come from the runtime, from validators, or from the core about a domain
# further down.
ALWAYS = ["OK", "RETRY", "ERR_ARGUMENT", "ERR_METHOD", "ERR_SEQUENCE", "ERR_VERSION", "ERR_POISON", "ERR_QUARANTINED", "ERR_STOPPED"]


def serve_parameters(contract, method):
	result = ["struct zog_call *call"]
	for a in method.ins:
		if a.is_list:
			result.append(f"struct rt_list *{a.name}")
		elif a.is_sized:
			result += [f"const {element_type(contract, a)} *{a.name}", f"size_t {a.length_name}"]
		elif a.kind == "struct":
			result.append(f"const struct {contract.name}_{a.type} *{a.name}")
		else:
			result.append(f"{c_type(contract, a)} {a.name}")
	for a in method.outs:
		if a.is_list:
			result.append(f"struct rt_list *{a.name}")
		elif a.is_sized:
			result += [f"{element_type(contract, a)} *{a.name}", f"size_t {a.name}_size", f"size_t *{a.length_name}"]
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
	for handle in contract.handles:
		if handle.is_durable:
			name = f"{contract.name}_{handle.name}_handles"
			text += f"\n/* The clients' handles: in the serving domain's home region, which defines the function. */\nstruct {name} {{\n"
			text += f"\tstruct rt_handle_record record[ZOG_DOMAIN_MAX][{handle.limit}];\n}};\nstruct {name} *{name}(void);\n"
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
		self.handle_begin()
		self.serve()
		self.status_check()
		self.answer()
		body = "".join(f"\t{line}\n" if line else "\n" for line in self.lines)
		return f"static __attribute__((noinline)) zog_status_t {self.name}_call(struct zog_call *call)\n{{\n{body}}}\n\n"

	def declarations(self):
		name, request = self.name, self.request
		if request.has_area:
			self.add(f"const struct {name}_area_in *peer_area =",
			         f"\t(const struct {name}_area_in *)ZOG_MESSAGE(call->client_domain, SELF_DOMAIN, call->cpu);",
			         f"struct {name}_area_in *area = &{self.contract.name}_area.{self.method.name};")
		if self.reply.has_area:
			self.add(f"struct {name}_area_out *reply = (struct {name}_area_out *)",
			         "\tZOG_MESSAGE(SELF_DOMAIN, call->client_domain, call->cpu);")
		if request.word and not request.is_packed:
			self.add("const uint64_t *word = call->word;")
		elif request.is_packed:
			self.add("const uint64_t *word = area->word;")
		for a in self.method.outs:
			if a.kind == "scalar" and not self.is_direct(a):
				self.add(f"{c_type(self.contract, a)} out_{a.name} = {self.out_initial(a)};")
			elif a.is_list:
				bound = bound_name(self.contract, self.method, a)
				self.add(f"struct rt_list out_{a.name} = rt_list_of(reply->{a.name}, {bound}, 0);")
			elif a.is_sized:
				self.add(f"size_t out_{a.length_name} = 0;")
		if self.method.is_once:
			self.add("const uint64_t sequence = call->word[0];")
		if self.method.is_once or self.changes_handle:
			self.add("uint64_t hash;")
		self.add("zog_status_t status;", "")

	def is_direct(self, argument):
		"""Does the handler write the result word itself? All of its values are right, and it starts as 0 (lib/rt/entry.S). Not where
		it may WAIT: the words then say what for, and a handler may set its results afterwards."""
		return argument.kind == "scalar" and argument.type == "u64" and not argument.range and not self.method.may_wait

	def out_initial(self, argument):
		"""A value that passes the checks, for handlers that leave a result unset with an error."""
		enum = self.contract.enum(argument.type)
		if enum:
			return f"{self.contract.name}_{enum.name}_{enum.values[0].name}".upper()
		if argument.range and not argument.range[0] <= 0 <= argument.range[1]:
			return str(argument.range[0])
		return "0"

	@property
	def machine(self):
		return self.contract.handle(self.method.handle.type) if self.method.handle else None

	@property
	def changes_handle(self):
		return bool(self.machine) and self.machine.changes(self.method.name)

	def state(self, name):
		return f"{self.contract.name}_{self.machine.name}_{name}".upper()

	def handle_begin(self):
		"""Refuses a handle that is not this client's, or in another state, before the server's code runs."""
		if not self.machine:
			return
		table, limit = f"{self.contract.name}_{self.machine.name}", f"{self.contract.name}_{self.machine.name}_LIMIT".upper()
		table = f"{table}_handles()->record" if self.machine.is_durable else f"{table}_records"
		slot = self.word(self.method.handle)
		self.add(f"if ({slot} >= {limit})", "\treturn ZOG_ERR_HANDLE;",
		         f"struct rt_handle_record *handle = &{table}[call->client_domain][{slot}];")
		sources = " | ".join(f"1u << {self.state(s)}" for s in self.machine.sources_of(self.method.name))
		if self.changes_handle:
			if not self.method.is_once:
				self.hash_add()
			target = self.state(self.machine.target_of(self.method.name))
			self.add(f"if (!rt_handle_admits(handle, {sources}) && !rt_handle_repeats(handle, call->method, hash, {target}))")
		else:
			self.add(f"if (!rt_handle_admits(handle, {sources}))")
		self.add(f"\treturn handle->state == {self.state('closed')} ? ZOG_ERR_HANDLE : ZOG_ERR_STATE;")

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
			elif a.is_sized:
				self.refuse(length_bad(self.contract, self.method, a, self.word(a)))
		for member in self.request.members:
			a = member.argument
			if member.struct:
				self.add(f"memcpy(&area->{a.name}, &peer_area->{a.name}, sizeof(area->{a.name}));")
				if member.struct.has_ranges:
					self.refuse(f"!{self.contract.name}_{a.type}_is_valid(&area->{a.name})")
			else:
				size = f"{self.word(a)} * {member.unit}u" if member.unit > 1 else self.word(a)
				self.add(f"memcpy(area->{a.name}, peer_area->{a.name}, {size});")
				if a.kind != "array" and not a.is_list:
					self.add(f"area->{a.name}[{self.word(a)}] = 0;")
				invalid = sized_invalid(self.contract, a, f"{'(const char *)' if a.is_text else ''}area->{a.name}", self.word(a))
				if invalid:
					self.refuse(invalid)

	def once_begin(self):
		if not self.method.is_once:
			return
		self.hash_add()
		self.add("switch (rt_once_begin(call, sequence, hash, &status)) {", "case ZOG_OK:", "\tbreak;",
		         "case ZOG_ERR_EXISTS:", "\treturn status;", "default:", "\treturn ZOG_ERR_SEQUENCE;", "}")

	def hash_add(self):
		"""hash: of method and arguments, the copies of those that came by reference."""
		self.add(f"hash = rt_hash_word(0, {method_constant(self.contract, self.method)});")
		units = {m.argument.name: m.unit for m in self.request.members}
		for a in self.method.ins:
			if a.kind == "struct":
				self.add(f"hash = rt_hash(hash, &area->{a.name}, sizeof(area->{a.name}));")
				continue
			self.add(f"hash = rt_hash_word(hash, {self.word(a)});")
			if a.is_sized:
				size = f"{self.word(a)} * {units[a.name]}u" if units[a.name] > 1 else self.word(a)
				self.add(f"hash = rt_hash(hash, area->{a.name}, {size});")

	def serve(self):
		values = ["call"]
		for a in self.method.ins:
			if a.is_list:
				self.add(f"struct rt_list in_{a.name} = rt_list_of(area->{a.name}, {self.word(a)}, {self.word(a)});")
				values.append(f"&in_{a.name}")
			elif a.is_sized:
				values += [f"{'(const char *)' if a.is_text else ''}area->{a.name}", f"(size_t){self.word(a)}"]
			elif a.kind == "struct":
				values.append(f"&area->{a.name}")
			else:
				values.append(f"({c_type(self.contract, a)}){self.word(a)}")
		for a in self.method.outs:
			if a.is_list:
				values.append(f"&out_{a.name}")
			elif a.is_sized:
				values += [f"{'(char *)' if a.is_text else ''}reply->{a.name}", bound_name(self.contract, self.method, a),
				           f"&out_{a.length_name}"]
			elif a.kind == "struct":
				# A field that the handler leaves out must not show an earlier client's reply.
				self.add(f"memset(&reply->{a.name}, 0, sizeof(reply->{a.name}));")
				values.append(f"&reply->{a.name}")
			elif self.is_direct(a):
				values.append(f"&call->out[{self.reply.word[a.name]}]")
			else:
				values.append(f"&out_{a.name}")
		self.add(f"status = {self.name}_serve({', '.join(values)});")

	def status_check(self):
		declared = ALWAYS + [e.name for e in self.method.errors if e.name not in ALWAYS]
		self.add("if (status != ZOG_OK) {")
		lines = ["switch (status) {"]
		if self.method.may_wait:
			# The out words are rt_wait's: event, count, deadline.
			events = [f"call->out[0] != {event_macro(wait)}" for wait in self.method.waits]
			lines += ["case ZOG_WAIT:", f"\tif ({' && '.join(events)})",
			          "\t\trt_fail(ZOG_CAUSE_CONTRACT, call->method, (uint64_t)status);", "\treturn status;"]
		lines += ["case ZOG_RETRY:", "\treturn status;"]
		lines += [f"case ZOG_{name}:" for name in declared if name != "RETRY"]
		lines += ["\tbreak;", "default:", "\trt_fail(ZOG_CAUSE_CONTRACT, call->method, (uint64_t)status);", "}"]
		self.add(*[f"\t{line}" for line in lines], "}")

	def answer(self):
		for a in self.method.outs:
			if a.kind == "struct":
				if self.contract.struct(a.type).has_ranges:
					self.fail_if(f"status >= 0 && !{self.contract.name}_{a.type}_is_valid(&reply->{a.name})")
				continue
			place = f"call->out[{self.reply.word[a.name]}]"
			if a.is_list: # each entry was checked as it was appended
				self.fail_if(f"out_{a.name}.length > {bound_name(self.contract, self.method, a)}")
				self.add(f"{place} = out_{a.name}.length;")
				continue
			if a.is_sized:
				length = f"out_{a.length_name}"
				self.fail_if(f"{length} > {bound_name(self.contract, self.method, a)}")
				invalid = [f"{length} < {a.least}u"] if a.least else []
				invalid.append(sized_invalid(self.contract, a, f"{'(const char *)' if a.is_text else ''}reply->{a.name}", length))
				if any(invalid):
					self.fail_if(f"status >= 0 && ({' || '.join(filter(None, invalid))})")
				self.add(f"{place} = {length};")
				continue
			if self.is_direct(a):
				continue
			self.add(f"{place} = (uint64_t)out_{a.name};")
			condition = scalar_out_check(self.contract, a, place)
			if condition:
				self.fail_if(f"status >= 0 && ({condition})")
		if self.changes_handle:
			self.add("if (status == ZOG_OK)",
			         f"\trt_handle_move(handle, call->method, hash, {self.state(self.machine.target_of(self.method.name))});")
		if self.method.is_once:
			self.add("rt_once_end(call, sequence, hash, status);")
		self.add("return status;")

	def fail_if(self, condition):
		self.add(f"if ({condition})", "\trt_fail(ZOG_CAUSE_CONTRACT, call->method, (uint64_t)status);")


def event_macro(wait):
	name, _, event = wait.partition(".")
	return f"WAIT_{name}_{event}".upper() if event else f"EVENT_{name}".upper()


def dispatch_text(contract):
	"""Straight through to the method; while tracing is on, once round by the tracer, so that each method has one call site."""
	name = contract.name
	text = "/* rt/trace.h */\n"
	text += f"__attribute__((noinline)) static zog_status_t {name}_dispatch_traced(struct zog_call *call)\n{{\n"
	text += f"\tuint32_t shown = rt_trace_begin(&{name}_contract, call, SELF_DOMAIN);\n"
	text += f"\tzog_status_t status = {name}_dispatch(call);\n\n"
	text += f"\trt_trace_end(&{name}_contract, call, status, shown, SELF_DOMAIN);\n\treturn status;\n}}\n\n"
	text += f"zog_status_t {name}_dispatch(struct zog_call *call)\n{{\n"
	text += "\tif (call->client_domain >= ZOG_DOMAIN_MAX || call->cpu >= ZOG_CPU_MAX)\n\t\treturn ZOG_ERR_ARGUMENT;\n"
	text += f"\tif (__builtin_expect(rt_is_traced(), 0))\n\t\treturn {name}_dispatch_traced(call);\n\tswitch (call->method) {{\n"
	for method in contract.methods:
		text += f"\tcase {method_constant(contract, method)}:\n"
		text += f"\t\treturn {name}_{method.name}_call(call);\n"
	return text + "\tdefault:\n\t\treturn ZOG_ERR_METHOD;\n\t}\n}\n"


def server_text(contract, source):
	text = NOTICE.format(source=source)
	text += f'#include "rt/rt.h"\n#include "domain.h"\n#include "contracts/{contract.name}_server.h"\n'
	text += f'#include "contracts/{contract.name}_methods.h"\n#include "rt/trace.h"\n\n'
	areas = [m for m in contract.methods if Request(contract, m).has_area]
	if areas:
		text += "/* The private copy of what a client passed by reference: one invocation at a time. */\nstatic union {\n"
		for method in areas:
			text += f"\tstruct {contract.name}_{method.name}_area_in {method.name};\n"
		text += f"}} {contract.name}_area;\n\n"
	for handle in contract.handles:
		if not handle.is_durable:
			name = f"{contract.name}_{handle.name}"
			text += "/* Volatile: scratch, empty after a restart; clients replay what brought theirs to their states. */\n"
			text += f"static struct rt_handle_record {name}_records[ZOG_DOMAIN_MAX][{name.upper()}_LIMIT];\n\n"
	text += "".join(MethodServer(contract, m).text() for m in contract.methods)
	return text + dispatch_text(contract)
