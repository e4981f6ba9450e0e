"""The findings of ``ingest doctor``."""

from dataclasses import dataclass
from enum import StrEnum

from ingest.cli.output import Json


class Level(StrEnum):
    """The level of a finding."""

    OK = "ok"
    WARN = "warn"
    """The part works, but not well, or not for long."""
    FAIL = "FAIL"
    """The part does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    subject: str
    text: str
    advice: str | None = None
    """The action that corrects it."""

    def as_json(self) -> Json:
        """Convert the finding to JSON."""
        return {
            "level": self.level.value,
            "subject": self.subject,
            "text": self.text,
            "advice": self.advice,
        }


def fine(subject: str, text: str) -> Finding:
    """Make a finding: the part works."""
    return Finding(Level.OK, subject, text)


def doubtful(subject: str, text: str, advice: str) -> Finding:
    """Make a finding: the part works, but not well, or not for long."""
    return Finding(Level.WARN, subject, text, advice)


def broken(subject: str, text: str, advice: str) -> Finding:
    """Make a finding: the part does not work."""
    return Finding(Level.FAIL, subject, text, advice)
