"""What every benchmark shares: its arguments, the table for people, the JSON line for machines."""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

Value = float | int | str | bool | None
Results = dict[str, Value]
RESULTS = Path(__file__).parent / "results"
"""Where full runs leave what they measured, one file a benchmark."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture of a measurement."""

    title: str
    """What it shows, as a sentence for somebody new."""
    x: str
    y: str
    """Names of the axes, with units; of a histogram, y says what is counted."""
    lines: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """Points (x, y) by the name of their line."""
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Values whose distribution is shown, by the name of what they are of."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one benchmark."""

    name: str
    settings: Mapping[str, object]
    """What was chosen: sizes, counts, pools."""
    baseline: str
    """What the ratios compare with, measured in the same run."""
    results: Results
    dataset: str = ""
    """What was worked on, in words."""
    plots: Sequence[Plot] = ()


def run(measure: Callable[[bool], Report], *, description: str | None) -> None:
    """Run a benchmark as a program.

    Args:
        measure: Does the work; gets whether the quick variant is wanted, under 60 s.
        description: Shown by ``--help``.
    """
    chosen = arguments(description=description).parse_args()
    finish(measure(chosen.quick), chosen)


def arguments(*, description: str | None) -> argparse.ArgumentParser:
    """The arguments that every benchmark has; one with more of them adds its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="smaller, under 60 seconds")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument(
        "--save",
        type=Path,
        help=f"folder for the JSON, named after the benchmark (of a full run: {RESULTS.name}/)",
    )
    return parser


def finish(report: Report, chosen: argparse.Namespace) -> None:
    """Print a report and save it, as the arguments say."""
    _print_table(report)
    line = json.dumps(_record(report), default=str)
    folder = chosen.save or (None if chosen.quick else RESULTS)
    if chosen.json:
        print(line)
    if folder is not None:
        save(report, folder)


def save(report: Report, folder: Path) -> None:
    """Write a report into a folder, in the place of an earlier one of the same benchmark.

    Raises:
        SystemExit: a file of that name was not written by this benchmark.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{report.name}.json"
    if target.exists() and not _is_of(report.name, target):
        raise SystemExit(f"{target} was not written by this benchmark: name another folder")
    whole = {**_record(report), "plots": [asdict(plot) for plot in report.plots]}
    text = json.dumps(whole, default=str, indent=1)
    target.write_text(text + "\n", encoding="utf-8")


def _is_of(name: str, target: Path) -> bool:
    """Whether a file is an earlier report of a benchmark."""
    try:
        found = json.loads(target.read_bytes())
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("name") == name and "commit" in found


def percentile(values: Sequence[float], share: float) -> float:
    """The value under which this share of the values lies, nearest rank; share in 0..1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _print_table(report: Report) -> None:
    table = Table("measure", "value", title=f"{report.name} (baseline: {report.baseline})")
    for key, value in report.results.items():
        table.add_row(key, f"{_short(value):,}" if isinstance(value, float) else str(value))
    Console(width=80).print(table)


def _record(report: Report) -> dict[str, object]:
    return {
        "name": report.name,
        "commit": commit(),
        "machine": machine(),
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "dataset": report.dataset,
        "settings": dict(report.settings),
        "baseline": report.baseline,
        "results": {
            key: _short(value) if isinstance(value, float) else value
            for key, value in report.results.items()
        },
    }


def _short(value: float) -> float:
    """To a thousandth, or to three digits of what is smaller than one."""
    return round(value, 3) if abs(value) >= 1 else float(f"{value:.3g}")


def machine() -> dict[str, object]:
    """What a measurement ran on."""
    return {
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "ray": version("ray"),
    }


def commit() -> str:
    """The version of the code; unknown outside a checkout."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(  # noqa: S603 - a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
