"""The commands of ./zog. Status 2 and usage for wrong arguments, 1 and one message for failures."""

import argparse
import importlib
import sys

from .build import Failure

# Command -> (module, what it does). A module has add_arguments(parser), main(options) -> status, and may have
# check(options) -> message for wrong arguments.
COMMANDS = {
	"run": ("run", "build and boot: a shell, or one command with --exec"),
	"test": ("test", "run the tests"),
	"bench": ("bench", "run the benchmarks"),
	"authority": ("authority", "who may do what, what of it was used; --live: what runs against the manifests"),
	"docs": ("docs", "write the reference pages to build/docs/reference"),
	"check": ("check", "lint: text, sizes, links, warnings, static analysis"),
	"debug": ("debug", "boot under gdb, with symbols of the core and the domains"),
	"incidents": ("incidents", "list what broke in the last run"),
	"new": ("new", "make the folder of a new domain, with tests: new domain NAME --class CLASS"),
	"update-image": ("update_image", "build a domain's program as a file for a live update"),
	"zig": ("zig", "find the Zig compiler that domains in Zig are built with, or install it under build/"),
	"autopsy": ("autopsy", "show one incident in full"),
}


def usage():
	rows = "\n".join(f"  {name:<12} {what}" for name, (_, what) in COMMANDS.items())
	return f"usage: ./zog COMMAND [arguments]\n\n{rows}\n\n./zog COMMAND --help says more."


def main(arguments):
	if not arguments:
		print(usage(), file=sys.stderr)
		return 2
	if arguments[0] in ("-h", "--help", "help"):
		print(usage())
		return 0
	if arguments[0] not in COMMANDS:
		print(f"zog: no command {arguments[0]!r}\n{usage()}", file=sys.stderr)
		return 2
	module_name, what = COMMANDS[arguments[0]]
	try:
		module = importlib.import_module("." + module_name, "zoglib")
	except ModuleNotFoundError as error:
		raise Failure(f"{arguments[0]} is not in this tree ({error})") from error
	parser = argparse.ArgumentParser(prog=f"./zog {arguments[0]}", description=what, allow_abbrev=False)
	module.add_arguments(parser)
	options = parser.parse_args(arguments[1:])
	message = module.check(options) if hasattr(module, "check") else None
	if message:
		parser.error(message)
	return module.main(options)


if __name__ == "__main__":
	try:
		sys.exit(main(sys.argv[1:]))
	except Failure as failure:
		print(f"zog: {failure}", file=sys.stderr)
		sys.exit(1)
	except KeyboardInterrupt:
		sys.exit(130)
