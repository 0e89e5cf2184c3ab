"""Pretty-printers of the core's main objects: one line that says what matters; `print /r` shows all fields."""

import gdb
import gdb.printing


def number(value, field):
	return int(value[field])


def name_of(domain):
	"""The name of the domain that the pointer shows, from its description."""
	if int(domain) == 0:
		return "none"
	desc = domain["desc"]
	return desc["name"].string() if int(desc) else "not built"


def constant(enum, value):
	"""The name of an enumeration's value."""
	for field in gdb.lookup_type(f"enum {enum}").fields():
		if field.enumval == value:
			return field.name
	return str(value)


def domain_text(v):
	state = constant("domain_state", number(v, "state"))
	return f"domain {number(v, 'id')} {name_of(v.address)} {state} cr3={number(v, 'cr3'):#x} invocations={number(v, 'invocations')}"


def thread_text(v):
	kind = "activity" if number(v, "is_activity") else "program"
	return (f"thread {number(v, 'id'):#x} {kind} of {name_of(v['root_domain'])} "
		f"{constant('thread_state', number(v, 'state'))} depth={number(v, 'depth')}")


def cpu_text(v):
	carried = v["thread"]
	return f"cpu {number(v, 'id')} cr3={number(v, 'cr3'):#x} {'idle' if int(carried) == 0 else thread_text(carried.dereference())}"


def frame_text(v):
	return (f"call of {name_of(v['domain'])} {constant('frame_phase', number(v, 'phase'))} method={number(v, 'method'):#x} "
		f"client={number(v, 'client'):#x} resume_rip={number(v, 'resume_rip'):#x}")


def region_text(v):
	desc = v["desc"]
	return f"region {desc['name'].string()} {number(desc, 'bytes')} bytes commits={number(v, 'commits')} refused={number(v, 'refused')}"


def cap_text(v):
	return f"{constant('cap_type', number(v, 'type'))} a={number(v, 'a'):#x} b={number(v, 'b'):#x}"


def incident_text(v):
	return (f"incident {number(v, 'number')} domain {number(v, 'domain')} {constant('zog_cause', number(v, 'cause'))} "
		f"rip={number(v['regs'], 'rip'):#x} address={number(v, 'address'):#x}")


def txn_text(v):
	return f"transaction of {number(v, 'range_count')} ranges, {number(v, 'op_count')} operations"


def range_text(v):
	return f"[{number(v, 'offset'):#x}, {number(v, 'offset') + number(v, 'length'):#x})"


def event_text(v):
	return f"event count={number(v, 'count')} {'nobody waits' if int(v['waiter']) == 0 else 'waited for'}"


TEXTS = {"domain": domain_text, "thread": thread_text, "cpu": cpu_text, "call_frame": frame_text, "region": region_text,
	"cap_desc": cap_text, "zog_incident": incident_text, "zog_txn": txn_text, "zog_range": range_text, "event": event_text}


class Line:
	def __init__(self, value, text):
		self.value, self.text = value, text

	def to_string(self):
		return self.text(self.value)


def look_up(value):
	kind = value.type.strip_typedefs()
	text = TEXTS.get(kind.tag) if kind.code == gdb.TYPE_CODE_STRUCT else None
	return Line(value, text) if text else None


gdb.pretty_printers.append(look_up)
