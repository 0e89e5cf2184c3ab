"""Schemas of home regions: the file `home.zidl` in a domain's folder.

	home   = "home" "in" STRING "{" { table } "}" end ;
	table  = "table" NAME "at" path [ "[" "]" ] "{" { field } "}" ;
	field  = path [ "[" "]" [ "." path ] ] ":" INTEGER rule { rule } ;
	path   = NAME { "." NAME } ;
	rule   = "in" value ".." value | "enum" "(" value { "," value } ")" | "bits" value
	       | ( "index" "of" | "ref" ) NAME [ "from" "1" | "optional" ] | "pointer" "to" NAME [ "optional" ]
	       | "ahead" "of" path "by" value | "monotonic" | "live" ;
	value  = NUMBER | NAME ;

The string names the header with the domain's `struct home`; paths are members in C, counted from it and then from the
table's record; `this` is the whole struct home. A NAME as value is a constant of the domain's headers. Nothing is said twice: offsets, sizes and counts
are the C compiler's, which home_probe.py asks. Every record keeps to the rules at every commit; home regions start as zeros.
A commit checks the records that it touches, the scrubber all of them.

	live       0: the record is free, and its other rules do not count
	index of   a record of that table; `from 1`: number + 1, 0 is none; `optional`: all ones is none
	ref        the same, and that record is live
	pointer    the address of a record; `optional`: 0 is none
	ahead of   not below that field, and by so much at most
	monotonic  never below its committed value
"""

from dataclasses import dataclass, field

from .lexer import tokens_read
from .model import INTEGERS
from .parser import Parser
from .report import nearest

RULES = ("in", "enum", "bits", "index", "ref", "pointer", "ahead", "monotonic", "live")


@dataclass
class HomeRule:
	kind: str
	line: int
	values: list = field(default_factory=list)  # texts: numbers, or constants of C
	name: str = ""  # index, ref, pointer: a table; ahead: a field
	is_optional: bool = False
	from_one: bool = False


@dataclass
class HomeField:
	path: str   # up to an array
	inner: str  # in an element of the array
	is_array: bool
	type: str
	rules: list
	line: int
	offset: int = 0
	stride: int = 0
	repeat: int = 1

	@property
	def name(self):
		return self.path + ("[]" if self.is_array else "") + ("." + self.inner if self.inner else "")

	@property
	def size(self):
		return INTEGERS[self.type][0]

	@property
	def is_signed(self):
		return self.type[0] == "i"

	def element(self):
		"""The field in C, of the first element."""
		return self.path + ("[0]" if self.is_array else "") + ("." + self.inner if self.inner else "")


@dataclass
class HomeTable:
	name: str
	path: str
	is_array: bool
	fields: list
	line: int
	offset: int = 0
	bytes: int = 0
	count: int = 1

	@property
	def end(self):
		return self.offset + self.bytes * self.count

	@property
	def live(self):
		return next((f for f in self.fields if any(r.kind == "live" for r in f.rules)), None)

	def field(self, name):
		return next((f for f in self.fields if f.name == name), None)


@dataclass
class HomeSchema:
	path: str
	header: str
	tables: list
	line: int

	def table(self, name):
		return next((t for t in self.tables if t.name == name), None)


class HomeParser(Parser):
	def file(self):
		start = self.expect("home", "at the start")
		self.expect("in", "after home")
		header = self.expect_kind("string", "the header that defines struct home").text
		self.expect("{", "after the header")
		tables = []
		while not self.accept("}"):
			if not self.is_at("table"):
				self.fail(f"expected table or '}}', found {self.token.describe()}")
			tables.append(self.table())
		if self.token.kind != "end":
			self.fail(f"expected the end of the file after the tables, found {self.token.describe()}")
		return HomeSchema(self.path, header, tables, start.line)

	def c_path(self, what):
		path = self.name(what).text
		while self.accept("."):
			path += "." + self.name(what).text
		return path

	def brackets(self):
		return bool(self.accept("[") and self.expect("]", "after '['"))

	def table(self):
		start = self.next()
		name = self.name("the table's name").text
		self.expect("at", "after the table's name")
		path = self.c_path("a member of struct home")
		is_array = self.brackets()
		self.expect("{", "after the table's place")
		fields = []
		while not self.accept("}"):
			fields.append(self.field())
		return HomeTable(name, path, is_array, fields, start.line)

	def field(self):
		line = self.token.line
		path = self.c_path("a field")
		is_array = self.brackets()
		inner = self.c_path("a field") if is_array and self.accept(".") else ""
		self.expect(":", "after a field's name")
		kind = self.name("an integer type").text
		rules = []
		while self.token.text in RULES and self.tokens[self.place + 1].text not in (":", ".", "["):
			rules.append(self.rule())
		return HomeField(path, inner, is_array, kind, rules, line)

	def value(self, what):
		if self.token.kind not in ("number", "name"):
			self.fail(f"expected {what}, a number or a constant, found {self.token.describe()}")
		return self.next().text

	def rule(self):
		rule = HomeRule(self.token.text, self.next().line)
		if rule.kind == "in":
			rule.values = [self.value("the first value")]
			self.expect("..", "in the range")
			rule.values.append(self.value("the last value"))
		elif rule.kind == "enum":
			self.expect("(", "after enum")
			rule.values = self.list_of(lambda: self.value("a value"), ")")
		elif rule.kind == "bits":
			rule.values = [self.value("the bits")]
		elif rule.kind == "ahead":
			self.expect("of", "after ahead")
			rule.name = self.c_path("a field of the table")
			self.expect("by", "after the field")
			rule.values = [self.value("the most")]
		elif rule.kind in ("index", "ref", "pointer"):
			self.reference(rule)
		return rule

	def reference(self, rule):
		if rule.kind != "ref":
			self.expect("of" if rule.kind == "index" else "to", f"after {rule.kind}")
		rule.name = self.name("a table").text
		rule.is_optional = self.accept("optional") is not None
		if rule.kind != "pointer" and not rule.is_optional and self.accept("from"):
			if self.number("1") != 1:
				self.fail("references are counted from 0, or `from 1`")
			rule.from_one = True


def home_parse(path, text):
	return HomeParser(path, text).file()


# --- checks that need no C ---

def home_check(schema, report):
	def error(line, reason):
		report.error(schema.path, line, reason)

	if not schema.tables:
		error(schema.line, "there are no tables")
	for place, table in enumerate(schema.tables):
		if schema.table(table.name) is not table:
			error(table.line, f"table '{table.name}' stands twice")
		if not table.fields:
			error(table.line, f"table '{table.name}' has no fields")
		for item in table.fields:
			field_check(schema, table, item, error)
		if sum(len(f.rules) for f in table.fields) > 32:
			error(table.line, f"table '{table.name}' has {sum(len(f.rules) for f in table.fields)} rules; at most 32 are possible")


def field_check(schema, table, item, error):
	if table.field(item.name) is not item:
		error(item.line, f"field '{item.name}' of {table.name} stands twice")
	if item.type not in INTEGERS:
		error(item.line, f"field '{item.name}' has type '{item.type}'; fields are integers" + nearest(item.type, INTEGERS))
		return
	if not item.rules:
		error(item.line, f"field '{item.name}' has no rule")
	for rule in item.rules:
		if item.is_signed and rule.kind not in ("in", "monotonic"):
			error(rule.line, f"'{item.name}' has the rule {rule.kind} and is signed")
		if item.is_array and rule.kind in ("live", "ahead"):
			error(rule.line, f"'{item.name}' is an array: the rule {rule.kind} is for one field")
		if rule.kind == "live" and table.live is not item:
			error(rule.line, f"table '{table.name}' has a second live field")
		if rule.kind == "enum" and not rule.values:
			error(rule.line, f"'{item.name}' may have no value at all")
		if rule.kind in ("index", "ref", "pointer"):
			reference_check(schema, item, rule, error)
		if rule.kind == "ahead" and not (table.field(rule.name) and table.field(rule.name).type == item.type == "u64"):
			error(rule.line, f"'{item.name}' is ahead of '{rule.name}': both have to be u64 fields of '{table.name}'")


def reference_check(schema, item, rule, error):
	target = schema.table(rule.name)
	if not target:
		error(rule.line, f"'{item.name}' refers to '{rule.name}', which is no table of this home region"
		      + nearest(rule.name, [t.name for t in schema.tables]))
	elif rule.kind == "ref" and not target.live:
		error(rule.line, f"table '{rule.name}' has no live field: '{item.name}' is an index of it")
	if rule.kind == "pointer" and item.type != "u64":
		error(rule.line, f"'{item.name}' is a pointer: its type is u64")
