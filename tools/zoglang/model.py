"""What a contract is made of, as the parser hands it on. Every part knows the line it stands on."""

from dataclasses import dataclass, field

# Integer types: size in bytes, smallest and largest value.
INTEGERS = {
	f"{sign}{bits}": (bits // 8, 0 if sign == "u" else -(1 << (bits - 1)), (1 << (bits - (sign == "i"))) - 1)
	for sign in "ui"
	for bits in (8, 16, 32, 64)
}


def integer_c_type(name):
	return ("uint" if name[0] == "u" else "int") + name[1:] + "_t"


@dataclass
class EnumValue:
	name: str
	value: int
	line: int


@dataclass
class Enum:
	name: str
	values: list
	line: int
	doc: list


@dataclass
class Field:
	name: str
	type: str
	range: tuple  # (first, last) or None
	line: int
	offset: int = 0  # set by the checks


@dataclass
class Struct:
	name: str
	fields: list
	line: int
	doc: list
	size: int = 0  # set by the checks

	@property
	def has_ranges(self):
		return any(f.range for f in self.fields)


@dataclass
class Event:
	name: str
	line: int
	doc: list


@dataclass
class Argument:
	"""kind: scalar (type is an integer or an enum), bytes (bound is set), struct (type is a struct)."""

	name: str
	kind: str
	type: str
	bound: int
	range: tuple
	line: int


@dataclass
class ErrorCase:
	name: str  # as in enum zog_status, without ZOG_
	cause: str
	line: int


@dataclass
class Method:
	name: str
	ins: list
	outs: list
	kind: str  # pure, idempotent, once
	may_wait: bool
	deadline_ms: int
	errors: list
	line: int
	doc: list
	number: int = 0  # set by the checks: contract number << 8 | place

	@property
	def is_once(self):
		return self.kind == "once"


@dataclass
class Contract:
	name: str
	version: int
	path: str
	line: int
	doc: list
	enums: list = field(default_factory=list)
	structs: list = field(default_factory=list)
	events: list = field(default_factory=list)
	methods: list = field(default_factory=list)
	regions: list = field(default_factory=list)  # of region.Region
	number: int = 0
	fingerprint: int = 0

	def enum(self, name):
		return next((e for e in self.enums if e.name == name), None)

	def struct(self, name):
		return next((s for s in self.structs if s.name == name), None)
