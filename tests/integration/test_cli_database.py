"""``ingest migrate``, ``keys`` and ``doctor``."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4, uuid5

import psycopg
import pytest

from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.adapters.postgres.admin.migrate import head
from ingest.domain.identity import NAMESPACE
from ingest.settings import Auth
from tests.conftest import on_database
from tests.integration.cli_system import clean_environment, gateway, ingest
from tests.integration.gateway import a_settings


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    name = f"empty_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield on_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate_in_a_process(state_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ingest", "migrate"],
        env=clean_environment(INGEST_STATE_DIR=str(state_dir)),
        capture_output=True,
        text=True,
    )


def test_migrate_brings_an_empty_database_to_the_newest_schema_once(empty_database: str) -> None:
    first = ingest("migrate", INGEST_DATABASE_URL=empty_database)
    second = ingest("migrate", "--json", INGEST_DATABASE_URL=empty_database)

    assert (first.code, first.out) == (0, f"the schema went from none to {head()}\n")
    assert second.json() == {"before": head(), "after": head()}


def test_migrate_goes_to_a_revision_and_down_again(empty_database: str) -> None:
    ingest("migrate", "--revision", "0002", INGEST_DATABASE_URL=empty_database)

    down = ingest(
        "migrate", "--down", "--revision", "base", "--yes", "--json",
        INGEST_DATABASE_URL=empty_database,
    )  # fmt: skip

    assert down.json() == {"before": "0002", "after": None}


def test_migrate_without_a_database_is_one_line_without_the_password() -> None:
    outcome = ingest("migrate", INGEST_DATABASE_URL="postgresql://u:secret@127.0.0.1:9/x")

    assert outcome.code == 2
    assert outcome.err.startswith("error: the database is not available: ")
    assert len(outcome.err.splitlines()) == 1
    assert "secret" not in outcome.err


@pytest.fixture
def plain_login(empty_database: str) -> Iterator[str]:
    """URL of a login that may do nothing but make schemas in a database of its own."""
    name, database = f"plain_{uuid4().hex[:12]}", urlsplit(empty_database).path.strip("/")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret99'")
        connection.execute(f"ALTER DATABASE {database} OWNER TO {name}")
    parts = urlsplit(empty_database)
    place = parts.netloc.rpartition("@")[2]
    yield urlunsplit(parts._replace(netloc=f"{name}:secret99@{place}"))
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database} OWNER TO CURRENT_USER")
        connection.execute(f"DROP OWNED BY {name}")
        connection.execute(f"DROP ROLE {name}")


def test_migrate_as_a_plain_login_says_what_a_superuser_has_to_run(
    server_url: str, empty_database: str, plain_login: str
) -> None:
    name = urlsplit(plain_login).username
    variables = {"INGEST_DATABASE_URL": plain_login}

    without_extension = ingest("migrate", **variables)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    without_roles = ingest("migrate", **variables)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        for role in ("ingest_worker", "ingest_api"):
            if connection.execute("SELECT to_regrole(%s)", (role,)).fetchone() == (None,):
                connection.execute(f"CREATE ROLE {role}")
        connection.execute(f"GRANT ingest_worker, ingest_api TO {name}")
    with_all = ingest("migrate", **variables)

    assert [one.code for one in (without_extension, without_roles, with_all)] == [2, 2, 0]
    for refused in (without_extension, without_roles):
        assert len(refused.err.splitlines()) == 1
        assert "unexpected" not in refused.err
    assert "run once in this database: CREATE EXTENSION vector" in without_extension.err
    assert f'GRANT ingest_worker, ingest_api TO "{name}"' in without_roles.err


def test_migrate_as_a_login_that_may_not_make_schemas_names_the_grant(
    server_url: str, empty_database: str
) -> None:
    name, database = f"guest_{uuid4().hex[:12]}", urlsplit(empty_database).path.strip("/")
    parts = urlsplit(empty_database)
    login = parts._replace(netloc=f"{name}:secret99@{parts.netloc.rpartition('@')[2]}")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret99'")
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {name}")
        outcome = ingest("migrate", INGEST_DATABASE_URL=urlunsplit(login))
        connection.execute(f"DROP OWNED BY {name}")
        connection.execute(f"DROP ROLE {name}")

    assert outcome.code == 2
    assert f'GRANT CREATE ON DATABASE "{database}" TO "{name}"' in outcome.err


def test_doctor_does_not_call_a_pgvector_fine_that_this_login_may_not_create(
    plain_login: str, empty_database: str, tmp_path: Path
) -> None:
    variables = {"INGEST_STATE_DIR": str(tmp_path / "state")}
    refused = ingest("doctor", "--json", INGEST_DATABASE_URL=plain_login, **variables).json()
    allowed = ingest("doctor", "--json", INGEST_DATABASE_URL=empty_database, **variables).json()

    [told] = [one for one in refused if "pgvector" in one["text"]]
    assert (told["level"], told["advice"]) == (
        "FAIL",
        "let a superuser run there once: CREATE EXTENSION vector",
    )
    assert [one["level"] for one in allowed if "pgvector" in one["text"]] == ["ok"]
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'vector'")
        assert found.fetchone() == (0,), "doctor leaves no trace"


def test_migrate_starts_and_stops_the_embedded_server_but_not_one_that_is_in_use(
    tmp_path: Path,
) -> None:
    postmaster = tmp_path / "postgres" / "postmaster.pid"

    alone = migrate_in_a_process(tmp_path)
    was_stopped = not postmaster.exists()
    with EmbeddedPostgres(tmp_path) as server:
        server.start()
        joined = migrate_in_a_process(tmp_path)
        still_runs = server.is_running()

    assert alone.stdout == f"the schema went from none to {head()}\n", alone.stderr
    assert joined.stdout == f"the schema is at {head()}; nothing to do\n", joined.stderr
    assert was_stopped
    assert still_runs


def test_keys_need_the_schema(empty_database: str) -> None:
    outcome = ingest("keys", "list", INGEST_DATABASE_URL=empty_database)

    assert outcome.code == 2
    assert "run 'ingest migrate'" in outcome.err


def test_a_key_is_shown_once_opens_its_tenant_and_can_be_revoked(
    database_url: str, tmp_path: Path
) -> None:
    database = {"INGEST_DATABASE_URL": database_url}
    made = ingest("keys", "create", "--tenant", "acme", "--create-tenant", "--json", **database)
    key, key_id = made.json()["key"], made.json()["key_id"]
    listed = ingest("keys", "list", **database)

    with gateway(a_settings(database_url, tmp_path, auth=Auth.KEYS)) as url:
        accepted = ingest("jobs", "--url", url, "--key", key)
        revoked = ingest("keys", "revoke", key_id, **database)
    with gateway(a_settings(database_url, tmp_path, auth=Auth.KEYS)) as url:
        refused = ingest("jobs", "--url", url, "--key", key)

    assert made.json()["tenant"] == str(uuid5(NAMESPACE, "tenant:acme"))
    assert key_id in listed.out
    assert key not in listed.out
    assert (accepted.code, revoked.code) == (0, 0)
    assert (refused.code, refused.err) == (
        2,
        "error: this API key is not valid; an operator makes one with 'ingest keys create' "
        "(unauthenticated)\n",
    )


def test_a_key_goes_to_standard_output_alone(database_url: str) -> None:
    made = ingest("keys", "create", INGEST_DATABASE_URL=database_url)

    [key] = made.out.splitlines()
    assert key.startswith("ing_")
    assert "of tenant local" in made.err


def test_a_tenant_may_be_a_uuid(database_url: str) -> None:
    tenant = uuid4()

    made = ingest(
        "keys", "create", "--tenant", tenant, "--create-tenant", "--json",
        INGEST_DATABASE_URL=database_url,
    )  # fmt: skip

    assert UUID(made.json()["tenant"]) == tenant


def test_revoking_an_unknown_key_fails(database_url: str) -> None:
    outcome = ingest("keys", "revoke", uuid4(), INGEST_DATABASE_URL=database_url)

    assert outcome.code == 1
    assert outcome.err.startswith("error: there is no valid key")


def test_doctor_finds_nothing_wrong_here_and_leaves_no_trace(tmp_path: Path) -> None:
    state = tmp_path / "state"

    outcome = ingest("doctor", INGEST_STATE_DIR=str(state))

    assert outcome.code == 0, outcome.out
    assert "FAIL" not in outcome.out
    for part in ("PostgreSQL", "pgvector", "local/2", "256 dimensions", "ray"):
        assert part in outcome.out
    assert not state.exists()


def test_doctor_names_what_is_wrong_and_what_to_do(empty_database: str, tmp_path: Path) -> None:
    outcome = ingest(
        "doctor",
        "--json",
        INGEST_STATE_DIR=str(tmp_path),
        INGEST_DATABASE_URL=empty_database,
        INGEST_PROT="1",
        INGEST_BLOB_URL=f"file://{tmp_path}/blobs",
    )

    assert outcome.code == 1
    found = {(f["level"], f["subject"], f["advice"]) for f in outcome.json()}
    assert ("FAIL", "database", "run 'ingest migrate'") in found
    assert ("warn", "settings", "did you mean INGEST_PORT?") in found


def test_doctor_survives_wrong_settings() -> None:
    outcome = ingest("doctor", INGEST_PORT="x")

    assert outcome.code == 1
    assert "INGEST_PORT" in outcome.out


def test_a_key_has_the_scopes_and_the_end_it_was_given(database_url: str) -> None:
    database = {"INGEST_DATABASE_URL": database_url}
    asked = ("--scope", "admin", "--scope", "read", "--expires", "2999-01-31")

    made = ingest("keys", "create", *asked, "--json", **database).json()
    listed = ingest("keys", "list", "--json", **database).json()

    assert (made["scopes"], made["expires_at"]) == (["admin", "read"], "2999-01-31 00:00:00+00:00")
    assert [(view["scopes"], view["valid"]) for view in listed] == [(["read", "admin"], True)]


@pytest.mark.parametrize(
    "wrong", [("--scope", "webhook"), ("--scope", "all"), ("--expires", "2001-01-31")]
)
def test_a_key_that_could_not_work_is_not_made(database_url: str, wrong: tuple[str, str]) -> None:
    outcome = ingest("keys", "create", *wrong, INGEST_DATABASE_URL=database_url)

    assert (outcome.code, outcome.out) == (2, "")
