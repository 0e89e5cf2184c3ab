"""Pages of `zog docs` for contracts: one for each under contracts/, and their list."""

import glob
import os

from zoglang.reference import contracts_checked, reference_write

from .build import ROOT


def pages(reference_file):
	folder = os.path.dirname(reference_file(os.path.join("contracts", "README.md")))
	paths = sorted(glob.glob(os.path.join(ROOT, "subsystems", "*", "*.zidl")))
	contracts = contracts_checked(paths)
	for contract in contracts:
		contract.path = os.path.relpath(contract.path, ROOT)
	reference_write(contracts, folder)
	return ["- [Contracts](contracts/README.md): what domains say to each other, method by method"]
