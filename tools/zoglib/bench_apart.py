"""What of a crossing is the core's and what the stubs': instructions by function, from outside.

bench_client makes CALLS calls of one kind in a boot that does nothing else (tests/domains/bench/bench_client/apart.c), and none
in another. Both are counted block by block by the QEMU plugin; their difference is those calls.
"""

import os
from collections import Counter

from . import profile
from .bench_core import COUNTING, KERNEL, Count, bench_disk, bench_folder, machine_run
from .build import BUILD, ROOT, Failure, make
from .machine import Config, machine_verdict

ROWS = ("crossing_core", "crossing_commit_core", "crossing_stubs")
CALLS = 20_000  # apart.c
CLIENT, SERVER = "bench_client", "bench_server"
CORE_WAY = ("syscall_entry", "crossing_straight")
GENERAL_WAY = "crossing_call"
CLIENT_STUB = "stub_checked"
HANDLER = "bench_checked_serve"


def boot_counts(kind, plugin):
	"""{domain or "core": Counter of function -> instructions} of one boot."""
	blocks = os.path.join(bench_folder(), f"blocks.{kind}")
	config = Config(kernel=KERNEL, disk=bench_disk(), smp=1, exec_text="true", append=f"zog.bench=1 bench.apart={kind}",
	                work=bench_folder(), extra=COUNTING + profile.plugin_arguments(plugin, blocks))
	_, machine = machine_run(config, f"zog.{kind}.log")
	status, message = machine_verdict(machine)
	if status != 0 or not any("bench done" in line for line in machine.lines):
		raise Failure(message or f"bench.apart={kind} ended with status {status}; see build/bench/zog.{kind}.log")
	return profile.counts(KERNEL, os.path.join(BUILD, "lab", "domains"), blocks)


def per_call(counts, base, domain):
	"""Instructions of one call by function of that domain."""
	found = Counter(counts.get(domain, Counter()))
	found.subtract(base.get(domain, Counter()))
	return {name: total / CALLS for name, total in found.items()}


def core_of(counts, base):
	"""The rest of the core is left out: timer, scrubber and the program that boots run in no two boots alike."""
	core = per_call(counts, base, profile.CORE)
	if core.get(GENERAL_WAY, 0) > 1:
		raise Failure("bench.apart: the calls went the general way")
	return sum(core.get(name, 0) for name in CORE_WAY)


def is_hook(name):
	return name.startswith(profile.HOOK_PREFIX) or name in profile.HOOK_FUNCTIONS


def stubs_of(checked, base):
	"""Of one call with four checked arguments: the client's stub, and all that the server runs but the handler."""
	server = per_call(checked, base, SERVER)
	if not server.get(HANDLER) or not per_call(checked, base, CLIENT).get(CLIENT_STUB):
		raise Failure(f"bench.apart: {HANDLER} or {CLIENT_STUB} did not run")
	return per_call(checked, base, CLIENT)[CLIENT_STUB] + sum(n for name, n in server.items() if name != HANDLER and not is_hook(name))


def rows():
	"""{row: Count}"""
	make("lab")
	plugin = profile.plugin_build(ROOT)
	base, checked, commit = (boot_counts(kind, plugin) for kind in ("none", "checked", "commit"))
	values = core_of(checked, base), core_of(commit, base), stubs_of(checked, base)
	return {name: Count(float(round(value)), None, None) for name, value in zip(ROWS, values)}
