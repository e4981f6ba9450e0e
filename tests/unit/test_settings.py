"""Settings: every wrong one is named at once, and secrets stay secret."""

from pathlib import Path

import pytest

from ingest import settings, wiring
from ingest.domain.errors import ConfigurationError
from ingest.settings import Settings, is_loopback

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
        ({"AUTH": "jwt"}, "either jwt_secret or jwt_jwks"),
        ({"AUTH": "both", "JWT_SECRET": "x" * 32, "JWT_JWKS": "/keys"}, "either jwt_secret or"),
        ({"AUTH": "jwt", "JWT_SECRET": "x" * 32}, "needs jwt_audience"),
        ({"AUTH": "jwt", "JWT_SECRET": "x" * 31, "JWT_AUDIENCE": "a"}, "under 32 bytes"),
        ({"AUTH": "jwt", "JWT_JWKS": "http://login.example/k", "JWT_AUDIENCE": "a"}, "https"),
        ({"AUTH": "jwt", "JWT_JWKS": "ftp://127.0.0.1/k", "JWT_AUDIENCE": "a"}, "https"),
        ({"CHUNK_TOKENS": "64", "CHUNK_OVERLAP_TOKENS": "33"}, "at most half"),
        ({"EMBED_POOL_MIN": "3", "EMBED_POOL_MAX": "2"}, "embed_pool_min 3 is over"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str], why: str
) -> None:
    for name, value in chosen.items():
        monkeypatch.setenv(f"INGEST_{name}", value)

    with pytest.raises(ConfigurationError, match=why):
        settings.load()


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
    assert wiring.database_url(loaded) == URL


def test_another_process_loads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", URL)
    monkeypatch.setenv("INGEST_WAVE_JOBS", "7")
    monkeypatch.setenv("INGEST_LOW_LATENCY", "false")
    loaded = settings.load()

    for name, value in loaded.environment().items():
        monkeypatch.setenv(name, value)

    assert settings.load() == loaded


def test_blobs_are_in_the_state_folder_unless_told_otherwise(tmp_path: Path) -> None:
    assert wiring.blob_url(Settings(state_dir=tmp_path)) == (tmp_path / "blobs").as_uri()
    assert wiring.blob_url(Settings(blob_url="s3://b/p")) == "s3://b/p"


def test_without_a_database_nothing_is_opened() -> None:
    with pytest.raises(ConfigurationError, match="INGEST_DATABASE_URL is not set"):
        wiring.open_database(Settings())


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
