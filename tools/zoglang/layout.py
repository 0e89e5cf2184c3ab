"""How a call travels: which argument takes which register word, and what stands in the message areas.

Arguments: a scalar or handle takes one word; strings, lists and arrays take one word (the length, or the number of elements)
and room for the bound in the client's message area for that server; a struct only room in the area. A once method's sequence is word 0.
What does not fit into six words travels as an array of words at the start of the area (the sequence stays in word 0).
Results: scalars and lengths take the four result words; bytes and structs stand in the server's area for that client.
Each domain has an area for each other that it speaks to, so a server that calls on while it fills a reply does not overwrite
it, and nobody else reads what is said (docs/decisions/0003). Every member has room for its bound at a fixed, 8-byte aligned offset.
"""

from .model import INTEGERS
from .report import c_constant

WORDS_IN = 6
WORDS_OUT = 4
AREA_BYTES = c_constant("abi/zog/layout.h", "ZOG_MESSAGE_SIZE")


def aligned(size):
	return (size + 7) & ~7


class Member:
	"""One sized or struct argument in a message area."""

	def __init__(self, contract, argument, is_request):
		self.argument = argument
		self.struct = contract.struct(argument.type) if argument.kind == "struct" else None
		element = contract.struct(argument.type) if argument.kind == "array" else None
		self.unit = element.size if element else INTEGERS[argument.type][0] if argument.kind == "array" else 1
		if self.struct:
			self.size = aligned(self.struct.size)
		elif argument.kind == "array":
			self.size = aligned(argument.bound * self.unit)
		else:
			# A request's bytes get a NUL behind them in the server's private copy.
			self.size = aligned(argument.bound + (is_request and not argument.is_list))


class Direction:
	"""The arguments, or the results, of one method."""

	def __init__(self, contract, arguments, is_request, word_base=0):
		self.arguments = arguments
		self.word = {}  # name of an argument that is no struct -> its word
		for argument in arguments:
			if argument.kind != "struct":
				self.word[argument.name] = word_base + len(self.word)
		self.word_count = word_base + len(self.word)
		self.members = [Member(contract, a, is_request) for a in arguments if a.has_area]

	@property
	def area_bytes(self):
		return sum(m.size for m in self.members) + 8 * self.packed_count

	@property
	def packed_count(self):
		return 0

	@property
	def has_area(self):
		return self.area_bytes > 0


class Request(Direction):
	def __init__(self, contract, method):
		super().__init__(contract, method.ins, True, 1 if method.is_once else 0)
		self.is_packed = self.word_count > WORDS_IN

	@property
	def packed_count(self):
		return self.word_count if self.is_packed else 0


class Reply(Direction):
	def __init__(self, contract, method):
		super().__init__(contract, method.outs, False)
