"""What an upload says at its end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from ingest.cli.output import Json, clean, duration, facts, indented, plural, size, table
from ingest.cli.tally import Tally
from ingest.cli.uploading import Rejection

_MOST_ROWS = 50


def as_json(tally: Tally, skipped: Counter[str]) -> Json:
    """The summary for programs."""
    return {
        "files": tally.files,
        "bytes_len": tally.bytes_len,
        "uploaded": tally.created,
        "already_there": tally.known,
        "rejected": [asdict(one) for one in tally.rejected],
        "skipped": dict(+skipped),
        "finished": tally.done,
        "failed": [asdict(one) for one in tally.failed],
        "unfinished": len(tally.jobs) - tally.jobs_ended,
        "upload_seconds": round(tally.uploaded_seconds or tally.seconds, 3),
        "seconds": round(tally.seconds, 3),
    }


def show(screen: Console, tally: Tally, skipped: Counter[str], *, waited: bool) -> None:
    """The summary for people."""
    seconds = tally.uploaded_seconds or tally.seconds
    speed = f"{tally.ended / seconds:.1f} files/s" if seconds else ""
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in (+skipped).most_common())
    rows: list[tuple[str, object]] = [
        (
            "uploaded",
            f"{plural(tally.created, 'file')} in {duration(seconds)} "
            f"({size(tally.sent_bytes)}, {speed})",
        ),
        ("already there", plural(tally.known, "file") if tally.known else None),
        ("rejected", plural(len(tally.rejected), "file") if tally.rejected else None),
        ("skipped", left_out or None),
    ]
    if waited:
        unfinished = len(tally.jobs) - tally.jobs_ended
        rows += [
            ("searchable", f"{plural(tally.done, 'document')} after {duration(tally.seconds)}"),
            ("failed", plural(len(tally.failed), "document") if tally.failed else None),
            ("unfinished", plural(unfinished, "job") if unfinished else None),
        ]
    screen.print(facts(rows))
    _show_rejected(screen, tally.rejected)
    _show_failed(screen, tally.failed)


def _show_rejected(screen: Console, rejected: Sequence[Rejection]) -> None:
    if rejected:
        rows = [(one.file, one.code, one.detail) for one in rejected[:_MOST_ROWS]]
        screen.print()
        screen.print("Rejected:", style="bold")
        screen.print(table(["file", "code", "detail"], rows))
        _count_the_rest(screen, rejected)


def _show_failed(screen: Console, failed: Sequence[Rejection]) -> None:
    if not failed:
        return
    screen.print()
    screen.print(
        "Failed ('ingest why JOB' tells more, 'ingest retry JOB' tries again):", style="bold"
    )
    for one in failed[:_MOST_ROWS]:
        screen.print(f"{one.job_id}  {clean(one.file)}")
        screen.print(indented(f"{one.code}: {one.detail}" if one.detail else one.code, columns=4))
    _count_the_rest(screen, failed)


def _count_the_rest(screen: Console, rejections: Sequence[Rejection]) -> None:
    rest = rejections[_MOST_ROWS:]
    if rest:
        codes = Counter(one.code for one in rest).most_common()
        counts = ", ".join(f"{count:,} {clean(code)}" for code, count in codes)
        screen.print(f"and {plural(len(rest), 'file')} more: {counts}")
