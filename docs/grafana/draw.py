#!/usr/bin/env python3
"""Draws the panels of broker.json as one page of HTML, from the answers of a Prometheus that scrapes a hub.

    draw.py http://127.0.0.1:9090 15m > page.html

It is no Grafana: it asks the dashboard's own queries and draws lines, so that a picture of them can be made without one.
"""
import html, json, pathlib, re, sys, time, urllib.parse, urllib.request

PROMETHEUS, SPAN = sys.argv[1], sys.argv[2]
SECONDS = int(SPAN[:-1]) * {"s": 1, "m": 60, "h": 3600}[SPAN[-1]]
END = time.time()
COLORS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#b877d9", "#f2495c", "#8ab8ff", "#fade2a", "#56a64b", "#c4162a"]
COLUMN, ROW, LEFT, TOP, BOTTOM = 50, 38, 52, 30, 42       # Pixels of the dashboard's grid, and margins of a panel.


def ask(expression):
    expression = expression.replace("$__rate_interval", "30s").replace("$instance", ".*")
    step = max(1, SECONDS // 240)
    query = urllib.parse.urlencode({"query": expression, "start": END - SECONDS, "end": END, "step": step})
    with urllib.request.urlopen(f"{PROMETHEUS}/api/v1/query_range?{query}", timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def short(value, unit):
    if unit == "bytes":
        return f"{value / 2**20:.4g} MiB"
    if unit == "Bps":
        return f"{value / 1000:.4g} kB/s"
    if unit == "s":
        return f"{value * 1000:.3g} ms"
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    return f"{value:.4g}" + ("/s" if unit == "cps" else "")


def draw(panel):
    place = panel["gridPos"]
    x, y, width, height = place["x"] * COLUMN, place["y"] * ROW, place["w"] * COLUMN - 8, place["h"] * ROW - 8
    style = f"left:{x}px;top:{y}px;width:{width}px;height:{height}px"
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f'<div class="row" style="{style}">{title}</div>'
    lines = []
    for target in panel["targets"]:
        for series in ask(target["expr"]):
            name = re.sub(r"\{\{(\w+)\}\}", lambda label: series["metric"].get(label[1], ""), target["legendFormat"])
            points = [(float(at), float(value)) for at, value in series["values"] if value not in ("NaN", "+Inf", "-Inf")]
            if points:
                lines.append((name, points))
    unit = panel["fieldConfig"]["defaults"]["unit"]
    top = max((value for _, points in lines for _, value in points), default=0) or 1
    inner, tall = width - LEFT - 10, height - TOP - BOTTOM
    shapes = [f'<text x="{LEFT - 4}" y="{TOP + 6}" class="axis">{short(top, unit)}</text>',
              f'<text x="{LEFT - 4}" y="{TOP + tall}" class="axis">0</text>',
              f'<path d="M{LEFT} {TOP}h{inner}M{LEFT} {TOP + tall / 2}h{inner}M{LEFT} {TOP + tall}h{inner}" class="grid"/>']
    legend = []
    for i, (name, points) in enumerate(sorted(lines, key=lambda line: -line[1][-1][1])):
        color = COLORS[i % len(COLORS)]
        path = " ".join(f"{LEFT + (at - END + SECONDS) / SECONDS * inner:.1f},{TOP + tall - value / top * tall:.1f}" for at, value in points)
        shapes.append(f'<polyline points="{path}" stroke="{color}"/>')
        if i < 6:
            legend.append(f'<i style="background:{color}"></i>{html.escape(name)} <b>{short(points[-1][1], unit)}</b>')
    empty = "" if lines else f'<text x="{width / 2}" y="{height / 2}" class="none">no data</text>'
    return (f'<div class="panel" style="{style}"><h2>{title}</h2><svg width="{width}" height="{height}">{"".join(shapes)}{empty}</svg>'
            f'<p>{" ".join(legend)}</p></div>')


dashboard = json.loads((pathlib.Path(__file__).parent / "broker.json").read_text())
print("""<!doctype html><meta charset="utf-8"><style>
body{background:#111217;color:#ccccdc;font:12px sans-serif;margin:8px;position:relative}
div{position:absolute;box-sizing:border-box}.row{font-weight:bold;padding:9px 4px}
.panel{background:#181b1f;border:1px solid #2c3235}h2{font-size:12px;margin:6px 8px;position:absolute}
svg{position:absolute;left:0;top:0;fill:none}.grid{stroke:#2c3235}polyline{stroke-width:1.5}
.axis{fill:#8e8e9a;font-size:9px;text-anchor:end}.none{fill:#8e8e9a;text-anchor:middle}
p{position:absolute;bottom:0;margin:4px 8px;font-size:10px;line-height:13px;max-height:38px;overflow:hidden}
i{display:inline-block;width:10px;height:3px;margin:0 3px 2px 6px}b{font-weight:normal;color:#8e8e9a}
</style><body>""")
print("\n".join(draw(panel) for panel in dashboard["panels"]))
