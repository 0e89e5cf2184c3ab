"""`./zog check`: each check of texts finds its bad example, with its exact message, and nothing in this tree."""

import os
import subprocess
import sys
import tempfile

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from zoglib.checks.sizes import CORE_LINES_MAX # noqa: E402

NOTE, HOST = "TO" + "DO:", "deb." + "debian.org"
LONG_FUNCTION = "int long_one(void)\n{\n" + "\treturn 0;\n" * 60 + "}\n"
# name of the check, {file: text}, what it must say
EXAMPLES = [
	("text", {"a.c": "int a; \n"}, "a.c:1: text: space at the end of the line"),
	("text", {"a.c": "int a(void)\n{\n    return 0;\n}\n"}, "a.c:3: text: indented by spaces, not tabs"),
	("text", {"a.h": "int " + "a" * 160 + ";\n"}, "a.h:1: text: 165 columns; at most 160"),
	("text", {"a.py": "a = 1"}, "a.py:1: text: no end of line at the end of the file"),
	("text", {"a.md": "a\n\n"}, "a.md:2: text: an empty line at the end of the file"),
	("text", {"a.c": "int a;\r\n"}, "a.c:1: text: a line that ends with a carriage return"),
	("words", {"a.c": f"/* {NOTE} later */\n"}, f"a.c:1: words: '{NOTE}': a note to do something later: what is not true yet stands in CAVEATS.md"),
	("words", {"a.md": f"see {HOST}\n"}, f"a.md:1: words: '{HOST}': the name of a package host"),
	("sizes", {"a.c": LONG_FUNCTION}, "a.c:1: sizes: function long_one has 63 lines: more than 60, split it where the idea splits"),
	("sizes", {"a.c": LONG_FUNCTION.replace("\treturn 0;\n", "\treturn 0;\n\treturn 1;\n")}, "a.c:1: sizes: function long_one has 123 lines: at most 100"),
	("sizes", {"a.py": "a = 1\n" * 501}, "a.py:1: sizes: the file has 501 lines: more than 500, split it where the idea splits"),
	("sizes", {"a.py": "a = 1\n" * 801}, "a.py:1: sizes: the file has 801 lines: at most 800"),
	("sizes", {"tools/zoglib/checks/sizes.txt": "510 a.py\n", "a.py": "a = 1\n" * 505},
	 "tools/zoglib/checks/sizes.txt:1: sizes: 'a.py' has 505 lines, the list says 510: make it smaller"),
	("sizes", {"core/a.c": "/* of\n\n * no count */\nint a;\n" * (CORE_LINES_MAX + 1)},
	 f"core/:0: sizes: {CORE_LINES_MAX + 1} lines of code in all: at most {CORE_LINES_MAX}; what is policy, or for the lab only, belongs elsewhere"),
	("readme", {"subsystems/block/disk/manifest.toml": ""}, "subsystems/block/disk/manifest.toml:1: readme: subsystems/block/disk has no README.md"),
	("links", {"a.md": "[b](b.md)\n"}, "a.md:1: links: link to 'b.md', which is not there"),
	("links", {"a.md": "[b](b.md#two)\n", "b.md": "# One\n"}, "a.md:1: links: link to 'b.md#two', but b.md has no such heading"),
	("links", {"a.md": "`./zog dance`\n", "tools/zoglib/__main__.py": '\t"run": ("run", "boots"),\n'}, "a.md:1: links: './zog dance' is no command"),
	("includes", {"a.h": '#include "b.h"\n', "b.h": '#include "a.h"\n'}, "a.h:1: includes: headers in a circle: a.h -> b.h -> a.h"),
]


def check(*arguments):
	return subprocess.run([os.path.join(ROOT, "zog"), "check", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def example_is_found(name, files, message):
	with tempfile.TemporaryDirectory() as folder:
		for path, text in files.items():
			os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
			with open(os.path.join(folder, path), "w", newline="") as file:
				file.write(text)
		result = check("--root", folder, name)
		assert result.returncode == 1 and message in result.stdout.split("\n"), f"{message!r} is not in {result.stdout!r} {result.stderr!r}"


def examples():
	for name, files, message in EXAMPLES:
		example_is_found(name, files, message)


def the_tree_is_clean():
	result = check("fast")
	assert result.returncode == 0 and result.stdout == "0 findings\n", result.stdout[-2000:] + result.stderr[-500:]


def allowed_findings_need_a_reason_and_a_use():
	with tempfile.TemporaryDirectory() as folder:
		os.makedirs(os.path.join(folder, "tools/zoglib/checks"))
		with open(os.path.join(folder, "a.c"), "w") as file:
			file.write("int a; \n")
		for line, status, words in (("text a.c: space at the end # an example", 0, "0 findings"), ("text b.c: nothing # an example", 1, "nothing needs this line"),
		                            ("text a.c: space at the end", 1, "not `check path: message # reason`")):
			with open(os.path.join(folder, "tools/zoglib/checks/allowed.txt"), "w") as file:
				file.write(line + "\n")
			result = check("--root", folder, "text")
			assert result.returncode == status and words in result.stdout + result.stderr, (line, result.stdout, result.stderr)


def wrong_arguments():
	for arguments in (["nothing"], ["--root", "/", "tidy"], ["--root", "/"]):
		result = check(*arguments)
		assert result.returncode == 2 and "usage:" in result.stderr, (arguments, result)


def main():
	passed = True
	for case in (examples, the_tree_is_clean, allowed_findings_need_a_reason_and_a_use, wrong_arguments):
		try:
			case()
			print(f"ok {case.__name__}", flush=True)
		except AssertionError as error:
			print(f"FAIL {case.__name__} {' | '.join(str(error).split(chr(10))[:6])}", flush=True)
			passed = False
	return 0 if passed else 1


if __name__ == "__main__":
	sys.exit(main())
