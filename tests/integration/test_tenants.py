"""Tenants by their names: made on purpose, found by commands, shown by listings."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import psycopg
import pytest

from ingest.adapters.postgres.admin.tenant_store import TenantStore
from ingest.adapters.postgres.pool import Database, TenantDatabase, act_for
from ingest.domain.errors import Conflict
from ingest.domain.identity import LOCAL_TENANT, tenant_id_of
from ingest.domain.tenant import MAX_NAME_CHARS, Tenant
from ingest.settings import Settings
from tests import builders
from tests.integration.cli_system import ingest

ACME = tenant_id_of("acme")
ZEROS = UUID(int=0)
TENANTS = "SELECT tenant_id, name FROM upload_pipeline.tenants"
MAKING = [
    ("keys", "create"),
    ("budget", "set", "--hard", "5"),
    ("limits", "set", "--active-jobs", "9"),
    ("pause",),
]
FINDING = [
    ("budget", "remove"),
    ("limits", "remove"),
    ("resume",),
    ("batches",),
    ("cancel-run", "backfill-1a2b"),
]


def rows(url: str) -> dict[UUID, str | None]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute(TENANTS).fetchall())


def on(url: str, use: Callable[[Database], Awaitable[object]]) -> None:
    async def run() -> None:
        database = Database(url)
        try:
            await use(database)
        finally:
            await database.close()

    asyncio.run(run())


def test_the_tenant_of_no_authentication_is_always_there(database_url: str) -> None:
    assert rows(database_url) == {LOCAL_TENANT: "local"}
    assert ingest("limits", "set", "--active-jobs", "9", "--tenant", "local",
                  INGEST_DATABASE_URL=database_url).code == 0  # fmt: skip


@pytest.mark.parametrize("command", [*MAKING, *FINDING], ids=" ".join)
def test_a_name_that_nobody_has_is_refused(database_url: str, command: tuple[str, ...]) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    ingest("keys", "create", "--tenant", "acme", "--create-tenant", **where)

    typo = ingest(*command, "--tenant", "acmee", **where)
    unknown = ingest(*command, "--tenant", uuid4(), **where)

    assert (typo.code, typo.out, unknown.code) == (2, "", 2)
    assert "there is no tenant 'acmee'" in typo.err
    assert "'acme'" in typo.err
    assert ("add --create-tenant to make it" in typo.err) is (command in MAKING)
    assert "there is no tenant '" in unknown.err
    assert set(rows(database_url)) == {LOCAL_TENANT, ACME}


@pytest.mark.parametrize("command", MAKING, ids=" ".join)
def test_a_tenant_is_made_on_purpose_and_known_from_then_on(
    database_url: str, command: tuple[str, ...]
) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    unnamed = uuid4()

    made = ingest(*command, "--tenant", "acme", "--create-tenant", **where)
    again = ingest(*command, "--tenant", "acme", **where)
    by_id = ingest(*command, "--tenant", ACME, **where)
    without_name = ingest(*command, "--tenant", unnamed, "--create-tenant", **where)

    assert [outcome.code for outcome in (made, again, by_id, without_name)] == [0, 0, 0, 0]
    assert "acme" in by_id.out + by_id.err
    assert str(unnamed) in without_name.out + without_name.err
    assert rows(database_url) == {LOCAL_TENANT: "local", ACME: "acme", unnamed: None}


@pytest.mark.parametrize(
    "name", ["", "a\nb", "x" * (MAX_NAME_CHARS + 1), str(ZEROS), "\u202eemca", "\0"]
)
def test_what_cannot_be_a_name_is_refused_even_on_purpose(database_url: str, name: str) -> None:
    outcome = ingest(
        "limits", "set", "--active-jobs", "9", f"--tenant={name}", "--create-tenant",
        INGEST_DATABASE_URL=database_url,
    )  # fmt: skip

    assert (outcome.code, outcome.out) == (2, "")
    assert "tenant" in outcome.err
    assert set(rows(database_url)) == {LOCAL_TENANT}


def test_who_has_rows_without_being_registered_is_known_and_gets_a_name(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    on(database_url, lambda db: builders.accept(db, builders.an_arrival(ACME)))

    before = rows(database_url)
    set_ = ingest("limits", "set", "--active-jobs", "9", "--tenant", "acme", **where)

    assert ACME not in before
    assert set_.code == 0, set_.err
    assert rows(database_url)[ACME] == "acme"


def test_who_has_only_a_budget_of_search_is_known(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    own = ("--for", "search", "--tenant", "acme")
    ingest("budget", "set", "--hard", "5", "--create-tenant", *own, **where)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM upload_pipeline.tenants WHERE name = 'acme'")

    assert ingest("budget", "remove", *own, **where).code == 0


def test_lists_show_names_and_json_both_name_and_id(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    on(database_url, lambda db: builders.accept(db, builders.an_arrival(ACME)))
    made = ingest("keys", "create", "--tenant", "acme", "--label", "app", "--json", **where).json()
    ingest("budget", "set", "--hard", "5", "--tenant", "acme", **where)
    ingest("limits", "set", "--active-jobs", "9", "--tenant", "acme", **where)
    ingest("pause", "--tenant", "acme", **where)

    lists = {
        command: ingest(*command.split(), **where)
        for command in ("keys list", "budget list", "limits list", "pauses", "model show")
    }
    [key] = ingest("keys", "list", "--json", **where).json()
    [budget] = ingest("budget", "list", "--json", **where).json()
    [limits] = ingest("limits", "list", "--json", **where).json()
    [pause] = ingest("pauses", "--json", **where).json()
    [served] = ingest("model", "show", "--json", **where).json()["tenants"]

    for command, shown in lists.items():
        assert "acme" in shown.out, command
        assert str(ACME) not in shown.out, command
    assert (made["tenant"], made["tenant_name"]) == (str(ACME), "acme")
    for row in (key, budget, limits, served):
        assert (row["tenant_id"], row["tenant_name"]) == (str(ACME), "acme")
    assert (pause["subject"], pause["tenant_name"]) == (str(ACME), "acme")


def test_a_tenant_without_a_name_is_shown_by_its_id(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    tenant = uuid4()
    ingest("pause", "--tenant", tenant, "--create-tenant", **where)

    assert str(tenant) in ingest("pauses", **where).out
    assert ingest("pauses", "--json", **where).json()[0]["tenant_name"] is None


def test_what_holds_for_all_tenants_says_so(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    budget = ingest("budget", "set", "--hard", "5", **where)
    limits = ingest("limits", "set", "--active-jobs", "9", **where)

    assert "all tenants" in budget.out
    assert "all tenants" in ingest("budget", "list", **where).out
    assert limits.out == "default limits set\n"
    shown = ingest("limits", "list", **where)
    assert "default" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_keys_are_listed_with_room_between_them(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    for label in ("laptop", "server"):
        ingest("keys", "create", "--tenant", "acme", "--create-tenant", "--label", label, **where)

    listed = ingest("keys", "list", **where).out
    newest, oldest = listed.rstrip("\n").split("\n\n")

    assert [block.split()[0] for block in (newest, oldest)] == ["key", "key"]
    assert "server" in newest
    assert "laptop" in oldest
    assert max(map(len, listed.splitlines())) <= 80


def test_a_revoked_key_is_named_with_its_tenant(database_url: str) -> None:
    where = {"INGEST_DATABASE_URL": database_url}
    made = ingest("keys", "create", "--tenant", "acme", "--create-tenant", "--json", **where).json()

    revoked = ingest("keys", "revoke", made["key_id"], **where)

    assert revoked.out == f"{made['key_id']} of tenant acme revoked\n"


def test_a_backfill_of_an_unknown_tenant_is_refused_before_it_starts(
    database_url: str, tmp_path: Path
) -> None:
    outcome = ingest(
        "backfill", tmp_path, "--tenant", "acme",
        INGEST_DATABASE_URL=database_url, INGEST_STATE_DIR=str(tmp_path / "state"),
    )  # fmt: skip

    assert (outcome.code, outcome.out) == (2, "")
    assert "add --create-tenant to make it" in outcome.err


def test_a_move_of_an_unknown_tenant_is_refused(database_url: str, tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    outcome = ingest(
        "model", "move", "--tenant", "acme", "--dry-run",
        INGEST_DATABASE_URL=database_url, INGEST_NEXT_MODEL="text-embedding-3-small",
        INGEST_OPENAI_API_KEYS="sk-x", INGEST_STATE_DIR=str(settings.state_dir),
    )  # fmt: skip

    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no tenant 'acme'" in outcome.err


async def test_a_tenant_sees_and_writes_only_its_own_row(database: Database) -> None:
    mine, theirs = Tenant(ACME, "acme"), Tenant(tenant_id_of("other"), "other")
    await TenantStore(database).put(theirs)
    act_for(mine.tenant_id)
    own = TenantStore(TenantDatabase(database))

    await own.put(mine)
    names = await own.names([mine.tenant_id, theirs.tenant_id, LOCAL_TENANT])
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await own.put(Tenant(uuid4(), "forged"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with TenantDatabase(database).connection() as connection:
            await connection.execute("DELETE FROM upload_pipeline.tenants")

    assert names == {ACME: "acme"}


async def test_a_name_is_learned_once_and_never_changed_or_shared(database: Database) -> None:
    store = TenantStore(database)
    await store.put(Tenant(ACME, None))
    nameless = await store.find(ACME)
    await store.put(Tenant(ACME, "acme"))
    await store.put(Tenant(ACME, "elsewhere"))
    await store.put(Tenant(ACME, None))

    with pytest.raises(Conflict, match="acme"):
        await store.put(Tenant(uuid4(), "acme"))

    assert nameless == Tenant(ACME, None)
    assert await store.find(ACME) == Tenant(ACME, "acme")
    assert await store.find(ZEROS) is None
    assert await store.find(uuid4()) is None
