"""Who says what documents would cost, before anything is paid."""

from datetime import UTC, datetime
from decimal import Decimal

from ingest.adapters.parsers.llamaparse.terms import READS
from ingest.adapters.parsers.local import LocalParser
from ingest.app.providers.cost_estimate import Estimator, Tariff
from ingest.app.providers.preflight import Preflight
from ingest.domain.job import Lane
from ingest.domain.pricing import CREDITS_PER_PAGE, batched, unit_price
from ingest.settings import Settings
from ingest.settings.providers import EmbedderKind, ParserKind
from ingest.wiring.chunking import make_splitter
from ingest.wiring.parsing import make_local_parser
from ingest.wiring.providers import prices


def make_estimator(settings: Settings, lane: Lane = Lane.BACKFILL) -> tuple[Estimator, LocalParser]:
    """Who says what documents would cost in a lane, and the parser to be closed after.

    Raises:
        ConfigurationError: a price is not known.
    """
    local, today, known = make_local_parser(settings), datetime.now(UTC).date(), prices(settings)
    remote = settings.parser is not ParserKind.LOCAL
    paid = settings.embedder is EmbedderKind.OPENAI
    model = batched(settings.openai_model) if lane is Lane.BATCH else settings.openai_model
    tariff = Tariff(
        unit_price(known, "openai", model, today) if paid else Decimal(),
        CREDITS_PER_PAGE[settings.llamaparse_tier],
        unit_price(known, "llamaparse", "credit", today),
    )
    only_scanned = settings.parser is ParserKind.AUTO
    preflight = Preflight(local, READS if remote else frozenset(), only_scanned=only_scanned)
    return Estimator(preflight, make_splitter(settings), tariff), local
