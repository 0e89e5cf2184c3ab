# groups: tsm
"""The checking mode of the lab image, tsm_control=compare: after every commit live and committed image are compared. A test
domain's stores past the hook are each told with record and field, and undone; the product's domains make none."""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, expect

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
ESCAPE = re.compile(r"zog: escape domain=(\w+) region=home (.*) live=0x([0-9a-f]+) committed=0x([0-9a-f]+) method=0x([0-9a-f]+)$")
INCIDENT = re.compile(r"zog: incident \d+ domain=(\w+) cause=(\w+) .* method=0x1 client=0xfff[0-9a-f]+ running=1 .* trace=0x[0-9a-f]+")
FINDS = re.compile(r"home_escaper: step (\d+) finds (.*)$")
WANTED = [("item[2].kind", "7", "0"), ("item[1].count", "32", "0"), ("home+0x48", "1", "0"), ("home+0x78", "0", "4d")]
# What each step finds: the hook's own stores, and nothing of the others.
FOUND = ["0 0 0 0", "0 0 0 0", "0 0 0 0", "5 0 0 0", "5 0 0 4", "5 0 0 4", "5 0 0 4", "5 0 0 4"]
WORK = """
read line
mkdir /tmp/t; cd /tmp/t
for i in 1 2 3 4 5 6; do echo "line $i" > file$i; done
cat file* | sort -r | head -n 2
mkdir -p a/b; cp file1 a/b/copy; mv a/b/copy a/moved; ln -s moved a/link; cat a/link; rm -r a
(usleep 20000; echo from a child) | cat
dd if=/dev/zero of=big bs=4096 count=64 2> /dev/null; sync
echo 'kill virtio_blk' > /zog/ctl; md5sum big | cut -d' ' -f1
echo 'kill linux' > /zog/ctl; cat file3
echo 'kill ext4 200' > /zog/ctl; rm file4; ls | wc -l
x=$(seq 1 20 | awk '{ s += $1 } END { print s }'); echo $x
/tests/processes > /dev/null && echo processes; /tests/files > /dev/null && echo files
grep '^record' /zog/incidents/*/summary | sed 's/.*record: //'
"""
SAID = "line 6\nline 5\nline 1\nfrom a child\nec87a838931d4d5d2e94a04644788a55\nline 3\n6\n210\nprocesses\nfiles\n"


def run(append):
	make("lab")
	return boot(WORK, kernel=KERNEL, append=append,
	            on_log=lambda machine, line: machine.type(b"\n") if line.endswith("home_escaper: done") else None)


def escapes(result):
	return [match.groups() for match in map(ESCAPE.match, result.lines) if match]


def test_each_escape_is_named():
	"""Those of the test domain, and no other: the product's domains work, die and go on meanwhile."""
	result = run("tsm_control=compare home_escape=1")
	result.expect_output(SAID + "".join(f"{record}\n" for record, _, _ in WANTED))
	said = escapes(result)
	expect([s[1:] for s in said] == [(*wanted, "1") for wanted in WANTED], f"said {said}")
	expect(all(s[0] == "home_escaper" for s in said), f"said {said}")
	found = [match.groups() for match in map(FINDS.search, result.lines) if match]
	expect(found == [(str(i), text) for i, text in enumerate(FOUND)], f"the steps found {found}")
	expect("home_escaper: after its commit spare is 0" in "\n".join(result.lines), "the commit amid a step undid nothing")
	incidents = [match.groups() for match in map(INCIDENT.match, result.lines) if match]
	expect(incidents == [("home_escaper", "escape")] * len(WANTED), f"incidents with a trace: {incidents}")
	causes = [line.split()[4] for line in result.lines if line.startswith("zog: incident ")]
	expect(sorted(causes) == ["cause=escape"] * len(WANTED) + ["cause=killed"] * 3, f"all causes: {causes}")


def test_without_the_mode_no_commit_tells():
	"""The same stores without the mode: only the scrubber can tell, and does not say that one escaped."""
	result = run("home_escape=1")
	expect(result.output.startswith(SAID), f"{result.output!r}")
	expect(not escapes(result) and not any("cause=escape" in line for line in result.lines), f"{escapes(result)}")
