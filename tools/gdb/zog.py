"""gdb's commands for Zog: `zog` lists them. Loaded by `./zog debug`, which sets ZOG_DEBUG_BUILD to the folder built in.

All domains are linked at one address, each with page tables of its own. So the symbols of one of them are loaded at a
time, and whose code runs is told by CR3. Other domains' stacks are read through their page tables, by the core's
window onto all memory, and their addresses named by addr2line."""

import os
import sys

import gdb

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
import printers  # noqa: E402
from zoglib.autopsy import resolve  # noqa: E402

BUILD = os.environ["ZOG_DEBUG_BUILD"]
CORE = os.path.join(BUILD, "core.elf")
PHYSMAP = 0xFFFF800000000000
CORE_HALF = 1 << 63
ADDRESS = 0x000FFFFFFFFFF000
TRACE_MAX = 24
INCIDENT_MAX = 1024 # core/fault/fault.h
with open(os.path.join(BUILD, "gen", "system", "domains.txt")) as names:
	NAMES = names.read().split()
loaded = None  # domain whose symbols gdb has


def program(name):
	"""The file that the domain was built as."""
	for folder in (BUILD, os.path.dirname(BUILD)):
		path = os.path.join(folder, "domains", name + ".elf")
		if os.path.exists(path):
			return path
	raise gdb.GdbError(f"no file was built for {name}")


def core_value(name):
	"""A variable of the core, whatever a domain calls the same."""
	core = gdb.lookup_objfile("core.elf")
	symbol = core.lookup_global_symbol(name) or core.lookup_static_symbol(name)
	if symbol is None:
		raise gdb.GdbError(f"the core has no {name}")
	return symbol.value()


def register(name):
	return int(gdb.newest_frame().read_register(name)) & (1 << 64) - 1


def domain_number(name):
	if name not in NAMES:
		raise gdb.GdbError(f"no domain {name!r}; there are: {', '.join(NAMES)}")
	return NAMES.index(name)


def domain_value(name):
	return core_value("domain_table")[domain_number(name)]


def running():
	"""The domain whose page tables are loaded; None: a program's, or those of the boot."""
	cr3 = register("cr3") & ADDRESS
	for place, name in enumerate(NAMES):
		if cr3 and int(core_value("domain_table")[place]["cr3"]) & ADDRESS == cr3:
			return name
	return None


def load(name):
	global loaded
	if loaded == name:
		return
	if loaded is not None:
		gdb.execute(f"remove-symbol-file -a {text_address(loaded)}", to_string=True)
		loaded = None
	gdb.execute(f"add-symbol-file {program(name)}", to_string=True)
	loaded = name


def text_address(name):
	"""An address within what add-symbol-file loaded."""
	return objfile_of(name).lookup_global_symbol("rt_serve").value().address.format_string(symbols=False, raw=True).split()[-1]


def objfile_of(name):
	wanted = os.path.realpath(program(name))
	return next(file for file in gdb.objfiles() if os.path.realpath(file.filename) == wanted)


def word(address):
	return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def word_of(cr3, address):
	"""A word of an address space: by its page tables. None: nothing is mapped there."""
	table = cr3 & ADDRESS
	for shift in (39, 30, 21, 12):
		entry = word(PHYSMAP + table + (address >> shift & 511) * 8)
		if not entry & 1:
			return None
		if shift < 39 and shift > 12 and entry & 0x80:
			size = 1 << shift
			return word(PHYSMAP + (entry & ADDRESS & -size) + (address & size - 1))
		table = entry & ADDRESS
	return word(PHYSMAP + table + (address & 0xFFF))


def show_place(address, path, is_return):
	for function, place in resolve(address - is_return, path):
		print(f"    {address:#018x} {function} at {place}")


def show_stack(domain, rip, rbp):
	"""A stack by its frame pointers, each step checked: it can hold anything."""
	name = printers.name_of(domain)
	path, cr3 = program(name), int(domain["cr3"])
	show_place(rip, path, 0)
	for _ in range(TRACE_MAX):
		if rbp == 0 or rbp % 8:
			return
		older, back = word_of(cr3, rbp), word_of(cr3, rbp + 8)
		if not back:
			return
		show_place(back, path, 1)
		if older is None or older <= rbp:
			return
		rbp = older


def show_running_stack():
	"""gdb's own unwinding: it knows where in a function the registers stand. Assembly ends it: rt_entry, or the core's entry."""
	frame, in_core = gdb.newest_frame(), register("rip") >= CORE_HALF
	for depth in range(TRACE_MAX):
		if frame is None or not frame.is_valid() or (frame.pc() >= CORE_HALF) != in_core:
			return
		if frame.type() != gdb.INLINE_FRAME:
			show_place(frame.pc(), CORE if in_core else program(loaded), int(depth > 0))
		if depth and frame.find_sal().symtab is not None and frame.find_sal().symtab.filename.endswith(".S"):
			return
		frame = frame.older()


def cpu_value():
	"""The CPU that gdb has selected: QEMU shows each as a thread, from 1 on, in the order of their APICs."""
	place = gdb.selected_thread().num - 1
	for i in range(int(core_value("cpu_count"))):
		if int(core_value("cpu_table")[i]["apic_id"]) == place:
			return core_value("cpu_table")[i]
	raise gdb.GdbError("this CPU has not been started yet")


def do_domains(_):
	for place in range(len(NAMES)):
		value = core_value("domain_table")[place]
		if int(value["desc"]) == 0:
			print(f"domain {place} {NAMES[place]} not built yet")
		else:
			print(printers.domain_text(value) + (" <- runs here" if running() == NAMES[place] else ""))


def do_threads(_):
	for i in range(int(core_value("thread_total"))):
		value = core_value("thread_table")[i]
		if int(value["state"]) != 0:
			chain = " -> ".join(printers.name_of(value["frame"][k]["domain"]) for k in range(int(value["depth"])))
			print(f"{printers.thread_text(value)} {chain}".rstrip())


def do_domain(name):
	domain_number(name)
	load(name)
	print(f"symbols: the core's and {name}'s")


def do_where(_):
	name, in_core = running(), register("rip") >= CORE_HALF
	if name and not in_core:
		load(name)
	if in_core:
		print("  core")
		show_running_stack()
	cpu = cpu_value()
	if int(cpu["thread"]) == 0:
		print("  no thread on this CPU")
		return
	thread = cpu["thread"].dereference()
	depth = int(thread["depth"])
	for k in reversed(range(depth)):
		frame = thread["frame"][k]
		print(f"  {printers.name_of(frame['domain'])}: method {int(frame['method']):#x}")
		if k < depth - 1:
			show_stack(frame["domain"], int(frame["resume_rip"]), int(frame["resume_rbp"]))
		elif not in_core and printers.name_of(frame["domain"]) == name:
			show_running_stack()
		else:
			print("    registers are in the core: print cpu_table[N].domain_regs")
	if int(thread["is_activity"]):
		print(f"  activity {int(thread['id']) & 0x7fff} of {printers.name_of(thread['root_domain'])}")
	else:
		print(f"  program, thread {int(thread['id'])}, at {int(thread['regs']['rip']):#x}")


def do_caps(name):
	desc = core_value("system_domain")[domain_number(name)]
	for i in range(1, int(desc["cap_count"])):
		cap = desc["cap"][i]
		text = printers.cap_text(cap)
		if text.startswith("CAP_ENTRY"):
			text = f"CAP_ENTRY {core_value('system_contract')[int(cap['b'])]['name'].string()} of {NAMES[int(cap['a'])]}"
		print(f"{i:3} {text}")


def do_regions(_):
	if int(core_value("region_table")) == 0:
		raise gdb.GdbError("the regions are not set up yet")
	for i in range(int(core_value("system_region_count"))):
		print(printers.region_text(core_value("region_table")[i]))


def do_incident(text):
	total = int(core_value("incident_total"))
	if not text.isdigit() or not 1 <= int(text) <= total:
		raise gdb.GdbError(f"zog incident N: {total} incidents so far")
	kept = core_value("incident_table")[int(text) % INCIDENT_MAX]
	if int(kept["number"]) != int(text):
		raise gdb.GdbError(f"incident {text} is not kept any more")
	print(printers.incident_text(kept))
	name = NAMES[int(kept["domain"])]
	for i in range(int(kept["trace_count"])):
		show_place(int(kept["trace"][i]), program(name), int(i > 0))


class DomainBreak(gdb.Breakpoint):
	"""Stops in one domain: others have code at the same address."""

	def __init__(self, name, function):
		load(name)
		symbol = objfile_of(name).lookup_global_symbol(function) or objfile_of(name).lookup_static_symbol(function)
		if symbol is None:
			raise gdb.GdbError(f"{name} has no function {function}")
		self.name = name
		super().__init__(f"*{int(symbol.value().address):#x}", gdb.BP_BREAKPOINT)

	def stop(self):
		return running() == self.name


def do_finish(_):
	"""At its end QEMU closes the line, at times before gdb has read its last word: not an error here."""
	for breakpoint_set in gdb.breakpoints():
		breakpoint_set.delete()
	try:
		gdb.execute("continue")
	except gdb.error as error:
		if "Target disconnected" not in str(error) and "Remote connection closed" not in str(error):
			raise
	if gdb.selected_inferior().pid:
		raise gdb.GdbError("the machine stopped, but it has not ended")


def do_break(text):
	words = text.split()
	if len(words) != 2:
		raise gdb.GdbError("zog break NAME FUNCTION")
	domain_number(words[0])
	DomainBreak(*words)


COMMANDS = {
	"domains": (do_domains, "the domains and their states"),
	"threads": (do_threads, "the threads and the domains that each is in"),
	"domain": (do_domain, "NAME: loads the symbols of that domain"),
	"where": (do_where, "the stack of this CPU's thread, through all domains, innermost first"),
	"caps": (do_caps, "NAME: what it holds"),
	"regions": (do_regions, "the shared regions"),
	"incident": (do_incident, "N: an incident and its stack"),
	"break": (do_break, "NAME FUNCTION: stops at the function's entry, in that domain only"),
	"finish": (do_finish, "goes on without any breakpoints, to the machine's end"),
}


class Zog(gdb.Command):
	"""Zog's own commands."""

	def __init__(self):
		super().__init__("zog", gdb.COMMAND_USER)

	def invoke(self, text, _):
		word_given, _, rest = text.strip().partition(" ")
		if word_given not in COMMANDS:
			rows = "\n".join(f"zog {name:<9} {what}" for name, (_, what) in COMMANDS.items())
			if word_given:
				raise gdb.GdbError(f"no command zog {word_given}\n{rows}")
			print(rows)
			return
		COMMANDS[word_given][0](rest.strip())

	def complete(self, text, _):
		return [name for name in COMMANDS if name.startswith(text)]


gdb.execute("set max-value-size unlimited") # struct cpu holds its stacks
Zog()
