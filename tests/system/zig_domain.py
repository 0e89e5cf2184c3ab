"""The example domain in Zig (examples/guest), killed again and again, and its visitor in C with it: every line that was signed
stands in the book once, in order, with its own words. Skipped where no Zig compiler is: `./zog zig` installs one."""

import glob
import os
import re
import shutil

from zoglib import hook_lint
from zoglib.build import BUILD, ROOT, tool
from zoglib.testing import TestSkipped, boot, by_tier, expect
from zoglib.variant import VariantTree
from zoglib.zig import VERSION, zig_find

LINES = 256 # of a full book
SCRIPT = """
faults() { awk -v name=$1 '$2 == name { print $5 }' /zog/domains; }
strike() {
	before=$(faults $1); echo kill $1 $2 > /zog/ctl
	until [ $(faults $1) != $before ]; do usleep 5000; done
}
n=0
while [ $n -lt ROUNDS ]; do strike guestbook $((n * 97 % 700 + 1)); strike visitor $((n * 59 % 500 + 1)); n=$((n + 1)); done
echo struck $n
read line
cat /zog/domains
"""


def zig_needed():
	zig = zig_find()
	if not zig:
		raise TestSkipped(f"no Zig {VERSION} compiler")
	return zig


def test_zig_reads_the_headers():
	"""What core, runtime and contracts offer to C is there in Zig, too: nothing of it is a word that Zig gave up on."""
	zig = zig_needed()
	cache = os.path.join(BUILD, "zig-cache")
	paths = [path for pattern in ("abi/zog/*.h", "lib/rt/rt.h", "lib/rt/list.h", "build/gen/contracts/*_server.h")
	         for path in sorted(glob.glob(os.path.join(ROOT, pattern)))]
	expect(len(paths) > 15, f"only {paths}")
	for path in paths:
		text = tool(zig, "translate-c", "-target", "x86_64-freestanding-none", "-Iabi", "-Ilib", "-Ibuild/gen", "--cache-dir", cache,
		            "--global-cache-dir", cache, path, cwd=ROOT)
		lost = [name for name in re.findall(r"^pub const (\w+) = @compileError", text, re.MULTILINE) if re.match("(?i)zog_|rt_", name)]
		expect(not set(lost) - {"rt_assert"}, f"{path}: Zig cannot read {lost}") # it names the line of C; Zig has its own assert
		expect("pub const " in text or "pub extern fn" in text or "pub fn " in text, f"{path}: nothing came out")


def test_a_domain_in_zig_is_killed_and_goes_on():
	zig = zig_needed()
	rounds = by_tier(8, 40)
	with VariantTree("zig") as tree:
		shutil.copytree(os.path.join(ROOT, "examples", "guest"), os.path.join(tree.path, "subsystems", "guest"))
		tool("env", f"ZIG={zig}", "make", "-s", "-C", tree.path, "-j2")
		expect(os.path.exists(os.path.join(tree.path, "build", "obj", "gen", "guestbook", "zig.c")), "guestbook was not built from Zig")
		locals_ = hook_lint.images(os.path.join(tree.path, "build", "domains"))
		expect(not locals_, f"thread-locals: {locals_}")
		result = boot(SCRIPT.replace("ROUNDS", str(rounds)), kernel=os.path.join(tree.path, "build", "zog.elf"),
		              on_log=lambda machine, line: machine.type(b"\n") if line.startswith("visitor: done") else None)
	expect(f"struck {rounds}\n" in result.output, result.describe())
	found = sorted((fields.get("domain"), fields.get("cause")) for fields in result.log.incidents.values())
	expect(found == sorted([("guestbook", "killed"), ("visitor", "killed")] * rounds), f"incidents {found}")
	ends = [line for line in result.lines if line.startswith("visitor: done")]
	expect(ends and all(line == f"visitor: done, {LINES} signed, {LINES} lines, 0 wrong" for line in ends), f"the book: {ends}")
	starts = [line for line in result.lines if line.startswith("guestbook: start, ")]
	counts = [int(line.split()[2]) for line in starts]
	expect(len(starts) == rounds + 1 and counts == sorted(counts) and counts[0] == 0 and counts[-1] > 0, f"starts {starts}")


def test_a_new_domain_in_zig_passes_its_tests():
	zig = zig_needed()
	built = [name for name in ("core.elf", "zog.elf", "updates", "tests/linux") if os.path.exists(os.path.join(BUILD, name))]
	with VariantTree("zig-new", ("zog", "tests", "docs", "examples", "README.md", "CAVEATS.md"), built) as tree:
		environment = {key: value for key, value in os.environ.items() if key not in ("ZOG_ROOT", "PYTHONPATH", "ZOG_TIER")} | {"ZIG": zig}
		said = tool("./zog", "new", "domain", "pulse", "--class", "vital", "--language", "zig", cwd=tree.path, env=environment)
		expect("subsystems/vital/pulse/pulse.zig" in said, said)
		said = tool("./zog", "test", "pulse", cwd=tree.path, env=environment)
		expect("3 passed, 0 failed" in said, said[-600:])
