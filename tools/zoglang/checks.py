"""What a contract must keep to beyond the grammar. Fills in numbers, offsets and sizes on the way."""

import re

from .handle_checks import handles_check
from .large_object import object_check
from .layout import AREA_BYTES, WORDS_OUT, Reply, Request
from .model import INTEGERS, SIZED
from .region import region_check
from .report import abi_statuses, c_constant, nearest

NAME_LOWER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
NAME_UPPER = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*\Z")
C_WORDS = set(
	"auto break case char const continue default do double else enum extern float for goto if inline int long "
	"register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
	"asm typeof bool true false linux unix".split()
)
TAKEN = C_WORDS | {"call", "sequence", "memcpy", "memset"}  # the stubs use these themselves
SUFFIXES = ("_serve", "_call", "_dispatch", "_area_in", "_area_out", "_is_valid", "_handles", "_methods", "_append", "_next", "_list")
STATUS_IMPLIED = {"OK": "is what every method may answer", "RETRY": "is what every method may answer",
                  "WAIT": "is said by 'wait on'", "ERR_HANDLE": "is what every method with a handle may answer",
                  "ERR_STATE": "is what every method with a handle may answer"}
CONTRACT_MAX = 255  # contract number << 8 | method has 16 bits
METHOD_MAX = 256
RIGHT_MAX = 8  # a byte in the core's tables
VERSION_MAX = 65535
IMAGE_NAME_MAX = c_constant("abi/zog/image.h", "ZOG_IMAGE_NAME_MAX")
DEADLINE_MAX_MS = 65535


class ContractChecks:
	def __init__(self, contract, report):
		self.contract = contract
		self.report = report
		self.statuses = abi_statuses()

	def error(self, line, reason):
		self.report.error(self.contract.path, line, reason)

	def run(self):
		contract = self.contract
		self.name_check(contract.name, contract.line, "contract")
		if not 1 <= contract.version <= VERSION_MAX:
			self.error(contract.line, f"the version is 1..{VERSION_MAX}")
		for full, line in [(contract.name, contract.line)] + [(f"{contract.name}.{r.name}", r.line) for r in contract.regions + contract.objects]:
			if len(full) >= IMAGE_NAME_MAX:
				self.error(line, f"the name '{full}' is longer than {IMAGE_NAME_MAX - 1} characters")
		self.unique_check(
			[(x.name, x.line) for x in contract.enums + contract.structs + contract.entries], "type", set(INTEGERS) | set(SIZED))
		self.unique_check([(x.name, x.line) for x in contract.events], "event")
		self.unique_check([(x.name, x.line) for x in contract.methods], "method")
		for event in contract.events:
			self.name_check(event.name, event.line, "event")
		self.rights_check()
		for enum in contract.enums:
			self.enum_check(enum)
		for struct in contract.structs:
			self.struct_check(struct)
		for entry in contract.entries:
			self.entry_check(entry)
		self.unique_check([(x.name, x.line) for x in contract.regions + contract.objects], "region")
		for region in contract.regions:
			region_check(self, region)
		for item in contract.objects:
			object_check(self, item)
		if not (contract.methods or contract.regions or contract.objects or contract.events):
			self.error(contract.line, f"contract {contract.name} has neither methods nor events nor regions")
		if len(contract.methods) > METHOD_MAX:
			self.error(contract.line, f"{len(contract.methods)} methods; at most {METHOD_MAX} fit")
		for method in contract.methods:
			self.method_check(method)
		handles_check(self)

	def rights_check(self):
		rights = self.contract.rights
		self.unique_check([(r.name, r.line) for r in rights], "right", {"none"})
		if len(rights) > RIGHT_MAX:
			self.error(rights[RIGHT_MAX].line, f"{len(rights)} rights; at most {RIGHT_MAX} fit")
		used = [name for method in self.contract.methods for name in method.rights]
		for right in rights:
			self.name_check(right.name, right.line, "right")
			if right.name not in used:
				self.error(right.line, f"no method needs the right '{right.name}'")

	def name_check(self, name, line, what):
		if not NAME_LOWER.match(name):
			self.error(line, f"{what} '{name}' is not written like_this")
		elif name in TAKEN or name.startswith("zog_"):
			self.error(line, f"{what} '{name}' has a name that the generated C needs for itself")
		elif what in ("method", "struct", "entry", "enum") and name.endswith(SUFFIXES):
			self.error(line, f"{what} '{name}' ends in a word that the generated C adds to names")

	def unique_check(self, names, what, taken=()):
		seen = {}
		for name, line in names:
			if name in taken:
				self.error(line, f"{what} '{name}' is built in")
			elif name in seen:
				self.error(line, f"{what} '{name}' is already defined in line {seen[name]}")
			seen.setdefault(name, line)

	# --- types ---

	def enum_check(self, enum):
		self.name_check(enum.name, enum.line, "enum")
		if enum.name == "method":
			self.error(enum.line, "enum 'method' would hide the method numbers")
		if not enum.values:
			self.error(enum.line, f"enum '{enum.name}' has no values")
		self.unique_check([(v.name, v.line) for v in enum.values], f"value of {enum.name}")
		numbers = {}
		for value in enum.values:
			if not NAME_UPPER.match(value.name):
				self.error(value.line, f"value '{value.name}' is not written LIKE_THIS")
			if not 0 <= value.value <= 0x7FFFFFFF:
				self.error(value.line, f"{value.name} = {value.value} is outside 0..0x7fffffff")
			if value.value in numbers:
				self.error(value.line, f"{value.name} has the number of {numbers[value.value]}")
			numbers.setdefault(value.value, value.name)

	def struct_check(self, struct):
		self.name_check(struct.name, struct.line, "struct")
		self.unique_check([(f.name, f.line) for f in struct.fields], f"field of {struct.name}")
		if not struct.fields:
			self.error(struct.line, f"struct '{struct.name}' has no fields")
		size = self.fields_place(struct.fields)
		if size is None:
			return
		struct.size, align = size, max([INTEGERS[f.type][0] for f in struct.fields], default=1)
		if size % align:
			self.error(struct.line, f"struct '{struct.name}' ends in a hole of {align - size % align} "
			           "bytes that would travel unset; add a reserved field")

	def fields_place(self, fields):
		"""Checks fields and gives them their offsets; where the last one ends, or None with an error."""
		place = 0
		for field in fields:
			self.name_check(field.name, field.line, "field")
			if field.type not in INTEGERS:
				self.error(field.line, f"field '{field.name}' has type '{field.type}'; fields are integers"
				           + nearest(field.type, INTEGERS))
				return None
			self.range_check(field, field.type)
			self.field_enum_check(field)
			size = INTEGERS[field.type][0]
			if place % size:
				self.error(field.line, f"a hole of {size - place % size} bytes before '{field.name}': "
				           "its bytes would travel unset; reorder, or name it reserved")
				return None
			field.offset = place
			place += size
		return place

	def entry_check(self, entry):
		"""Fields without holes, the length in 16 bits, the string."""
		self.name_check(entry.name, entry.line, "entry")
		string = entry.string
		self.name_check(string.name, string.line, "field")
		names = [(f.name, f.line) for f in entry.fields] + [(string.name, string.line), (string.length_name, string.line)]
		self.unique_check(names, f"field of {entry.name}")
		self.argument_check(string)
		place = self.fields_place(entry.fields)
		if place is None:
			return
		if place % 2:
			self.error(string.line, f"a hole of 1 byte before the length of '{string.name}': add a reserved field")
		entry.length_at = place + place % 2
		if entry.name not in [a.type for m in self.contract.methods for a in m.ins + m.outs if a.is_list]:
			self.error(entry.line, f"no list holds the entry '{entry.name}'")

	def field_enum_check(self, field):
		if not field.enum:
			return
		enum = self.contract.enum(field.enum)
		if enum is None:
			self.error(field.line, f"unknown enum '{field.enum}'" + nearest(field.enum, [e.name for e in self.contract.enums]))
		elif any(v.value > INTEGERS[field.type][2] for v in enum.values):
			self.error(field.line, f"the values of {field.enum} do not fit into {field.type}")

	def range_check(self, value, integer):
		if value.range is None:
			return
		first, last = value.range
		_, low, high = INTEGERS[integer]
		if first > last:
			self.error(value.line, f"the range {first}..{last} of '{value.name}' is empty")
		elif first < low or last > high:
			self.error(value.line, f"the range {first}..{last} of '{value.name}' does not fit into {integer}")

	# --- methods ---

	def method_check(self, method):
		self.name_check(method.name, method.line, "method")
		if not 1 <= method.deadline_ms <= DEADLINE_MAX_MS:
			self.error(method.line, f"deadline_ms {method.deadline_ms} is outside 1..{DEADLINE_MAX_MS}")
		arguments = method.ins + method.outs
		c_names = []
		for argument in arguments:
			self.name_check(argument.name, argument.line, "argument")
			c_names.append((argument.name, argument.line))
			if argument.is_sized:
				c_names.append((argument.length_name, argument.line))
				if argument in method.outs:
					c_names.append((argument.name + "_size", argument.line))
		self.unique_check(c_names, f"argument of {method.name}")
		if all([self.argument_check(a) for a in arguments]):
			self.shape_check(method)
		self.errors_check(method)
		self.unique_check([(name, method.line) for name in method.rights], f"right of {method.name}")
		for name in method.rights:
			known = [r.name for r in self.contract.rights]
			if name not in known:
				self.error(method.line, f"unknown right '{name}'" + nearest(name, known))
		events = [e.name for e in self.contract.events]
		for event in method.waits:
			if "." not in event and event not in events:
				self.error(method.line, f"unknown event '{event}'" + nearest(event, events))

	def argument_check(self, argument):
		contract = self.contract
		if argument.kind == "array" and not self.element_check(argument):
			return False
		if argument.is_sized:
			if not 1 <= argument.bound <= AREA_BYTES:
				self.error(argument.line, f"{argument.kind}<{argument.bound}>: the bound is 1..{AREA_BYTES}")
				return False
			if argument.least > argument.bound:
				self.error(argument.line, f"{argument.kind}<{argument.least}..{argument.bound}>: no length fits")
				return False
			return not argument.is_list or self.list_check(argument)
		if argument.kind == "handle":
			return True # handle_checks.py
		if argument.kind == "struct":
			if contract.struct(argument.type):
				return True
			self.error(argument.line, f"unknown struct '{argument.type}'"
			           + nearest(argument.type, [s.name for s in contract.structs]))
			return False
		if argument.type in INTEGERS:
			self.range_check(argument, argument.type)
			return True
		if contract.enum(argument.type):
			if argument.range:
				self.error(argument.line, f"'{argument.name}' is an enum: its values are its range")
			return True
		if contract.struct(argument.type):
			self.error(argument.line, f"'{argument.type}' is a struct: write 'in {argument.type}' before '->', "
			           f"'out {argument.type}' behind it")
			return False
		self.error(argument.line, f"unknown type '{argument.type}'"
		           + nearest(argument.type, list(INTEGERS) + [e.name for e in contract.enums] + list(SIZED)))
		return False

	def list_check(self, argument):
		entry = self.contract.entry(argument.type)
		if entry is None:
			self.error(argument.line, f"unknown entry '{argument.type}' of a list"
			           + nearest(argument.type, [e.name for e in self.contract.entries]))
		elif argument.bound % 8:
			self.error(argument.line, f"list<{argument.type}, {argument.bound}>: entries end at multiples of 8 bytes, so does their list")
		elif argument.bound < entry.bytes_most:
			self.error(argument.line, f"list<{argument.type}, {argument.bound}>: one entry may need {entry.bytes_most} bytes")
		else:
			return True
		return False

	def element_check(self, argument):
		if argument.type in INTEGERS:
			self.range_check(argument, argument.type)
			return True
		if not self.contract.struct(argument.type):
			self.error(argument.line, f"unknown type '{argument.type}' of an array: elements are integers or structs"
			           + nearest(argument.type, list(INTEGERS) + [s.name for s in self.contract.structs]))
			return False
		if argument.range:
			self.error(argument.line, f"'{argument.name}' holds structs: their fields have the ranges")
		return True

	def shape_check(self, method):
		request, reply = Request(self.contract, method), Reply(self.contract, method)
		if request.area_bytes > AREA_BYTES:
			self.error(method.line, f"the arguments of {method.name} take {request.area_bytes} bytes of message "
			           f"area; {AREA_BYTES} are there")
		if reply.area_bytes > AREA_BYTES:
			self.error(method.line, f"the results of {method.name} take {reply.area_bytes} bytes of message "
			           f"area; {AREA_BYTES} are there")
		if reply.word_count > WORDS_OUT:
			self.error(method.line, f"{method.name} has {reply.word_count} scalar results and lengths; "
			           f"at most {WORDS_OUT} fit: use a struct")
		if method.is_once and reply.members:
			self.error(method.line, f"{method.name} is once and has the result '{reply.members[0].argument.name}': "
			           "a kept reply holds scalars only")

	def errors_check(self, method):
		self.unique_check([(e.name, e.line) for e in method.errors], f"error of {method.name}")
		for error in method.errors:
			if error.name in STATUS_IMPLIED:
				self.error(error.line, f"{error.name} {STATUS_IMPLIED[error.name]}; it is not declared")
			elif error.name not in self.statuses:
				self.error(error.line, f"unknown status '{error.name}'" + nearest(error.name, self.statuses))
			elif not error.cause.strip():
				self.error(error.line, f"{error.name} has no cause")


def waits_check(contract, by_name, report):
	"""Events of other contracts that a method's answer may wait on."""
	for method in contract.methods:
		for name, _, event in (wait.partition(".") for wait in method.waits if "." in wait):
			other = by_name.get(name)
			if other is None:
				report.error(contract.path, method.line, f"unknown contract '{name}' in wait on {name}.{event}" + nearest(name, by_name))
			elif event not in [e.name for e in other.events]:
				report.error(contract.path, method.line, f"contract '{name}' has no event '{event}'"
				             + nearest(event, [e.name for e in other.events]))


def contracts_check(contracts, report):
	"""Checks every contract and numbers them by sorted name, methods in the order of the file."""
	by_name = {}
	for contract in contracts:
		other = by_name.setdefault(contract.name, contract)
		if other is not contract:
			report.error(contract.path, contract.line,
			             f"contract '{contract.name}' is already defined in {other.path}")
		ContractChecks(contract, report).run()
	if len(by_name) > CONTRACT_MAX:
		report.error(contracts[0].path, 1, f"{len(by_name)} contracts; at most {CONTRACT_MAX} have a number")
	for contract in contracts:
		waits_check(contract, by_name, report)
	for number, name in enumerate(sorted(by_name), 1):
		contract = by_name[name]
		contract.number = number
		for place, method in enumerate(contract.methods):
			method.number = number << 8 | place
