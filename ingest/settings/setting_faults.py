"""Describes faults of settings: one line each, which names the variable and never a secret."""

import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from ingest.domain.errors import WrongSettings
from ingest.domain.plain_words import did_you_mean, fault

Fields = Mapping[str, FieldInfo]
_LONGEST = 80
_LEAST_SECRET_CHARS = 6
"""Shorter parts of a secret occur in other values by chance, so they are not searched for."""


def ensure_none(faults: Iterable[str]) -> None:
    """Refuse settings that have faults.

    Raises:
        WrongSettings: there is a fault.
    """
    if found := "\n".join(dict.fromkeys(faults)):
        raise WrongSettings(found)


def in_words(error: ValidationError, fields: Fields) -> WrongSettings:
    """Convert an error of pydantic into ``WrongSettings``."""
    secrets = _secrets(fields)
    lines: list[str] = []
    for one in error.errors():
        if not one["loc"]:  # from the check of several values together
            lines += one["msg"].removeprefix("Value error, ").splitlines()
            continue
        name, *path = map(str, one["loc"])
        context = one.get("ctx", {})
        text = fault(one["type"], context, one["msg"])
        value = one["input"]
        shown = "" if name in _secret_names(fields) else _shown(value, secrets)
        near = did_you_mean(str(value), _choices(str(context.get("expected", ""))))
        place = f"{variable(name)}{''.join(f'[{part}]' for part in path)}"
        lines.append(f"{place}{shown} {text}{near if shown else ''}")
    return WrongSettings("\n".join(lines))


def variable(field: str) -> str:
    """The environment variable of a field."""
    return field if field.isupper() else f"INGEST_{field.upper()}"


def url_fault(field: str, url: str | None, *schemes: str) -> str | None:
    """Describe the fault of a URL; None when it is valid or not set.

    Args:
        field: Field of the settings.
        url: Its value. The message shows only the part before ``://`` if it may hold a password.
        schemes: The allowed schemes.
    """
    if url is None:
        return None
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) or "host" in parts.query or parts.scheme.startswith("postg")
        _ = parts.port
    except ValueError:
        return f"{variable(field)} is not a valid URL: its host or port is wrong"
    if "://" not in url or parts.scheme not in schemes:
        begin = f"begins with {parts.scheme}://" if "://" in url else "is not a URL"
        if "@" not in url and field != "database_url":
            begin = f"is {url!r}"
        return f"{variable(field)} {begin}; it must begin with {wanted}"
    return None if has_host else f"{variable(field)} names no host; it must be {schemes[0]}://HOST"


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _choices(expected: str) -> list[str]:
    """The values in a text like 'a', 'b' or 'c'."""
    return expected.split("'")[1::2]


def _secret_names(fields: Fields) -> set[str]:
    names = set()
    for name, field in fields.items():
        if SecretStr.__name__ in str(field.annotation):
            names |= {name, *_aliases(field)}
    return names


def _aliases(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    return [str(one) for one in alias.choices] if isinstance(alias, AliasChoices) else []


def _secrets(fields: Fields) -> list[str]:
    """The secrets in the environment; one may be in a wrong variable by mistake."""
    found = (os.environ.get(variable(name), "") for name in _secret_names(fields))
    return [secret for secret in found if len(secret) >= _LEAST_SECRET_CHARS]


def _shown(value: Any, secrets: list[str]) -> str:
    text = str(value)
    may_be_secret = len(text) >= _LEAST_SECRET_CHARS and any(
        text in secret or secret in text for secret in secrets
    )
    if may_be_secret or not isinstance(value, str | int | float):
        return ""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f" is {cut!r}; it"
