"""Checks of settings against each other: what no single value shows."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ingest.domain import provider_specs
from ingest.domain.plain_words import did_you_mean
from ingest.domain.provider_specs import ProviderSpec
from ingest.settings import setting_faults
from ingest.settings.authentication import Auth
from ingest.settings.providers.choice import Profile

if TYPE_CHECKING:
    from ingest.settings import Settings

_HTTP = ("http", "https")
_LEAST_SECRET_BYTES = 32
_RAY_ADDRESS = re.compile(r"auto|local|(ray://)?[^/\s]+:\d{1,5}")


def all_faults(settings: "Settings") -> Iterator[str]:
    """What is wrong, a line for each fault."""
    yield from _own_faults(settings)
    yield from _provider_faults(settings)
    yield from _price_faults(settings)
    yield from _access_faults(settings)


def _own_faults(settings: "Settings") -> Iterator[str]:
    """Values that contradict each other."""
    if settings.auth is Auth.OFF and not setting_faults.is_loopback(settings.host):
        yield (
            f"INGEST_AUTH is off, which is allowed only on a loopback host, and INGEST_HOST is "
            f"{settings.host!r}"
        )
    if settings.chunk_overlap_tokens * 2 > settings.chunk_tokens:
        yield (
            f"INGEST_CHUNK_OVERLAP_TOKENS is {settings.chunk_overlap_tokens}; it must be at most "
            f"half of INGEST_CHUNK_TOKENS, which is {settings.chunk_tokens}"
        )
    url = settings.database_url.get_secret_value() if settings.database_url else None
    yield from filter(
        None, [setting_faults.url_fault("database_url", url, "postgresql", "postgres")]
    )
    yield from filter(
        None, [setting_faults.url_fault("blob_endpoint", settings.blob_endpoint, *_HTTP)]
    )
    if settings.ray_address is not None and not _RAY_ADDRESS.fullmatch(settings.ray_address):
        yield (
            f"INGEST_RAY_ADDRESS is {settings.ray_address!r}; it must be HOST:PORT, or auto: "
            "the cluster of this machine"
        )
    for path in settings.shared_paths:
        if not path.is_absolute():
            yield f"INGEST_SHARED_FOLDERS must be absolute paths, not {str(path)!r}"
    for stage in ("parse", "chunk", "embed"):
        least, most = getattr(settings, f"{stage}_pool_min"), getattr(settings, f"{stage}_pool_max")
        if least > most:
            name = f"INGEST_{stage.upper()}_POOL"
            yield f"{name}_MIN is {least}; it must be at most {name}_MAX, which is {most}"
    if settings.dashboard and settings.dashboard_port == settings.port:
        yield f"INGEST_DASHBOARD_PORT and INGEST_PORT are both {settings.port}; they must differ"


def _provider_faults(settings: "Settings") -> Iterator[str]:
    """What cannot work with the providers that are used, and what production refuses."""
    for spec in settings.embedding_providers:
        if spec is settings.embedding_provider:
            yield from _missing_key(settings, spec, f"INGEST_EMBEDDER={settings.embedder}")
        else:
            yield from _missing_key(settings, spec, f"INGEST_NEXT_MODEL={settings.next_model}")
    if settings.parsing_provider is not None:
        because = f"INGEST_PARSER={settings.parser}"
        yield from _missing_key(settings, settings.parsing_provider, because)
    for each in provider_specs.SPECS:
        url = settings.of(each).base_url
        if wrong := setting_faults.url_fault(f"{each.name}_base_url", url, "https", "http"):
            yield wrong
        elif url and settings.profile is Profile.PRODUCTION and _is_here(url):
            yield f"INGEST_PROFILE=production refuses the simulated provider at {url}"
    webhook = settings.llamaparse_webhook_url
    if wrong := setting_faults.url_fault("llamaparse_webhook_url", webhook, "https", "http"):
        yield wrong


def _missing_key(settings: "Settings", spec: ProviderSpec, because: str) -> Iterator[str]:
    access = settings.of(spec)
    given = access.api_keys.get_secret_value() if access.api_keys else ""
    if access.api_key_file is None and not given.strip(" ,"):
        name = f"INGEST_{spec.name.upper()}_API_KEY"
        yield f"{because} needs a key: set {name}S, or {name}_FILE"


def _is_here(url: str) -> bool:
    return setting_faults.is_loopback(urlsplit(url).hostname or "")


def _price_faults(settings: "Settings") -> Iterator[str]:
    known = sorted(provider_specs.names())
    for number, price in enumerate(settings.prices):
        if price.provider not in known:
            yield (
                f"INGEST_PRICES[{number}] has the provider {price.provider!r}; it must be "
                f"{' or '.join(known)}{did_you_mean(price.provider, known)}"
            )


def _access_faults(settings: "Settings") -> Iterator[str]:
    """What would let the wrong ones in, or nobody."""
    if not settings.takes_tokens:
        return
    auth = f"INGEST_AUTH={settings.auth}"
    if (settings.jwt_secret is None) == (settings.jwt_jwks is None):
        yield f"{auth} needs either INGEST_JWT_SECRET or INGEST_JWT_JWKS"
    if settings.jwt_audience is None:
        yield f"{auth} needs INGEST_JWT_AUDIENCE"
    if settings.jwt_jwks is not None and settings.jwt_issuer is None:
        yield "INGEST_JWT_JWKS needs INGEST_JWT_ISSUER: a key set may serve several issuers"
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    if secret is not None and len(secret.encode()) < _LEAST_SECRET_BYTES:
        yield f"INGEST_JWT_SECRET has under {_LEAST_SECRET_BYTES} bytes"
    url = urlsplit(settings.jwt_jwks or "")
    is_here = url.scheme == "http" and setting_faults.is_loopback(url.hostname or "")
    if "://" in (settings.jwt_jwks or "") and not (url.scheme == "https" or is_here):
        yield "INGEST_JWT_JWKS must be https://, or http:// on a loopback host, or a file"
