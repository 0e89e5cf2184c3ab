"""Nobody gets at what is not theirs.

The hostile domain of tests/domains/hostile/rogue does what no domain may do, while programs run: each attempt is
refused or ends it with the right cause, and nobody else notices. The hostile program of tests/linux/wild.c gets the
signals that Linux gives, and no domain notices.
"""

import os
import re

from zoglib.build import BUILD, make
from zoglib.testing import boot, expect, progress

KERNEL = os.path.join(BUILD, "lab", "zog.elf")
BEGIN = re.compile(r"rogue: attempt (\d+) (\w+) begins$")
END = re.compile(r"rogue: attempt (\d+) (\w+) (ended|refused|harmless|succeeded) status=(-?\d+)$")
DONE = re.compile(r"rogue: done (\d+) ")
GIVEN_UP = re.compile(r"zog: quarantine domain=rogue ")
INCIDENT = re.compile(r"zog: incident \d+ domain=(\w+) cause=([\w-]+) vector=(\d+) ")
DEBUG, DIVIDE, UNDEFINED, NO_VECTORS, PROTECTION = 1, 0, 6, 7, 13

# Writes, copies, sums and compares until a line is typed, and three times at least.
WORK = """
cd /root
: > rounds
work() {
	until [ -e stop ] && [ $(wc -l < rounds) -ge 3 ]; do
		dd if=/dev/urandom of=a bs=64k count=4 status=none || echo "dd: status $?"
		cp a b || echo "cp: status $?"
		one=$(sha256sum < a); two=$(cat b | sha256sum)
		[ "$one" = "$two" ] || echo "sums differ: $one $two"
		echo round >> rounds
	done
}
work &
read line
touch stop
wait
echo worked
"""

# The same beside a hand that kills everybody in turn.
KILLS = """
cd /root
( while [ ! -e stop ]; do
	for domain in rogue linux ext4 virtio_blk rogue console memory clock; do
		echo kill $domain $((RANDOM % 2000)) > /zog/ctl || echo "kill: status $?"
		usleep 20000
	done
done ) &
""" + WORK


def outcomes(word, *names):
	return dict.fromkeys(names, word)


# What every attempt must come to. ended: cause, and vector where it is an exception. refused: status.
EXPECTED = {
	**outcomes("ended page_fault 14",
		"read_message_of_stranger", "read_message_of_peer_to_other", "read_message_of_other_to_peer", "write_message_of_stranger", "write_message_of_peer", "read_message_behind_the_last",
		"read_physical_map", "write_physical_map", "read_core_text", "write_core_text", "jump_core_text",
		"read_interrupt_controller", "write_interrupt_controller", "read_device_window", "write_device_window",
		"read_device_memory", "read_stream", "read_stream_of_peer", "read_boot_module", "write_own_text",
		"write_own_constants", "write_committed_image", "write_information", "write_domain_information", "read_null",
		"read_behind_home", "read_behind_heap", "read_last_user_page", "jump_null", "execute_stack", "execute_heap",
		"execute_home", "execute_data", "overrun_stack"),
	**outcomes("ended store 0",
		"store_message_of_peer", "store_physical_map", "store_core_text", "store_own_text", "store_committed_image",
		"store_null", "store_behind_home"),
	**outcomes(f"ended exception {PROTECTION}",
		"read_not_canonical", "jump_not_canonical", "port_in", "port_out", "port_string", "disable_interrupts",
		"enable_interrupts", "halt", "read_cr0", "read_cr3", "write_cr3", "write_cr4", "write_cr8", "write_dr7", "read_msr",
		"write_msr", "read_counter", "load_gdt", "load_idt", "load_ldt", "load_task", "store_gdt", "store_idt", "store_ldt",
		"store_task", "store_machine_word", "swap_gs", "return_from_system_call", "clear_task_switched", "invalidate_page",
		"write_back_caches", "set_xcr0", "interrupt_linux", "interrupt_page_fault", "interrupt_timer", "interrupt_device",
		"breakpoint", "load_core_segment", "load_null_stack_segment", "far_jump_32"),
	**outcomes(f"ended exception {UNDEFINED}",
		"end_with_open_stores", "undefined", "allow_user_access", "call_hypervisor", "enter_by_sysenter", "leave_bytes"),
	**outcomes(f"ended exception {DEBUG}", "trap_flag"),
	# QEMU does not know the one-byte debug interrupt.
	**outcomes(f"ended exception {DEBUG} or ended exception {UNDEFINED}", "debug_interrupt"),
	# QEMU reads the stack for these as the core would, and meets SMAP before the selector's check.
	**outcomes(f"ended exception {PROTECTION} or ended page_fault 14", "return_to_core", "far_return_to_core"),
	# Where the core takes OSXSAVE away because QEMU's XSAVE ignores CR0.TS, these are undefined.
	**outcomes(f"ended exception {NO_VECTORS} or ended exception {UNDEFINED}", "vector_avx", "vector_save",
		"vector_load"),
	**outcomes(f"ended exception {DIVIDE}", "divide_by_zero"),
	**outcomes(f"ended exception {NO_VECTORS}", "vector_sse", "vector_x87", "vector_wait"),
	**outcomes("harmless",
		"port_privilege", "direction_into_core", "nested_task_into_core", "alignment_into_core", "segments_into_core",
		"bases_into_core", "core_stack_into_core", "null_stack_into_core", "not_canonical_stack_into_core",
		"log_as_the_core", "commit_untouched_pages", "abort_huge_range_count", "abort_operation",
		"abort_untouched_page", "abort_behind_home", "abort_over_the_end", "abort_wrapping", "abort_huge_length"),
	**outcomes("ended deadline 0", "loop_for_ever", "call_for_ever"),
	**outcomes("ended capability 0",
		"cross_by_nothing", "cross_by_absent", "cross_by_wide_index", "cross_by_negative_index", "cross_by_ports",
		"cross_by_event", "cross_to_other_contract", "cross_to_contract_0", "cross_to_wide_method", "unknown_call",
		"wide_call", "negative_call", "wait_on_absent_event", "wait_by_port", "wait_by_wide_handle", "wait_by_absent_handle",
		"read_absent_event", "read_event_by_port", "read_event_by_wide_handle", "port_read_by_nothing",
		"port_read_by_entry", "port_read_other_port", "port_read_too_wide", "port_read_odd_width", "port_read_width_0",
		"port_read_wrapping", "port_read_wide_port", "port_write_power", "port_write_wrapping", "incident_without_right",
		"incident_by_port", "stats_without_right", "authority_without_right", "image_without_right", "authority_by_port", "region_stats_without_right"),
	**outcomes("refused -1",
		"thread_registers", "thread_registers_of_other", "vector_state_read", "vector_state_write", "vector_state_huge",
		"log_core", "log_too_long", "log_huge", "log_wrapping", "log_behind_heap", "log_device_window",
		"log_message_of_stranger", "copy_request_in_core", "copy_request_wrapping", "copy_request_null",
		"copy_request_in_text", "copy_request_at_end", "copy_frame_to_program", "copy_frame_from_program",
		"copy_from_frame_of_other", "copy_from_frame_0", "copy_from_frame_beyond", "copy_to_frame_of_core",
		"copy_from_core_to_frame", "zero_frame_of_other", "copy_frame_to_frame", "copy_behind_frame",
		"copy_offset_wrapping", "copy_too_long", "copy_unknown_kind"),
	**outcomes("refused -2",
		"pin_frame_0", "pin_frame_of_other", "pin_frame_beyond", "unpin_frame", "copy_from_program",
		"copy_from_own_program", "copy_to_program", "copy_string"),
	**outcomes("refused -3", "cross_to_absent_method"),
	**outcomes("ended assert 0", "fail_as_killed", "fail_as_core", "fail_as_unknown", "stage_too_many"),
	**outcomes("ended violation 0",
		"commit_untouched_page", "commit_behind_home", "commit_over_the_end", "commit_wrapping", "commit_huge_length",
		"commit_huge_range_count", "commit_range_count_over", "commit_huge_operation_count", "commit_operation_count_over",
		"commit_empty_operation", "commit_too_much", "stage_unknown", "stage_huge_code", "stage_notify_absent",
		"stage_notify_of_other", "stage_good_and_bad", "stage_space_create", "stage_space_destroy", "stage_map",
		"stage_map_own_space", "stage_map_core_frame", "stage_map_core_half", "stage_unmap", "stage_protect", "stage_clone",
		"stage_thread_create", "stage_thread_destroy", "stage_thread_destroy_self", "stage_thread_registers",
		"stage_thread_wake", "stage_thread_space", "stage_thread_vector_reset", "stage_grant_frame_of_other",
		"stage_grant_core_frame", "stage_grant_wrapping", "stage_zero_frame_of_other", "stage_zero_frame_beyond",
		"stage_port_out_by_entry", "stage_port_out_other_port", "stage_port_out_other_status",
		"stage_port_out_behind_home", "stage_port_out_counter_outside", "stage_port_out_counter_odd",
		"stage_port_in_wrapping", "stage_device_attach", "stage_device_attach_memory", "stage_device_attach_huge",
		"stage_device_resumed", "stage_kill", "stage_kill_after", "stage_hang", "stage_corrupt", "stage_corrupt_by_port", "stage_kill_by_port", "stage_power_off", "stage_update", "stage_schedule"),
}


class Attempts:
	"""Reads from the system log what came of each attempt."""

	def __init__(self, lines):
		self.found = {} # name -> outcome
		self.problems = []
		self.done = None
		self.name, self.incidents = None, []
		for line in lines:
			self.feed(line)

	def feed(self, line):
		if match := BEGIN.match(line):
			if self.name is not None:
				self.problems.append(f"{match[2]} began before {self.name} came out")
			self.name, self.incidents = match[2], []
		elif match := INCIDENT.match(line):
			if match[1] == "rogue":
				self.incidents.append(f"{match[2]} {match[3]}")
		elif match := END.match(line):
			self.come_out(match)
		elif match := DONE.match(line):
			self.done = int(match[1])

	def come_out(self, match):
		name, outcome, status = match[2], match[3], match[4]
		if name != self.name:
			self.problems.append(f"{name} came out, but {self.name} had begun")
		if len(self.incidents) != (1 if outcome == "ended" else 0):
			self.problems.append(f"{name} {outcome}, with incidents {self.incidents}")
		detail = self.incidents[-1] if outcome == "ended" and self.incidents else status if outcome == "refused" else ""
		self.found[name] = f"{outcome} {detail}".strip()
		self.name = None


def type_when(pattern):
	return lambda machine, line: machine.type(b"\n") if pattern.match(line) else None


def run_rogue(append, script=WORK, done=DONE, **config):
	"""Boots the lab image with a program at work until the hostile domain has told that it is done."""
	make("lab")
	result = boot(script, kernel=KERNEL, append=append, on_log=type_when(done), **config)
	expect(result.output.strip() == "worked", f"the program did not work: {result.describe()}")
	result.expect_status(0)
	others = [fields for fields in result.log.incidents.values() if fields.get("domain") != "rogue"]
	expect(not others, f"{len(others)} incidents of other domains: {others[:2]}")
	expect(set(result.log.quarantined) <= {"rogue"}, f"given up on: {result.log.quarantined}")
	core = [line for line in result.lines if "core exception" in line]
	expect(not core, f"the core itself met exceptions: {core[:2]}")
	return result


def test_attempts():
	"""Every attempt, once: its outcome is the expected one."""
	attempts = Attempts(run_rogue("rogue=attempts").lines)
	for name, outcome in attempts.found.items():
		progress(f"    {name:34} {outcome}")
	expect(attempts.done is not None, f"not done after {len(attempts.found)} attempts; the last was {attempts.name}")
	expect(not attempts.problems, "; ".join(attempts.problems[:5]))
	expect(attempts.done == len(attempts.found) == len(EXPECTED),
		f"{attempts.done} attempts made, {len(attempts.found)} told, {len(EXPECTED)} expected: "
		f"{sorted(set(attempts.found) ^ set(EXPECTED))}")
	wrong = [f"{name}: {found}, not {EXPECTED[name]}" for name, found in attempts.found.items() if found not in EXPECTED[name].split(" or ")]
	expect(not wrong, f"{len(wrong)} attempts came out wrong: " + "; ".join(wrong[:8]))


def test_start_fails():
	"""A domain that never comes up is given up on, and the machine is not kept busy with it."""
	for cpus in (1, 2):
		result = run_rogue("rogue=start", smp=cpus, done=GIVEN_UP)
		expect(result.log.quarantined == ["rogue"], f"given up on: {result.log.quarantined}")
		causes = {fields["cause"] for fields in result.log.incidents.values()}
		expect(causes == {"start"} and len(result.log.incidents) == 5, f"{len(result.log.incidents)} incidents: {causes}")


def test_attempts_amid_kills():
	"""The same attempts while everybody is killed in turn, on one CPU and on four."""
	for cpus in (1, 4):
		result = boot(KILLS, kernel=KERNEL, append="rogue=attempts", on_log=type_when(DONE), smp=cpus)
		expect(result.output.strip() == "worked", f"the program did not work: {result.describe()}")
		result.expect_status(0)
		others = [fields for fields in result.log.incidents.values() if fields["domain"] != "rogue" and fields["asked"] != "1"]
		expect(not others, f"{len(others)} incidents of other domains: {others[:2]}")
		expect(any(DONE.match(line) for line in result.lines) and not result.log.quarantined, f"not done: {result.describe()}")


def test_wild_program():
	"""A program that means harm, as root: the right signals, and not one incident."""
	result = boot("/tests/wild; echo status $?")
	expect("FAIL" not in result.output and result.output.endswith("status 0\n"), f"went wrong: {result.output[-600:]}")
	expect(result.output.count("ok ") >= 25, f"rows are missing: {result.describe()}")
	expect(not result.log.incidents, f"incidents: {list(result.log.incidents.values())[:2]}")
