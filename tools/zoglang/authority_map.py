"""The authority map: all that each domain may do and reach, as the manifests give it. It is what the core's tables are
compared with when the system runs (tools/zoglib/authority.py), and what the reference pages show.

Rights are spelt as /zog/authority spells them (subsystems/supervisor/supervisor/authority_report.c), so that a
comparison is one of words. Memory is a list of ranges: place, first address, pages at most, rights at most, whose. The
parts of the image are not in it: their sizes are known only when the domain is linked.
"""

import json

from .manifest_resolve import rights_mask
from .region import PROPOSAL_KIB
from .report import c_constant

LAYOUT, CORE = "abi/zog/layout.h", "abi/zog/core.h"
PAGE = 4096
WINDOW_COUNT, WINDOW_PAGES = 6, 512
KINDS = {"CAP_ENTRY": "entry", "CAP_EVENT": "event", "CAP_PORTS": "ports"}


def layout(name):
	return c_constant(LAYOUT, "ZOG_" + name)


def log_pages():
	"""Of struct zog_txn: four words, ranges, operations, a bit for each page."""
	size = (16 + 8 * c_constant(CORE, "ZOG_TXN_RANGE_MAX") + 48 * c_constant(CORE, "ZOG_TXN_OP_MAX")
	        + c_constant(CORE, "ZOG_HOME_SIZE_MAX") // PAGE // 8)
	return -(-size // PAGE)


def span(place, address, pages, rights, owner):
	return {"place": place, "address": address, "pages": pages, "rights": rights, "owner": owner}


def methods_allowed(contract, rights):
	"""{number: name} of the methods that these rights are enough for."""
	return {number: method["name"] for number, method in enumerate(contract["methods"]) if not rights_mask(contract, method["rights"]) & ~rights}


def caps_map(system, domain):
	rows = []
	for index, cap in enumerate(domain.caps, 1):
		right, allowed = f"{index}", {}
		if cap.kind == "CAP_ENTRY":
			contract = next(c for c in system.contracts if c["number"] == cap.b)
			allowed = methods_allowed(contract, cap.rights)
			right += f":{contract['name']}@{system.domains[cap.a].name}:{sum(1 << number for number in allowed if number < 64):#x}"
		elif cap.kind == "CAP_EVENT":
			right += f":{system.domains[cap.a].name}.{cap.b}"
		elif cap.kind == "CAP_PORTS":
			right += f":{cap.a:#x}..{cap.b:#x}"
		rows.append({"index": index, "kind": KINDS.get(cap.kind, cap.macro.removeprefix("CAP_").lower()), "right": right,
		             "macro": cap.macro, "meaning": cap.meaning, "grant": cap.grant, "methods": allowed, "why": domain.manifest.why.get(cap.grant, "")})
	return rows


def flags_map(manifest):
	flags = [right for right in ("personality", "frames", "bus") if right in manifest.rights]
	return flags + (["device"] if manifest.recovery.get("device_quiesce") else [])


def irqs_map(domain):
	rows = []
	for irq, vector in domain.irqs:
		line = f"line{irq['line']}" if irq["kind"] == "isa" else "message"
		rows.append({"right": f"{vector:#x}:{domain.manifest.events.index(irq['event'])}:{line}", "event": irq["event"],
		             "grant": f"irq.{irq['event']}", "why": domain.manifest.why.get(f"irq.{irq['event']}", "")})
	return rows


def own_memory(domain):
	manifest, home = domain.manifest, layout("HOME_BASE")
	spans = [span("home", home, manifest.home_kib // 4, "rw-", "own"),
	         span("committed", home + layout("HOME_COMMITTED_OFFSET"), manifest.home_kib // 4, "r--", "own"),
	         span("heap", layout("HEAP_BASE"), manifest.heap_kib // 4, "rw-", "own"),
	         span("dma", layout("DMA_BASE"), manifest.dma_kib // 4, "rw-", "own"),
	         span("log", layout("TXN_BASE"), log_pages(), "rw-", "own"),
	         span("info", layout("DOMAIN_INFO_BASE"), 1, "r--", "own")]
	for cpu in range(layout("CPU_MAX")):
		bottom = layout("STACK_BASE") + (cpu + 1) * layout("STACK_STRIDE") - layout("STACK_SIZE")
		spans.append(span("stack", bottom, layout("STACK_SIZE") // PAGE, "rw-", "own"))
	return spans


def message_memory(system, domain):
	"""What it says to each peer, and what each peer says to it."""
	pages = layout("CPU_MAX") * layout("MESSAGE_SIZE") // PAGE

	def address(owner, peer):
		return layout("MESSAGE_BASE") + (owner * layout("DOMAIN_MAX") + peer) * pages * PAGE

	spans = []
	for peer in sorted(domain.peers - {domain.id}):
		spans.append(span("message", address(domain.id, peer), pages, "rw-", "own"))
		spans.append(span("message", address(peer, domain.id), pages, "r--", system.domains[peer].name))
	return spans


def shared_memory(system, domain):
	spans = []
	for place, (stream, peer, index) in enumerate(domain.streams):
		start = layout("STREAM_BASE") + place * layout("STREAM_STRIDE")
		spans.append(span("stream", start, stream["pages"], "rw-", "own"))
		spans.append(span("stream", start + layout("STREAM_PEER_OFFSET"), peer.manifest.streams[index]["pages"], "r--", peer.name))
	for place, (entry, number) in enumerate(domain.regions):
		region = system.regions[number]
		declared = region.index
		pages, start = declared["bytes"] // PAGE, layout("REGION_BASE") + place * layout("REGION_STRIDE")
		spans.append(span("region", start, pages + 1, "r--", "own" if region.writer is domain else region.writer.name))
		if entry["role"] == "writer":
			spans.append(span("region", start + layout("REGION_BUFFER_OFFSET"), pages, "rw-", "own"))
		elif entry["role"] == "validator":
			spans.append(span("region", start + layout("REGION_BUFFER_OFFSET"), PROPOSAL_KIB * 1024 // PAGE, "r--", "own"))
	for place, (entry, number) in enumerate(domain.objects):
		spans += object_memory(domain, place, entry, system.objects[number])
	return spans


def object_memory(domain, place, entry, shared):
	"""Head and buffers for all; the writer's window shows the one that it has, which nobody else reaches then."""
	start, pages = layout("OBJECT_BASE") + place * layout("OBJECT_STRIDE"), shared.index["bytes"] // PAGE
	owner = "own" if shared.writer is domain else shared.writer.name
	spans = [span("object", start, 1, "r--", owner)]
	spans += [span("object", start + (1 + buffer) * layout("OBJECT_SLOT"), pages, "r--", owner) for buffer in range(2 + shared.history)]
	if entry["role"] == "writer":
		spans.append(span("object", start + layout("OBJECT_WINDOW"), pages, "rw-", "own"))
	return spans


def machine_memory(domain):
	spans = [span("info", layout("INFO_BASE"), 1, "r--", "core")]
	if domain.manifest.module:
		spans.append(span("module", layout("MODULE_BASE"), None, "r--", "core"))
	if domain.manifest.recovery.get("device_quiesce") or "bus" in domain.manifest.rights:
		for window in range(WINDOW_COUNT):
			spans.append(span("device", layout("MMIO_BASE") + window * layout("MMIO_STRIDE"), WINDOW_PAGES, "rw-", "device"))
	return spans


def memory_map(system, domain):
	spans = own_memory(domain) + message_memory(system, domain) + shared_memory(system, domain) + machine_memory(domain)
	return [s for s in spans if s["pages"] != 0]


def domain_map(system, domain):
	manifest = domain.manifest
	return {
		"id": domain.id, "name": domain.name, "class": manifest.class_name, "manifest": manifest.path,
		"serves": manifest.serves, "calls": [{"contract": name, "domain": system.provider[name].name} for name in manifest.uses],
		"caps": caps_map(system, domain), "flags": flags_map(manifest), "irqs": irqs_map(domain),
		"regions": [{"right": f"{number}:{entry['role']}", "name": f"{entry['contract']}.{entry['name']}"}
		            for entry, number in domain.regions],
		"objects": [{"right": f"{number}:{entry['role']}", "name": f"{entry['contract']}.{entry['name']}"}
		            for entry, number in domain.objects],
		"streams": [{"name": s["name"], "role": s["role"], "peer": peer.name, "pages": s["pages"]} for s, peer, _ in domain.streams],
		"devices": [f"{d['bus']} {d['vendor']:#06x}:{'/'.join(f'{i:#06x}' for i in d['ids'])}" for d in manifest.devices],
		"events": manifest.events, "dynamic_events": manifest.dynamic_events,
		"activities": [a["name"] for a in manifest.activities], "shares": manifest.shares,
		"threads": manifest.threads, "page_table_kib": manifest.page_table_kib,
		"memory": memory_map(system, domain),
	}


def authority_json(system):
	return json.dumps({"domains": [domain_map(system, d) for d in system.domains]}, indent=1) + "\n"
