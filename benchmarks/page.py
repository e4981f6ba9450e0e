"""What was measured, as one page without anything to load."""

import html
import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.summary import ROWS, Found

mpl.use("svg")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #ccc; margin-top: 2rem; }
h2 code { font-size: 1.2rem; }
table { border-collapse: collapse; font-size: 0.9rem; }
td { border-bottom: 1px solid #eee; padding: 0.1rem 1.5rem 0.1rem 0; }
td:last-child { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; } figcaption { color: #444; } svg { max-width: 100%; height: auto; }
.how { color: #666; font-size: 0.9rem; }
"""
_INTRO = """
<p>Each benchmark runs the product and something to compare it with on the same machine, one after
the other, and reports both: figures of another machine will differ, ratios much less. A line under
each heading says how to repeat it.</p>
"""


def render(found: Found) -> str:
    """The page, in HTML."""
    sections = "".join(_section(name, one) for name, one in found.items())
    contents = " · ".join(f'<a href="#{name}">{name}</a>' for name in found)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>ingest: benchmarks'
        f"</title><style>{_STYLE}</style></head><body>\n<h1>ingest: what was measured</h1>"
        f"{_INTRO}<p>{contents}</p>{sections}</body></html>\n"
    )


def _section(name: str, found: Mapping[str, Any]) -> str:
    machine = found["machine"]
    about, measured, against = (
        html.escape(part.replace("`", "")) for part in ROWS[name].fill(found)
    )
    where = f"{machine['cpus']} CPUs, {machine['memory_gb']} GB, Python {machine['python']}"
    how = f"python -m benchmarks.{name} · {found['commit']} · {found['at'][:10]} · {where}"
    dataset = f"<p>{html.escape(found['dataset'])}</p>" if found["dataset"] else ""
    return (
        f'<section id="{name}"><h2><code>{name}</code> {about}</h2><p class="how">'
        f"{html.escape(how)}</p><p><b>{measured}</b><br>against {against}</p>{dataset}"
        f"{''.join(_figure(plot) for plot in found['plots'])}"
        f"<details><summary>all figures</summary>{_table(found['results'])}"
        f"<p>settings</p>{_table(found['settings'])}</details></section>\n"
    )


def _table(values: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<tr><td>{html.escape(str(name))}</td><td>{html.escape(_shown(value))}</td></tr>"
        for name, value in values.items()
    )
    return f"<table>{lines}</table>"


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _figure(plot: Mapping[str, Any]) -> str:
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, points in plot["lines"].items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    for name, samples in plot["samples"].items():
        axes.hist(samples, bins=30, alpha=0.6, label=name)
    if any(points[-1][0] > 1000 * points[0][0] for points in plot["lines"].values()):
        axes.set_xscale("log")
    axes.set_xlabel(plot["x"])
    axes.set_ylabel(plot["y"])
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    if len(plot["lines"]) + len(plot["samples"]) > 1:
        axes.legend(frameon=False)
    with mpl.rc_context({"svg.hashsalt": "ingest"}):
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    svg = out.getvalue()
    picture = svg[svg.index("<svg") :]
    return f"<figure>{picture}<figcaption>{html.escape(plot['title'])}</figcaption></figure>"
