"""The Ray of a running system, which other commands on this machine join.

So they share its rate limiter, and need not start a Ray of their own.
"""

import hashlib
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from ingest.settings import Settings
from ingest.settings.authentication import AuthenticationSettings
from ingest.settings.gateway import GatewaySettings

_NAME = "ray-shared.json"
_ANSWER_SECONDS = 2.0
_OF_THE_SYSTEM_ALONE = frozenset(
    {
        "log_level",
        "dashboard",
        "dashboard_port",
        *AuthenticationSettings.model_fields,
        *GatewaySettings.model_fields,
    }
)
"""Settings that mean nothing to the actors of another command."""


@dataclass(frozen=True, slots=True)
class SharedRay:
    """A Ray that a system offers to other commands."""

    address: str
    token: Path
    digests: dict[str, str]
    """A digest of each of the system's settings: its actors have these, whoever starts them."""

    def answers(self) -> bool:
        """Whether it still runs."""
        try:
            reach(self.address, _ANSWER_SECONDS)
        except (OSError, ValueError, OverflowError):
            return False
        return True

    def differing(self, settings: Settings) -> list[str]:
        """Variables whose values are others than the system's."""
        ours = _digests(settings)
        names = sorted(ours.keys() | self.digests.keys())
        return [name for name in names if ours.get(name) != self.digests.get(name)]


def reach(address: str, seconds: float) -> None:
    """Check that something listens at ``host:port``.

    Raises:
        OSError, OverflowError: nothing does, or it is no port.
        ValueError: it is no number.
    """
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), seconds).close()


def offer(settings: Settings, address: str, token: Path) -> None:
    """Let commands with the same state folder find the Ray at an address."""
    offered = {"address": address, "token": str(token), "settings": _digests(settings)}
    place = settings.state_dir / _NAME
    new = place.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(offered), encoding="utf-8")
    new.replace(place)


def withdraw(settings: Settings) -> None:
    """Offer it no more."""
    (settings.state_dir / _NAME).unlink(missing_ok=True)


def find(settings: Settings) -> SharedRay | None:
    """The Ray of the system that runs with the same state folder; None when none answers."""
    try:
        offered = json.loads((settings.state_dir / _NAME).read_text(encoding="utf-8"))
        shared = SharedRay(offered["address"], Path(offered["token"]), offered["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return shared if os.access(shared.token, os.R_OK) and shared.answers() else None


def _digests(settings: Settings) -> dict[str, str]:
    chosen = {
        name: value
        for name, value in settings.environment().items()
        if name.removeprefix("INGEST_").lower() not in _OF_THE_SYSTEM_ALONE
    }
    return {name: hashlib.sha256(value.encode()).hexdigest() for name, value in chosen.items()}
