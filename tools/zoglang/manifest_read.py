"""Reading manifests: TOML to Manifest objects, checked key by key against the schema below.

tomllib tells no lines, so LineIndex finds each key again in the text: by table, place of the table, and key.
"""

import os
import re
import tomllib

from .checks import C_WORDS, NAME_LOWER
from .large_object import HISTORY_MAX as OBJECT_HISTORY_MAX
from .report import c_constant, nearest

KIB_PER_PAGE = 4
HOME_KIB_MAX = c_constant("abi/zog/core.h", "ZOG_HOME_SIZE_MAX") // 1024
STREAM_PAGES_MAX = c_constant("abi/zog/layout.h", "ZOG_STREAM_PAGES_MAX")
IMAGE_KIB_DEFAULT = 64
HISTORY_MAX = 64  # versions of a region
NAME_MAX = 31  # char name[32] in the core's records
RIGHTS = ("bus", "control", "frames", "inject", "inspect", "personality", "power", "schedule", "stats", "update")

# key: (type, needed, smallest, largest); sizes in KiB are whole pages besides.
SCHEMA = {
	"": {
		"name": (str, True), "class": (str, True),
		"serves": (list, True), "uses": (list, True), "waits": (list, True), "events": (list, True),
		"home_kib": (int, True, 0, HOME_KIB_MAX), "heap_kib": (int, True, 0, 1 << 20),
		"dma_kib": (int, True, 0, 1 << 16), "rights": (list, False), "module": (str, False),
		"dynamic_events": (int, False, 0, 1 << 16), "home_version": (int, False, 1, 1 << 16), "deadline_ms": (int, False, 1, 60000),
		"threads": (int, False, 1, 4096), "spaces": (int, False, 1, 4096),
		"page_table_kib": (int, False, KIB_PER_PAGE, 1 << 20), "memory_kib": (int, False, 0, 1 << 30),
		"image_kib": (int, False, KIB_PER_PAGE, 1 << 16),
		"service_event": (str, False),
	},
	"device": {"bus": (str, True), "vendor": (int, True, 0, 0xFFFE), "ids": (list, True),
	           "settle_ms": (int, False, 0, 10000)},
	"irq": {"kind": (str, True), "event": (str, True), "line": (int, False, 0, 15)},
	"ports": {"name": (str, True), "first": (int, True, 0, 0xFFFF), "last": (int, True, 0, 0xFFFF)},
	"activity": {"name": (str, True)},
	"stream": {"name": (str, True), "peer": (str, True), "role": (str, True), "pages": (int, True, 1, STREAM_PAGES_MAX)},
	"region": {"name": (str, True), "contract": (str, True), "role": (str, True), "history": (int, False, 0, HISTORY_MAX),
	           "reconstructible": (bool, False), "budget_kib": (int, False, KIB_PER_PAGE, 1 << 20),
	           "on_rollback": (int, False, 1, 99)},
	"object": {"name": (str, True), "contract": (str, True), "role": (str, True), "history": (int, False, 0, OBJECT_HISTORY_MAX),
	           "reconstructible": (bool, False), "budget_kib": (int, False, KIB_PER_PAGE, 1 << 20)},
	"recovery": {"device_quiesce": (bool, False), "on_damage": (str, False), "on_faults": (str, False)},
	"service": {"start": (str, True), "restart": (str, True)},
	"why": {},  # any key: a grant; see ManifestChecks.why_check
}
WORDS = {("service", "start"): ("boot", "demand"), ("service", "restart"): ("always", "on_fault", "never"),
         ("recovery", "on_faults"): ("back_off", "quarantine", "restart")}
ARRAYS = ("device", "irq", "ports", "activity", "stream", "region", "object")
TYPE_WORDS = {str: "a text", list: "a list", int: "a whole number", bool: "true or false"}


class LineIndex:
	"""Line of every `key =` and table header of a TOML text."""

	def __init__(self, text):
		self.lines = {}
		counts, table, place = {}, "", 0
		for number, line in enumerate(text.splitlines(), 1):
			header = re.match(r"\s*\[{1,2}\s*([\w.\-]+)\s*\]", line)
			key = re.match(r"\s*([\w\-]+|\"[^\"]*\")\s*=", line)
			if header:
				table = header.group(1)
				place = counts.get(table, 0)
				counts[table] = place + 1
				self.lines.setdefault((table, place, ""), number)
			elif key:
				self.lines.setdefault((table, place, key.group(1).strip('"')), number)

	def find(self, table="", key="", place=0):
		for place_of in ((table, place, key), (table, place, ""), ("", 0, table)):
			if place_of in self.lines:
				return self.lines[place_of]
		return 1


class Manifest:
	"""One domain's manifest. Fields have their defaults filled in; line() finds a key again."""

	def __init__(self, path, text, data):
		self.path = path
		self.index = LineIndex(text)
		self.name = data.get("name", "")
		self.class_name = data.get("class", "")
		for key in ("serves", "uses", "waits", "events", "rights"):
			setattr(self, key, data.get(key, []))
		self.versions, self.use_rights = {}, {}  # by contract: what `uses` and `serves` say beyond the name
		self.serves = [self.contract_read(text) for text in self.serves]
		self.uses = [self.contract_read(text) for text in self.uses]
		for key in ("home_kib", "heap_kib", "dma_kib", "dynamic_events", "threads", "spaces", "page_table_kib"):
			setattr(self, key, data.get(key, 0))
		self.deadline_ms = data.get("deadline_ms", 100)
		self.home_version = data.get("home_version", 1)
		self.image_kib = data.get("image_kib", IMAGE_KIB_DEFAULT)  # the program: code, constants, data; tools/image.py holds it to that
		self.memory_kib = data.get("memory_kib")  # what the rest adds up to, if the manifest says so
		self.module = data.get("module")
		self.devices, self.irqs = data.get("device", []), data.get("irq", [])
		self.ports, self.activities = data.get("ports", []), data.get("activity", [])
		self.streams = data.get("stream", [])
		self.regions, self.objects = data.get("region", []), data.get("object", [])
		self.recovery, self.shares = data.get("recovery", {}), data.get("shares", {})
		self.service, self.service_event = data.get("service"), data.get("service_event")
		self.why = data.get("why", {})

	def contract_read(self, text):
		"""The name in CONTRACT[@VERSION][:RIGHT,...]."""
		name, _, rights = text.partition(":")
		name, _, version = name.partition("@")
		if version:
			self.versions[name] = int(version)
		self.use_rights[name] = rights.split(",") if rights else []
		return name

	def line(self, key="", table="", place=0):
		return self.index.find(table, key, place)


class SchemaCheck:
	"""One manifest against SCHEMA."""

	def __init__(self, path, text, data, report):
		self.path, self.data, self.report = path, data, report
		self.index = LineIndex(text)
		self.is_good = True

	def error(self, reason, table="", key="", place=0):
		self.is_good = False
		self.report.error(self.path, self.index.find(table, key, place), reason)

	def run(self):
		tables = set(SCHEMA) - {""} | {"shares"}
		for key in self.data:
			if key not in SCHEMA[""] and key not in tables:
				table, name = (key, "") if isinstance(self.data[key], (dict, list)) else ("", key)
				self.error(f"unknown key '{key}'" + nearest(key, list(SCHEMA[""]) + list(tables)), table, name)
		self.table_check("", self.data, 0)
		for table in ARRAYS:
			entries = self.data.get(table, [])
			if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
				self.error(f"'{table}' is written [[{table}]]", table, "")
				continue
			for place, entry in enumerate(entries):
				self.table_check(table, entry, place)
		for table in ("recovery", "service", "shares", "why"):
			if not isinstance(self.data.get(table, {}), dict):
				self.error(f"'{table}' is written [{table}]", table, "")
		for table in ("recovery", "service"):
			if isinstance(self.data.get(table), dict):
				self.table_check(table, self.data[table], 0)
		if isinstance(self.data.get("shares"), dict):
			self.shares_check(self.data["shares"])
		for grant, reason in self.data.get("why", {}).items() if isinstance(self.data.get("why"), dict) else ():
			if not isinstance(reason, str) or not reason.strip() or "\n" in reason:
				self.error(f"the reason for '{grant}' is one line of text", "why", grant)
		return self.is_good

	def table_check(self, table, entry, place):
		schema = SCHEMA[table]
		for key in entry if table else ():
			if key not in schema:
				self.error(f"unknown key '{key}' in {table}" + nearest(key, schema), table, key, place)
		for key, (kind, is_needed, *limits) in schema.items():
			if key in entry:
				self.value_check(table, key, place, entry[key], kind, limits)
			elif is_needed:
				self.error(f"'{key}' is missing" + (f" in {table}" if table else ""), table, "", place)

	def value_check(self, table, key, place, value, kind, limits):
		if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
			self.error(f"'{key}' is {TYPE_WORDS[kind]}", table, key, place)
		elif kind is list:
			self.list_check(table, key, place, value)
		elif (table, key) in WORDS:
			if value not in WORDS[table, key]:
				self.error(f"{key} = '{value}' in {table} is none of {', '.join(WORDS[table, key])}", table, key, place)
		elif kind is str:
			self.name_check(table, key, place, value)
		elif limits and not limits[0] <= value <= limits[1]:
			self.error(f"{key} = {value} is outside {limits[0]}..{limits[1]}", table, key, place)
		elif key.endswith("_kib") and value % KIB_PER_PAGE:
			self.error(f"{key} = {value} is no multiple of {KIB_PER_PAGE} (whole pages)", table, key, place)

	def list_check(self, table, key, place, values):
		if key == "ids":
			if not values or not all(type(v) is int and 0 <= v <= 0xFFFF for v in values):
				self.error("'ids' is a list of one or more device numbers 0..0xffff", table, key, place)
			return
		for value in values:
			if not isinstance(value, str):
				self.error(f"'{key}' is a list of names", table, key, place)
			elif "*" in value or "?" in value:
				self.error(f"'{value}' in {key}: no wildcards; authority is named piece by piece", table, key, place)
			elif key == "waits" and not re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", value):
				self.error(f"'{value}' in waits is not written contract.event", table, key, place)
			elif key == "uses" and not re.fullmatch(r"[a-z0-9_]+(@[1-9][0-9]{0,4})?(:[a-z0-9_]+(,[a-z0-9_]+)*)?", value):
				self.error(f"'{value}' in uses is not written contract, contract@version or contract:right,right", table, key, place)
			elif key == "serves" and not re.fullmatch(r"[a-z0-9_]+(@[1-9][0-9]{0,4})?", value):
				self.error(f"'{value}' in serves is not written contract or contract@version", table, key, place)
			elif key not in ("waits", "uses", "serves") and not NAME_LOWER.match(value):
				self.error(f"'{value}' in {key} is not written like_this", table, key, place)
			elif values.count(value) > 1:
				self.error(f"'{value}' stands twice in {key}", table, key, place)

	def name_check(self, table, key, place, value):
		if "*" in value or "?" in value:
			self.error(f"{key} = '{value}': no wildcards; authority is named piece by piece", table, key, place)
		elif not NAME_LOWER.match(value):
			self.error(f"{key} = '{value}' is not written like_this", table, key, place)
		elif len(value) > NAME_MAX:
			self.error(f"{key} = '{value}' is longer than {NAME_MAX} characters", table, key, place)
		elif not table and key == "name" and value in C_WORDS - {"linux", "unix"}:
			self.error(f"{key} = '{value}' is a word of C", table, key, place)

	def shares_check(self, shares):
		for name, percent in shares.items():
			if type(percent) is not int or not 1 <= percent <= 100:
				self.error(f"the share of '{name}' is a percentage 1..100", "shares", name)
		if self.is_good and sum(shares.values()) > 100:
			self.error(f"the shares add up to {sum(shares.values())} percent", "shares", "")


def manifest_read(path, report):
	"""The manifest in PATH, or None after reporting why it cannot be used."""
	try:
		with open(path, encoding="utf-8") as source:
			text = source.read()
		data = tomllib.loads(text)
	except tomllib.TOMLDecodeError as error:
		where = re.search(r" \(at line (\d+), column \d+\)", str(error))
		line = int(where.group(1)) if where else len(text.splitlines())
		reason = re.sub(r" \(at [^)]*\)", "", str(error))
		report.error(path, line, f"no TOML: {reason}")
		return None
	except (OSError, UnicodeDecodeError) as error:
		report.error(path, 1, f"cannot be read: {getattr(error, 'strerror', None) or error}")
		return None
	if not SchemaCheck(path, text, data, report).run():
		return None
	return Manifest(path, text, data)


def folder_names(path):
	"""(class folder, domain folder) of a manifest's path."""
	folder = os.path.dirname(os.path.abspath(path))
	return os.path.basename(os.path.dirname(folder)), os.path.basename(folder)
