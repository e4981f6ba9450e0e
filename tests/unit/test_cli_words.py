"""The words of the command line: figures, snippets, reasons, addresses."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rich.text import Text

from ingest.cli.client.connect import gateway_url
from ingest.cli.commands.dead_letter import seconds_of
from ingest.cli.exit_codes import (
    CommandError,
    ExitCode,
    Refused,
    Unreachable,
    WrongUsage,
    exit_code,
)
from ingest.cli.output import age, clean, duration, emit_json, lapse, money, plural, size
from ingest.cli.render import pause_text
from ingest.cli.render.job_report import document_faults, next_steps
from ingest.cli.render.snippet import FOUND, emphasised, snippet
from ingest.cli.system.startup_summary import without_password
from ingest.domain import errors


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations_are_said_in_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0, "0 ms"), (332, "332 ms"), (999.7, "1.0 s"), (332_338, "5 min 32 s")],
)
def test_the_time_between_two_events_is_said_for_people(milliseconds: float, words: str) -> None:
    assert lapse(timedelta(milliseconds=milliseconds)) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(minutes=119), "119m"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=400), "400d"),
    ],
)
def test_an_age_is_written_as_the_filters_of_the_dead_letter_take_it(
    span: timedelta, words: str
) -> None:
    moment = datetime.now(UTC) - span

    assert age(moment.isoformat()) == words
    assert seconds_of("--older-than", words) is not None


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (41_200, "41.2 kB"), (3_000_000_000_000, "3.0 TB")],
)
def test_sizes_are_said_in_the_largest_unit_that_fits(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        ("0", "$0.00"),
        ("8E-8", "$0.00000008"),
        ("0.0000001234567", "$0.000000123"),
        ("0.00009999999", "$0.0001"),
        ("0.5", "$0.5000"),
        ("1234.5", "$1,234.50"),
    ],
)
def test_money_is_said_without_an_exponent(usd: str, words: str) -> None:
    assert money(Decimal(usd)) == words


def test_money_in_json_has_no_exponent(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json([Decimal("8E-8"), Decimal("1E+2")], indent=None)

    assert capsys.readouterr().out == '["0.00000008", "100"]\n'


def test_numbers_have_a_noun_that_agrees() -> None:
    assert (plural(1, "file"), plural(2000, "file")) == ("1 file", "2,000 files")


def test_texts_cannot_command_the_terminal() -> None:
    assert clean("a\x1b[31mred\x07\u202eb\nc\udce9") == "a\ufffd[31mred\ufffd\ufffdb c\ufffd"


def test_a_snippet_is_the_part_that_shares_words_with_the_question() -> None:
    filler = "The committee met and adjourned again. " * 20
    text = f"# Wages\n\n{filler}The keepers are paid in herring. {filler}"

    shown = snippet(text, "How is a keeper paid?", chars=120)

    assert shown.startswith("… The keepers are paid in herring.")
    assert shown.endswith(" …")
    assert len(shown) <= 124


def test_a_snippet_of_a_short_text_is_the_text_without_headings() -> None:
    assert snippet("# Tides\nHigh at\nnoon.", "moon", chars=100) == "High at noon."
    assert snippet("# Tides", "moon", chars=100) == "# Tides"
    assert snippet("See [the table](http://x/y).", "moon", chars=100) == "See the table."


def test_a_snippet_without_shared_words_is_the_beginning() -> None:
    assert snippet("One two three. " * 30, "zebra", chars=20) == "One two three. One …"


def test_a_snippet_shows_the_words_of_a_sentence_that_is_too_long() -> None:
    filler = "one two three four five six seven " * 20

    shown = snippet(f"{filler}the pilots pay in herring {filler}", "pilot herring", chars=80)

    assert shown.startswith("… ")
    assert "the pilots pay in herring" in shown


def test_a_snippet_finds_words_as_search_does() -> None:
    filler = "The committee met and adjourned again. " * 20

    assert "Die Gebühr" in snippet(
        f"{filler}Die Gebühr ist fällig. {filler}", "gebuehren", chars=80
    )
    assert "北京大学" in snippet(
        "東京の天気は今日も晴れ。" * 30 + "北京大学に行く。", "北京大学", chars=80
    )


def test_words_that_were_found_are_emphasised_where_lines_are_folded() -> None:
    text = f"{'filler ' * 30}the keepers are {'paid ' * 3}in {'北京大学' * 40} herring"

    painted = emphasised(text, "keeper herring 京大", columns=6).renderable

    assert isinstance(painted, Text)
    assert [painted.plain[span.start : span.end].replace("\n", "") for span in painted.spans] == [
        "keepers",
        *["京大"] * 40,
        "herring",
    ]
    assert {span.style for span in painted.spans} == {FOUND}


def test_a_snippet_of_one_endless_word_is_cut() -> None:
    assert len(snippet("x" * 5000, "zebra", chars=100)) <= 102


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@db:5432/x", "postgresql://u@db:5432/x"),
        ("postgresql://db/x", "postgresql://db/x"),
        ("postgresql://u@db/x?password=secret&host=/tmp", "postgresql://u@db/x?password=***&host=/tmp"),
    ],
)  # fmt: skip
def test_database_urls_are_shown_without_their_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),  # noqa: S104
        ("::", "http://[::1]:1"),
        ("example", "http://example:1"),
    ],
)
def test_a_gateway_on_every_address_is_reached_on_this_machine(host: str, url: str) -> None:
    assert gateway_url(host, 1) == url


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongUsage("x"), ExitCode.UNUSABLE),
        (Unreachable("x"), ExitCode.UNUSABLE),
        (errors.ConfigurationError("x"), ExitCode.UNUSABLE),
        (errors.StoreUnavailable("x"), ExitCode.UNUSABLE),
        (Refused("x", status=401), ExitCode.UNUSABLE),
        (Refused("x", status=503), ExitCode.UNUSABLE),
        (Refused("x", status=404), ExitCode.FAILED),
        (errors.DocumentEmpty("x"), ExitCode.FAILED),
    ],
)
def test_the_exit_code_tells_a_failure_from_a_system_that_cannot_be_used(
    error: errors.IngestError | CommandError, code: ExitCode
) -> None:
    assert exit_code(error) is code


def a_job(**changes: Any) -> dict[str, Any]:
    waiting: dict[str, Any] | None = None
    return {"job_id": "j", "state": "done", "last_error": None, "waiting_for": waiting} | changes


def test_the_next_step_depends_on_whose_fault_it_was() -> None:
    theirs = a_job(state="deadletter", last_error={"code": "document_encrypted"})
    ours = a_job(state="deadletter", last_error={"code": "store_unavailable"})

    assert "upload a corrected file" in next_steps(theirs)
    assert next_steps(ours).startswith("'ingest retry j' tries again")


def test_every_fault_of_a_document_is_known_as_one() -> None:
    assert {"document_empty", "parser_limit_exceeded", "source_gone"} <= document_faults()
    assert "store_unavailable" not in document_faults()


@pytest.mark.parametrize(
    ("pauses", "words"),
    [
        ([], "the job continues by itself"),
        ([("everything", None)], "after an operator runs 'ingest resume'"),
        ([("lane", "interactive")], "'ingest resume --lane interactive'"),
        ([("tenant", "7")], "'ingest resume --tenant 7'"),
        (
            [("lane", "backfill"), ("provider", "openai")],
            "'ingest resume --lane backfill' and 'ingest resume --provider openai'",
        ),
    ],
)
def test_a_paused_job_names_the_command_for_each_pause(
    pauses: list[tuple[str, str | None]], words: str
) -> None:
    held = [{"kind": kind, "subject": subject} for kind, subject in pauses]
    job = a_job(state="queued", waiting_for={"reason": "paused", "pauses": held})

    assert words in next_steps(job)


@pytest.mark.parametrize(
    ("name", "shown", "command"),
    [
        ("acme", "tenant acme", "'ingest resume --tenant acme'"),
        ("Acme Corp", "tenant Acme Corp", "'ingest resume --tenant 7'"),
        ("o'hara", "tenant o'hara", "'ingest resume --tenant 7'"),
        (None, "tenant 7", "'ingest resume --tenant 7'"),
    ],
)
def test_a_paused_tenant_is_named_and_by_its_id_where_a_shell_would_split_the_name(
    name: str | None, shown: str, command: str
) -> None:
    pause = {"kind": "tenant", "subject": "7", "tenant_name": name}

    assert pause_text.what(pause) == shown
    assert pause_text.resume_command(pause) == command


@pytest.mark.parametrize("reason", ["queue", "no_worker", "retry", "worker", "budget", "paused"])
def test_every_waiting_job_has_a_next_step(reason: str) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    job = a_job(state="queued", waiting_for={"reason": reason, "until": until})

    assert next_steps(job)
