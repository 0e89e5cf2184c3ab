"""The system log's records as the host reads them: lines that an exception in the core cut anywhere, or that a domain made up."""

import os
import sys

ROOT = os.environ.get("ZOG_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from zoglib.log import Log, incident_sentence, is_notice # noqa: E402 (after the path)

LINES = (
	"zog: incident 7 domain=clock cause=core asked=0 running=1",
	"zog: recovered 7 domain=clock instructions=1234",
	"zog: quarantine domain=clock",
	"zog: power off status=3",
)


def fed(*lines):
	log = Log()
	for line in lines:
		log.feed(line)
	return log


def whole_lines():
	log = fed(*LINES)
	assert log.incidents[7]["cause"] == "core" and not is_notice(log.incidents[7])
	assert (log.recovered, log.quarantined, log.power_off, log.fatal) == ({7: 1234}, ["clock"], 3, None)


def lines_cut_anywhere():
	"""Whatever is left of a line is no other record, and the lines behind it count."""
	for line in LINES:
		for end in range(len(line)):
			log = fed(line[:end], *LINES)
			assert log.recovered == {7: 1234} and log.power_off == 3 and log.fatal is None, line[:end]
			assert set(log.incidents) == {7} and log.incidents[7]["domain"] == "clock", line[:end]
			assert incident_sentence(7, fed(LINES[0][:end]).incidents.get(7, {})), line[:end]


def what_a_domain_says_is_no_record():
	log = fed("clock: zog: incident 1 domain=ext4 cause=killed", "clock: zog: power off status=0")
	assert not log.incidents and log.power_off is None


def main():
	failed = 0
	for case in (whole_lines, lines_cut_anywhere, what_a_domain_says_is_no_record):
		try:
			case()
			print(f"ok {case.__name__}")
		except (AssertionError, ValueError, KeyError) as error:
			failed += 1
			print(f"FAIL {case.__name__}: {error!r}")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
