"""The summary at the end of an upload."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import Console

from ingest.cli.output import Json, clean, duration, facts, indented, plural, size, table
from ingest.cli.render import warning_lines
from ingest.cli.uploads.counters import UploadCounters
from ingest.cli.uploads.select_files import Skipped, count_reasons
from ingest.cli.uploads.upload_file import Rejection, Replacement, Warned

_MOST_ROWS = 50
_FEW = 3
_MOST_WARNED = 10


def as_json(counters: UploadCounters, skipped: Sequence[Skipped]) -> Json:
    """Convert the summary to JSON."""
    return {
        "files": counters.files,
        "bytes_len": counters.bytes_len,
        "uploaded": counters.created,
        "already_there": counters.known,
        "replaced": [asdict(one) for one in counters.replaced],
        "rejected": [asdict(one) for one in counters.rejected],
        "skipped": count_reasons(skipped),
        "skipped_files": [asdict(one) for one in skipped],
        "finished": counters.done,
        "failed": [asdict(one) for one in counters.failed],
        "warnings": [asdict(one) for one in counters.warned],
        "unfinished": len(counters.jobs) - counters.jobs_ended,
        "upload_seconds": round(counters.uploaded_seconds or counters.seconds, 3),
        "seconds": round(counters.seconds, 3),
    }


def show(
    screen: Console,
    counters: UploadCounters,
    skipped: Sequence[Skipped],
    *,
    waited: bool,
    verbose: bool,
) -> None:
    """Print the summary; ``verbose`` names every file instead of counting some."""
    moved = [one for one in counters.replaced if one.from_elsewhere]
    counts = ", ".join(f"{count:,} {reason}" for reason, count in count_reasons(skipped).items())
    rows: list[tuple[str, object]] = [
        ("files", _uploaded(counters)),
        ("replaced", _replaced(counters.replaced, moved) if counters.replaced else None),
        ("rejected", plural(len(counters.rejected), "file") if counters.rejected else None),
        ("skipped", counts or None),
    ]
    if waited:
        unfinished = len(counters.jobs) - counters.jobs_ended
        rows += [
            (
                "searchable",
                f"{plural(counters.done, 'document')} after {duration(counters.seconds)}",
            ),
            ("warnings", plural(len(counters.warned), "document") if counters.warned else None),
            ("failed", plural(len(counters.failed), "document") if counters.failed else None),
            ("unfinished", plural(unfinished, "job") if unfinished else None),
        ]
    screen.print(facts(rows))
    most = None if verbose else _MOST_ROWS
    _show_moved(screen, moved, most)
    _show_rejected(screen, counters.rejected, most)
    _show_failed(screen, counters.failed, most)
    _show_skipped(screen, skipped, verbose=verbose)
    _show_warned(screen, counters.warned, verbose=verbose)


def name_some(skipped: Sequence[Skipped], most: int = _FEW) -> Iterator[str]:
    """Make a line for each reason, with the first files that were skipped for it."""
    for reason, count in count_reasons(skipped).items():
        of_this = [one for one in skipped if one.reason == reason]
        names = [f"{one.file} ({one.detail})" if one.detail else one.file for one in of_this[:most]]
        more = f" and {count - most:,} more" if count > most else ""
        yield f"{count:,} {reason}: {', '.join(names)}{more}"


def _uploaded(counters: UploadCounters) -> str:
    seconds = counters.uploaded_seconds or counters.seconds
    known = f", {counters.known:,} already there" if counters.known else ""
    speed = f", {counters.ended / seconds:.1f} files/s" if seconds else ""
    return (
        f"{counters.created:,} new{known}, in {duration(seconds)} "
        f"({size(counters.sent_bytes)} sent{speed})"
    )


def _replaced(replaced: Sequence[Replacement], moved: Sequence[Replacement]) -> str:
    others = f" ({len(moved):,} of them by a file from another path)" if moved else ""
    return f"{plural(len(replaced), 'document')}{others}"


def _show_moved(screen: Console, moved: Sequence[Replacement], most: int | None) -> None:
    if not moved:
        return
    screen.print()
    screen.print("Replaced with a file from another path:", style="bold")
    for one in moved[:most]:
        screen.print(
            indented(
                f"{one.file!r} replaces document {one.external_id!r}, uploaded as "
                f"{one.uploaded_as!r} (generation {one.generation})"
            )
        )
    if rest := len(moved[most:]) if most else 0:
        screen.print(f"and {plural(rest, 'file')} more (--verbose names all)")
    screen.print(
        indented("If both are wanted: --root or --external-id-prefix gives each its own name.")
    )


def _show_rejected(screen: Console, rejected: Sequence[Rejection], most: int | None) -> None:
    if rejected:
        rows = [(one.file, one.code, one.detail) for one in rejected[:most]]
        screen.print()
        screen.print("Rejected:", style="bold")
        screen.print(table(["file", "code", "detail"], rows, whole=["code"]))
        _count_the_rest(screen, rejected, most)


def _show_failed(screen: Console, failed: Sequence[Rejection], most: int | None) -> None:
    if not failed:
        return
    screen.print()
    screen.print(
        "Failed ('ingest why JOB' explains one, 'ingest retry JOB' tries again):", style="bold"
    )
    for one in failed[:most]:
        screen.print(f"{one.job_id}  {clean(one.file)}")
        screen.print(indented(f"{one.code}: {one.detail}" if one.detail else one.code, columns=4))
    _count_the_rest(screen, failed, most)


def _show_skipped(screen: Console, skipped: Sequence[Skipped], *, verbose: bool) -> None:
    if not skipped:
        return
    screen.print()
    screen.print("Skipped:" if verbose else "Skipped (--verbose names all):", style="bold")
    if verbose:
        for one in skipped:
            detail = f" ({one.detail})" if one.detail else ""
            screen.print(indented(f"{one.reason}: {one.file}{detail}"))
    else:
        for line in name_some(skipped):
            screen.print(indented(line))


def _show_warned(screen: Console, warned: Sequence[Warned], *, verbose: bool) -> None:
    if not warned:
        return
    have = "document has" if len(warned) == 1 else "documents have"
    screen.print()
    screen.print(
        f"{len(warned):,} {have} warnings ('ingest why JOB' shows all of one):", style="bold"
    )
    shown, most = (warned, None) if verbose else (warned[:_MOST_WARNED], _FEW)
    for one in shown:
        screen.print(f"{one.job_id}  {clean(one.file)}")
        for line in warning_lines.lines(asdict(one), most=most):
            screen.print(indented(line, columns=4))
    if rest := warned[len(shown) :]:
        count = sum(one.warning_count for one in rest)
        codes = dict.fromkeys(clean(warning["code"]) for one in rest for warning in one.warnings)
        screen.print(
            f"and {plural(len(rest), 'document')} more, with {plural(count, 'warning')} "
            f"({', '.join(codes)}); --verbose or 'ingest warnings' lists them"
        )


def _count_the_rest(screen: Console, rejections: Sequence[Rejection], most: int | None) -> None:
    rest = rejections[most:] if most else []
    if rest:
        codes = Counter(one.code for one in rest).most_common()
        counts = ", ".join(f"{count:,} {clean(code)}" for code, count in codes)
        screen.print(f"and {plural(len(rest), 'file')} more: {counts}")
