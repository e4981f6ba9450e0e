"""Who says what documents would cost, before anything is paid."""

from decimal import Decimal

from ingest.adapters.parsers.local import LocalParser
from ingest.app.providers.cost_estimate import Estimator, Tariff
from ingest.app.providers.preflight import Preflight
from ingest.domain.job import Lane
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import CREDIT, batched
from ingest.settings import Settings
from ingest.wiring.chunking import make_splitter
from ingest.wiring.parsing import make_local_parser
from ingest.wiring.providers import embedding_model, parse_terms, price_today


def make_estimator(settings: Settings, lane: Lane = Lane.BACKFILL) -> tuple[Estimator, LocalParser]:
    """Who says what documents would cost in a lane, and the parser to be closed after.

    Raises:
        ConfigurationError: a price is not known.
    """
    local, reads = make_local_parser(settings), frozenset[MediaType]()
    per_million, credits_per_page, per_credit = Decimal(), 0, Decimal()
    if (embedder := settings.embedding_provider) is not None:
        name = embedding_model(settings).name
        model = batched(name) if lane is Lane.BATCH else name
        per_million = price_today(settings, embedder, model)
    if (parser := settings.parsing_provider) is not None:
        reads = parser.reads
        credits_per_page = parser.credits_per_page[parse_terms(settings, parser).tiers[0]]
        per_credit = price_today(settings, parser, CREDIT)
    preflight = Preflight(local, reads, only_scanned=settings.parses_only_scanned)
    tariff = Tariff(per_million, credits_per_page, per_credit)
    return Estimator(preflight, make_splitter(settings), tariff), local
