"""From checked manifests to the system: domain ids, capability tables, vectors. Everything that is emitted (the
core's tables, domain.h, the authority map) comes from these objects, so that they cannot differ."""

from .large_object import objects_assign
from .manifest_checks import VECTOR_FIRST
from .region import index_find

# Right -> capability type that it puts into the table; other rights are flags of the domain.
RIGHT_CAPS = {"control": "CAP_CONTROL", "inspect": "CAP_INSPECT", "power": "CAP_POWER", "bus": "CAP_BUS",
              "schedule": "CAP_SCHEDULE", "stats": "CAP_STATS", "inject": "CAP_INJECT",
              "update": "CAP_UPDATE"}


def rights_mask(contract, names):
	"""Bit n for the contract's nth right."""
	return sum(1 << contract["rights"].index(name) for name in names)


class Capability:
	def __init__(self, kind, macro, a, b, meaning, grant, rights=0):
		self.kind, self.macro, self.a, self.b, self.meaning = kind, macro, a, b, meaning
		self.rights = rights
		self.grant = grant  # its line in the manifest, as [why] names it


class Domain:
	def __init__(self, manifest):
		self.manifest = manifest
		self.name = manifest.name
		self.id = 0
		self.callees = []  # Domains, in the order of `uses`
		self.caps = []     # index in the core's table = place + 1
		self.irqs = []     # (irq entry, vector)
		self.streams = []  # (stream entry, peer Domain, index of the peer's entry)
		self.regions = []  # (region entry, place in System.regions)
		self.objects = []  # (object entry, place in System.objects)
		self.peers = set()

	@property
	def event_count(self):
		return len(self.manifest.events) + self.manifest.dynamic_events

	@property
	def peer_mask(self):
		return sum(1 << peer for peer in self.peers)


class SharedRegion:
	"""A shared region with its one writer."""

	def __init__(self, entry, index, writer):
		self.contract, self.index, self.writer = entry["contract"], index, writer
		self.history, self.is_reconstructible = entry.get("history", 0), entry.get("reconstructible", False)
		self.reader_count = 0
		self.validator = None  # Domain
		self.hooks = []        # (order, Domain, place in its table)


class System:
	def __init__(self, manifests, contracts):
		self.contracts = sorted(contracts, key=lambda c: c["number"])
		self.contract_by_name = {c["name"]: c for c in contracts}
		self.domains = self.order([Domain(m) for m in manifests])
		for place, domain in enumerate(self.domains):
			domain.id = place
		self.vectors_assign()
		for domain in self.domains:
			self.caps_assign(domain)
			self.peers_assign(domain)
			self.streams_assign(domain)
		self.regions_assign()
		self.objects = objects_assign(self.domains, self.contract_by_name)

	def order(self, domains):
		"""Callees before callers; by name where that leaves a choice. The checks ruled cycles out."""
		self.provider = {name: d for d in domains for name in d.manifest.serves}
		for domain in domains:
			domain.callees = [self.provider[name] for name in domain.manifest.uses]
		ordered, waiting = [], sorted(domains, key=lambda d: d.name)
		while waiting:
			ready = next(d for d in waiting if all(c in ordered for c in d.callees))
			waiting.remove(ready)
			ordered.append(ready)
		return ordered

	def vectors_assign(self):
		vector = VECTOR_FIRST
		for domain in self.domains:
			for irq in domain.manifest.irqs:
				domain.irqs.append((irq, vector))
				vector += 1

	def caps_assign(self, domain):
		manifest = domain.manifest
		for name in manifest.uses:
			server, contract = self.provider[name], self.contract_by_name[name]
			rights = manifest.use_rights[name]
			meaning = f"call `{name}` of {server.name}" + (f" ({', '.join(rights)})" if rights else "")
			domain.caps.append(Capability("CAP_ENTRY", f"CAP_{name.upper()}", server.id, contract["number"], meaning, f"uses.{name}",
			                              rights_mask(contract, rights)))
		for wait in manifest.waits:
			name, event = wait.split(".")
			owner = self.provider[name]
			domain.caps.append(Capability("CAP_EVENT", f"WAIT_{name.upper()}_{event.upper()}", owner.id,
			                              owner.manifest.events.index(event), f"wait on `{wait}` of {owner.name}", f"waits.{wait}"))
		for ports in manifest.ports:
			domain.caps.append(Capability("CAP_PORTS", f"CAP_PORTS_{ports['name'].upper()}", ports["first"],
			                              ports["last"], f"ports {ports['first']:#x}..{ports['last']:#x}",
			                              f"ports.{ports['name']}"))
		for right in manifest.rights:
			if right in RIGHT_CAPS:
				domain.caps.append(Capability(RIGHT_CAPS[right], RIGHT_CAPS[right], 0, 0, f"right `{right}`", f"rights.{right}"))

	def peers_assign(self, domain):
		domain.peers.add(domain.id)
		for callee in domain.callees:
			domain.peers.add(callee.id)
			callee.peers.add(domain.id)

	def streams_assign(self, domain):
		for stream in domain.manifest.streams:
			peer = next(d for d in self.domains if d.name == stream["peer"])
			names = [other["name"] for other in peer.manifest.streams]
			domain.streams.append((stream, peer, names.index(stream["name"])))

	def regions_assign(self):
		self.regions, places = [], {}
		for domain in self.domains:
			for entry in domain.manifest.regions:
				if entry["role"] == "writer":
					places[entry["contract"], entry["name"]] = len(self.regions)
					self.regions.append(SharedRegion(entry, index_find(self.contract_by_name, entry), domain))
		for domain in self.domains:
			for entry in domain.manifest.regions:
				place = places[entry["contract"], entry["name"]]
				domain.regions.append((entry, place))
				self.regions[place].reader_count += entry["role"] == "reader"
				if entry["role"] == "validator":
					self.regions[place].validator = domain
				if "on_rollback" in entry:
					self.regions[place].hooks.append((entry["on_rollback"], domain, len(domain.regions) - 1))

	def device_domains(self):
		return [d for d in self.domains if d.manifest.devices]

	def device_vector(self, domain):
		return next((vector for irq, vector in domain.irqs if irq["kind"] == "msi"), 0)
