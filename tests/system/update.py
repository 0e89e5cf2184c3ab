"""Live update: `update NAME PATH` replaces a running domain's program, whose state goes on; what does not fit is refused
with its reason; what fails on probation is undone. Programs notice none of it."""

import functools
import os
import re
import struct
import subprocess

from zoglib.build import BUILD, ROOT
from zoglib.disk import disk_check, disk_make
from zoglib.recovery import check_recovered, strikes
from zoglib.testing import boot, by_tier, expect, progress, work_folder
from zoglib.update_file import CHECKSUM_AT, HEAD, sealed
from zoglib.variant import VariantTree

PAGE = 4096
BLK = "subsystems/block/virtio_blk/virtio_blk.c"
NUMBER = "\n__attribute__((used, retain, noinline)) static int build_number(void) { return 2; }\n"
SECOND = {path: ("", NUMBER) for path in (BLK, "subsystems/filesystem/ext4/name.c", "subsystems/console/console/ring.c",
                                          "subsystems/personality/linux/wait.c", "subsystems/supervisor/supervisor/text.c")}
DOMAINS = ("virtio_blk", "ext4", "console", "linux", "supervisor")

# try COMMAND: asks until no earlier update is on probation any more.
SHELL = r"""
cd /root
ask() { echo "$*" > /zog/ctl; }
try() {
	until ask "$@" 2> error; do
		grep -q "busy" error || { echo "$*: $(cat error)"; return 1; }
		usleep 50000
	done
}
last() { awk -v name=$1 '$1 == name { for (i = 6; i <= NF; i++) printf "%s%s", $i, i < NF ? " " : "\n" }' /zog/updates; }
column() { awk -v name=$1 -v column=$2 '$1 == name { print $column }' /zog/updates; }
"""


def built(domain):
	with open(f"{BUILD}/updates/{domain}.update", "rb") as file:
		return file.read()


def image_of(update):
	"""As /zog/updates shows it: the beginning of the measure."""
	return HEAD.unpack_from(update)[13][:8].hex()


def field(update, name, value):
	"""The file with another value in page 0, and the checksum that goes with it."""
	names = ("magic", "checksum", "layout", "contract_count", "name", "entry", "text_address", "constants_address", "data_address",
	         "text_pages", "constants_pages", "data_bytes", "data_memory_bytes", "sha256", "interface", "authority", "home", "home_version")
	values = list(HEAD.unpack_from(update))
	values[names.index(name)] = value
	return sealed(HEAD.pack(*values) + update[HEAD.size:PAGE]) + update[PAGE:]


def contract(update, place, offset, layout, value):
	"""The file with another value in an entry of its table of contracts."""
	page = bytearray(update[:PAGE])
	struct.pack_into(layout, page, HEAD.size + place * 64 + offset, value)
	return sealed(bytes(page)) + update[PAGE:]


def run(script, files, **config):
	"""Boots with the files in /root. (result, path of the disk)"""
	disk = work_folder() + "/disk.img"
	disk_make(disk, extra={"root/" + name: content for name, content in files.items()})
	return boot(SHELL + script, disk=disk, **config), disk


def check_disk(disk):
	is_clean, text = disk_check(disk)
	expect(is_clean, f"e2fsck: {text[-500:]}")


@functools.cache
def second_builds():
	with VariantTree("second") as tree:
		second = tree.build(SECOND, *DOMAINS)
	files = {}
	for domain in DOMAINS:
		expect(image_of(second[domain]) != image_of(built(domain)), f"the second build of {domain} is the first")
		files[f"{domain}.0"], files[f"{domain}.1"] = second[domain], built(domain)
	return files


COPY = """
dd if=/dev/urandom of=big bs=64k count=32 status=none; sum=$(sha256sum < big)
( until [ -e stop ] && [ -s rounds ]; do
	cp big copy || echo "cp: status $?"
	[ "$(sha256sum < copy)" = "$sum" ] || echo "sums differ"
	sync; echo >> rounds
done ) &
"""


def test_disk_under_a_copy():
	"""virtio_blk and ext4 alternate between two builds while files are copied and summed."""
	rounds = by_tier(3, 50)
	files = second_builds()
	script = COPY + f"""
		n=0
		while [ $n -lt {rounds} ]; do
			try update virtio_blk virtio_blk.$((n % 2)) || break
			try update ext4 ext4.$((n % 2)) || break
			n=$((n + 1))
		done
		touch stop; wait
		[ $(wc -l < rounds) -gt 0 ] && echo copied
		for d in virtio_blk ext4; do echo $d $(column $d 2) $(column $d 4) $(column $d 5) $(last $d); done"""
	result, disk = run(script, files)
	last = (rounds + 1) % 2
	rows = "".join(f"{d} {image_of(files[f'{d}.{last}'])} {rounds} 0 in place\n" for d in ("virtio_blk", "ext4"))
	result.expect_output("copied\n" + rows)
	expect(not result.log.incidents, f"incidents: {list(result.log.incidents.values())[:2]}")
	check_disk(disk)


def test_console_and_linux_under_load():
	"""What prints, what runs the programs, and what serves the updates are updated while rows are printed and files copied."""
	rounds = by_tier(2, 20)
	files = second_builds()
	script = COPY + f"""
		( n=0; while [ $n -lt {rounds} ]; do
			for d in console linux supervisor; do try update $d $d.$((n % 2)) > said || cat said > failed; done
			n=$((n + 1))
		done; touch stop ) &
		i=0; while [ ! -e stop ]; do echo "this is row number $i"; i=$((i + 1)); done
		wait; [ -e failed ] && cat failed
		for d in console linux supervisor; do echo $d $(column $d 2) $(column $d 4) $(column $d 5); done"""
	result, disk = run(script, files)
	lines = result.output.splitlines()
	last = (rounds + 1) % 2
	rows = [f"{d} {image_of(files[f'{d}.{last}'])} {rounds} 0" for d in ("console", "linux", "supervisor")]
	expect(lines[-3:] == rows, f"{lines[-6:]}, not {rows}; {result.describe()}")
	expect(lines[:-3] == [f"this is row number {i}" for i in range(len(lines) - 3)] and len(lines) > 10, "rows are missing, doubled or out of order")
	expect(not result.log.incidents, f"incidents: {list(result.log.incidents.values())[:2]}")
	check_disk(disk)


BROKEN = {
	"faults": {BLK: ("	const struct device *device = device_get();\n	bool is_write =",
	                 "	const struct device *device = device_get();\n	(void)*(volatile int *)16;\n	bool is_write =")},
	"hangs": {BLK: ("	const struct device *device = device_get();\n	bool is_write =",
	                "	const struct device *device = device_get();\n	for (;;)\n		__asm__ volatile(\"\");\n	bool is_write =")},
	"starts": {BLK: ("zog_status_t domain_start(struct zog_call *call)\n{\n",
	                 "zog_status_t domain_start(struct zog_call *call)\n{\n	if (rt_info()->cpu_count)\n		return ZOG_ERR_IO;\n")},
	"waits": {BLK: ("zog_status_t domain_start(struct zog_call *call)\n{\n",
	                "zog_status_t domain_start(struct zog_call *call)\n{\n	if (rt_info()->cpu_count)\n"
	                "		return rt_wait(call, EVENT_DONE, rt_event_count(EVENT_DONE), RT_NO_DEADLINE);\n")},
}
CAUSES = {"faults": "page_fault", "hangs": "deadline", "starts": "start", "waits": "start"}


def test_broken_programs_are_undone():
	"""A program that faults or hangs at its first call, cannot start, or waits for ever at its start, makes room for the one before; programs see no error."""
	with VariantTree("broken") as tree:
		files = {name: tree.build(changes, "virtio_blk")["virtio_blk"] for name, changes in BROKEN.items()}
	script = COPY + """
		n=0
		for kind in faults hangs starts waits; do
			try update virtio_blk $kind || echo "$kind is refused"
			n=$((n + 1)); tries=0
			until [ "$(column virtio_blk 5)" = $n ] || [ $tries = 500 ]; do cp big other; sync; tries=$((tries + 1)); done
			echo $kind $(column virtio_blk 2) $(column virtio_blk 3)
		done
		touch stop; wait
		grep -h "undone" /zog/incidents/*/summary | wc -l
		echo kill virtio_blk > /zog/ctl; cp big copy && sync && [ "$(sha256sum < copy)" = "$sum" ] && echo good"""
	result, disk = run(script, files)
	image = image_of(built("virtio_blk"))
	result.expect_output("".join(f"{kind} {image} -\n" for kind in files) + "4\ngood\n")
	found = [fields["cause"] for fields in strikes(result.log, "virtio_blk") if fields["asked"] == "0"]
	expect(found == list(CAUSES.values()), f"causes: {found}")
	expect(sum("zog: update undone domain=virtio_blk" in line for line in result.lines) == 4, "the log does not tell four times")
	check_disk(disk)


def refusals(good, variants):
	"""name of the file: (its contents, what the shell says, the reason)"""
	flipped = bytearray(good)
	flipped[PAGE * 2 + 100] ^= 4
	header = bytearray(good)
	header[300] ^= 1
	entry = HEAD.unpack_from(good)[5]
	running = dict(zip(("interface", "authority", "home"), HEAD.unpack_from(good)[14:17]))
	fingerprint, = struct.unpack_from("<Q", good, HEAD.size + 48)
	name = good[HEAD.size:HEAD.size + 40].split(b"\0")[0].decode()
	version, _, number = struct.unpack_from("<IHH", good, HEAD.size + 40)
	is_text = f"running is version {version} (number {number}, fingerprint {fingerprint:016x}), the file has version"
	return {
		"other": (built("clock"), "Invalid argument", "it is a program for clock, not for virtio_blk"),
		"garbage": (b"\x7fELF" + bytes(range(256)) * 40, "Invalid argument", "it is no update file"),
		"empty": (b"", "Structure needs cleaning", "it is cut short: 0 of 0 bytes"),
		"short": (good[:1000], "Invalid argument", "it is cut short: an update file is whole pages"),
		"cut": (good[:-PAGE], "Structure needs cleaning", f"it is cut short: {len(good) - PAGE} of {len(good)} bytes"),
		"cut_within": (good[:-5], "Invalid argument", "it is cut short: an update file is whole pages"),
		"longer": (good + bytes(PAGE), "File too large", "the file is longer than its page 0 says"),
		"flipped": (bytes(flipped), "Structure needs cleaning", "it is damaged: its pages do not have their measure"),
		"flipped_header": (bytes(header), "Structure needs cleaning", "it is damaged: page 0 does not have its checksum"),
		"layout": (field(good, "layout", 2), "Operation not supported", "update files of layout 1 are read here, this one has layout 2"),
		"entry": (field(good, "entry", entry + (1 << 20)), "Invalid argument", "its parts do not lie where a domain's do"),
		"entry_core": (field(good, "entry", 0xffffffff80200000), "Invalid argument", "its parts do not lie where a domain's do"),
		"text_core": (field(good, "text_address", 0xffffffff80000000), "Invalid argument", "its parts do not lie where a domain's do"),
		"overlap": (field(good, "constants_address", 0x400000), "Invalid argument", "its parts do not lie where a domain's do"),
		"home_version": (field(good, "home_version", 7), "Operation not supported", "home region: running is version 1, the file has version 7"),
		**{key: (field(good, key, 0x1234), "Operation not supported", f"{what}: running is {running[key]:016x}, the file has 0000000000001234")
		   for key, what in (("interface", "interface to the core"), ("home", "layout of the home region"),
		                     ("authority", "authority (the system's manifests)"))},
		"contract_version": (contract(good, 0, 40, "<I", 9), "Operation not supported",
			f"contract {name}: {is_text} 9 (number {number}, fingerprint {fingerprint:016x})"),
		"contract_print": (contract(good, 0, 48, "<Q", 0xabcd), "Operation not supported",
			f"contract {name}: {is_text} {version} (number {number}, fingerprint 000000000000abcd)"),
		"contract_name": (contract(good, 0, 0, "<2s", b"zz"), "Operation not supported", f"the running program serves {name}, the file does not"),
		"contract_more": (field(good, "contract_count", HEAD.unpack_from(good)[3] + 1), "Operation not supported", "the file knows , the running program does not"),
		"contract_many": (field(good, "contract_count", 61), "Structure needs cleaning", "it is damaged: a name without end"),
		"large": (variants["large"], "File too large", f"{len(variants['large']) // 1024} KiB are more than there is room for"),
		"large_data": (variants["large_data"], "File too large", "its data is larger than there is room for"),
		"layout_changed": (variants["home"], "Operation not supported", f"layout of the home region: running is {running['home']:016x}, the file has "
			f"{HEAD.unpack_from(variants['home'])[16]:016x}"),
	}


# The build has a budget for a program, too: what the core is to refuse needs a larger one.
ROOM = {"subsystems/block/virtio_blk/manifest.toml": ("memory_kib = ", "image_kib = 2048 # memory_kib was ")}
VARIANTS = {
	"large": ROOM | {BLK: ("", "\n__attribute__((used, retain)) static const char filler[1 << 20] = { 1 };\n")},
	"large_data": ROOM | {BLK: ("", "\n__attribute__((used, retain)) static char filler[1 << 20];\n")},
	"home": {"subsystems/block/virtio_blk/home.h": ("struct home {\n", "struct home {\n	uint64_t added;\n")},
	"grown": {BLK: ("", "\n__attribute__((used, retain)) static const char filler[3 * 4096] = { 1 };\n"
	                    "__attribute__((used, retain)) static char room[3 * 4096] = { 1 };\n")},
}


def test_refusals():
	"""Everything that does not fit is refused, and says why; then one that has grown fits, and is measured at its next start."""
	with VariantTree("refused") as tree:
		variants = {name: tree.build(changes, "virtio_blk")["virtio_blk"] for name, changes in VARIANTS.items()}
	cases = refusals(built("virtio_blk"), variants)
	script = """
		column virtio_blk 2
		for f in %s; do
			ask update virtio_blk $f 2> error && echo "$f is taken"
			echo "$f: $(sed 's/.*error: //' error): $(last virtio_blk)"
		done
		for c in "update virtio_blk nowhere" "update virtio_blk /root" "update virtio_blk /dev/zero" "update nobody other" "update virtio_blk" \\
			"update virtio_blk " "update"; do ask "$c" 2> error && echo "$c is taken"; echo "$c: $(sed 's/.*error: //' error)"; done
		su nobody -s /bin/sh -c 'echo update virtio_blk /root/grown > /zog/ctl' 2> /dev/null && echo "nobody may"
		echo $(column virtio_blk 2) $(column virtio_blk 4)
		n=0 # one pair of many comes within the second of probation
		until try update clock clock && ! ask update clock clock 2> error || [ $n = 400 ]; do n=$((n + 1)); done
		echo "again: $(sed 's/.*error: //' error): $(last clock)"
		try update virtio_blk grown
		echo kill virtio_blk > /zog/ctl; cp /bin/busybox copy; sync; echo kill virtio_blk > /zog/ctl; cmp /bin/busybox copy
		echo $(column virtio_blk 2) $(column virtio_blk 4) $(column virtio_blk 5)""" % " ".join(cases)
	result, disk = run(script, {name: content for name, (content, _, _) in cases.items()} | {"grown": variants["grown"], "clock": built("clock")})
	image = image_of(built("virtio_blk"))
	expected = [image] + [f"{name}: {says}: refused: {reason}" for name, (_, says, reason) in cases.items()]
	expected += ["update virtio_blk nowhere: No such file or directory", "update virtio_blk /root: Invalid argument",
	             "update virtio_blk /dev/zero: Invalid argument", "update nobody other: No such file or directory",
	             "update virtio_blk: Invalid argument", "update virtio_blk : Invalid argument", "update: Invalid argument", f"{image} 0",
	             "again: Device or resource busy: refused: the update before it is on probation", f"{image_of(variants['grown'])} 1 0"]
	found = result.output.splitlines()
	wrong = [f"{a!r}, not {b!r}" for a, b in zip(found, expected) if a != b]
	expect(not wrong and len(found) == len(expected), f"{len(found)} lines, {len(expected)} expected; {'; '.join(wrong[:4])}; {result.describe()}")
	expect(all(fields["asked"] == "1" for fields in result.log.incidents.values()), "an update broke something")
	check_disk(disk)


def test_kill_while_updating():
	"""Whoever takes part in an update is killed at any instruction while domains are updated: each command is carried out
	once, and a kill that was asked for undoes nothing."""
	rounds = by_tier(3, 60)
	files = second_builds()
	script = COPY + f"""
		( while [ ! -e stop ]; do
			for d in supervisor linux virtio_blk ext4; do echo kill $d $((RANDOM % 3000)) > /zog/ctl; usleep 15000; done
		done ) &
		n=0
		while [ $n -lt {rounds} ]; do
			for d in virtio_blk ext4 linux supervisor; do try update $d $d.$((n % 2)) || break 2; done
			n=$((n + 1))
		done
		touch stop; wait
		for d in virtio_blk ext4 linux supervisor; do echo $d $(column $d 2) $(column $d 4) $(column $d 5); done"""
	result, disk = run(script, files)
	last = (rounds + 1) % 2
	result.expect_output("".join(f"{d} {image_of(files[f'{d}.{last}'])} {rounds} 0\n" for d in ("virtio_blk", "ext4", "linux", "supervisor")))
	found = {d: len(strikes(result.log, d, "killed")) for d in ("supervisor", "linux", "virtio_blk", "ext4")}
	progress(f"    kills during updates: {found}")
	expect(all(found.values()) and sum(found.values()) >= rounds, f"too few kills: {found}")
	check_recovered(result.log)
	check_disk(disk)


def test_file_changes_while_it_is_read():
	"""Another program writes the file all the while: what is put in place is one of the two builds, whole."""
	rounds = by_tier(20, 200)
	files = second_builds()
	script = f"""
		( while [ ! -e stop ]; do cat ext4.0 > mixed; cat ext4.1 > mixed; done ) &
		n=0
		while [ $n -lt {rounds} ]; do
			ask update ext4 mixed 2> error && echo taken >> outcomes || sed 's/.*error: //' error >> outcomes
			case $(column ext4 2) in {image_of(files['ext4.0'])}|{image_of(files['ext4.1'])}) ;; *) echo "a mixture runs" ;; esac
			n=$((n + 1))
		done
		touch stop; wait; wc -l < outcomes; echo $(column ext4 5); sort outcomes | uniq -c > /dev/console"""
	result, disk = run(script, files)
	expect(result.output.split()[:2] == [str(rounds), "0"], result.describe())
	progress("    " + "; ".join(line.strip() for line in result.output.splitlines()[2:]))
	expect(not result.log.incidents, f"incidents: {list(result.log.incidents.values())[:2]}")
	check_disk(disk)


def test_howto():
	"""The commands of docs/howto/update-a-domain.md, in a copy of the tree."""
	with open(f"{ROOT}/docs/howto/update-a-domain.md", encoding="utf-8") as file:
		commands = [line.strip() for line in file if line.startswith("\t")]
	expect(len(commands) == 5, f"{len(commands)} commands")
	environment = {key: value for key, value in os.environ.items() if key != "ZOG_ROOT"}
	with VariantTree("howto", ("zog", "tests", "docs"), ("core.elf", "zog.elf", "updates", "tests/linux")) as tree:
		outputs = []
		for command in commands:
			result = subprocess.run(["/bin/sh", "-c", command], cwd=tree.path, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
			                        text=True, errors="replace", timeout=3600)
			expect(result.returncode == 0, f"{command}: status {result.returncode}: {result.stderr[-600:]}")
			outputs.append(result.stdout)
		with open(os.path.join(tree.path, "build", "updates", "virtio_blk.update"), "rb") as file:
			image = image_of(file.read())
	expect(re.search(r"^virtio_blk +\w+ +- +0 +0 +-$", outputs[0], re.MULTILINE), outputs[0])
	expect(outputs[2] == "build/updates/virtio_blk.update\n", outputs[2])
	expect(image != image_of(built("virtio_blk")), "the new program is the old one")
	expect(re.search(rf"^virtio_blk +{image} +(probation|-) +1 +0 +in place$", outputs[3], re.MULTILINE), outputs[3])
	expect(re.fullmatch(r"virtio_blk: \d+ blocks of 4 KiB\n", outputs[4]), outputs[4])


def test_log_tells():
	"""The system log says which program came when."""
	result, _ = run("ask update clock clock; date > /dev/null; grep -c . /zog/updates > /dev/null", {"clock": built("clock")})
	expect(any(line == "zog: update domain=clock number=1" for line in result.lines), f"{result.lines[-5:]}")
	expect(any(re.fullmatch("supervisor: update of clock in place", line) for line in result.lines), f"{result.lines[-5:]}")
	expect(CHECKSUM_AT == 8, "the checksum's place")
