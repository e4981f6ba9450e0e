"""Where the CPU seconds of the stream go: a flame graph of a run of ``benchmarks.throughput``.

Needs py-spy (``pip install py-spy``) and the right to trace processes. What a stage uses in all is
the kernel's figure; the samples of py-spy, without threads that wait, say how it is divided.
"""

import argparse
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.own_database import own_database
from benchmarks.running_system import running_system
from benchmarks.throughput import STAGES, Bench, write_corpus

_RATE = 100
_WAITS = frozenset(
    {
        "_read", "_sync_path", "_worker", "acquire", "get", "get_output_blocking", "main_loop",
        "poll", "recv", "recv_into", "run", "run_loop", "select", "sleep", "wait",
    }
)  # fmt: skip
"""Functions in which a thread that is seen waits: for work, an answer, or the disk."""
_PROCESS = re.compile(r'process \d+:"([^"]*)"')
_FRAME = re.compile(r"^(?P<name>\S+) \((?P<file>[^:)]+)(?::\d+)?\)$")
_THREADS = re.compile(r"\((threading|concurrent/futures/thread)\.py")
"""How threads begin, which is the same for all."""
_DEEPEST = 20
_CHARS = 250
"""Of the smallest letters in the whole width."""
_LEAST = 0.004
"""Share of the whole below which a box is left out."""
_COLOURS = colormaps["tab20"]


@dataclass
class Box:
    """A function, and what it called."""

    samples: int = 0
    calls: "dict[str, Box]" = field(default_factory=dict)

    def add(self, frames: list[str], samples: int) -> None:
        """Count a stack, outermost frame first."""
        self.samples += samples
        if frames:
            self.calls.setdefault(frames[0], Box()).add(frames[1:], samples)


@contextmanager
def recorded(pid: int, raw: Path) -> Iterator[None]:
    """Sample a process and all its children, into lines of a stack and a count."""
    program = shutil.which("py-spy")
    if program is None:
        raise SystemExit("py-spy is missing: pip install py-spy")
    options = ["--subprocesses", "--nonblocking", "--rate", str(_RATE), "--format", "raw"]
    recorder = subprocess.Popen(  # noqa: S603 - our own words
        [program, "record", "--pid", str(pid), *options, "--output", str(raw)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.wait(120)


def stacks(raw: str) -> dict[str, Box]:
    """Stacks of threads that run, by stage."""
    found: dict[str, Box] = {}
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        process = _PROCESS.findall(stack)[-1]
        stage = next((stage for stage, name in STAGES.items() if name in process), None)
        frames = [frame for frame in stack.split(";") if _FRAME.match(frame)]
        named = [_named(frame) for frame in frames if not _THREADS.search(frame)] or frames[-1:]
        if stage and named and _last(named[-1]) not in _WAITS:
            found.setdefault(stage, Box()).add(named, int(count))
    return found


def _last(named: str) -> str:
    return named.partition(" ")[0].rpartition(".")[2]


def _named(frame: str) -> str:
    matched = _FRAME.match(frame)
    if matched is None:
        return frame
    return f"{matched['name'].replace('<locals>.', '')} {Path(matched['file']).name}"


def draw(found: dict[str, Box], cpu: dict[str, float], title: str) -> Figure:
    """A picture as wide as all CPU seconds; what has no stacks is one box."""
    figure = Figure(figsize=(14, 6), layout="constrained")
    axes = figure.add_subplot()
    left, total = 0.0, sum(cpu.values())
    for number, (stage, seconds) in enumerate(sorted(cpu.items(), key=lambda item: -item[1])):
        colour = _COLOURS(number % 20)
        _box(axes, left, 0, seconds, f"{stage} {seconds:.1f} s", colour)
        box = found.get(stage)
        if box is not None:
            scale = seconds / max(1, box.samples)
            _children(axes, box, left, 1, scale, total, colour)
        left += seconds
    axes.set(xlim=(0, total), xlabel="CPU seconds", title=title)
    axes.margins(y=0)
    axes.get_yaxis().set_visible(False)
    return figure


def _children(
    axes: Axes, box: Box, left: float, depth: int, scale: float, total: float, colour: object
) -> None:
    if depth >= _DEEPEST:
        return
    for name, called in sorted(box.calls.items(), key=lambda item: -item[1].samples):
        width = called.samples * scale
        if width < _LEAST * total:
            continue
        _box(axes, left, depth, width, name[: int(_CHARS * width / total)], colour)
        _children(axes, called, left, depth + 1, scale, total, colour)
        left += width


def _box(axes: Axes, left: float, depth: int, width: float, text: str, colour: object) -> None:
    axes.barh(depth + 0.5, width, 0.92, left=left, color=colour, edgecolor="white", linewidth=0.4)
    if len(text) > 3:
        axes.text(left + width / 2, depth + 0.5, text, size=5, ha="center", va="center")


def main() -> None:
    """Run the stream once to warm up and once to look at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="picture, e.g. profile.svg")
    parser.add_argument("--documents", type=int, default=450)
    parser.add_argument("--title", default="CPU of the stream")
    options = parser.parse_args()
    if options.out.exists():
        parser.error(f"{options.out} exists: name another file, or remove it first")
    with own_database() as (folder, url):
        files = write_corpus(folder / "files", options.documents)
        with running_system(folder / "s", database_url=url) as system:
            bench = Bench(url, folder, system, files)
            bench.stream()
            with recorded(system.process.pid, folder / "raw"):
                run = bench.stream()
            found = stacks((folder / "raw").read_text())
    title = f"{options.title}: {options.documents} documents in {run.seconds:.1f} s"
    with rc_context({"svg.fonttype": "none"}):
        draw(found, run.cpu, title).savefig(options.out)
    print(f"{options.out}: {sum(run.cpu.values()):.1f} CPU seconds, {run.chunks} chunks")


if __name__ == "__main__":
    main()
