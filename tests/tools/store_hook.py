# groups: tsm
"""The store hook reports every form of store: tests/hook/ compiled as a domain is, by gcc and by clang, over the real hook.

Prints `ok COMPILER.FORM` or `FAIL COMPILER.FORM reason`. The flags are the Makefile's own; clang's for the same are below.
"""

import os
import re
import shutil
import subprocess
import sys

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "tests", "hook")
INCLUDES = ["-Iabi", "-Ilib", "-Ibuild/gen", "-Itests/hook"]
CLANG_HOOK = ["-fsanitize=kernel-address"] + [word for option in ("stack=0", "globals=0", "instrument-reads=0",
	"instrumentation-with-call-threshold=0") for word in ("-mllvm", f"-asan-{option}")]
GCC_ONLY = ("-fno-tree-loop-distribute-patterns",)
STORE_HOOKS = [f"__asan_store{width}_noabort" for width in ("1", "2", "4", "8", "16", "N")]
OWN_COPIES = ("memcpy", "memmove", "memset", "memcmp")


class HookError(Exception):
	pass


def run(*command):
	result = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
	if result.returncode != 0:
		raise HookError(f"{command[0]}: {(result.stderr or result.stdout).strip()[:300]}".replace("\n", " | "))
	return result.stdout


def makefile_words(name):
	"""Words of a variable of the Makefile, without those that name the build's own folders."""
	with open(os.path.join(ROOT, "Makefile")) as file:
		text = file.read().replace("\\\n", " ")
	match = re.search(rf"^{name} := (.*)$", text, re.MULTILINE)
	if match is None:
		raise HookError(f"the Makefile has no {name}")
	return [word for word in match.group(1).split() if not word.startswith(("$", "-I", "-MM", "-MP", "-ffile-prefix-map"))]


def flags(compiler, has_hook):
	words = makefile_words("common_flags") + ["-fno-pie"]
	if not has_hook:
		return words + ["-fno-tree-loop-distribute-patterns"]
	return words + (makefile_words("store_hook") if compiler == "gcc" else CLANG_HOOK)


def compile_one(compiler, source, output, words):
	run(compiler, *words, *INCLUDES, "-c", source, "-o", output)
	# The domain's own memcpy and its kin, beside the C library's that the harness uses.
	run("objcopy", *(f"--redefine-sym={name}=domain_{name}" for name in OWN_COPIES), output)
	return output


def build(compiler):
	folder = os.path.join(WORK, compiler)
	shutil.rmtree(folder, ignore_errors=True)
	os.makedirs(folder)
	objects = [compile_one(compiler, "tests/hook/forms.c", os.path.join(folder, "forms.o"), flags(compiler, True))]
	for name in ("hook.c", "hook.S", "memory.c"): # the runtime is built by gcc, without the hook
		objects.append(compile_one("gcc", f"lib/rt/{name}", os.path.join(folder, name + ".o"), flags("gcc", False)))
	program = os.path.join(folder, "harness")
	run("gcc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-no-pie", *INCLUDES, "tests/hook/harness.c", *objects, "-o", program,
	    *(f"-Wl,--wrap={name}" for name in STORE_HOOKS), "-Wl,--defsym=rt_data_start=__data_start", "-Wl,--defsym=rt_data_end=_end", "-Wl,--defsym=rt_home_bytes=0x4000")
	return program


def compiler_check(compiler):
	if shutil.which(compiler) is None:
		raise HookError("is not installed")
	result = subprocess.run([build(compiler)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
	cases = re.findall(r"^(ok|FAIL) (\S+)(.*)$", result.stdout, re.MULTILINE)
	if not cases or (result.returncode != 0 and all(verdict == "ok" for verdict, _, _ in cases)):
		raise HookError(f"the harness ended with status {result.returncode}")
	for verdict, name, reason in cases:
		print(f"{verdict} {compiler}.{name}{reason}")
	return result.returncode == 0


def main():
	passed = True
	for compiler in ("gcc", "clang"):
		try:
			passed &= compiler_check(compiler)
		except HookError as error:
			print(f"FAIL {compiler} {error}")
			passed = False
	return 0 if passed else 1


if __name__ == "__main__":
	sys.exit(main())
