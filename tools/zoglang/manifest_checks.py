"""What manifests must keep to, each by itself and all together."""

from .manifest_read import KIB_PER_PAGE, RIGHTS, folder_names
from .large_object import manifest_objects_check, objects_budget_kib
from .region import budget_kib, manifests_check
from .report import c_constant, nearest

DOMAIN_MAX = c_constant("abi/zog/layout.h", "ZOG_DOMAIN_MAX")
HOME_IMAGES = 2  # live and committed
FIXED_KIB = 512  # of each domain besides: message areas, log, stacks of two CPUs, sums of its image, page tables
# Of the smallest machine (256 MiB), what programs (PAYLOAD_MIN of core/boot/memory.c) and the core leave.
SMALLEST_BUDGET_MIB = 256 - 48 - 16
IRQ_MAX_PER_DOMAIN = 4  # irq_vector[4] of struct zog_domain_info
DEVICE_ID_MAX = 4
VECTOR_FIRST, VECTOR_LAST = 0x40, 0xDF
assert DOMAIN_MAX * IRQ_MAX_PER_DOMAIN <= VECTOR_LAST - VECTOR_FIRST + 1
# Ports that the core itself drives: interrupt controllers, timer, the system log's serial port.
CORE_PORTS = ((0x20, 0x21), (0x40, 0x43), (0xA0, 0xA1), (0x2F8, 0x2FF))
CASCADE_LINE = 2  # of the two ISA interrupt controllers; no device can raise it
ONCE_CLIENTS = c_constant("lib/rt/rt.h", "RT_ONCE_CLIENTS")
COLD_KIB_MAX = 256
ONCE_ACTIVITIES = c_constant("lib/rt/once.c", "ONCE_ACTIVITIES")
STREAM_MAX = c_constant("abi/zog/layout.h", "ZOG_STREAM_MAX")
STREAM_ROLES = ("producer", "consumer")
EVENT_NAMES_TAKEN = ("dynamic_base", "dynamic_count")


def slots_kib(image_kib):
	"""The two slots for updates of a program (update_build of core/object/update.c): half larger and 8 pages more, and page 0."""
	pages = image_kib // KIB_PER_PAGE
	return 2 * KIB_PER_PAGE * (pages + pages // 2 + 8 + 1)


def need_kib(manifest):
	"""Memory that is set aside for a domain at boot, by what the manifest says."""
	return {"program": manifest.image_kib, "update slots": slots_kib(manifest.image_kib),
	        "home, twice": HOME_IMAGES * manifest.home_kib, "heap": manifest.heap_kib, "dma": manifest.dma_kib,
	        "page tables": manifest.page_table_kib, "streams": 4 * sum(s["pages"] for s in manifest.streams),
	        "regions": budget_kib(manifest), "objects": objects_budget_kib(manifest)}


# Where a part of need_kib stands in the manifest.
PART_KEYS = {"program": "image_kib", "update slots": "image_kib", "home, twice": "home_kib", "heap": "heap_kib", "dma": "dma_kib",
             "page tables": "page_table_kib"}
PART_TABLES = {"streams": "stream", "regions": "region", "objects": "object"}


def grants_of(manifest):
	"""Every piece of authority that the manifest names, as [why] spells it."""
	return ([f"uses.{name}" for name in manifest.uses] + [f"waits.{wait}" for wait in manifest.waits]
	        + [f"ports.{ports['name']}" for ports in manifest.ports] + [f"rights.{right}" for right in manifest.rights]
	        + [f"irq.{irq['event']}" for irq in manifest.irqs])


class ManifestChecks:
	def __init__(self, manifests, contracts, budget_mib, report):
		self.manifests = manifests
		self.contracts = {c["name"]: c for c in contracts}
		self.budget_mib = budget_mib
		self.report = report
		self.providers = {}  # contract name -> manifest

	def error(self, manifest, reason, key="", table="", place=0):
		self.report.error(manifest.path, manifest.line(key, table, place), reason)

	def run(self):
		self.names_check()
		for manifest in self.manifests:
			self.serves_check(manifest)
		for manifest in self.manifests:
			self.own_check(manifest)
			self.damage_check(manifest)
			self.uses_check(manifest)
			self.waits_check(manifest)
			self.served_waits_check(manifest)
		self.streams_check()
		manifests_check(self)
		manifest_objects_check(self)
		self.once_check()
		self.cycle_check()
		self.ports_check()
		self.irqs_check()
		self.single_rights_check()
		self.budget_check()

	# --- each by itself ---

	def names_check(self):
		seen = {}
		for manifest in self.manifests:
			class_folder, folder = folder_names(manifest.path)
			if manifest.name != folder:
				self.error(manifest, f"name = '{manifest.name}' in folder '{folder}': they are the same word", "name")
			if manifest.class_name != class_folder:
				self.error(manifest, f"class = '{manifest.class_name}' in class folder '{class_folder}': "
				           "they are the same word", "class")
			other = seen.setdefault(manifest.name, manifest)
			if other is not manifest:
				self.error(manifest, f"domain '{manifest.name}' is already defined in {other.path}", "name")
		if len(self.manifests) > DOMAIN_MAX:
			self.error(self.manifests[0], f"{len(self.manifests)} domains; the core has room for {DOMAIN_MAX}")

	def contract_find(self, manifest, name, key):
		if name not in self.contracts:
			self.error(manifest, f"unknown contract '{name}' in {key}" + nearest(name, self.contracts), key)
		contract = self.contracts.get(name)
		if contract and manifest.versions.get(name, contract["version"]) != contract["version"]:
			self.error(manifest, f"{key} asks for contract '{name}' version {manifest.versions[name]}; {contract['file']} is version "
			           f"{contract['version']}, fingerprint {contract['fingerprint']}", key)
		return contract

	def serves_check(self, manifest):
		expected = []
		for name in manifest.serves:
			contract = self.contract_find(manifest, name, "serves")
			if not contract:
				continue
			other = self.providers.setdefault(name, manifest)
			if other is not manifest:
				self.error(manifest, f"contract '{name}' is already served by {other.name}", "serves")
			expected += contract["events"]
		if manifest.events[:len(expected)] != expected:
			self.error(manifest, f"events do not start with those of the served contracts: {', '.join(expected)}",
			           "events")

	def served_waits_check(self, manifest):
		"""A method that says it waits on an event of another contract needs the right to."""
		for name in manifest.serves:
			for method in self.contracts.get(name, {}).get("methods", []):
				for wait in method.get("waits", []):
					if "." in wait and wait not in manifest.waits:
						self.error(manifest, f"{name}.{method['name']} waits on {wait}, which is not in waits", "waits")

	def own_check(self, manifest):
		for name in manifest.events:
			if name in EVENT_NAMES_TAKEN:
				self.error(manifest, f"event '{name}' has a name that domain.h needs for itself", "events")
		for table, entries in (("ports", manifest.ports), ("activity", manifest.activities),
		                       ("stream", manifest.streams), ("region", manifest.regions), ("object", manifest.objects)):
			names = [e["name"] for e in entries]
			for place, name in enumerate(names):
				if name in names[:place]:
					self.error(manifest, f"{table} '{name}' is already defined", "name", table, place)
		self.rights_check(manifest)
		self.device_check(manifest)
		self.service_check(manifest)
		self.why_check(manifest)

	def service_check(self, manifest):
		if manifest.service_event and manifest.service_event not in manifest.events:
			self.error(manifest, f"service_event = '{manifest.service_event}' is no event of its own" + nearest(manifest.service_event, manifest.events),
			           "service_event")
		if manifest.service_event and "control" not in manifest.rights:
			self.error(manifest, "'service_event' is for the domain that starts services: it needs the right 'control'", "service_event")
		if manifest.service is None:
			return
		for right in ("bus", "frames", "personality"):
			if right in manifest.rights:
				self.error(manifest, f"a service cannot have the right '{right}': the system does not run without it", "", "service")
		if "on_faults" in manifest.recovery:
			self.error(manifest, "'on_faults' of a service is the supervisor's to decide: see 'restart' in [service]", "on_faults", "recovery")
		if not any(m.service_event for m in self.manifests):
			self.error(manifest, "a service, but no domain that starts it ('service_event')", "", "service")

	def rights_check(self, manifest):
		for right in manifest.rights:
			if right not in RIGHTS:
				self.error(manifest, f"unknown right '{right}'" + nearest(right, RIGHTS), "rights")
			elif right in manifest.uses:
				self.error(manifest, f"right '{right}' and contract '{right}' would both be CAP_{right.upper()}", "rights")
		is_personality = "personality" in manifest.rights
		for key in ("threads", "spaces", "page_table_kib"):
			if is_personality and not getattr(manifest, key):
				self.error(manifest, f"right 'personality' needs '{key}'", "rights")
			if not is_personality and getattr(manifest, key):
				self.error(manifest, f"'{key}' is for domains with the right 'personality'", key)
		if manifest.shares and "frames" not in manifest.rights:
			self.error(manifest, "[shares] is for the domain with the right 'frames'", "", "shares")
		known = [m.name for m in self.manifests]
		for name in manifest.shares:
			if name not in known:
				self.error(manifest, f"a share for the unknown domain '{name}'" + nearest(name, known), name, "shares")

	def why_check(self, manifest):
		"""[why] says for a grant why it is there although the tests never use it. It must be there, then."""
		grants = grants_of(manifest)
		for grant in manifest.why:
			if grant not in grants:
				self.error(manifest, f"a reason for '{grant}', which is not granted here" + nearest(grant, grants), grant, "why")

	def device_check(self, manifest):
		if len(manifest.devices) > 1:
			self.error(manifest, "a domain drives one device", "", "device", 1)
		for place, device in enumerate(manifest.devices):
			if device["bus"] != "pci":
				self.error(manifest, f"unknown bus '{device['bus']}'; there is pci", "bus", "device", place)
			for other in self.manifests[:self.manifests.index(manifest)]:
				for taken in other.devices:
					both = sorted(set(taken["ids"]) & set(device["ids"])) if taken["vendor"] == device["vendor"] else []
					if both:
						self.error(manifest, f"device {device['vendor']:#06x}:{both[0]:#06x} already belongs to {other.name}: "
						           "one driver for a device (take the id out of one of the two manifests)", "ids", "device", place)
			if len(device["ids"]) > DEVICE_ID_MAX:
				self.error(manifest, f"at most {DEVICE_ID_MAX} ids", "ids", "device", place)
		if manifest.devices and not any("bus" in m.rights for m in self.manifests):
			self.error(manifest, "a device, but no domain has the right 'bus'", "", "device")
		if manifest.devices and manifest.recovery.get("device_quiesce") is False:
			self.error(manifest, "device_quiesce = false: a dead driver's device is always stopped before its memory is used again; "
			           "leave the key out", "device_quiesce", "recovery")
		if manifest.recovery.get("device_quiesce") and not manifest.devices:
			self.error(manifest, "device_quiesce without a device", "device_quiesce", "recovery")

	# --- who calls whom ---

	def provider_find(self, manifest, name, key):
		if self.contract_find(manifest, name, key) and name not in self.providers:
			self.error(manifest, f"no domain serves contract '{name}'", key)
		return self.providers.get(name)

	def uses_check(self, manifest):
		for name in manifest.uses:
			if manifest.uses.count(name) > 1:
				self.error(manifest, f"contract '{name}' stands twice in uses", "uses")
			if self.provider_find(manifest, name, "uses"):
				self.contract_rights_check(manifest, name)

	def contract_rights_check(self, manifest, name):
		"""A use names the rights that it needs; there is no way to ask for all."""
		known, asked = self.contracts[name].get("rights", []), manifest.use_rights[name]
		for right in asked:
			if right not in known:
				self.error(manifest, f"contract '{name}' has no right '{right}'" + nearest(right, known), "uses")
			elif asked.count(right) > 1:
				self.error(manifest, f"right '{right}' of '{name}' stands twice in uses", "uses")
		if known and not asked:
			self.error(manifest, f"which rights of contract '{name}'? write '{name}:' and those needed of {','.join(known)}", "uses")

	def waits_check(self, manifest):
		for wait in manifest.waits:
			name, event = wait.split(".")
			provider = self.provider_find(manifest, name, "waits")
			if not provider:
				continue
			events = self.contracts[name]["events"]
			if event not in events:
				self.error(manifest, f"contract '{name}' has no event '{event}'" + nearest(event, events), "waits")
			elif provider is manifest:
				self.error(manifest, f"'{wait}' is an own event; waits are for events of others", "waits")

	def streams_check(self):
		"""A stream stands in the manifests of both ends, under one name and with opposite roles."""
		for manifest in self.manifests:
			if len(manifest.streams) > STREAM_MAX:
				self.error(manifest, f"{len(manifest.streams)} streams; a domain has room for {STREAM_MAX}", "", "stream")
			for place, stream in enumerate(manifest.streams):
				self.stream_check(manifest, stream, place)

	def stream_check(self, manifest, stream, place):
		def error(reason, key):
			self.error(manifest, reason, key, "stream", place)

		if stream["role"] not in STREAM_ROLES:
			error(f"unknown role '{stream['role']}'; there are producer and consumer", "role")
			return
		peer = next((m for m in self.manifests if m.name == stream["peer"]), None)
		if peer is None or peer is manifest:
			known = [m.name for m in self.manifests if m is not manifest]
			error(f"stream to the unknown domain '{stream['peer']}'" + nearest(stream["peer"], known), "peer")
			return
		other = next((s for s in peer.streams if s["name"] == stream["name"]), None)
		if other is None or other["peer"] != manifest.name:
			error(f"{peer.name} has no stream '{stream['name']}' with peer '{manifest.name}'", "name")
		elif other["role"] == stream["role"]:
			error(f"{peer.name} is {other['role']} of stream '{stream['name']}', too: one writes and one reads", "role")

	def thread_ways(self):
		"""[(whose threads, manifests that they enter)]: of a domain with activities or programs; of the hooks of rollbacks."""
		def entered(starts):
			found, waiting = [], list(starts)
			while waiting:
				manifest = waiting.pop()
				if manifest in found:
					continue
				found.append(manifest)
				waiting += [self.providers[name] for name in manifest.uses if name in self.providers]
				waiting += [m for m in self.manifests if manifest.devices and "bus" in m.rights] # QUIESCE
			return found

		ways = [(f"a thread of {m.name}", entered([m])) for m in self.manifests if m.activities or "personality" in m.rights]
		hooked = [m for m in self.manifests if any("on_rollback" in region for region in m.regions)]
		return ways + [("the thread of rollback hooks", entered(hooked))]

	def damage_check(self, manifest):
		"""Zeros may take the place of a home region only where nobody else relies on it."""
		policy = manifest.recovery.get("on_damage", "keep")
		serves_once = [name for name in manifest.serves if name in self.contracts
		               and any(m["kind"] == "once" for m in self.contracts[name]["methods"])]
		why = None
		if policy not in ("keep", "cold"):
			why = f"on_damage = '{policy}'; there are keep and cold"
		elif policy == "cold" and serves_once:
			why = f"on_damage = 'cold': replies of '{serves_once[0]}' are kept in the home region, and calls would be carried out again"
		elif policy == "cold" and manifest.streams:
			why = f"on_damage = 'cold': the position of stream '{manifest.streams[0]['name']}' is in the home region"
		elif policy == "cold" and manifest.home_kib > COLD_KIB_MAX:
			why = f"on_damage = 'cold': the core clears a home region of at most {COLD_KIB_MAX} KiB in one go"
		if why:
			self.error(manifest, why, "on_damage", "recovery")

	def once_check(self):
		"""The kept replies of once methods are found by client thread: two client domains that one thread enters would share them."""
		ways = self.thread_ways()
		for name, contract in self.contracts.items():
			if not any(m["kind"] == "once" for m in contract["methods"]):
				continue
			users = [m for m in self.manifests if name in m.uses]
			for whose, way in ways:
				both = [m for m in users if m in way]
				if len(both) > 1:
					self.error(both[1], f"contract '{name}' has once methods and is already used by {both[0].name}, which {whose} "
					           "enters as well: kept replies are found by client thread", "uses")
					break
			for user in users:
				if user.threads > ONCE_CLIENTS - ONCE_ACTIVITIES:
					self.error(user, f"{user.threads} threads; contract '{name}' keeps replies for "
					           f"{ONCE_CLIENTS - ONCE_ACTIVITIES}", "threads")
		if sum(len(m.activities) for m in self.manifests) > ONCE_ACTIVITIES:
			self.error(self.manifests[-1], f"more than {ONCE_ACTIVITIES} activities in the system", "", "activity")

	def cycle_check(self):
		"""Crossings must be acyclic: a domain has one stack for each CPU and is entered once at a time."""
		done, trail = set(), []

		def visit(manifest):
			if manifest in trail:
				circle = trail[trail.index(manifest):] + [manifest]
				self.error(trail[-1], f"crossings go in a circle: {' -> '.join(m.name for m in circle)} "
				           "(take one call out: let one of them wait for an event of the other instead)", "uses")
				return
			if manifest.name in done:
				return
			trail.append(manifest)
			for name in manifest.uses:
				if name in self.providers:
					visit(self.providers[name])
			trail.pop()
			done.add(manifest.name)

		for manifest in sorted(self.manifests, key=lambda m: m.name):
			visit(manifest)

	# --- the machine ---

	def ports_check(self):
		taken = [(first, last, "the core") for first, last in CORE_PORTS]
		for manifest in self.manifests:
			for place, ports in enumerate(manifest.ports):
				first, last = ports["first"], ports["last"]
				if first > last:
					self.error(manifest, f"ports {first:#x}..{last:#x}: first is behind last", "first", "ports", place)
				for other_first, other_last, owner in taken:
					if first <= other_last and other_first <= last:
						self.error(manifest, f"ports {first:#x}..{last:#x} overlap "
						           f"{other_first:#x}..{other_last:#x} of {owner} "
						           "(one owner for a port: serve a contract to whom else needs it)", "first", "ports", place)
				taken.append((first, last, manifest.name))

	def irqs_check(self):
		lines = {}
		for manifest in self.manifests:
			if len(manifest.irqs) > IRQ_MAX_PER_DOMAIN:
				self.error(manifest, f"{len(manifest.irqs)} irqs; at most {IRQ_MAX_PER_DOMAIN}", "", "irq")
			if sum(irq["kind"] == "msi" for irq in manifest.irqs) > 1:
				self.error(manifest, "the bus sets one msi vector for a device", "", "irq", 1)
			for place, irq in enumerate(manifest.irqs):
				self.irq_check(manifest, irq, place, lines)

	def irq_check(self, manifest, irq, place, lines):
		if irq["event"] not in manifest.events:
			self.error(manifest, f"irq raises '{irq['event']}', which is not in events"
			           + nearest(irq["event"], manifest.events), "event", "irq", place)
		if irq["kind"] == "msi":
			if not manifest.devices:
				self.error(manifest, "irq of kind msi without a device", "kind", "irq", place)
			if "line" in irq:
				self.error(manifest, "irq of kind msi has no line", "line", "irq", place)
		elif irq["kind"] != "isa":
			self.error(manifest, f"unknown kind of irq '{irq['kind']}'; there are isa and msi", "kind", "irq", place)
		elif "line" not in irq:
			self.error(manifest, "irq of kind isa needs 'line'", "kind", "irq", place)
		elif irq["line"] in (0, CASCADE_LINE):
			self.error(manifest, f"irq line {irq['line']} is the core's", "line", "irq", place)
		else:
			other = lines.setdefault(irq["line"], manifest.name)
			if other != manifest.name or lines.get((manifest.name, irq["line"]), place) != place:
				self.error(manifest, f"irq line {irq['line']} already belongs to {other}", "line", "irq", place)
			lines.setdefault((manifest.name, irq["line"]), place)

	def single_rights_check(self):
		tellers = [m for m in self.manifests if m.service_event]
		if len(tellers) > 1:
			self.error(tellers[1], f"services are already started by {tellers[0].name}", "service_event")
		for right in ("frames", "bus", "personality", "update"):
			holders = [m for m in self.manifests if right in m.rights]
			if len(holders) > 1:
				self.error(holders[1], f"right '{right}' is already held by {holders[0].name}", "rights")

	def budget_check(self):
		for manifest in self.manifests:
			need = need_kib(manifest)
			if manifest.memory_kib not in (None, sum(need.values())):
				parts = " + ".join(f"{name} {kib}" for name, kib in need.items() if kib) or "nothing"
				self.error(manifest, f"memory_kib = {manifest.memory_kib}, but the parts add up to {sum(need.values())}: {parts} "
				           f"(set it to {sum(need.values())}, or a part smaller)", "memory_kib")
		total = sum(sum(need_kib(m).values()) + FIXED_KIB for m in self.manifests)
		if total > self.budget_mib * 1024:
			largest = max(self.manifests, key=lambda m: sum(need_kib(m).values()))
			part, kib = max(need_kib(largest).items(), key=lambda part: part[1])
			self.error(largest, f"all domains together need {total} KiB; the smallest machine has {self.budget_mib} MiB for them "
			           f"(most is {part} of {largest.name}, {kib} KiB: make that smaller)", PART_KEYS.get(part, ""), PART_TABLES.get(part, ""))
