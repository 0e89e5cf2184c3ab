"""Parser of contracts. The grammar, in EBNF; tokens are those of lexer.py, NAME is a name, NUMBER a number, STRING a text in quotes.
docs/contracts.md shows it with an example, and tests/negative/language.py compares the two:

	file       = contract end ;
	contract   = "contract" NAME "version" NUMBER "{" { item } "}" ;
	item       = enum | struct | entry | event | right | handle | method | region | object ;
	enum       = "enum" NAME "{" value { "," value } [ "," ] "}" ;
	value      = NAME "=" NUMBER ;
	struct     = "struct" NAME "{" field { field } "}" ;
	field      = NAME ":" NAME [ range | "enum" NAME ] ;
	entry      = "entry" NAME "{" { field } NAME ":" string "}" ;
	event      = "event" NAME ;
	right      = "right" NAME ;
	handle     = "handle" NAME ( "volatile" | "durable" ) "limit" NUMBER "{" states { transition } "}" ;
	states     = "states" NAME { "," NAME } ;
	transition = NAME { "," NAME } "by" NAME "->" NAME ;
	method     = "method" NAME "(" [ in { "," in } ] ")" "->" "(" [ out { "," out } ] ")"
	             "kind" ( "pure" | "idempotent" | "once" ) "rights" ( "none" | NAME { "," NAME } ) wait
	             "deadline_ms" NUMBER "errors" "{" { error } "}" ;
	wait       = "wait" ( "no" | "on" EVENT { "," EVENT } ) ;
	EVENT      = NAME [ "." NAME ] ;
	in         = NAME ":" ( NAME [ range ] | sized | "in" NAME | "handle" NAME ) ;
	out        = NAME ":" ( NAME [ range ] | "out" ( sized | NAME ) ) ;
	sized      = string | "array" "<" NAME [ range ] "," length ">" | "list" "<" NAME "," NUMBER ">" ;
	string     = ( "bytes" | "text" | "utf8" | "name" ) "<" length ">" ;
	length     = NUMBER [ ".." NUMBER ] ;
	range      = "in" NUMBER ".." NUMBER ;
	error      = NAME STRING ;

The grammar of region stands in region.py, that of object in large_object.py. What the names mean, and whether they fit together, is for checks.py.
"""

from .fingerprint import fingerprint_of
from .lexer import tokens_read
from .large_object import object_parse
from .model import (
	SIZED, STRINGS, Argument, Contract, Entry, Enum, EnumValue, ErrorCase, Event, Field, Handle, Method, Right, Struct, Transition,
)
from .region import region_parse
from .report import SourceError, nearest


class Parser:
	def __init__(self, path, text):
		self.path = path
		self.tokens = tokens_read(path, text)
		self.place = 0

	@property
	def token(self):
		return self.tokens[self.place]

	def fail(self, reason):
		raise SourceError(self.path, self.token.line, reason)

	def next(self):
		token = self.token
		self.place = min(self.place + 1, len(self.tokens) - 1)
		return token

	def is_at(self, text):
		return self.token.kind in ("mark", "name") and self.token.text == text

	def accept(self, text):
		if self.is_at(text):
			return self.next()
		return None

	def expect(self, text, where):
		return self.accept(text) or self.fail(f"expected '{text}' {where}, found {self.token.describe()}")

	def expect_kind(self, kind, what):
		if self.token.kind != kind:
			self.fail(f"expected {what}, found {self.token.describe()}")
		return self.next()

	def name(self, what):
		return self.expect_kind("name", what)

	def number(self, what):
		return int(self.expect_kind("number", what).text, 0)

	def word_of(self, words, what):
		token = self.name(what)
		if token.text not in words:
			raise SourceError(self.path, token.line, f"{what} is {' or '.join(words)}, not '{token.text}'")
		return token.text

	def list_of(self, parse, last):
		"""Items separated by commas up to the mark LAST, which is taken."""
		items = []
		while not self.accept(last):
			if items:
				self.expect(",", f"or '{last}'")
			items.append(parse())
		return items

	# --- the grammar, top down ---

	def file(self):
		contract = self.contract()
		contract.fingerprint = fingerprint_of(self.tokens)
		if self.token.kind != "end":
			self.fail(f"expected the end of the file after the contract, found {self.token.describe()}")
		return contract

	def contract(self):
		start = self.expect("contract", "at the start")
		name = self.name("the contract's name").text
		self.expect("version", "after the contract's name")
		version = self.number("the version")
		contract = Contract(name, version, self.path, start.line, start.doc)
		self.expect("{", "after the version")
		items = {
			"enum": (self.enum, contract.enums),
			"struct": (self.struct, contract.structs),
			"entry": (self.entry, contract.entries),
			"event": (self.event, contract.events),
			"right": (self.right, contract.rights),
			"handle": (self.handle, contract.handles),
			"method": (self.method, contract.methods),
			"region": (lambda: region_parse(self), contract.regions),
			"object": (lambda: object_parse(self), contract.objects),
		}
		while not self.accept("}"):
			if self.token.text not in items:
				self.fail(
					f"expected {', '.join(items)} or '}}', found {self.token.describe()}"
					+ nearest(self.token.text, items)
				)
			parse, target = items[self.token.text]
			first = self.place
			target.append(parse())
			target[-1].tokens = self.tokens[first:self.place]
		enums = [token for enum in contract.enums for token in enum.tokens]
		for region in contract.regions + contract.objects:
			region.fingerprint = fingerprint_of(region.tokens + enums)
		return contract

	def enum(self):
		start = self.next()
		name = self.name("the enum's name").text
		self.expect("{", "after the enum's name")
		values = []
		while not self.accept("}"):
			if values:
				self.expect(",", "or '}' after an enum value")
				if self.accept("}"):
					break
			token = self.name("an enum value")
			self.expect("=", "after an enum value's name")
			values.append(EnumValue(token.text, self.number("a number"), token.line))
		return Enum(name, values, start.line, start.doc)

	def struct(self):
		start = self.next()
		name = self.name("the struct's name").text
		self.expect("{", "after the struct's name")
		fields = []
		while not self.accept("}"):
			token = self.name("a field")
			self.expect(":", "after a field's name")
			fields.append(self.field(token))
		return Struct(name, fields, start.line, start.doc)

	def entry(self):
		start = self.next()
		name = self.name("the entry's name").text
		self.expect("{", "after the entry's name")
		fields, string = [], None
		while string is None:
			token = self.name("a field, or the string that an entry ends with")
			self.expect(":", "after a field's name")
			if self.token.text in STRINGS:
				string = self.argument_sized(token)
			else:
				fields.append(self.field(token))
		self.expect("}", "after the string, which an entry ends with")
		return Entry(name, fields, string, start.line, start.doc)

	def field(self, token):
		kind = self.name("an integer type").text
		is_enum = self.is_at("enum") and self.tokens[self.place + 1].text != ":"
		if is_enum:
			self.next()
		enum = self.name("an enum").text if is_enum else ""
		return Field(token.text, kind, self.range(), token.line, enum)

	def event(self):
		start = self.next()
		return Event(self.name("the event's name").text, start.line, start.doc)

	def right(self):
		start = self.next()
		return Right(self.name("the right's name").text, start.line, start.doc)

	def handle(self):
		start = self.next()
		name = self.name("the handle's name").text
		is_durable = self.word_of(("volatile", "durable"), "what becomes of a handle at its server's death") == "durable"
		self.expect("limit", "after volatile or durable")
		limit = self.number("how many handles a client has")
		self.expect("{", "after the limit")
		self.expect("states", "first in a handle")
		states = self.names("a state")
		transitions = []
		while not self.accept("}"):
			transitions.append(self.transition())
		return Handle(name, is_durable, limit, [(t.text, t.line) for t in states], transitions, start.line, start.doc)

	def transition(self):
		line = self.token.line
		sources = [token.text for token in self.names("a state or '}'")]
		self.expect("by", "after the states of a transition")
		method = self.name("a method").text
		self.expect("->", "after the method of a transition")
		return Transition(sources, method, self.name("a state").text, line)

	def names(self, what):
		"""One or more names with commas between them."""
		tokens = [self.name(what)]
		while self.accept(","):
			tokens.append(self.name(what))
		return tokens

	def method(self):
		start = self.next()
		name = self.name("the method's name").text
		self.expect("(", "after the method's name")
		ins = self.list_of(self.argument_in, ")")
		self.expect("->", "after the arguments")
		self.expect("(", "after '->'")
		outs = self.list_of(self.argument_out, ")")
		self.expect("kind", "after the results")
		kind = self.word_of(("pure", "idempotent", "once"), "kind")
		self.expect("rights", "after the kind")
		rights = [] if self.accept("none") else [token.text for token in self.names("a right or none")]
		self.expect("wait", "after the rights")
		waits = self.waits() if self.word_of(("no", "on"), "wait") == "on" else []
		self.expect("deadline_ms", "after wait")
		deadline_ms = self.number("a number of milliseconds")
		return Method(name, ins, outs, kind, rights, waits, deadline_ms, self.errors(), start.line, start.doc)

	def waits(self):
		events = []
		while not events or self.accept(","):
			event = self.name("an event").text
			events.append(f"{event}.{self.name('an event').text}" if self.accept(".") else event)
		return events

	def errors(self):
		self.expect("errors", "after the deadline")
		self.expect("{", "after errors")
		errors = []
		while not self.accept("}"):
			token = self.name("an error's name or '}'")
			cause = self.expect_kind("string", f"the cause of {token.text} in quotes")
			errors.append(ErrorCase(token.text, cause.text, token.line))
		return errors

	def argument_in(self):
		token = self.name("an argument's name")
		self.expect(":", "after an argument's name")
		if self.is_at("out"):
			self.fail(f"'{token.text}' is an argument: 'out' belongs behind '->'")
		if self.token.text in SIZED:
			return self.argument_sized(token)
		if self.accept("handle"):
			return Argument(token.text, "handle", self.name("a handle").text, 0, None, token.line)
		if self.accept("in"):
			return Argument(token.text, "struct", self.name("a struct").text, 0, None, token.line)
		return self.argument_scalar(token)

	def argument_out(self):
		token = self.name("a result's name")
		self.expect(":", "after a result's name")
		if self.token.text in SIZED:
			self.fail(f"'{token.text}' is a result: write 'out {self.token.text}<N>'")
		if self.is_at("handle"):
			self.fail(f"'{token.text}' is a result: the caller names a handle, so it is an argument")
		if self.is_at("in"):
			self.fail(f"'{token.text}' is a result: 'in' belongs before '->'")
		if not self.accept("out"):
			return self.argument_scalar(token)
		if self.token.text in SIZED:
			return self.argument_sized(token)
		return Argument(token.text, "struct", self.name("a struct").text, 0, None, token.line)

	def argument_scalar(self, token):
		return Argument(token.text, "scalar", self.name("a type").text, 0, self.range(), token.line)

	def argument_sized(self, token):
		kind, type_name, value_range = self.next().text, "", None
		self.expect("<", f"after {kind}: {kind}<N> has a bound")
		if kind in ("array", "list"):
			what = "the type of an element" if kind == "array" else "the entry of a list"
			type_name, value_range = self.name(what).text, self.range() if kind == "array" else None
			self.expect(",", "after " + what)
		bound, least = self.number(f"the bound of {kind}"), int(kind == "name")
		if kind != "list" and self.accept(".."):
			bound, least = self.number("the largest length"), bound
		self.expect(">", "after the bound")
		return Argument(token.text, kind, type_name or kind, bound, value_range, token.line, least)

	def range(self):
		if not self.accept("in"):
			return None
		first = self.number("the first value of the range")
		self.expect("..", "between the ends of a range")
		return (first, self.number("the last value of the range"))


def contract_parse(path, text):
	"""The contract in TEXT; SourceError at the first place that is not in the grammar."""
	return Parser(path, text).file()
