"""What all rooms' tests share: databases of both kinds, a frozen clock and an owner."""

from __future__ import annotations

import pytest
from hypothesis import settings

from app.access.actor import Actor, ActorKind, Channel
from app.access.policy import ALL_PERMISSIONS, Role
from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.foundation.wakeups import Wakeups
from tests import databases
from tests.fakes.fixtures import (  # noqa: F401 - fixtures are found by name
    oauth_server,
    prometheus,
    session_oauth_server,
    session_prometheus,
)

pytest_plugins = ["tests.canary.plugin"]
# No test is about time: a machine that is busy with something else must fail none.
settings.register_profile("patchbay", deadline=None)
settings.load_profile("patchbay")


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def actor():
    return Actor(
        workspace_id="wks_test",
        kind=ActorKind.MEMBER,
        id="mem_test",
        label="Olive Owner",
        role=Role.OWNER,
        permissions=ALL_PERMISSIONS,
        via=Channel.GRAPHQL,
        request_id="req_test",
        session_id="ses_test",
    )


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """Return the SQLite file with all tables that tests copy."""
    return databases.sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgres_of_session():
    """Return the URL of the session's PostgreSQL database with all tables; None if no server answers."""
    if not databases.postgres_is_there():
        yield None
        return
    with databases.postgres_of_session() as url:
        yield url


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path):
    """Return the URL of an own SQLite database with all tables."""
    return databases.sqlite_clone(sqlite_template, tmp_path)


@pytest.fixture
def postgres_url(postgres_of_session):
    """Return the URL of a PostgreSQL database with all tables and not a row; do not change its schema."""
    databases.require(postgres_of_session is not None, f"no PostgreSQL answers at {databases.POSTGRES}")
    yield postgres_of_session
    databases.wipe_postgres(postgres_of_session)


@pytest.fixture(scope="session")
def redis_is_there():
    return databases.redis_is_there()


@pytest.fixture
def redis_url(redis_is_there):
    """Return the URL of the Redis server; name channels and keys after the test's own namespace."""
    databases.require(redis_is_there, f"no Redis answers at {databases.REDIS}")
    return databases.REDIS


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.scaled)])
def database_url(request):
    """Return the URL of an own database with all tables, of both kinds in turn."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
async def database(database_url, clock):
    """Return an open database of both kinds in turn; the test's task may use models."""
    database = Database(database_url, clock)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def wakeups():
    """Return the wake-ups of one process in memory."""
    wakeups = Wakeups(None, "test")
    await wakeups.open()
    yield wakeups
    await wakeups.close()


def pytest_sessionfinish(session):
    """Fail a run in which something was skipped although everything is required."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if databases.REQUIRE_ALL and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
