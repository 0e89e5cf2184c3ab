"""`zog debug`: boots as `zog run` does, stopped before the first instruction, with gdb on it: symbols, Zog's own commands.

gdb has the terminal; what the guest's console shows goes to build/run/console, the system log to build/run/log. Nothing
can be typed to the guest: give it its command with --exec. QEMU ends with gdb, gdb's status is ours."""

import os
import signal
import subprocess
import sys
import threading

from . import run
from .build import BUILD, ROOT, RUN, Failure, in_build, make
from .disk import disk_default
from .machine import Config, Machine, disk_of_user

SCRIPT = os.path.join(ROOT, "tools", "gdb", "zog.py")
SOCKET_PATH_MAX = 100 # what a socket's address has room for


def add_arguments(parser):
	run.add_arguments(parser)
	parser.add_argument("--batch", metavar="SCRIPT", help="gdb's commands from this file; then gdb and the machine end")


def check(options):
	"""A message for wrong arguments, or None."""
	if options.gdb:
		return "--gdb is for ./zog run: here gdb is started"
	if options.batch is not None and not os.path.isfile(options.batch):
		return f"--batch {options.batch}: no such file"
	return run.check(options)


def machine_listen(machine, console):
	"""Takes what the machine says until it ends."""
	for kind, data in machine.events():
		if kind == "console":
			console.write(data)
	console.close()


def gdb_command(options, build, socket):
	command = ["gdb", "-q", "-nx", *(["-batch"] if options.batch else []), "-ex", "set confirm off", "-ex", "set pagination off",
		"-ex", "set architecture i386:x86-64", "-ex", f"target remote {socket}", "-x", SCRIPT]
	return command + (["-x", os.path.abspath(options.batch)] if options.batch else []) + [os.path.join(build, "core.elf")]


def main(options):
	disk = disk_of_user(options.disk) if options.disk else None
	if not options.no_build:
		make(*run.LAB_GOALS if options.lab else ())
	build = os.path.join(BUILD, "lab") if options.lab else BUILD
	disk = disk or disk_default(options.fresh)
	socket = in_build("run", f"gdb.{os.getpid()}")
	if len(socket) > SOCKET_PATH_MAX:
		raise Failure(f"{socket}: too long for a socket; use a checkout nearer to the root")
	config = Config(disk=disk, smp=options.smp, memory_mib=options.mem, exec_text=options.exec_text, append=options.append,
		kernel=os.path.join(build, "zog.elf"), has_iommu=not options.no_iommu, work=RUN,
		qemu_log=in_build("run", "qemu.log") if options.debug else None, extra=["-S", "-gdb", f"unix:{socket},server=on,wait=off"])
	try:
		machine = Machine(config, [in_build("run", "log")] + ([options.log] if options.log else []))
	except OSError as error:
		raise Failure(f"--log: {error}") from error
	machine.start()
	process = machine.process
	try:
		machine.ask("info status") # the monitor answers when everything is set up, the socket too
		return attend(machine, gdb_command(options, build, socket), build)
	finally:
		if process.poll() is None:
			process.kill()
		if os.path.exists(socket):
			os.unlink(socket)


def attend(machine, command, build):
	"""Runs gdb while the machine is listened to; returns gdb's status."""
	process = machine.process
	console = open(in_build("run", "console"), "wb", buffering=0)
	listener = threading.Thread(target=machine_listen, args=(machine, console))
	listener.start()
	old = signal.signal(signal.SIGINT, signal.SIG_IGN) # Ctrl-C is for gdb
	try:
		status = subprocess.run(command, cwd=ROOT, env={**os.environ, "ZOG_DEBUG_BUILD": build},
			preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)).returncode
	finally:
		signal.signal(signal.SIGINT, old)
		if process.poll() is None:
			process.kill()
		listener.join()
	if machine.log.power_off is not None:
		print(f"zog: powered off with status {machine.log.power_off}", file=sys.stderr)
	return status if status >= 0 else 128 - status
