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


TEXTS = ("text", "utf8", "name")
STRINGS = ("bytes",) + TEXTS
SIZED = STRINGS + ("array", "list")  # they have a length


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
	enum: str = ""  # its values are those of this enum
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
		return any(f.range or f.enum for f in self.fields)


@dataclass
class Entry:
	"""An entry of a list: fields, then a string of varying length (lib/rt/list.h)."""

	name: str
	fields: list
	string: object  # an Argument of kind bytes or a text
	line: int
	doc: list
	length_at: int = 0  # set by the checks: where the string's length stands; the string follows

	@property
	def head_bytes(self):
		return self.length_at + 2

	@property
	def bytes_most(self):
		return (self.head_bytes + self.string.bound + 7) & ~7


@dataclass
class Event:
	name: str
	line: int
	doc: list


@dataclass
class Argument:
	"""kind: scalar (type is an integer or an enum), bytes, text, utf8, name, array (least and bound are set; type is an array's
	element), list (bound is in bytes; type is an entry), struct (type is a struct), handle (type is a handle; travels as a u32)."""

	name: str
	kind: str
	type: str
	bound: int
	range: tuple
	line: int
	least: int = 0

	@property
	def is_sized(self):
		return self.kind in SIZED

	@property
	def is_text(self):
		return self.kind in TEXTS

	@property
	def is_list(self):
		return self.kind == "list"

	@property
	def has_area(self):
		return self.is_sized or self.kind == "struct"

	@property
	def length_name(self):
		return self.name + ("_count" if self.kind == "array" else "_length")


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
	rights: list  # names
	waits: list  # events: NAME or CONTRACT.NAME
	deadline_ms: int
	errors: list
	line: int
	doc: list
	number: int = 0  # set by the checks: contract number << 8 | place

	@property
	def is_once(self):
		return self.kind == "once"

	@property
	def may_wait(self):
		return bool(self.waits)

	@property
	def handle(self):
		"""Its handle argument, or None."""
		return next((a for a in self.ins if a.kind == "handle"), None)


@dataclass
class Transition:
	sources: list  # names of states, or closed
	method: str
	target: str
	line: int


CLOSED = "closed"  # the state in which every handle begins and ends


@dataclass
class Handle:
	name: str
	is_durable: bool
	limit: int  # of one client
	states: list  # (name, line)
	transitions: list
	line: int
	doc: list

	def state_names(self):
		return [CLOSED] + [name for name, _ in self.states]

	def transitions_by(self, method):
		return [t for t in self.transitions if t.method == method]

	def sources_of(self, method):
		return [s for t in self.transitions_by(method) for s in t.sources]

	def changes(self, method):
		"""Does METHOD lead to another state?"""
		return any(source != t.target for t in self.transitions_by(method) for source in t.sources)

	def target_of(self, method):
		"""Where METHOD leads, if it leads to another state."""
		found = self.transitions_by(method)
		return found[0].target if found else ""


@dataclass
class Right:
	name: str
	line: int
	doc: list


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
	rights: list = field(default_factory=list)
	handles: list = field(default_factory=list)
	regions: list = field(default_factory=list)  # of region.Region
	objects: list = field(default_factory=list)  # of large_object.LargeObject
	entries: list = field(default_factory=list)
	number: int = 0
	fingerprint: int = 0

	def enum(self, name):
		return next((e for e in self.enums if e.name == name), None)

	def entry(self, name):
		return next((e for e in self.entries if e.name == name), None)

	def handle(self, name):
		return next((h for h in self.handles if h.name == name), None)

	def rights_mask(self, names):
		known = [r.name for r in self.rights]
		return sum(1 << known.index(name) for name in names)

	def struct(self, name):
		return next((s for s in self.structs if s.name == name), None)
