"""Parsers: the local one, a provider's in front of it, and who collects what a provider parsed."""

import re
from dataclasses import dataclass
from datetime import timedelta

from ingest.adapters.parsers.local import LocalParser
from ingest.adapters.parsers.local.draft import LABEL as LOCAL_LABEL
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.parse_poller import ParsePoller
from ingest.app.providers.remote_parser import FallbackParser, RemoteParser
from ingest.app.providers.unpaid import UnpaidParser
from ingest.domain.provider_specs import ParserSpec
from ingest.ports import ParsesForPayer
from ingest.ports.providers import RateLimiter
from ingest.settings import Settings
from ingest.wiring.providers import make_parse_service, parse_terms, prices, provider_keys
from ingest.wiring.storage import open_blobs


@dataclass(frozen=True, slots=True)
class Parsers:
    """Who reads documents."""

    usual: ParsesForPayer
    fallback: ParsesForPayer
    """While the provider is away."""
    local: LocalParser
    """What both of them start with; may be started ahead of the first document."""


def make_local_parser(settings: Settings) -> LocalParser:
    """The local parser, with its limits."""
    return LocalParser(
        max_pages=settings.max_pages,
        max_text_chars=settings.max_text_chars,
        timeout=timedelta(seconds=settings.parse_timeout_seconds),
        memory_bytes=settings.parse_memory_bytes,
        processes=settings.parse_processes,
        ocr=ocr_options(settings),
    )


def local_parser_label() -> str:
    """Name and version of the local parser."""
    return LOCAL_LABEL


def ocr_options(settings: Settings) -> OcrOptions:
    """How pictures are read here; not at all when a provider reads them better."""
    return OcrOptions(
        on=settings.ocr == "auto" and settings.parsing_provider is None,
        languages=tuple(re.split("[+,]", settings.ocr_languages)),
        tessdata=str(settings.ocr_tessdata or ""),
        least_confidence=settings.ocr_least_confidence,
        dpi=settings.ocr_dpi,
        max_pages=settings.ocr_max_pages,
        page_seconds=settings.ocr_page_seconds,
        document_seconds=settings.ocr_document_seconds,
    )


def make_parsers(settings: Settings, database: Database, rate_limiter: RateLimiter) -> Parsers:
    """The parsers; a provider is called through the rate limiter and recorded in the database.

    Raises:
        ConfigurationError: the price is not known.
    """
    local = make_local_parser(settings)
    spec = settings.parsing_provider
    if spec is None:
        unpaid = UnpaidParser(local)
        return Parsers(unpaid, unpaid, local)
    service = make_parse_service(settings, spec)
    ledger, keys = LedgerStore(database), provider_keys(settings, spec)
    remote = RemoteParser(
        local,
        service,
        ProviderCalls(service.provider, rate_limiter=rate_limiter, ledger=ledger, keys=keys),
        parses=ParseStore(database),
        blobs=open_blobs(settings),
        prices=prices(settings),
        terms=parse_terms(settings, spec),
    )
    return Parsers(remote, FallbackParser(remote), local)


def parser_label(settings: Settings) -> str:
    """What the parser is called, without making one."""
    if settings.parsing_provider is None:
        return LOCAL_LABEL
    return parse_terms(settings, settings.parsing_provider).describe(LOCAL_LABEL)


def make_parse_poller(settings: Settings, spec: ParserSpec, parses: ParseStore) -> ParsePoller:
    """Who finds the parses that are over at a provider."""
    return ParsePoller(
        make_parse_service(settings, spec),
        keys=provider_keys(settings, spec),
        parses=parses,
        blobs=open_blobs(settings),
        prices=prices(settings),
        poll=parse_terms(settings, spec).poll,
    )
