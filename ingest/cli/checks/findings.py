"""What an examination finds."""

from dataclasses import dataclass
from enum import StrEnum

from ingest.cli.output import Json


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    """It works, but not well, or not for long."""
    FAIL = "FAIL"
    """It does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of an examination."""

    level: Level
    subject: str
    text: str
    advice: str | None = None
    """What to do about it."""

    def as_json(self) -> Json:
        """For programs."""
        return {
            "level": self.level.value,
            "subject": self.subject,
            "text": self.text,
            "advice": self.advice,
        }


def fine(subject: str, text: str) -> Finding:
    """It works."""
    return Finding(Level.OK, subject, text)


def doubtful(subject: str, text: str, advice: str) -> Finding:
    """It works, but."""
    return Finding(Level.WARN, subject, text, advice)


def broken(subject: str, text: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(Level.FAIL, subject, text, advice)
