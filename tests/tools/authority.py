"""The comparison of live tables with the authority map tells every kind of difference, and the reference pages show the
whole map. On a small system made up here, whose live tables are changed one thing at a time."""

import os
import sys
import tempfile
import xml.etree.ElementTree

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
from zoglib import authority, authority_pages # noqa: E402

HEAD = "domain caps used\ndriver 1 1\n\ndomain kind right pages used\n"
GOOD = """driver entry 1:bus@pci:0x3 - yes
driver irq 0x41:0:message - no
driver area home:rw-@0x60000000=0x100000 4 -
driver area message:rw-@0x9000=0x200000 2 -
driver memory message:r--:pci@0x5000=0x300000 2 -
driver memory home:rw-:own 3 -
pci bus 1 - no
pci area message:rw-@0x5000=0x300000 2 -
"""
# what is changed: (line taken out, line put in, what must be said)
CHANGES = {
	"a_crossing_too_many": ("", "pci entry 2:bus@pci:0x3 - no", "pci: holds entry 2:bus@pci:0x3, which its manifest does not give"),
	"the_straight_way_differs": ("", "driver straight 1:block@pci - no", "driver: holds straight 1:block@pci, which its manifest does not give"),
	"a_method_too_many": ("driver entry 1:bus@pci:0x3 - yes", "driver entry 1:bus@pci:0x7 - yes", "driver: holds entry 1:bus@pci:0x7, which its manifest does not give"),
	"a_right_is_lost": ("pci bus 1 - no", "", "pci: lacks bus 1, which its manifest gives"),
	"another_vector": ("driver irq 0x41:0:message - no", "driver irq 0x42:0:message - no", "driver: holds irq 0x42:0:message, which its manifest does not give"),
	"memory_of_a_stranger": ("", "driver memory heap:rw-:pci@0x7000=0x300000 1 -",
		"driver: reaches heap rw- at 0x7000, 1 pages of pci, which its manifest does not give"),
	"a_peer_s_messages_writable": ("driver memory message:r--:pci@0x5000=0x300000 2 -", "driver memory message:rw-:pci@0x5000=0x300000 2 -",
		"driver: reaches message rw- at 0x5000, 2 pages of pci, which its manifest does not give"),
	"other_memory_at_a_peer_s_place": ("driver memory message:r--:pci@0x5000=0x300000 2 -", "driver memory message:r--:pci@0x5000=0x700000 2 -",
		"driver: reaches memory of pci as message r-- at 0x5000, 2 pages of pci, which is something else there"),
	"an_area_too_long": ("driver area home:rw-@0x60000000=0x100000 4 -", "driver area home:rw-@0x60000000=0x100000 5 -",
		"driver: may touch home rw- at 0x60000000, 5 pages, which its manifest does not give"),
	"own_pages_too_many": ("driver memory home:rw-:own 3 -", "driver memory home:rw-:own 9 -", "driver: reaches 9 own pages of home; its manifest gives 4"),
	"writable_text": ("", "driver memory image:rwx:own 1 -", "driver: reaches image rwx, 1 pages, which its manifest does not give"),
	"the_same_frames_twice": ("", "pci area home:rw-@0x60000000=0x101000 1 -",
		"driver and pci: home rw- at 0x60000000, 4 pages and home rw- at 0x60000000, 1 pages share frames"),
	"the_core_s_half_open": ("", "pci flag core_half 1 -", "pci: holds flag core_half, which its manifest does not give"),
	"a_domain_too_many": ("", "ghost entry 1:bus@pci:0x3 - no", "ghost: runs, but has no manifest"),
}


def span(place, address, pages, rights, owner):
	return {"place": place, "address": address, "pages": pages, "rights": rights, "owner": owner}


def domain(number, name, **more):
	return {"id": number, "name": name, "serves": [], "calls": [], "caps": [], "flags": [], "irqs": [], "regions": [], "objects": [], "streams": [], "devices": [],
	        "events": [], "dynamic_events": 0, "memory": [], **more}


def cap(index, kind, right, grant, why=""):
	methods = {"0": "claim", "1": "virtio"} if kind == "entry" else {}
	return {"index": index, "kind": kind, "right": right, "meaning": grant, "grant": grant, "why": why, "methods": methods}


def system():
	driver = domain(1, "driver", calls=[{"contract": "bus", "domain": "pci"}], caps=[cap(1, "entry", "1:bus@pci:0x3", "uses.bus", "asked <once> & again")],
		irqs=[{"right": "0x41:0:message", "event": "done", "grant": "irq.done", "why": ""}],
		memory=[span("home", 0x60000000, 4, "rw-", "own"), span("message", 0x9000, 2, "rw-", "own"), span("message", 0x5000, 2, "r--", "pci")])
	bus = domain(0, "pci", caps=[cap(1, "bus", "1", "rights.bus")],
		memory=[span("message", 0x5000, 2, "rw-", "own"), span("home", 0x60000000, 4, "rw-", "own")])
	return {"pci": bus, "driver": driver}


def differences(text):
	"""As authority.compare, without images: there is no build of this system."""
	real, authority.image_spans = authority.image_spans, lambda build, name: [span("image", 0x400000, 3, "r-x", "core")]
	try:
		return authority.compare(system(), authority.live_parse(HEAD + text))
	finally:
		authority.image_spans = real


def good_tables_pass():
	assert differences(GOOD) == [], differences(GOOD)


def change_is_told(name):
	taken, put, said = CHANGES[name]
	assert not taken or taken + "\n" in GOOD, f"no line {taken!r}"
	found = differences(GOOD.replace(taken + "\n", "") + put + ("\n" if put else "") if taken else GOOD + put + "\n")
	assert said in found, f"said {found}"


def a_row_that_is_none_is_refused():
	for line in ("pci bus 1 -", "pci area nonsense 1 -", "pci memory home:rw 1 -"):
		try:
			authority.live_parse(HEAD + line + "\n")
		except ValueError:
			continue
		raise AssertionError(f"{line!r} was taken")


def use_is_merged_over_machines():
	used = authority.Used()
	for line in ("zog: used domain=driver caps=0x0 irqs=0x0 pages=7", "zog: used domain=driver caps=0x0 irqs=0x1 pages=3", "driver: zog: used domain=pci caps=0xff irqs=0x0 pages=1"):
		used.feed(line)
	driver = system()["driver"]
	assert used.domains == {"driver": {"caps": 0, "irqs": 1, "pages": 7, "runs": 2, "methods": {}}}, used.domains
	assert used.unused(driver) == [("uses.bus", "asked <once> & again")], used.unused(driver)
	used.feed("zog: used domain=driver caps=0x2 irqs=0x0 pages=1")
	assert used.unused(driver) == [] and used.uncalled(driver) == (2, ["bus.claim", "bus.virtio"])
	used.feed("zog: called domain=driver cap=1 methods=0x2")
	assert used.uncalled(driver) == (2, ["bus.claim"]), used.uncalled(driver)
	with tempfile.TemporaryDirectory() as folder:
		used.save(os.path.join(folder, "used"))
		assert authority.Used.load(os.path.join(folder, "used")).domains == used.domains
	assert "driver" in authority.table(system(), used)


def the_picture_shows_every_domain_call_and_right():
	root = xml.etree.ElementTree.fromstring(authority_pages.Picture(system()).svg())
	texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
	for wanted in ("driver", "pci", "bus", "rights bus", "irq message -> done"):
		assert wanted in texts, (wanted, texts)
	boxes = [[int(r.get(k)) for k in ("x", "y", "width", "height")] for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("class") == "box"]
	assert len(boxes) == 2 and boxes[0][1] > boxes[1][1] + boxes[1][3], "the callee stands below its caller"


def the_page_tells_what_was_never_used():
	used = authority.Used()
	used.feed("zog: used domain=driver caps=0x0 irqs=0x1 pages=7")
	text = authority_pages.authority_markdown(system(), used)
	assert "uses.bus (asked <once> & again) | 2; never: bus.claim, bus.virtio |" in text, text
	assert "uses.bus (asked <once> & again)" in text and "| `pci` | 1 | 6 | ? |" in text, text


def main():
	tests = [(f.__name__, f) for f in (good_tables_pass, a_row_that_is_none_is_refused, use_is_merged_over_machines,
		the_picture_shows_every_domain_call_and_right, the_page_tells_what_was_never_used)]
	tests += [(name + "_is_told", lambda name=name: change_is_told(name)) for name in CHANGES]
	failed = 0
	for name, test in tests:
		try:
			test()
			print(f"ok {name}")
		except AssertionError as error:
			failed += 1
			print(f"FAIL {name} {' '.join(str(error).split())[:400]}")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
