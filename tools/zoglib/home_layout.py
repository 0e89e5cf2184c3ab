"""The layout of a domain's home region, from the debugging information of its ELF file: names, offsets and types of
everything that `struct home` holds. Two programs with the same layout find each other's state where they look for it.

Not told: what the values mean (that is the manifest's home_version), names of types, values of enumerations, what
pointers point to, and what a domain keeps in its home region outside `struct home`.
"""

import re
import subprocess

ENTRY = re.compile(r" <(\d+)><([0-9a-f]+)>: Abbrev Number: \d+(?: \((\w+)\))?")
ATTRIBUTE = re.compile(r"    <[0-9a-f]+>   DW_AT_(\w+)\s*: (.*)")
WANTED = {"name", "type", "byte_size", "encoding", "data_member_location", "upper_bound", "count", "data_bit_offset",
          "bit_size", "declaration"}
TRANSPARENT = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_atomic_type")
AGGREGATES = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union"}


class Die:
	def __init__(self, tag):
		self.tag, self.attributes, self.children = tag, {}, []

	def get(self, key, default=""):
		return self.attributes.get(key, default)


def units(path):
	"""Each compilation unit as {offset: Die}, read from readelf line by line."""
	command = ["readelf", "--debug-dump=info", path]
	with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
	                      errors="replace") as process:
		dies, stack, die = {}, [], None
		for line in process.stdout:
			if match := ENTRY.match(line):
				depth, offset, tag = int(match[1]), match[2], match[3]
				if depth == 0 and dies and tag:
					yield dies
					dies = {}
				del stack[depth:]
				die = Die(tag)
				if tag is None: # the end of a list of children
					continue
				dies[offset] = die
				if stack:
					stack[-1].children.append(die)
				stack.append(die)
			elif die is not None and (match := ATTRIBUTE.match(line)) and match[1] in WANTED:
				die.attributes[match[1]] = match[2].rsplit("): ", 1)[-1].strip()
		yield dies
		process.stdout.close()


def type_text(dies, reference):
	die = dies.get(reference.strip("<>").removeprefix("0x"))
	if die is None:
		return "void"
	if die.tag in TRANSPARENT:
		return type_text(dies, die.get("type"))
	if die.tag == "DW_TAG_pointer_type":
		return "pointer"
	if die.tag in AGGREGATES:
		return aggregate_text(dies, die)
	if die.tag == "DW_TAG_array_type":
		bounds = "".join(f"[{child.get('upper_bound') or child.get('count')}]" for child in die.children)
		return type_text(dies, die.get("type")) + bounds
	return f"{die.tag} {die.get('byte_size')} {die.get('encoding').split(chr(9))[0]}"


def aggregate_text(dies, die):
	members = []
	for child in die.children:
		if child.tag == "DW_TAG_member":
			bits = f":{child.get('bit_size')}@{child.get('data_bit_offset')}" if child.get("bit_size") else ""
			members.append(f"{child.get('name')}@{child.get('data_member_location')}{bits} {type_text(dies, child.get('type'))}")
	return f"{AGGREGATES[die.tag]} {die.get('byte_size')} {{ {'; '.join(members)} }}"


def home_layout(path):
	"""The layout as text; "" where no `struct home` is defined."""
	for dies in units(path):
		for die in dies.values():
			if die.tag == "DW_TAG_structure_type" and die.get("name") == "home" and not die.get("declaration"):
				return aggregate_text(dies, die)
	return ""
