"""Checks of handles: the state machine that stands in a contract must be one that clients can live with.

Every state is reached from `closed` and leads back to it; each method with a handle argument says in which states it
may be called; and what recovery replays can be replayed: of a volatile handle, methods that change the state take
scalars only and are idempotent.
"""

from .layout import Request
from .model import CLOSED
from .report import c_constant, nearest

LIMIT_MAX = 64
STATE_MAX = c_constant("lib/rt/contract.h", "RT_HANDLE_STEPS")


def handles_check(checks):
	contract = checks.contract
	checks.unique_check([(h.name, h.line) for h in contract.handles], "handle")
	for handle in contract.handles:
		checks.name_check(handle.name, handle.line, "handle")
		if not 1 <= handle.limit <= LIMIT_MAX:
			checks.error(handle.line, f"limit {handle.limit} is outside 1..{LIMIT_MAX}")
		if len(handle.states) > STATE_MAX:
			checks.error(handle.line, f"{len(handle.states)} states; at most {STATE_MAX} are possible")
		checks.unique_check(handle.states, f"state of {handle.name}", {CLOSED})
		for name, line in handle.states:
			checks.name_check(name, line, "state")
		if all([transition_check(checks, handle, t) for t in handle.transitions]):
			machine_check(checks, handle)
	for method in contract.methods:
		method_handle_check(checks, method)


def transition_check(checks, handle, transition):
	is_good = True
	for state in transition.sources + [transition.target]:
		if state not in handle.state_names():
			checks.error(transition.line, f"unknown state '{state}' of {handle.name}" + nearest(state, handle.state_names()))
			is_good = False
	methods = {m.name: m for m in checks.contract.methods}
	method = methods.get(transition.method)
	if method is None:
		checks.error(transition.line, f"unknown method '{transition.method}'" + nearest(transition.method, methods))
		return False
	if method.handle is None or method.handle.type != handle.name:
		checks.error(transition.line, f"method '{method.name}' takes no handle {handle.name}")
		return False
	if transition.target != handle.target_of(method.name) and handle.changes(method.name):
		checks.error(transition.line, f"method '{method.name}' leads to {handle.target_of(method.name)} already: a method has one target, "
		             "or leaves every state as it is")
		return False
	return is_good


def closure(handle, start, edge):
	"""States that are reached from START when EDGE gives the (from, to) pairs of a transition."""
	reached, grew = {start}, True
	while grew:
		new = {to for t in handle.transitions for source, to in edge(t) if source in reached} - reached
		grew = bool(new)
		reached |= new
	return reached


def machine_check(checks, handle):
	forward = closure(handle, CLOSED, lambda t: [(s, t.target) for s in t.sources])
	backward = closure(handle, CLOSED, lambda t: [(t.target, s) for s in t.sources])
	for name, line in handle.states:
		if name not in forward:
			checks.error(line, f"state '{name}' of {handle.name} cannot be reached from {CLOSED}")
		elif name not in backward:
			checks.error(line, f"state '{name}' of {handle.name} has no way to {CLOSED}: its handles could never be given back")


def method_handle_check(checks, method):
	contract = checks.contract
	handles = [a for a in method.ins if a.kind == "handle"]
	if len(handles) > 1:
		checks.error(method.line, f"{method.name} has {len(handles)} handles; a method works on one")
	if not handles:
		return
	if method.ins[0] is not handles[0]:
		checks.error(method.line, f"the handle '{handles[0].name}' is the first argument of {method.name}")
	handle = contract.handle(handles[0].type)
	if handle is None:
		checks.error(handles[0].line, f"unknown handle '{handles[0].type}'" + nearest(handles[0].type, [h.name for h in contract.handles]))
		return
	found = handle.transitions_by(method.name)
	if not found:
		checks.error(method.line, f"{method.name} takes a handle {handle.name}, whose transitions do not say when it may be called")
	elif handle.changes(method.name):
		change_check(checks, handle, method)


def change_check(checks, handle, method):
	if method.kind == "pure":
		checks.error(method.line, f"{method.name} is pure and changes the state of {handle.name}")
	if handle.is_durable:
		return
	if method.kind == "once":
		checks.error(method.line, f"{method.name} is once and changes the state of the volatile {handle.name}: it could not be replayed")
	if Request(checks.contract, method).is_packed:
		checks.error(method.line, f"{method.name} changes the state of the volatile {handle.name}: at most 6 arguments are replayed")
	for argument in method.ins:
		if argument.has_area:
			checks.error(argument.line, f"{method.name} changes the state of the volatile {handle.name}: its arguments are replayed, "
			             f"so '{argument.name}' must be a scalar")
