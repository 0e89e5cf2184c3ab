#!/usr/bin/env python3
"""Checks the sources of all domains against their manifests: uses.py --contracts DIR CLASS/NAME/manifest.toml...

What a source uses without a grant, and what a manifest grants to no source's use, is printed as FILE:LINE: reason, and
the exit status is 1. The manifests have passed tools/manifest.py.
"""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True  # generated files live only under build/

from zoglang.manifest_read import manifest_read
from zoglang.manifest_uses import UsesCheck
from zoglang.report import Report


def main():
	parser = argparse.ArgumentParser(description="Checks sources of domains against their manifests.")
	parser.add_argument("--contracts", required=True, metavar="DIR", help="where zidl.py wrote contracts.json")
	parser.add_argument("files", nargs="+", metavar="manifest.toml")
	options = parser.parse_args()
	with open(os.path.join(options.contracts, "contracts.json"), encoding="utf-8") as source:
		contracts = json.load(source)["contracts"]
	report = Report()
	manifests = [manifest_read(path, report) for path in options.files]
	report.finish_if_errors()
	UsesCheck(manifests, contracts, report).run()
	report.finish_if_errors()
	return 0


if __name__ == "__main__":
	sys.exit(main())
