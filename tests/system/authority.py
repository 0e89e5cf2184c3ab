"""What runs is what the manifests give: the live tables of every domain against the authority map.

The core tells what it really holds (both tables that crossings look into, interrupts, page tables); nothing of it is
taken from the map. The second test adds rights by hand to the compiled tables and must be told each of them.
"""

import os
import re
import shutil

from zoglib import authority
from zoglib.build import BUILD, make
from zoglib.testing import boot, expect, progress

LAB = os.path.join(BUILD, "lab")
PATCHED = os.path.join(BUILD, "authority")
# Used before it is read: programs, files, pipes, the control file.
WORK = """
echo one > /root/a; cat /root/a | cat > /root/b; sync
cat /zog/incidents/1/cause 2>/dev/null
cat /zog/authority
"""


def live_of(build, script="cat /zog/authority", **config):
	result = boot(script, kernel=os.path.join(build, "zog.elf"), **config)
	result.expect_status(0)
	return authority.live_parse(result.output)


def check_whole(domains, live):
	"""What was read is the whole file, and says what must be true of any system."""
	expect(set(live) == set(domains), f"read of {sorted(live)}")
	for name, domain in live.items():
		places = {memory.place for memory in domain.memory}
		expect("info" in places, f"{name}: the page tables show only {sorted(places)}")
		expect("image" in {area.place for area in domain.areas}, f"{name}: no area of its image: {[a.text() for a in domain.areas]}")
		# Pages of the image come when they are touched: a domain that nobody has called has none.
		expect("image" in places or name not in ("linux", "ext4", "virtio_blk", "supervisor"), f"{name} runs without an image")
	expect(live["linux"].rights.get(("entry", "1:filesystem@ext4:0x3ffff")) == "yes", f"linux never called ext4: {live['linux'].rights}")


def test_live_tables_are_the_map():
	"""On one CPU and on four, after programs have worked."""
	for cpus in (1, 4):
		domains, live = authority.map_load(), live_of(BUILD, WORK, smp=cpus)
		check_whole(domains, live)
		found = authority.compare(domains, live)
		expect(not found, f"{len(found)} differences: " + "; ".join(found[:6]))


def test_live_tables_of_the_lab_are_the_map():
	make("lab")
	domains, live = authority.map_load(LAB), live_of(LAB)
	check_whole(domains, live)
	found = authority.compare(domains, live, LAB)
	expect(not found, f"{len(found)} differences: " + "; ".join(found[:6]))
	progress(f"    {len(live)} domains, {sum(len(d.rights) for d in live.values())} rights, "
		f"{sum(len(d.memory) for d in live.values())} rows of memory")


def test_live_tables_after_restarts_are_the_map():
	"""Killed and started again, domains hold what they held."""
	names = "clock console entropy memory pci scheduler supervisor virtio_blk ext4 linux"
	script = f"for d in {names}; do echo kill $d > /zog/ctl; done; cat /zog/version > /dev/null; sync; cat /zog/authority"
	found = authority.compare(authority.map_load(), live_of(BUILD, script))
	expect(not found, f"{len(found)} differences: " + "; ".join(found[:6]))


def field_change(text, domain, key, change):
	"""The text with change(old value) in a field of the domain's descriptor."""
	entry = re.search(rf'\.name = "{domain}",.*?\n\t}},', text, re.DOTALL)
	changed, count = re.subn(rf"(\.{key} = )([^,]+),", lambda m: f"{m[1]}{change(m[2])},", entry[0])
	expect(count == 1, f"{count} fields {key} of {domain}")
	return text.replace(entry[0], changed)


def grants_add(text, domains, contracts):
	"""Four rights that no manifest gives: a crossing, the injector, another's message area, a region's commit right."""
	row = f"\t{{ CAP_ENTRY, {domains['virtio_blk']['id']}, {contracts}, 0x1 }},\n\t{{ CAP_INJECT, 0, 0, 0 }},\n}};"
	text, count = re.subn(r"(cap_desc entropy_caps\[\] = \{.*?)\};", lambda m: m[1] + row, text, count=1, flags=re.DOTALL)
	expect(count == 1, "no table of entropy")
	text = field_change(text, "entropy", "cap_count", lambda old: int(old) + 2)
	text = field_change(text, "memory", "peer_mask", lambda old: hex(int(old, 16) | 1 << domains["ext4"]["id"]))
	text = field_change(text, "ext4", "peer_mask", lambda old: hex(int(old, 16) | 1 << domains["memory"]["id"]))
	return field_change(text, "clock", "is_device_owner", lambda old: 1 - int(old))


def build_patched(domains):
	"""A second lab build whose system.c has had rights added by hand."""
	make("lab")
	shutil.rmtree(PATCHED, ignore_errors=True)
	shutil.copytree(LAB, PATCHED, copy_function=shutil.copy2)
	path = os.path.join(PATCHED, "gen", "system", "system.c")
	with open(path) as file:
		text = file.read()
	block = [name for name in re.findall(r'^\t\{ "(\w+)", \d+, \w+_methods', text, re.MULTILINE)].index("block") + 1
	with open(path, "w") as file:
		file.write(grants_add(text, domains, block))
	make("O=build/authority", "LAB=1", "all")


def test_one_right_by_hand_is_found():
	"""Rights that are added to the compiled tables, and to nothing else, are named one by one."""
	make("lab")
	domains = authority.map_load(LAB)
	build_patched(domains)
	found = authority.compare(domains, live_of(PATCHED), PATCHED)
	index = len(domains["entropy"]["caps"]) + 1
	wanted = [f"entropy: holds entry {index}:block@virtio_blk:0x7, which its manifest does not give",
		f"entropy: holds inject {index + 1}, which its manifest does not give",
		"clock: holds flag device, which its manifest does not give"]
	for sentence in wanted:
		expect(sentence in found, f"not told: {sentence}; but {found[:6]}")
	reached = [f for f in found if f.startswith("memory: reaches message r--") and f.endswith("of ext4, which its manifest does not give")]
	expect(len(reached) == 1, f"not told that memory reads messages of ext4: {found[:6]}")
	spoken = ("clock: may touch device", "memory: may touch message", "ext4: may touch message", "ext4: reaches message", "memory: reaches message rw")
	rest = [f for f in found if f not in wanted + reached and not f.startswith(spoken)]
	expect(not rest, f"told what is not so: {rest[:4]}")
	shutil.rmtree(PATCHED, ignore_errors=True)


def test_control_and_incidents_are_for_root():
	"""Who is not root can neither command domains nor read what broke."""
	result = boot("echo kill clock > /zog/ctl; /tests/stranger; echo status $?; cat /zog/incidents/1/cause; ls /zog/incidents")
	expect(result.output.count("ok ") == 3 and result.output.endswith("status 0\nkilled\n1\n"),
		f"it came to this: {result.output!r}; {result.describe()}")
