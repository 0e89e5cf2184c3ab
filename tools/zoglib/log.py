"""Reads the system log: the records of abi/zog/trace.h."""

import re

# How causes (enum zog_cause of abi/zog/core.h) read in a sentence.
CAUSES = {
	"killed": "was killed",
	"page_fault": "touched memory that it may not touch",
	"exception": "met a CPU exception",
	"deadline": "hung and missed its deadline",
	"store": "tried to store outside its memory",
	"capability": "used a capability that it does not hold",
	"violation": "committed something that does not pass the core's checks",
	"contract": "received or sent a message outside its contract",
	"assert": "found its own state wrong",
	"scrub": "had its memory changed behind its back",
	"measure": "has an image that does not match its measure",
	"core": "met an exception in the core",
	"start": "could not start",
	"iommu": "has a device that reached for memory or an interrupt that is not its own",
	"damage": "had a committed record of its home region damaged",
	"escape": "stored into its home region past the store hook",
	"validation": "submitted records that break a schema",
	"rollback": "took a shared region back to an older version",
}
# A domain that cannot go on says so under its own name.
DOMAIN_FATAL = re.compile(r"^[a-z0-9_]+: fatal (.*)")
RECORD = re.compile(r"zog: (incident|recovered|power off|fatal|quarantine|poison|iommu off)\b:? ?(.*)")


def parse_fields(text):
	"""The key=value fields of a record."""
	return dict(word.split("=", 1) for word in text.split() if "=" in word)


def parse_record(line):
	"""(kind, number or None, fields or text) of a log line; None when it is no record."""
	fatal = DOMAIN_FATAL.match(line)
	if fatal:
		return "fatal", None, fatal.group(1).strip()
	# From the start: what a domain logs has its name in front, and may hold anything.
	match = RECORD.match(line)
	if not match:
		return None
	kind, rest = match.groups()
	if kind in ("fatal", "iommu off"):
		return kind, None, rest.strip()
	if kind in ("power off", "quarantine", "poison"):
		return kind, None, parse_fields(rest)
	number, _, rest = rest.partition(" ")
	return (kind, int(number), parse_fields(rest)) if number.isdigit() else None


class Log:
	"""What the records of one run say. Fed line by line, or from a file."""

	def __init__(self):
		self.incidents = {}  # number -> fields
		self.recovered = {}  # number -> instructions
		self.power_off = None  # exit status
		self.fatal = None
		self.quarantined = []  # domains given up on

	def feed(self, line):
		"""Takes a line in; returns its record or None."""
		record = parse_record(line)
		if record is None:
			return None
		kind, number, fields = record
		if kind == "incident":
			self.incidents[number] = fields
		elif kind == "recovered":
			count = fields.get("instructions", "") # an exception may have cut the line
			self.recovered[number] = int(count) if count.isdigit() else 0
		elif kind == "quarantine":
			self.quarantined.append(fields.get("domain", "?"))
		elif kind == "power off":
			status = fields.get("status", "")
			self.power_off = int(status) if status.isdigit() else 1
		elif kind == "fatal":
			self.fatal = self.fatal or fields
		return record

	@staticmethod
	def load(path):
		log = Log()
		with open(path, errors="replace") as file:
			for line in file:
				log.feed(line)
		return log


def is_notice(fields):
	"""Something was found, undone or refused, and no domain ended for it."""
	return fields.get("notice") == "1"


def incident_sentence(number, fields):
	"""One plain line for a person."""
	cause = fields.get("cause", "?")
	what = CAUSES.get(cause, f"failed ({cause})")
	asked = ", as asked for" if fields.get("asked") == "1" else ""
	outcome = "a notice, it goes on" if is_notice(fields) else "it is being restarted"
	return f"zog: incident {number}: {fields.get('domain', '?')} {what}{asked}; {outcome}. Details: ./zog autopsy {number}"


def quarantine_sentence(fields):
	return f"zog: {fields.get('domain', '?')} fails again and again and is given up; what needs it will fail. Details: ./zog incidents"
