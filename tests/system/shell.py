"""The interactive shell on the serial console: what a person types and sees."""

from zoglib.testing import boot, expect

PROMPT = "~# "


def test_types_and_powers_off():
	"""Echo, a command, and `poweroff`."""
	result = boot(talk=[(PROMPT, b"echo one$((1+1))\n"), ("one2\n", b""), (PROMPT, b"poweroff\n")])
	result.expect_status(0)
	expect("echo one$((1+1))\none2\n" in result.output, f"the typed line is not echoed: {result.output!r}")


def test_ends_with_the_shell():
	result = boot(talk=[(PROMPT, b"(exit 5); exit 3\n")])
	result.expect_status(3)


def test_control_d_ends_the_shell():
	boot(talk=[(PROMPT, b"\x04")]).expect_status(0)


def test_erase():
	"""Backspace takes characters back, in the shell's own line editing and in the terminal's."""
	result = boot(talk=[(PROMPT, b"echo wromg\x7f\x7fng\n"), ("\nwrong\n", b"echo go; cat\n"), ("\ngo\n", b"abX\x7fc\n"), ("\nabc\n", b"\x04"),
		(PROMPT, b"exit\n")])
	result.expect_status(0)


def test_control_c_interrupts():
	"""The command ends, the shell lives."""
	result = boot(talk=[(PROMPT, b"echo go; sleep 1000\n"), ("\ngo\n", b"\x03"), (PROMPT, b"echo status=$?\n"), ("\nstatus=130\n", b"exit\n")])
	result.expect_status(0)


def test_jobs():
	result = boot(talk=[(PROMPT, b"sleep 1000 & usleep 300000; kill %1; wait; echo done\n"), ("\ndone\n", b"exit\n")])
	result.expect_status(0)
