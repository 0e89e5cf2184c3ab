"""Parser of contracts. The grammar, in EBNF; tokens are those of lexer.py, NAME is a name, NUMBER a number:

	file      = contract end ;
	contract  = "contract" NAME "version" NUMBER "{" { enum | struct | event | method | region } "}" ;
	enum      = "enum" NAME "{" value { "," value } [ "," ] "}" ;
	value     = NAME "=" NUMBER ;
	struct    = "struct" NAME "{" field { field } "}" ;
	field     = NAME ":" NAME [ range ] ;
	event     = "event" NAME ;
	method    = "method" NAME "(" [ in { "," in } ] ")" "->" "(" [ out { "," out } ] ")"
	            "kind" ( "pure" | "idempotent" | "once" ) "wait" ( "yes" | "no" ) "deadline_ms" NUMBER
	            "errors" "{" { error } "}" ;
	in        = NAME ":" ( NAME [ range ] | bytes | "in" NAME ) ;
	out       = NAME ":" ( NAME [ range ] | "out" ( bytes | NAME ) ) ;
	bytes     = "bytes" "<" NUMBER ">" ;
	range     = "in" NUMBER ".." NUMBER ;
	error     = NAME STRING ;

The grammar of region stands in region.py. What the names mean, and whether they fit together, is for checks.py.
"""

from .fingerprint import fingerprint_of
from .lexer import tokens_read
from .model import Argument, Contract, Enum, EnumValue, ErrorCase, Event, Field, Method, Struct
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
			"event": (self.event, contract.events),
			"method": (self.method, contract.methods),
			"region": (lambda: region_parse(self), contract.regions),
		}
		while not self.accept("}"):
			if self.token.text not in items:
				self.fail(
					f"expected enum, struct, event, method or '}}', found {self.token.describe()}"
					+ nearest(self.token.text, items)
				)
			parse, target = items[self.token.text]
			first = self.place
			target.append(parse())
			target[-1].tokens = self.tokens[first:self.place]
		enums = [token for enum in contract.enums for token in enum.tokens]
		for region in contract.regions:
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
			fields.append(Field(token.text, self.name("an integer type").text, self.range(), token.line))
		return Struct(name, fields, start.line, start.doc)

	def event(self):
		start = self.next()
		return Event(self.name("the event's name").text, start.line, start.doc)

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
		self.expect("wait", "after the kind")
		may_wait = self.word_of(("yes", "no"), "wait") == "yes"
		self.expect("deadline_ms", "after wait")
		deadline_ms = self.number("a number of milliseconds")
		return Method(name, ins, outs, kind, may_wait, deadline_ms, self.errors(), start.line, start.doc)

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
		if self.is_at("bytes"):
			return self.argument_bytes(token)
		if self.accept("in"):
			return Argument(token.text, "struct", self.name("a struct").text, 0, None, token.line)
		return self.argument_scalar(token)

	def argument_out(self):
		token = self.name("a result's name")
		self.expect(":", "after a result's name")
		if self.is_at("bytes"):
			self.fail(f"'{token.text}' is a result: write 'out bytes<N>'")
		if self.is_at("in"):
			self.fail(f"'{token.text}' is a result: 'in' belongs before '->'")
		if not self.accept("out"):
			return self.argument_scalar(token)
		if self.is_at("bytes"):
			return self.argument_bytes(token)
		return Argument(token.text, "struct", self.name("a struct").text, 0, None, token.line)

	def argument_scalar(self, token):
		return Argument(token.text, "scalar", self.name("a type").text, 0, self.range(), token.line)

	def argument_bytes(self, token):
		self.next()
		self.expect("<", "after bytes: bytes<N> has a bound")
		bound = self.number("the bound of bytes")
		self.expect(">", "after the bound")
		return Argument(token.text, "bytes", "bytes", bound, None, token.line)

	def range(self):
		if not self.accept("in"):
			return None
		first = self.number("the first value of the range")
		self.expect("..", "between the ends of a range")
		return (first, self.number("the last value of the range"))


def contract_parse(path, text):
	"""The contract in TEXT; SourceError at the first place that is not in the grammar."""
	return Parser(path, text).file()
