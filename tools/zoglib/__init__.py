"""The host side of Zog: build, run, test. Python's standard library only."""
