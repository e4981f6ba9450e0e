"""Runs the checks of ``ingest doctor``, in order."""

from collections.abc import Callable, Iterator

from ingest import settings
from ingest.cli.checks import components, machine
from ingest.cli.checks.findings import Finding, broken
from ingest.cli.exit_codes import CommandError
from ingest.domain.errors import IngestError, WrongSettings
from ingest.settings import Settings

Check = Callable[[Settings], Iterator[Finding]]
_CHECKS: tuple[tuple[str, Check], ...] = (
    ("settings", machine.variables),
    ("state", machine.state_folder),
    ("machine", machine.resources),
    ("system", machine.running_system),
    ("database", components.database),
    ("blobs", components.blobs),
    ("parser", components.parser),
    ("embedder", components.embedder),
    ("ray", components.ray),
)


def examine() -> Iterator[Finding]:
    """Run all checks; each finding is yielded as soon as it is known."""
    yield machine.versions()
    try:
        loaded = settings.load()
    except WrongSettings as exc:
        for fault in exc.faults:
            yield broken("settings", fault, "correct this environment variable")
        return
    for subject, check in _CHECKS:
        try:
            yield from check(loaded)
        except (IngestError, CommandError) as exc:
            yield broken(subject, exc.message, "see above")
        except Exception as exc:  # noqa: BLE001 one broken part must not hide the others
            first = f"{type(exc).__name__}: {exc}".splitlines()[0]
            yield broken(subject, first, "this is unexpected: the installation may be damaged")
