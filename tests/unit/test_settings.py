"""Settings: every wrong one is named at once, and secrets stay secret."""

from pathlib import Path

import pytest

from ingest import settings
from ingest.domain.errors import ConfigurationError, WrongSettings
from ingest.settings import Settings
from ingest.settings.setting_faults import is_loopback
from ingest.wiring.storage import blob_url, database_url, open_database

URL = "postgresql://ingest:hunter2@db/ingest"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"INGEST_{name.upper()}", raising=False)


def test_every_field_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_PORT", "70000")
    monkeypatch.setenv("INGEST_AUTH", "maybe")
    monkeypatch.setenv("INGEST_LEASE_SECONDS", "-1")

    with pytest.raises(ConfigurationError) as caught:
        settings.load()

    for name in ("INGEST_PORT", "INGEST_AUTH", "INGEST_LEASE_SECONDS"):
        assert name in caught.value.message


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ({"SHARED_FOLDERS": "/mnt/notes:notes"}, "absolute paths, not 'notes'"),
        ({"HOST": "0.0.0.0"}, "only on a loopback host"),  # noqa: S104
        ({"AUTH": "jwt"}, "either INGEST_JWT_SECRET or INGEST_JWT_JWKS"),
        (
            {"AUTH": "both", "JWT_SECRET": "x" * 32, "JWT_JWKS": "/keys"},
            "either INGEST_JWT_SECRET or",
        ),
        ({"AUTH": "jwt", "JWT_SECRET": "x" * 32}, "needs INGEST_JWT_AUDIENCE"),
        ({"AUTH": "jwt", "JWT_SECRET": "x" * 31, "JWT_AUDIENCE": "a"}, "under 32 bytes"),
        ({"AUTH": "jwt", "JWT_JWKS": "/keys", "JWT_AUDIENCE": "a"}, "needs INGEST_JWT_ISSUER"),
        ({"AUTH": "jwt", "JWT_JWKS": "http://login.example/k", "JWT_AUDIENCE": "a"}, "https"),
        ({"AUTH": "jwt", "JWT_JWKS": "ftp://127.0.0.1/k", "JWT_AUDIENCE": "a"}, "https"),
        ({"CHUNK_TOKENS": "64", "CHUNK_OVERLAP_TOKENS": "33"}, "at most half"),
        (
            {"EMBED_POOL_MIN": "3", "EMBED_POOL_MAX": "2"},
            "at most INGEST_EMBED_POOL_MAX",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], why: str
) -> None:
    for name, value in chosen.items():
        monkeypatch.setenv(f"INGEST_{name}", value)

    with pytest.raises(ConfigurationError, match=why):
        settings.load()


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"PORT": "70000"}, "INGEST_PORT is '70000'; it must be at most 65535"),
        ({"PORT": "http"}, "INGEST_PORT is 'http'; it must be a whole number"),
        ({"LOW_LATENCY": "ja"}, "INGEST_LOW_LATENCY is 'ja'; it must be true or false"),
        (
            {"EMBEDDER": "opanai"},
            "INGEST_EMBEDDER is 'opanai'; it must be local or openai; did you mean openai?",
        ),
        (
            {"LOCAL_MODEL": "minilm2"},
            "INGEST_LOCAL_MODEL is 'minilm2'; it must be wordllama or minilm; did you mean minilm?",
        ),
        (
            {"LOG_LEVEL": "info"},
            "INGEST_LOG_LEVEL is 'info'; it must be DEBUG, INFO, WARNING or ERROR; "
            "did you mean INFO?",
        ),
        (
            {"DATABASE_URL": "mysql://u:secret@h/d"},
            "INGEST_DATABASE_URL begins with mysql://; it must begin with postgresql:// or "
            "postgres://",
        ),
        (
            {"BLOB_ENDPOINT": "minio:9000"},
            "INGEST_BLOB_ENDPOINT is 'minio:9000'; it must begin with http:// or https://",
        ),
        (
            {"BLOB_ENDPOINT": "ftp://u:secret@minio"},
            "INGEST_BLOB_ENDPOINT begins with ftp://; it must begin with http:// or https://",
        ),
        (
            {"OPENAI_BASE_URL": "http://"},
            "INGEST_OPENAI_BASE_URL names no host; it must be https://HOST",
        ),
        (
            {"OPENAI_BASE_URL": "http://localhost:port/v1"},
            "INGEST_OPENAI_BASE_URL is not a valid URL: its host or port is wrong",
        ),
        (
            {"RAY_ADDRESS": "http://head:8265"},
            "INGEST_RAY_ADDRESS is 'http://head:8265'; it must be HOST:PORT, or auto: the cluster "
            "of this machine",
        ),
        (
            {"CHUNK_TOKENS": "100", "CHUNK_OVERLAP_TOKENS": "51"},
            "INGEST_CHUNK_OVERLAP_TOKENS is 51; it must be at most half of INGEST_CHUNK_TOKENS, "
            "which is 100",
        ),
        (
            {"EMBEDDER": "openai"},
            "INGEST_EMBEDDER=openai needs a key: set INGEST_OPENAI_API_KEYS, or "
            "INGEST_OPENAI_API_KEY_FILE",
        ),
        (
            {"PRICES": "[{}"},
            "INGEST_PRICES is '[{}'; it is not valid JSON: Expecting ',' delimiter: "
            "line 1 column 4 (char 3)",
        ),
        (
            {"PRICES": '[{"provider": "opnai", "model": "m", "since": "2026-01-01", "usd": 1}]'},
            "INGEST_PRICES[0] has the provider 'opnai'; it must be llamaparse or openai; "
            "did you mean openai?",
        ),
        (
            {"PRICES": '[{"provider": "openai", "model": "m", "since": "2026-01-01", "usd": -1}]'},
            "INGEST_PRICES[0][usd] is '-1'; it must be at least 0",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_variable_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], told: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name, value in chosen.items():
        monkeypatch.setenv(f"INGEST_{name}", value)

    with pytest.raises(WrongSettings) as caught:
        settings.load()

    assert caught.value.faults == (told,)


def test_faults_that_no_single_value_shows_are_named_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INGEST_EMBED_POOL_MIN", "3")
    monkeypatch.setenv("INGEST_AUTH", "jwt")
    monkeypatch.setenv("INGEST_DATABASE_URL", "db/ingest")

    with pytest.raises(WrongSettings) as caught:
        settings.load()

    named = [fault.split()[0] for fault in caught.value.faults]
    assert named == [
        "INGEST_DATABASE_URL",
        "INGEST_EMBED_POOL_MIN",
        "INGEST_AUTH=jwt",
        "INGEST_AUTH=jwt",
    ]


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_ADDRESS", "DATABASE_URL", "BLOB_URL", "PORT", "PRICES"):
        monkeypatch.setenv(f"INGEST_{name}", "")

    assert settings.load() == Settings()


def test_keys_allow_any_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("INGEST_AUTH", "keys")

    assert settings.load().host == "0.0.0.0"  # noqa: S104


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", URL)
    monkeypatch.setenv("INGEST_PORT", "hunter2")

    with pytest.raises(ConfigurationError) as caught:
        settings.load()

    assert "hunter2" not in str(caught.value)


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", URL)
    loaded = settings.load()

    assert "hunter2" not in f"{loaded!r} {loaded} {loaded.model_dump()} {loaded.model_dump_json()}"
    assert database_url(loaded) == URL


def test_another_process_loads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", URL)
    monkeypatch.setenv("INGEST_WAVE_JOBS", "7")
    monkeypatch.setenv("INGEST_LOW_LATENCY", "false")
    monkeypatch.setenv("INGEST_LLAMAPARSE_OPTIONS", '{"language": "de", "is": ["a", true]}')
    loaded = settings.load()

    for name, value in loaded.environment().items():
        monkeypatch.setenv(name, value)

    assert settings.load() == loaded


def test_blobs_are_in_the_state_folder_unless_told_otherwise(tmp_path: Path) -> None:
    assert blob_url(Settings(state_dir=tmp_path)) == (tmp_path / "blobs").as_uri()
    assert blob_url(Settings(blob_url="s3://b/p")) == "s3://b/p"


def test_without_a_database_nothing_is_opened() -> None:
    with pytest.raises(ConfigurationError, match="INGEST_DATABASE_URL is not set"):
        open_database(Settings())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("10.0.0.1", False),
        ("example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
