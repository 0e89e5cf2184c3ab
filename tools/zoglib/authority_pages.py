"""The authority map as reference: authority.md (tables), authority.json, authority.svg (who calls whom, holding what).

The picture has a row for each depth of calls, callers above: an arrow is a contract that may be called, a dashed one an
event that may be waited for, a box lists what else its domain holds.
"""

import json
from html import escape

from .authority import Used, foreign_pages, map_load, own_pages, uncalled_text, unused_text

BOX_W, BOX_GAP, LINE_H, ROW_GAP, MARGIN, TITLE_H = 186, 34, 15, 96, 24, 58
COLOURS = ("#1f5fa8", "#a8431f", "#2a7a3b", "#7a2a72", "#8a6d00", "#00747a", "#555b66", "#b0225a")


# ---- what is told of a domain -------------------------------------------------------------------------------------


def holdings(domain):
	"""Lines of what a domain holds besides crossings and events."""
	lines = [f"ports {cap['right'].split(':')[1]}" for cap in domain["caps"] if cap["kind"] == "ports"]
	rights = [cap["kind"] for cap in domain["caps"] if cap["kind"] not in ("entry", "event", "ports")]
	rights += [flag for flag in domain["flags"] if flag not in rights]
	lines += ["rights " + ", ".join(rights[i:i + 3]) for i in range(0, len(rights), 3)]
	lines += [f"device {device}" for device in domain["devices"]]
	lines += [f"irq {irq['right'].split(':')[2]} -> {irq['event']}" for irq in domain["irqs"]]
	lines += [f"{region['right'].split(':')[1]} of {region['name']}" for region in domain["regions"]]
	lines += [f"stream {s['name']}, {s['role']}" for s in domain["streams"]]
	return lines + [f"{own_pages(domain) * 4} KiB of its own"]


def depths(domains):
	"""Domain -> longest chain of calls below it. The manifests' check has ruled circles out."""
	found = {}

	def depth(name):
		if name not in found:
			found[name] = 1 + max((depth(call["domain"]) for call in domains[name]["calls"]), default=-1)
		return found[name]

	for name in domains:
		depth(name)
	return found


# ---- picture ------------------------------------------------------------------------------------------------------


class Picture:
	def __init__(self, domains):
		self.domains = domains
		self.rows = self.rows_make()
		self.places, self.height = self.places_make()
		self.width = 2 * MARGIN + max(len(row) for row in self.rows) * (BOX_W + BOX_GAP) - BOX_GAP

	def rows_make(self):
		"""Callers above. Within a row, below the middle of those that call."""
		level = depths(self.domains)
		rows = [[n for n in self.domains if level[n] == d] for d in range(max(level.values()), -1, -1)]
		for number in range(1, len(rows)):
			above = [name for row in rows[:number] for name in row]

			def middle(name):
				callers = [above.index(n) for n in above if any(c["domain"] == name for c in self.domains[n]["calls"])]
				return (sum(callers) / len(callers) if callers else len(above), name)

			rows[number].sort(key=middle)
		return [row for row in rows if row]

	def places_make(self):
		places, top = {}, MARGIN + TITLE_H
		widest = max(len(row) for row in self.rows) * (BOX_W + BOX_GAP)
		for row in self.rows:
			heights = {name: 26 + LINE_H * len(holdings(self.domains[name])) for name in row}
			# Between top and bottom to the right: the long lines of the top pass on the left.
			rest = widest - len(row) * (BOX_W + BOX_GAP)
			left = MARGIN + (rest // 2 if row is self.rows[0] else rest)
			for place, name in enumerate(row):
				places[name] = (left + place * (BOX_W + BOX_GAP), top, heights[name])
			top += max(heights.values()) + ROW_GAP
		return places, top - ROW_GAP + MARGIN

	def box(self, name):
		x, y, height = self.places[name]
		text = [f'<g><title>{escape(name)}</title><rect x="{x}" y="{y}" width="{BOX_W}" height="{height}" rx="5" class="box"/>',
		        f'<text x="{x + 8}" y="{y + 17}" class="name">{escape(name)}</text>']
		text += [f'<text x="{x + 8}" y="{y + 17 + LINE_H * (i + 1)}" class="holds">{escape(line)}</text>'
		         for i, line in enumerate(holdings(self.domains[name]))]
		return "".join(text) + "</g>"

	def arrow(self, caller, callee, label, share, style, colour):
		"""From the lower edge of the caller to the upper edge of the callee; share: where along the edges, 0..1."""
		(x1, y1, h1), (x2, y2, _) = self.places[caller], self.places[callee]
		from_x, from_y = x1 + 12 + (BOX_W - 24) * share[0], y1 + h1
		to_x, to_y = x2 + 12 + (BOX_W - 24) * share[1], y2 - 3
		bend = max(40, (to_y - from_y) / 2)
		path = f"M{from_x:.0f},{from_y} C{from_x:.0f},{from_y + bend:.0f} {to_x:.0f},{to_y - bend:.0f} {to_x:.0f},{to_y}"
		return (f'<path d="{path}" class="{style}" style="stroke:{colour}" marker-end="url(#tip)"><title>{escape(caller)}: {escape(label)}'
		        f'</title></path><text x="{to_x + 4:.0f}" y="{to_y - 5:.0f}" class="label" style="fill:{colour}">{escape(label)}</text>')

	def arrows(self):
		"""Every call and every wait, spread along the edges that they leave and reach."""
		lines = [(name, call["domain"], call["contract"], "call") for name, d in self.domains.items() for call in d["calls"]]
		for name, domain in self.domains.items():
			for cap in domain["caps"]:
				if cap["kind"] == "event":
					owner, _, number = cap["right"].partition(":")[2].rpartition(".")
					lines.append((name, owner, self.domains[owner]["events"][int(number)], "wait"))
		lines.sort(key=lambda line: (line[0], self.places[line[1]][0]))
		text = ""
		for line in lines:
			leaving, reaching = [l for l in lines if l[0] == line[0]], [l for l in lines if l[1] == line[1]]
			reaching.sort(key=lambda l: self.places[l[0]][0])
			share = ((leaving.index(line) + 1) / (len(leaving) + 1), (reaching.index(line) + 0.4) / len(reaching))
			callers = list(self.domains)
			text += self.arrow(*line[:3], share, line[3], COLOURS[callers.index(line[0]) % len(COLOURS)])
		return text

	def svg(self):
		return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
		        f'height="{self.height}" font-family="sans-serif"><title>Who may call whom, and what each domain holds</title><style>'
		        ".box{fill:#fff;stroke:#444}.name{font-size:14px;font-weight:bold}.holds{font-size:11px;fill:#333}"
		        ".label{font-size:10px}.call{fill:none;stroke-width:1.6}.wait{fill:none;stroke-width:1.2;stroke-dasharray:4 3}"
		        '</style><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
		        f'<path d="M0,0 L8,4 L0,8 z"/></marker></defs><rect width="100%" height="100%" fill="#f7f7f4"/>'
		        f'<text x="{MARGIN}" y="{MARGIN + 12}" class="name">Authority: who may call whom, and what each domain holds</text>'
		        f'<text x="{MARGIN}" y="{MARGIN + 30}" class="holds">whole lines: contracts that may be called; dashed: events that '
		        "may be waited for; from the manifests</text>" + self.arrows() + "".join(self.box(name) for name in self.domains) + "</svg>\n")


# ---- text ---------------------------------------------------------------------------------------------------------


def cells(items):
	return "<br>".join(items) or "–"


def row_text(domain):
	caps = [f"{cap['index']} {cap['meaning']}" for cap in domain["caps"]] + [f"flag `{flag}`" for flag in domain["flags"]]
	irqs = [f"`{irq['event']}` by {irq['right'].split(':')[2]}, vector {irq['right'].split(':')[0]}" for irq in domain["irqs"]]
	events = [f"`{event}`" for event in domain["events"]] + ([f"{domain['dynamic_events']} dynamic"] if domain["dynamic_events"] else [])
	regions = [f"region `{r['name']}`: {r['right'].split(':')[1]}" for r in domain["regions"]]
	regions += [f"stream `{s['name']}`: {s['role']}, with {s['peer']}" for s in domain["streams"]]
	return "| " + " | ".join([str(domain["id"]), f"`{domain['name']}`", cells(domain["serves"]), cells(caps), cells(domain["devices"] + irqs),
	                          cells(events), cells(regions)]) + " |\n"


def memory_text(domain, used):
	row = used.domains.get(domain["name"])
	others = foreign_pages(domain)
	return (f"| `{domain['name']}` | {len(domain['caps'])} | {own_pages(domain)} | {row['pages'] if row else '?'} | "
	        f"{cells([f'{pages} of `{owner}`' for owner, pages in others.items()])} | "
	        f"{unused_text(used.unused(domain)) if row else '?'} | {uncalled_text(used, domain) if row else '?'} |\n")


def authority_markdown(domains, used):
	text = ("# Who may do what\n\nGenerated by `./zog docs` from the manifests, the only source of authority. "
	        "[As a picture](authority.svg), [as JSON](authority.json).\nNumbers before capabilities are their places in the core's table. "
	        "`/zog/authority` shows what a running system really holds; `./zog test authority` compares the two.\n\n")
	text += "| id | domain | serves | capabilities | devices, interrupts | own events | regions, streams |\n|---|---|---|---|---|---|---|\n"
	text += "".join(row_text(domain) for domain in domains.values())
	text += ("\n## Least authority, measured\nPages of 4 KiB. Own: all that it may write. Touched: the most that one machine of the last test "
	         "run had in the page tables at its end\n(`?`: no run on record). Reads of others: message areas, regions, streams.\n\n"
	         "| domain | capabilities | own pages | touched | reads of others | never used in the tests | methods it may call, and which never were |\n"
	         "|---|---|---|---|---|---|---|\n")
	return text + "".join(memory_text(domain, used) for domain in domains.values())


def pages(folder_file):
	"""Writes the three files; folder_file(name) is the path of a reference page. Returns lines for the index."""
	domains, used = map_load(), Used.load()
	with open(folder_file("authority.md"), "w") as file:
		file.write(authority_markdown(domains, used))
	with open(folder_file("authority.json"), "w") as file:
		json.dump({"domains": list(domains.values()), "used": used.domains}, file, indent=1)
	with open(folder_file("authority.svg"), "w") as file:
		file.write(Picture(domains).svg())
	return ["- [Who may do what](authority.md): the authority map; [picture](authority.svg), [JSON](authority.json)"]
