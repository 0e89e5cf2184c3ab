"""`./zog run --exec`: just the command's output, its exit status, and what wrong arguments get."""

import os

from zoglib.disk import disk_check, disk_read
from zoglib.log import Log
from zoglib.testing import boot, by_tier, expect, work_disk, work_folder, zog


def test_prints_hello():
	status, output, _ = zog("run", "--disk", work_disk(), "--exec", "uname -a; echo hello | tr a-z A-Z")
	lines = output.splitlines()
	expect(status == 0, f"status {status}: {output!r}")
	expect(len(lines) == 2 and lines[0].split()[-2:-1] == ["x86_64"] or "x86_64" in lines[0], f"uname: {lines!r}")
	expect(lines[1:] == ["HELLO"], f"output is {lines!r}")


def test_status_is_the_commands():
	disk = work_disk()
	for wanted in by_tier([7], [0, 1, 7, 255]):
		status, output, errors = zog("run", "--disk", disk, "--exec", f"exit {wanted}")
		expect(status == wanted, f"exit {wanted} gave {status}: {output!r} {errors[-300:]!r}")
		expect(output == "", f"output of exit: {output!r}")


def test_output_is_exact():
	"""Every byte as written: no carriage returns, no last newline of our own, both outputs."""
	result = boot("printf 'a\\nb\\tc'; printf err >&2; printf '\\033[1m'")
	result.expect_status(0)
	result.expect_output("a\nb\tcerr\x1b[1m")


def test_input_reaches_the_command():
	status, output, errors = zog("run", "--disk", work_disk(), "--exec", "read x; echo \"<$x>\"; wc -c", stdin=b"first\nsecond\n")
	expect(status == 0, f"status {status} {errors[-300:]!r}")
	expect(output.split() == ["<first>", "7"], f"output {output!r}")


def test_long_output():
	"""64 KiB through the serial line, in order."""
	result = boot("i=0; while [ $i -lt 8000 ]; do echo row $i; i=$((i+1)); done")
	result.expect_status(0)
	expected = "".join(f"row {i}\n" for i in range(8000))
	expect(result.output == expected, f"{len(result.output)} bytes, not {len(expected)}; {result.describe()}")


def test_one_cpu_and_the_log():
	log = os.path.join(work_folder(), "own.log")
	status, output, _ = zog("run", "--disk", work_disk(), "--smp", "1", "--mem", "512", "--log", log, "--exec", "nproc")
	expect((status, output) == (0, "1\n"), f"status {status}, output {output!r}")
	expect(Log.load(log).power_off == 0, "the log does not end with power off")


def test_files_stay_on_the_disk():
	disk = work_disk()
	boot("echo kept > /root/kept; mkdir /root/d", disk=disk).expect_status(0)
	result = boot("cat /root/kept; ls /root | cat", disk=disk)
	result.expect_output("kept\nd\nkept\n")


def test_wrong_arguments():
	for arguments in (["run", "--smp", "0"], ["run", "--smp", "x"], ["run", "--mem", "1"], ["run", "extra"], ["run", "--exec"],
		["run", "--exec", " "], ["nonsense"], [], ["autopsy"], ["autopsy", "x"], ["test", "--tier", "huge"], ["incidents", "1"]):
		status, output, errors = zog(*arguments)
		expect(status == 2 and "usage:" in errors and output == "", f"zog {arguments}: status {status}, {output!r}, {errors!r}")
	for arguments in (["--help"], ["run", "--help"], ["test", "--help"], ["incidents", "--help"], ["autopsy", "--help"]):
		status, output, errors = zog(*arguments)
		expect(status == 0 and "usage:" in output, f"zog {arguments}: status {status}")
	status, output, errors = zog("run", "--disk", "/nonexistent.img", "--exec", "true")
	expect(status == 1 and "/nonexistent.img" in errors and output == "", f"missing disk: {status} {errors!r}")


def test_the_last_write_is_there_after_power_off():
	"""Writes to the disk are slow, and the power goes off while write-back has the file system's own blocks on their way: what
	was written after that had begun is written, too."""
	disk = work_disk()
	result = boot("""
		cd /root
		until grep -q 'Writeback: *[1-9]' /proc/meminfo; do
			grep -q 'Dirty: *[1-9]' /proc/meminfo || dd if=/dev/zero of=early bs=4k count=8 status=none # it was over unseen
		done
		while grep -q 'Writeback: *[1-9]' /proc/meminfo; do :; done
		mkdir late; echo last > late/line""", disk=disk, disk_options=",throttling.iops-write=20")
	result.expect_status(0)
	is_clean, told = disk_check(disk)
	expect(is_clean, f"e2fsck -f: {told.strip().splitlines()[-8:]}")
	expect(disk_read(disk, "/root/late/line") == b"last\n", "what was written last is not on the disk")
	expect(disk_read(disk, "/root/early") == bytes(8 << 12), "what was written first is not on the disk")
