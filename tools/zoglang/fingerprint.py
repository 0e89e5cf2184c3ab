"""Fingerprints of contracts: 64 bits that are equal when two sides mean the same by a contract (abi/zog/image.h).

Hashed are the words of the source in their order: names, marks, and numbers in decimal. Left out is what changes no
message: comments, white space, commas, the causes of errors.
"""

import hashlib


def words_of(tokens):
	for token in tokens:
		if token.kind == "number":
			yield str(int(token.text, 0))
		elif token.kind in ("name", "mark") and token.text != ",":
			yield token.text


def fingerprint_of(tokens):
	digest = hashlib.sha256("\n".join(words_of(tokens)).encode()).digest()
	return int.from_bytes(digest[:8], "little")


def hex_of(fingerprint):
	return f"{fingerprint:016x}"
