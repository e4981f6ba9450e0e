"""Benchmarks: README.md and docs/benchmarks.md give the figures that were measured."""

import importlib.util
from pathlib import Path

from benchmarks import page, summary
from benchmarks.report import RESULTS

ROOT = Path(__file__).parents[2]


def test_the_figures_in_the_documentation_are_those_of_full_runs() -> None:
    found = summary.load(RESULTS)

    assert summary.table(found) in (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    assert summary.highlights(found) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_benchmark_has_a_line_in_the_table_and_runs_with_the_others() -> None:
    listed = next(
        line.removeprefix("BENCHMARKS ?= ").split()
        for line in (ROOT / "Makefile").read_text().splitlines()
        if line.startswith("BENCHMARKS ?=")
    )

    assert set(listed) == set(summary.ROWS)
    assert all(importlib.util.find_spec(f"benchmarks.{name}") for name in listed)


def test_the_page_shows_each_result_and_its_pictures() -> None:
    found = summary.load(RESULTS)
    shown = page.render(found)

    assert shown.count("<section ") == len(found) > 0
    assert shown.count("<svg") == sum(len(one["plots"]) for one in found.values())
    assert 'src="' not in shown
    assert 'href="http' not in shown
