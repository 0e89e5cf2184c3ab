"""What the store hook cannot see stands nowhere in the domains, and each thing that the lint looks for is found."""

import os
import subprocess
import sys
import tempfile

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from zoglib import hook_lint # noqa: E402

END = ": the hook does not see it"
# name: (source, what is said of it without the place)
BAD = {
	"asm_memory_output": ('__asm__("movq %1, %0" : "=m"(value) : "r"(x));', 'assembly writes value: "movq %1, %0"'),
	"asm_output_through_pointer": ('__asm__ volatile("rdtsc" : "=a"(home->low), "=d"(high));', 'assembly writes home->low: "rdtsc"'),
	"asm_memory_clobber": ('asm volatile("rep stosq"\n\t: "+D"(to), "+c"(n) : "a"(0) : "memory");', 'assembly writes memory: "rep stosq"'),
	"unhooked_function": ('__attribute__((no_sanitize("kernel-address"))) void f(void);', "no_sanitize"),
	"thread_local": ("static __thread int n;", "__thread"),
	"test_and_set": ("if (__atomic_test_and_set(&home->flag, 0)) return;", "__atomic_test_and_set"),
	"atomic_clear": ("__atomic_clear(&home->flag, 0);", "__atomic_clear"),
	"compare_exchange": ("__atomic_compare_exchange_n(&a, &home->seen, 1, 0, 0, 0);", "compare-exchange writes &home->seen"),
}
GOOD = {
	"barrier": '__asm__ volatile("" : : : "memory");',
	"register_outputs": '__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));',
	"flag_output": '__asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(is_valid));',
	"memory_input": '__asm__("crc32q %1, %0" : "+r"(wide) : "m"(*(const uint64_t *)p));',
	"comment": '/* __thread and __asm__("x" : "=m"(y)) are only spoken of */',
	"local_expected": "__atomic_compare_exchange_n(&a, &seen, 1, 0, 0, 0);",
}


def domains_are_clean():
	findings = hook_lint.sources(ROOT)
	assert not findings, " | ".join(findings)
	gone = hook_lint.allowed_but_gone(ROOT)
	assert not gone, " | ".join(gone)


def table_is_complete():
	"""docs/architecture/tsm.md has a row for each thing that is allowed, and no other row."""
	with open(os.path.join(ROOT, "docs", "architecture", "tsm.md")) as file:
		section = file.read().split("\n### What the hook does not see\n", 1)[1].split("\n#", 1)[0]
	rows = [line for line in section.split("\n") if line.startswith("| `")]
	assert len(rows) == len(set(rows)) and len(rows) > 10, rows
	missing, beyond = set(hook_lint.table()) - set(rows), set(rows) - set(hook_lint.table())
	assert not missing and not beyond, f"missing {missing}, beyond {beyond}"


def what_is_allowed_but_gone_is_found():
	hook_lint.ALLOWED["lib/rt/memory.c", "lock xaddq"] = hook_lint.ALLOWED["lib/none.c", "no_sanitize"] = "of this test"
	try:
		gone = hook_lint.allowed_but_gone(ROOT)
	finally:
		del hook_lint.ALLOWED["lib/rt/memory.c", "lock xaddq"], hook_lint.ALLOWED["lib/none.c", "no_sanitize"]
	assert gone == ['lib/rt/memory.c: "lock xaddq" is allowed, but not there', 'lib/none.c: "no_sanitize" is allowed, but not there'], gone


def images_have_no_thread_locals():
	folder = os.path.join(ROOT, "build", "domains")
	assert any(name.endswith(".elf") for name in os.listdir(folder)), "no domain is built"
	findings = hook_lint.images(folder)
	assert not findings, " | ".join(findings)


def an_image_with_thread_locals_is_found():
	with tempfile.TemporaryDirectory() as folder:
		source = "__thread int n = 1; void _start(void); void _start(void) { n++; for (;;); }"
		subprocess.run(["gcc", "-static", "-nostdlib", "-fno-pie", "-no-pie", "-x", "c", "-", "-o", os.path.join(folder, "bad.elf")],
		               input=source, text=True, check=True, capture_output=True)
		assert hook_lint.images(folder) == ["bad.elf: has thread-local storage" + END], hook_lint.images(folder)


def assembly_files_are_found():
	found = hook_lint.source_findings("subsystems/a/b/c.S", "")
	assert found == ["subsystems/a/b/c.S:1: assembly: the hook sees none of its stores"], found


def bad_is_found(name):
	source, said = BAD[name]
	found = hook_lint.source_findings("a.c", "int x;\n" + source + "\n")
	assert found == [f"a.c:2: {said}{END}"], found


def good_passes(name):
	found = hook_lint.source_findings("a.c", GOOD[name])
	assert not found, found


def main():
	cases = [(f.__name__, f) for f in (domains_are_clean, table_is_complete, what_is_allowed_but_gone_is_found,
		images_have_no_thread_locals, an_image_with_thread_locals_is_found, assembly_files_are_found)]
	cases += [(f"finds_{name}", lambda name=name: bad_is_found(name)) for name in BAD]
	cases += [(f"passes_{name}", lambda name=name: good_passes(name)) for name in GOOD]
	failed = 0
	for name, body in cases:
		try:
			body()
			print(f"ok {name}")
		except Exception as error: # a broken case is a failed one
			failed = 1
			print(f"FAIL {name} {type(error).__name__}: {error}")
	return failed


if __name__ == "__main__":
	sys.exit(main())
