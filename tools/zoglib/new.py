"""`zog new domain NAME --class CLASS`: a folder that builds, boots, passes its own tests and shows up in /zog/domains.

Nothing is written before everything was checked. Templates are in tools/templates/domain; their lines that begin with
`@contract` are for a domain that serves its class's new contract, `@plain` for one that serves nothing."""

import glob
import os
import re

from .build import ROOT, Failure

TEMPLATES = os.path.join(ROOT, "tools", "templates", "domain")
NAME_MAX = 31 # char name[32] in the core's records
C_WORDS = """auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false""".split()
TAKEN_WORDS = ("zog", "rt", "core", "domain", "self", "tally", "region", "stream", "never", "beat", "home")


def add_arguments(parser):
	parser.add_argument("what", choices=("domain",), help="what to make")
	parser.add_argument("name", metavar="NAME", help="the domain's name: its folder, its line in /zog/domains")
	parser.add_argument("--class", dest="class_name", metavar="CLASS", required=True,
		help="its class: the folder under subsystems/, and the contract that it serves where the class has none")
	parser.add_argument("--language", choices=("c", "zig"), default="c", help="of its source: c (default), or zig (./zog zig installs the compiler)")


def name_check(name, what):
	if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
		raise Failure(f"{what} '{name}': small letters, digits and single '_' between them, a letter first")
	if len(name) > NAME_MAX:
		raise Failure(f"{what} '{name}' has {len(name)} letters, {NAME_MAX} are possible")
	if name in C_WORDS or name in TAKEN_WORDS:
		raise Failure(f"{what} '{name}': this word means something else in domains' sources")


def contracts_known():
	"""Name of each contract -> its file."""
	known = {}
	for path in sorted(glob.glob(f"{ROOT}/subsystems/*/*.zidl") + glob.glob(f"{ROOT}/tests/domains/*/*.zidl")):
		with open(path, encoding="utf-8") as file:
			for name in re.findall(r"^contract (\w+)", file.read(), re.MULTILINE):
				known[name] = os.path.relpath(path, ROOT)
	return known


def free_check(name, targets):
	"""Every name of a domain is there once, in the lab build, too; and nothing is overwritten."""
	for folder in glob.glob(f"{ROOT}/subsystems/*/{name}") + glob.glob(f"{ROOT}/tests/domains/*/{name}"):
		raise Failure(f"there is a domain '{name}': {os.path.relpath(folder, ROOT)}")
	for target in targets:
		if os.path.lexists(os.path.join(ROOT, target)):
			raise Failure(f"{target} is there already")


def filled(template, words, has_contract):
	with open(os.path.join(TEMPLATES, template), encoding="utf-8") as file:
		lines = file.read().split("\n")
	kept, skipped = ("@contract", "@plain") if has_contract else ("@plain", "@contract")
	text = "\n".join(re.sub(f"^{kept} ?", "", line) for line in lines if not line.startswith(skipped))
	for word, value in words.items():
		text = text.replace(f"@{word}@", value)
	return text


def main(options):
	name, class_name = options.name, options.class_name
	name_check(name, "the name")
	name_check(class_name, "the class")
	has_contract = not glob.glob(f"{ROOT}/subsystems/{class_name}/*.zidl")
	known = contracts_known()
	if has_contract and class_name in known:
		raise Failure(f"the class's contract would be called '{class_name}', and so is one in {known[class_name]}")
	folder = f"subsystems/{class_name}/{name}"
	files = {f"{folder}/manifest.toml": "manifest.toml", f"{folder}/{name}.{options.language}": f"source.{options.language}", f"{folder}/tally.h": "tally.h",
	         f"{folder}/README.md": "README.md", f"tests/host/test_{name}.c": "host_test.c", f"tests/system/{name}.py": "system_test.py"}
	if has_contract:
		files[f"subsystems/{class_name}/{class_name}.zidl"] = "contract.zidl"
	free_check(name, files)
	words = {"NAME": name, "ENDING": options.language, "CLASS": class_name, "UPPER": name.upper(), "AND_METHOD": ", method" if has_contract else "",
	         "CONTRACT_WORDS": f"`{class_name}` (`../{class_name}.zidl`), with one method" if has_contract
	         else f"none; those of its class are in `subsystems/{class_name}/`, to be put under `serves` or `uses`"}
	for target, template in files.items():
		path = os.path.join(ROOT, target)
		os.makedirs(os.path.dirname(path), exist_ok=True)
		with open(path, "w", encoding="utf-8") as file:
			file.write(filled(template, words, has_contract))
		print(target)
	print(f"next: ./zog test {name}")
	return 0
