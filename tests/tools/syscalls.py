"""The table of Linux calls against the tests that it names, and against its page in the reference."""

import os
import sys

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from zoglib import syscall_pages # noqa: E402


def every_call_has_its_number_once_and_a_test():
	rows, names = syscall_pages.rows(), syscall_pages.names()
	lines = [line for line in syscall_pages.read("syscalls.h").split("\n") if line.startswith("SYSCALL(")]
	assert len(rows) == len(lines) > 100, f"{len(rows)} of {len(lines)} rows are understood"
	numbers = [row[0] for row in rows]
	assert numbers == sorted(set(numbers)), "numbers are not in their order, or twice"
	for number, name, _, _, test in rows:
		assert names.get(number) == name, f"{number} is {names.get(number)}, not {name}"
		assert os.path.exists(os.path.join(ROOT, "tests", "linux", test + ".c")), f"{name}: no program {test}"


def the_page_has_every_call():
	text = syscall_pages.page_text()
	for number, name, level, _, test in syscall_pages.rows():
		assert f"| {number} | `{name}` | {level.lower()} |" in text, name
	served, absent = text.split("## Not served")
	assert "ptrace" in absent and "`ptrace`" not in served and f"{len(syscall_pages.rows())} calls are served" in served


def main():
	failed = 0
	for case in (every_call_has_its_number_once_and_a_test, the_page_has_every_call):
		try:
			case()
			print(f"ok {case.__name__}")
		except AssertionError as error:
			failed += 1
			print(f"FAIL {case.__name__}: {error}")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
