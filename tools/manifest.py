#!/usr/bin/env python3
"""The manifest compiler: manifest.py --out DIR [--contracts DIR/contracts] [--budget-mib N] CLASS/NAME/manifest.toml...

Writes DIR/system/system.c (the core's tables), DIR/system/domains.txt (names in the order of ids), DIR/system/image_limits.txt,
DIR/domains/NAME/domain.h and dispatch.c for every domain, and DIR/authority.json (who may do what: the authority map). Errors are
printed as FILE:LINE: reason; then nothing is written and the exit status is 1.
"""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True  # generated files live only under build/

from zoglang.authority_map import authority_json
from zoglang.manifest_checks import SMALLEST_BUDGET_MIB, ManifestChecks
from zoglang.manifest_emit import dispatch_text, domain_header_text, system_text
from zoglang.manifest_read import manifest_read
from zoglang.manifest_resolve import System
from zoglang.report import Report, file_write


def system_write(system, out):
	for domain in system.domains:
		folder = os.path.join(out, "domains", domain.name)
		file_write(os.path.join(folder, "domain.h"), domain_header_text(system, domain))
		file_write(os.path.join(folder, "dispatch.c"), dispatch_text(system, domain))
	file_write(os.path.join(out, "system", "system.c"), system_text(system))
	file_write(os.path.join(out, "authority.json"), authority_json(system))
	limits = "".join(f"{d.name} {d.manifest.image_kib} {d.manifest.path}:{d.manifest.line('image_kib')}\n" for d in system.domains)
	file_write(os.path.join(out, "system", "image_limits.txt"), limits)
	names = "".join(f"{d.name}\n" for d in system.domains)
	file_write(os.path.join(out, "system", "domains.txt"), names)


def contracts_load(folder):
	path = os.path.join(folder, "contracts.json")
	try:
		with open(path, encoding="utf-8") as source:
			return json.load(source)["contracts"]
	except (OSError, ValueError, KeyError) as error:
		print(f"{path}:1: cannot be read ({error}); run tools/zidl.py first", file=sys.stderr)
		sys.exit(1)


def main():
	parser = argparse.ArgumentParser(description="Compiles manifests to capability tables and named handles.")
	parser.add_argument("--out", required=True, metavar="DIR")
	parser.add_argument("--contracts", metavar="DIR", help="where zidl.py wrote contracts.json (OUT/contracts)")
	parser.add_argument("--budget-mib", type=int, default=SMALLEST_BUDGET_MIB, metavar="N",
	                    help="memory for all domains (default: what the smallest machine has)")
	parser.add_argument("files", nargs="+", metavar="manifest.toml")
	options = parser.parse_args()
	report = Report()
	contracts = contracts_load(options.contracts or os.path.join(options.out, "contracts"))
	manifests = [manifest_read(path, report) for path in options.files]
	report.finish_if_errors()
	ManifestChecks(manifests, contracts, options.budget_mib, report).run()
	report.finish_if_errors()
	system_write(System(manifests, contracts), options.out)
	return 0


if __name__ == "__main__":
	sys.exit(main())
