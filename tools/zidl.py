#!/usr/bin/env python3
"""The contract compiler: zidl.py --out DIR FILE.zidl...

Writes for every contract NAME, into DIR/contracts: NAME.h (both sides), NAME_client.h (callers), NAME_server.h and
NAME_server.c (the serving domain), NAME_methods.h (the contract as a table), NAME_fuzz.h (its fuzzer); and names.h,
status_names.h and contracts.json (what tools/manifest.py needs of all of them). Errors are
printed as FILE:LINE: reason; then nothing is written and the exit status is 1.
"""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True  # generated files live only under build/

from zoglang.checks import contracts_check
from zoglang.emit_client import client_text
from zoglang.emit_header import header_text
from zoglang.emit_methods import fuzz_text, methods_text, names_text, status_names_text
from zoglang.emit_server import server_header_text, server_text
from zoglang.fingerprint import hex_of
from zoglang.parser import contract_parse
from zoglang.large_object import object_index
from zoglang.region import index_of
from zoglang.report import Report, SourceError, file_write


def contracts_read(paths, report):
	contracts = []
	for path in paths:
		try:
			with open(path, encoding="utf-8") as source:
				contracts.append(contract_parse(path, source.read()))
		except SourceError as error:
			report.add(error)
		except (OSError, UnicodeDecodeError) as error:
			report.error(path, 1, f"cannot be read: {getattr(error, 'strerror', None) or error}")
	return contracts


def index_text(contracts):
	"""contracts.json, by number."""
	index = [
		{
			"name": c.name, "number": c.number, "version": c.version, "fingerprint": hex_of(c.fingerprint), "file": c.path,
			"events": [e.name for e in c.events], "rights": [r.name for r in c.rights],
			"regions": [{**index_of(c, r), "fingerprint": hex_of(r.fingerprint)} for r in c.regions],
			"objects": [object_index(c, o) for o in c.objects],
			"methods": [
				{"name": m.name, "number": m.number, "kind": m.kind, "wait": m.may_wait, "waits": m.waits, "rights": m.rights,
				 "deadline_ms": m.deadline_ms}
				for m in c.methods
			],
		}
		for c in sorted(contracts, key=lambda c: c.number)
	]
	return json.dumps({"contracts": index}, indent="\t") + "\n"


def contracts_write(contracts, out):
	folder = os.path.join(out, "contracts")
	for contract in contracts:
		source = os.path.basename(contract.path)
		base = os.path.join(folder, contract.name)
		file_write(base + ".h", header_text(contract, source))
		file_write(base + "_client.h", client_text(contract, source))
		file_write(base + "_server.h", server_header_text(contract, source))
		file_write(base + "_server.c", server_text(contract, source))
		file_write(base + "_methods.h", methods_text(contract, source))
		file_write(base + "_fuzz.h", fuzz_text(contract, source))
	file_write(os.path.join(folder, "names.h"), names_text(contracts))
	file_write(os.path.join(folder, "status_names.h"), status_names_text())
	file_write(os.path.join(folder, "contracts.json"), index_text(contracts))


def main():
	parser = argparse.ArgumentParser(description="Compiles contracts to stubs and validators.")
	parser.add_argument("--out", required=True, metavar="DIR")
	parser.add_argument("files", nargs="+", metavar="FILE.zidl")
	options = parser.parse_args()
	report = Report()
	contracts = contracts_read(options.files, report)
	contracts_check(contracts, report)
	report.finish_if_errors()
	contracts_write(contracts, options.out)
	return 0


if __name__ == "__main__":
	sys.exit(main())
