"""Unmodified programs: busybox as shell and tools, and the static C programs of tests/linux."""

import glob
import os
import subprocess
import tempfile

from zoglib.build import ROOT
from zoglib.testing import boot, expect


def run_program(name, **config):
	result = boot(f"cd /tmp; /tests/{name}", **config)
	expect("FAIL" not in result.output, result.output[-600:])
	result.expect_status(0)
	expect(result.output.count("ok ") >= 1, f"no line of success: {result.describe()}")


def add_cases():
	"""One case for each program."""
	for path in sorted(glob.glob(os.path.join(ROOT, "tests", "linux", "*.c"))):
		name = os.path.splitext(os.path.basename(path))[0]
		globals()[f"test_{name}"] = lambda name=name: run_program(name)


add_cases()

SHELL = r"""
set -e
cd /root
cat > here <<END
one $((40 + 2))
two
END
grep -c . here
sort -r here | head -n 1
echo appended >> here; tail -n 1 here; wc -l < here
( echo sub; exit 3 ) || echo "status $?"
f() { echo "f $1 $#"; }; f a b
for i in 1 2 3; do echo $i; done | while read x; do printf '<%s>' $x; done; echo
x=$(echo inner | sed s/inner/outer/); echo $x
sleep 1 & wait $!; echo waited
{ sleep 0.2; echo late; } & echo early; wait
mkdir -p a/b/c; touch a/b/c/file; find a | sort | tail -n 1
cp here copy; cmp here copy && mv copy moved && ls | cat
ln -s moved link; readlink link; cat link | md5sum | cut -d' ' -f1
rm -r a here link moved; ls | wc -l
yes | head -n 1000 | wc -l
seq 1 10 | awk '{ sum += $1 } END { print sum }'
echo 'b a' | xargs -n 1 echo x | sort
trap 'echo trapped' USR1; kill -USR1 $$; echo after
test -d /proc -a -w /tmp && echo tests
printf 'x%.0s' $(seq 1 300) | wc -c
tar cf - /etc/passwd 2>/dev/null | tar tf -
gzip -c /bin/busybox | gunzip -c | cmp - /bin/busybox && echo same
"""


def test_shell():
	"""The script gives on Zog what the same busybox gives on Linux."""
	with tempfile.TemporaryDirectory() as folder:
		native = subprocess.run(["/bin/busybox", "sh", "-c", SHELL.replace("cd /root", f"cd {folder}")], stdin=subprocess.DEVNULL,
			capture_output=True, text=True)
	expect(native.returncode == 0, f"on the host: status {native.returncode}: {native.stderr}")
	result = boot(SHELL)
	if result.output != native.stdout:
		pairs = zip((result.output + "\n(end)").split("\n"), (native.stdout + "\n(end)").split("\n"))
		here, there = next(((a, b) for a, b in pairs if a != b), ("", ""))
		expect(False, f"output differs from Linux: {here!r}, not {there!r}; {result.describe()}")
	result.expect_status(0)


def test_directories_that_nobody_has_read_yet():
	"""Their blocks are not in any cache: the listing has to wait for the disk."""
	result = boot("echo /tests/lin*; ls -1 /etc; ls /zog/incidents")
	result.expect_output("/tests/lines\ngroup\nhostname\npasswd\nprofile\n")


def test_su_takes_on_the_users_groups():
	"""busybox's su, from root: the user's own ids and all its groups, with which it reads what is theirs."""
	result = boot("""
		echo 'ada:x:1000:1000::/root:/bin/sh' >> /etc/passwd
		printf 'ada:x:1000:\\nwheel:x:70:ada\\nothers:x:71:bob\\n' >> /etc/group
		for group in 70 71; do echo of $group > /tmp/$group; chown 0:$group /tmp/$group; chmod 640 /tmp/$group; done
		su ada -c 'id; cat /tmp/70; cat /tmp/71 2> /dev/null || echo refused; grep Groups /proc/self/status'""")
	result.expect_output("uid=1000(ada) gid=1000(ada) groups=1000(ada),70(wheel)\nof 70\nrefused\nGroups:\t1000 70 \n")
