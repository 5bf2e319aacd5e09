"""A database of the version before due work had one table keeps its work when it is upgraded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.foundation import database as module
from app.foundation.clock import FrozenClock
from app.foundation.database import Database, migrate, migrations_folder
from app.foundation.wakeups import Wakeups
from app.work.queue import WorkQueue
from tests.databases import POSTGRES, postgres_clone, require, run_apart

BEFORE = ("0_20261120000000_init.py", "1_20261201000000_due_work.py")
NOW = FrozenClock().now()
AT = {
    "past": NOW - timedelta(hours=1),
    "soon": NOW + timedelta(hours=1),
    "leased": NOW + timedelta(seconds=20),
}
CREDENTIAL = {
    "workspace_id": "wks_1",
    "auth_method": "oauth",
    "generation": 3,
    "requested_scopes": "[]",
    "account": "{}",
    "hints": "[]",
    "can_renew": True,
    "is_doubted": False,
    "sealed_at": AT["past"],
    "failures": 0,
}
REVOCATION = {
    "workspace_id": "wks_1",
    "connection_id": "conn_1",
    "connection_name": "One",
    "integration": "slack",
    "version": "1.0.0",
    "mode": "LIVE",
    "config": "{}",
    "account": "{}",
    "auth_method": "oauth",
    "state": "PENDING",
    "revoked": "[]",
    "alive": "[]",
    "attempts": 0,
    "created_at": AT["past"],
    "give_up_at": AT["soon"],
}
AUTHORIZATION = {
    "workspace_id": "wks_1",
    "connection_id": "conn_1",
    "auth_method": "oauth",
    "actor_kind": "member",
    "actor_id": "mem_1",
    "actor_label": "One",
    "scopes": "[]",
    "presentation": "POPUP",
    "state": "AWAITING_USER",
    "seq": 2,
    "verifier_generation": 1,
    "created_at": AT["past"],
    "expires_at": AT["soon"],
}
ROWS = (
    (
        "credential",
        CREDENTIAL,
        {"connection_id": "conn_due", "application_id": "app_1", "due_at": AT["past"]},
    ),
    ("credential", CREDENTIAL, {"connection_id": "conn_later", "due_at": AT["soon"]}),
    ("credential", CREDENTIAL, {"connection_id": "conn_stale", "is_doubted": True}),
    (
        "credential",
        CREDENTIAL,
        {
            "connection_id": "conn_failing",
            "due_at": AT["past"],
            "failures": 4,
            "failing_since": AT["past"],
            "lease_owner": "x" * 43,
            "lease_until": AT["leased"],
        },
    ),
    ("revocation", REVOCATION, {"id": "rev_due", "due_at": AT["past"], "attempts": 2}),
    ("revocation", REVOCATION, {"id": "rev_over", "finished_at": AT["past"]}),
    ("authorization_attempt", AUTHORIZATION, {"id": "auth_polled", "poll_at": AT["past"]}),
    ("authorization_attempt", AUTHORIZATION, {"id": "auth_redirect"}),
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.scaled)])
def earlier_url(request, tmp_path, postgres_of_session, monkeypatch):
    """Return the URL of a database as the version before left it."""
    folder = tmp_path / "before"
    (folder / "models").mkdir(parents=True)
    for name in BEFORE:
        (folder / "models" / name).write_text((migrations_folder() / "models" / name).read_text())

    def made(url):
        with monkeypatch.context() as patch:
            patch.setattr(module, "migrations_folder", lambda: folder)
            run_apart(lambda: migrate(url))
        return url

    if request.param == "sqlite":
        yield made(f"sqlite://{tmp_path / 'hub.db'}")
        return
    require(postgres_of_session is not None, f"no PostgreSQL answers at {POSTGRES}")
    with postgres_clone(None) as url:
        yield made(url)


def test_due_work_is_carried_over_with_its_times_failures_and_leases(earlier_url):
    async def fill():
        database = Database(earlier_url, FrozenClock())
        await database.open()
        async with database.transaction() as tx:
            for table, like, own in ROWS:
                await tx.insert(table, [{**like, **own}])
        await database.close()

    async def found():
        database = Database(earlier_url, FrozenClock())
        await database.open()
        wakeups = Wakeups(None, "test")
        await wakeups.open()
        queue = WorkQueue(database, wakeups)
        async with database.transaction() as tx:
            stands = {
                (kind, subject): (await queue.lock(tx, kind, [subject])).get(subject)
                for kind, subject in (
                    ("renewal", "conn_due"),
                    ("renewal", "conn_later"),
                    ("renewal", "conn_stale"),
                    ("renewal", "conn_failing"),
                    ("revocation", "rev_due"),
                    ("revocation", "rev_over"),
                    ("authorization", "auth_polled"),
                    ("authorization", "auth_redirect"),
                )
            }
        due = await queue.find_due(["renewal", "revocation", "authorization"], [], 10)
        (stale,) = await database.rows(
            'SELECT "is_stale" FROM "credential" WHERE "connection_id" = \'conn_stale\''
        )
        await wakeups.close()
        await database.close()
        return stands, {each.id: each.share for each in due}, bool(stale["is_stale"])

    run_apart(fill)
    run_apart(lambda: migrate(earlier_url))
    stands, due, is_stale = run_apart(found)

    assert due == {
        "renewal:conn_due": "app_1",
        "revocation:rev_due": "wks_1",
        "authorization:auth_polled": "wks_1",
    }
    assert stands["renewal", "conn_later"].due_at == AT["soon"]
    failing = stands["renewal", "conn_failing"]
    assert (failing.attempts, failing.failing_since, failing.is_leased) == (4, AT["past"], True)
    assert stands["revocation", "rev_due"].attempts == 2
    gone = [("renewal", "conn_stale"), ("revocation", "rev_over"), ("authorization", "auth_redirect")]
    assert [stands[each] for each in gone] == [None] * 3
    assert is_stale
