"""docs/howto/: what the pages tell to do is done, to the letter, in a copy of the tree, and shows what they show.

In a page, a block ```console has commands (`$ ...`), each with lines that its output must have, in that order; `...` stands
for any text, a line of it alone for any lines. Commands must succeed. A block ```LANGUAGE PATH is a file to be written, ```diff a
change. From a block ```console full on, a page is for the larger tiers. In these the copy is built from nothing, else what was built comes
along."""

import functools
import glob
import os
import re
import shutil
import subprocess

from zoglib import testing
from zoglib.build import BUILD, ROOT
from zoglib.testing import expect, progress, zog
from zoglib.variant import VariantTree

PAGES = os.path.join(ROOT, "docs", "howto")
OWN_TESTS = {"share-a-table": "tsm_howto", "update-a-domain": "update"} # pages whose commands other tests run
COMMAND_LIMIT_S = 7200
NEEDED = ("zog", "tests", "docs", "examples", "README.md", "CAVEATS.md")


def page_text(page):
	with open(os.path.join(PAGES, page + ".md"), encoding="utf-8") as file:
		return file.read()


def blocks_of(text):
	"""(words after the fence, body) of each fenced block."""
	return [(match[1].split(), match[2]) for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def steps_of(body):
	"""[(command, lines that it must show)] of a console block; a command goes on in the next line after a backslash."""
	steps, lines = [], body.splitlines()
	while lines:
		line = lines.pop(0)
		if not line.startswith("$ "):
			expect(steps, f"'{line}' stands before any command")
			steps[-1][1].append(line)
			continue
		while line.endswith("\\") and lines:
			line += "\n" + lines.pop(0)
		steps.append((line[2:], []))
	return steps


def line_matches(wanted, line):
	pattern = ".*".join(re.escape(" ".join(part.split())) for part in wanted.split("..."))
	return re.fullmatch(pattern, " ".join(line.split())) is not None


def missing_line(wanted, output):
	"""The first wanted line that the output does not have behind the ones before, or None."""
	lines = iter(output.splitlines())
	return next((line for line in wanted if line.strip() not in ("", "...") and not any(line_matches(line, told) for told in lines)), None)


def command_run(tree, command, wanted):
	environment = {key: value for key, value in os.environ.items() if key not in ("ZOG_ROOT", "PYTHONPATH", "ZOG_TIER")}
	result = subprocess.run(["/bin/sh", "-c", command], cwd=tree, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
	                        text=True, errors="replace", timeout=COMMAND_LIMIT_S)
	expect(result.returncode == 0, f"'{command}' ends with {result.returncode}: {result.stdout[-600:]} {result.stderr[-600:]}")
	missing = missing_line(wanted, result.stdout)
	expect(missing is None, f"'{command}' does not show '{missing}' there: {result.stdout[-1500:]}")


def diff_apply(tree, body):
	"""A change without line numbers: what a hunk takes away, with the lines round it, must stand in the file once."""
	for path, hunks in re.findall(r"^\+\+\+ b/(\S+)\n(.*?)(?=^--- |\Z)", body, re.MULTILINE | re.DOTALL):
		with open(os.path.join(tree, path), encoding="utf-8") as file:
			text = file.read()
		for hunk in re.split(r"^@@.*\n", hunks, flags=re.MULTILINE)[1:]:
			lines = hunk.splitlines(keepends=True)
			old = "".join(line[1:] for line in lines if line[0] in " -")
			new = "".join(line[1:] for line in lines if line[0] in " +")
			expect(text.count(old) == 1, f"{path} has this {text.count(old)} times: {old!r}")
			text = text.replace(old, new)
		with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
			file.write(text)


def block_carry_out(tree, words, body):
	"""Number of commands run."""
	if words == ["diff"]:
		diff_apply(tree, body)
	elif len(words) == 2 and words[0] != "console":
		with open(os.path.join(tree, words[1]), "w", encoding="utf-8") as file:
			file.write(body)
	elif words[0] == "console":
		steps = steps_of(body)
		for command, wanted in steps:
			command_run(tree, command, wanted)
		return len(steps)
	return 0


@functools.cache
def clone():
	"""The copy that all pages share."""
	built = [name for name in ("core.elf", "zog.elf", "updates", "tests/linux") if os.path.exists(os.path.join(BUILD, name))]
	tree = VariantTree("howto-pages", NEEDED, built)
	tree.__enter__()
	if testing.current_tier != "quick":
		shutil.rmtree(os.path.join(tree.path, "build"))
	return tree.path


def run_page(page):
	blocks = blocks_of(page_text(page))
	if testing.current_tier == "quick":
		blocks = blocks[: next((place for place, (words, _) in enumerate(blocks) if words == ["console", "full"]), len(blocks))]
	count = sum(block_carry_out(clone(), words, body) for words, body in blocks)
	expect(count >= 2, f"only {count} commands were run")
	progress(f"    {count} commands")


def add_cases():
	"""One case for each page."""
	for path in sorted(glob.glob(os.path.join(PAGES, "*.md"))):
		page = os.path.basename(path).removesuffix(".md")
		if page not in OWN_TESTS:
			case = functools.partial(run_page, page)
			first = next((words for words, _ in blocks_of(page_text(page)) if words[:1] == ["console"]), [])
			case.tier = "full" if first == ["console", "full"] else "quick"
			globals()["test_" + page.replace("-", "_")] = case


add_cases()


def test_every_page_is_run():
	for page, module in OWN_TESTS.items():
		with open(os.path.join(ROOT, "tests", "system", module + ".py"), encoding="utf-8") as file:
			expect(page + ".md" in file.read(), f"tests/system/{module}.py does not run {page}")
	for path in glob.glob(os.path.join(PAGES, "*.md")):
		page = os.path.basename(path).removesuffix(".md")
		shown = [steps_of(body) for words, body in blocks_of(page_text(page)) if words[:1] == ["console"]]
		expect(page in OWN_TESTS or shown, f"{page} has nothing to run")


def test_the_runner_notices():
	"""Each thing that a page could get wrong fails."""
	good = "one\ntwo words here\nthree\n"
	expect(missing_line(["one", "...", "two ... here", "three"], good) is None, "good output does not match")
	expect(missing_line(["three", "one"], good) == "one", "order does not matter")
	expect(missing_line(["tw"], good) == "tw", "a part of a line is a line")
	for command, wanted, reason in (("exit 3", [], "ends with 3"), ("echo a", ["b"], "does not show 'b'")):
		try:
			command_run(ROOT, command, wanted)
		except testing.TestFailure as failure:
			expect(reason in str(failure), str(failure))
		else:
			expect(False, f"'{command}' passes")


def test_new_refuses():
	"""Bad names, names that are there, unknown options: a message, and nothing is written."""
	def listing():
		return sorted(glob.glob(f"{ROOT}/subsystems/**", recursive=True) + glob.glob(f"{ROOT}/tests/*/*"))
	before = listing()
	for arguments, status, reason in (
			(("domain", "ext4", "--class", "filesystem"), 1, "there is a domain 'ext4': subsystems/filesystem/ext4"),
			(("domain", "rogue", "--class", "filesystem"), 1, "there is a domain 'rogue': tests/domains/hostile/rogue"),
			(("domain", "clock2", "--class", "counter"), 1, "so is one in tests/domains/tsm/counter.zidl"),
			(("domain", "Big", "--class", "block"), 1, "the name 'Big': small letters"),
			(("domain", "../x", "--class", "block"), 1, "the name '../x': small letters"),
			(("domain", "while", "--class", "block"), 1, "means something else"),
			(("domain", "n" * 32, "--class", "block"), 1, "has 32 letters, 31 are possible"),
			(("domain", "fine", "--class", "a b"), 1, "the class 'a b': small letters"),
			(("domain", "shell", "--class", "block"), 1, "tests/system/shell.py is there already"),
			(("domain", "fine"), 2, "required: --class"),
			(("driver", "fine", "--class", "block"), 2, "invalid choice: 'driver'"),
			(("domain", "fine", "--class", "block", "--fast"), 2, "unrecognized arguments: --fast")):
		found, _, told = zog("new", *arguments)
		expect(found == status and reason in told, f"{arguments}: status {found}, {told[-300:]}")
	expect(listing() == before, "something was written")
