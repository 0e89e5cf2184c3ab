"""Tokens of the contract language.

A comment runs from # to the end of its line. Whole-line comments directly above a declaration are its
documentation: the token after them carries them, and they end up in the generated header.
"""

import re
from dataclasses import dataclass, field

from .report import SourceError

TOKEN = re.compile(
	r"""(?P<space>[ \t\r]+)
	|(?P<newline>\n)
	|(?P<comment>\#[^\n]*)
	|(?P<number>-?(?:0x[0-9a-fA-F]+|0|[1-9][0-9]*))(?![A-Za-z_0-9])
	|(?P<name>[A-Za-z_][A-Za-z_0-9]*)
	|(?P<string>"[^"\n]*")
	|(?P<mark>->|\.\.|[{}()<>:,.=\[\]])""",
	re.VERBOSE,
)


@dataclass
class Token:
	kind: str  # number, name, string, mark, end
	text: str
	line: int
	doc: list = field(default_factory=list)

	def describe(self):
		return "the end of the file" if self.kind == "end" else f"'{self.text}'"


def tokens_read(path, text):
	"""All tokens of TEXT and a last one of kind end; SourceError at the first character that fits nowhere."""
	tokens, doc, line, position = [], [], 1, 0
	is_line_start = True
	while position < len(text):
		match = TOKEN.match(text, position)
		if not match:
			raise SourceError(path, line, bad_character(text, position))
		kind, word = match.lastgroup, match.group()
		if kind == "newline":
			doc = [] if is_line_start else doc  # an empty line ends a comment block
			line, is_line_start = line + 1, True
		elif kind == "comment":
			if is_line_start:
				doc.append(word[1:].strip())
				position, line = match.end() + 1, line + 1  # its newline is no empty line
				continue
		elif kind != "space":
			tokens.append(Token(kind, word.strip('"') if kind == "string" else word, line, doc))
			doc, is_line_start = [], False
		position = match.end()
	tokens.append(Token("end", "", line))
	return tokens


def bad_character(text, position):
	if text[position] == '"':
		return "the text is not closed on its line"
	if text[position].isdigit() or text[position] == "-":
		return f"'{re.match('[-0-9A-Za-z_]+', text[position:]).group()}' is no number"
	return f"unexpected character '{text[position]}'"
