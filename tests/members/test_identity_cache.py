"""Who was recognised is known for a second, also where no wake-up comes; who is revoked is forgotten at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from app.access.policy import Permission, Role
from app.event_stream.channels import ACCESS_CHANNEL
from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.foundation.ids import new_id
from app.foundation.wakeups import Wakeups
from app.members.identity_cache import MAX_ENTRIES, IdentityCache
from app.members.models import AccessTokenRecord, MemberRecord, SessionRecord
from app.members.snapshot import Identity
from tests.members.conftest import rooms

KEY = "0" * 64


def called(label, expires_at=None):
    return Identity("ses_1", "wks_1", "mem_1", label, Role.OWNER, frozenset(), expires_at)


OLIVE = called("olive")


class LookUp:
    """A look-up that counts, and waits where a test wants it to."""

    def __init__(self, found="olive", expires_at=None):
        self.found = None if found is None else called(found, expires_at)
        self.times = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def __call__(self):
        self.times += 1
        await self.may_go_on.wait()
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def begun(*asked, look_up):
    """Return once somebody's look-up is under way."""
    tasks = [asyncio.create_task(one) for one in asked]
    while not look_up.times:
        await asyncio.sleep(0)
    return tasks


@pytest.fixture
def wakeups():
    return Wakeups(None, "test")


@pytest.fixture
def cache(clock, wakeups):
    return IdentityCache(clock, wakeups)


async def test_who_was_recognised_is_looked_up_again_after_a_second(cache, clock):
    look_up = LookUp()
    for passed_s, times in ((0, 1), (0.5, 1), (0.49, 1), (0.02, 2), (0.99, 2)):
        clock.advance(passed_s)
        assert await cache.get(KEY, look_up) == OLIVE
        assert look_up.times == times


async def test_the_second_is_counted_from_before_the_look_up(cache, clock):
    look_up = LookUp()
    look_up.may_go_on.clear()
    (asked,) = await begun(cache.get(KEY, look_up), look_up=look_up)
    clock.advance(0.9)
    look_up.may_go_on.set()
    assert await asked == OLIVE
    clock.advance(0.2)
    await cache.get(KEY, look_up)
    assert look_up.times == 2


async def test_a_clock_that_is_set_back_makes_no_second_longer(cache, clock):
    look_up = LookUp()
    await cache.get(KEY, look_up)
    clock.jump(-3_600)
    clock.advance(1)
    await cache.get(KEY, look_up)
    assert look_up.times == 2


async def test_nobody_is_known_beyond_the_own_expiry(cache, clock):
    look_up = LookUp(expires_at=clock.now() + timedelta(milliseconds=400))
    assert await cache.get(KEY, look_up) is look_up.found
    look_up.found = None
    clock.advance(0.4)
    assert await cache.get(KEY, look_up) is None


async def test_what_is_not_recognised_is_not_kept(cache):
    look_up = LookUp(None)
    assert [await cache.get(KEY, look_up) for _ in range(3)] == [None] * 3
    assert look_up.times == 3


async def test_keys_are_kept_apart(cache):
    assert await cache.get("a", LookUp("olive")) == OLIVE
    assert await cache.get("b", LookUp("peter")) == called("peter")
    assert await cache.get("a", LookUp("nobody")) == OLIVE


async def test_who_asks_at_the_same_time_shares_one_look_up_whoever_is_cancelled(cache):
    look_up = LookUp()
    look_up.may_go_on.clear()
    asked = await begun(*(cache.get(KEY, look_up) for _ in range(10)), look_up=look_up)
    asked[0].cancel()
    await asyncio.sleep(0)
    look_up.may_go_on.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert (answers[1:], look_up.times) == ([OLIVE] * 9, 1)


async def test_a_fault_is_told_to_all_who_ask_and_not_kept(cache):
    look_up = LookUp()
    look_up.found = OSError("away")
    answers = await asyncio.gather(*(cache.get(KEY, look_up) for _ in range(3)), return_exceptions=True)
    assert (answers, look_up.times) == ([look_up.found] * 3, 1)
    look_up.found = OLIVE
    assert await cache.get(KEY, look_up) == OLIVE


async def test_a_wake_up_forgets_everybody(cache, wakeups):
    look_up = LookUp()
    await cache.get(KEY, look_up)
    await wakeups.notify(ACCESS_CHANNEL)
    await cache.get(KEY, look_up)
    assert look_up.times == 2


async def test_what_a_look_up_read_before_a_wake_up_is_not_kept(cache, wakeups):
    early, late = LookUp("olive"), LookUp(None)
    early.may_go_on.clear()
    (asked,) = await begun(cache.get(KEY, early), look_up=early)
    await wakeups.notify(ACCESS_CHANNEL)
    assert await cache.get(KEY, late) is None
    early.may_go_on.set()
    assert await asked == OLIVE
    assert await cache.get(KEY, late) is None
    assert late.times == 2


async def test_so_many_are_known_and_no_more(cache):
    for number in range(MAX_ENTRIES + 10):
        await cache.get(str(number), LookUp())
    assert len(cache._entries) == MAX_ENTRIES
    assert (await cache.get("0", again := LookUp()), again.times) == (OLIVE, 1)
    assert (await cache.get(str(MAX_ENTRIES), known := LookUp()), known.times) == (OLIVE, 0)


# Tokens and sessions


@pytest.fixture
async def token(tokens, owner):
    """Return an access token of the owner and its id."""
    scopes = [Permission.CONNECTIONS_READ, Permission.TOKENS_WRITE]
    created = await tokens.create(owner, name="robot", scopes=scopes, expires_in=None)
    return created.token.reveal(), created.id


@pytest.fixture
async def session(sign_in, workspace):
    """Return the token of a session of the owner."""
    return (await sign_in.redeem((await sign_in.make_link(workspace.id)).reveal())).token.reveal()


def reads_of(monkeypatch, *models):
    """Count how often the models are asked for one row."""
    reads = []
    for model in models:
        one = model.get_or_none

        def counted(*args, one=one, model=model, **kwargs):
            reads.append(model.__name__)
            return one(*args, **kwargs)

        monkeypatch.setattr(model, "get_or_none", counted)
    return reads


async def test_a_token_and_a_session_that_were_seen_cost_no_statement(
    tokens, sign_in, token, session, monkeypatch
):
    reads = reads_of(monkeypatch, AccessTokenRecord, SessionRecord)
    for _ in range(5):
        assert await tokens.authenticate(token[0]) is not None
        assert await sign_in.authenticate(session) is not None
    assert reads == ["AccessTokenRecord", "SessionRecord"]


async def test_neither_a_token_nor_a_session_stands_in_the_cache(tokens, sign_in, token, session):
    await tokens.authenticate(token[0])
    await sign_in.authenticate(session)
    for room, secret in ((tokens, token[0]), (sign_in, session)):
        assert len(room._known._entries) == 1
        assert secret not in repr(room._known._entries)


async def test_a_member_who_left_is_known_for_a_second_at_most(
    tokens, sign_in, token, session, workspace, clock
):
    assert await tokens.authenticate(token[0]) is not None
    assert await sign_in.authenticate(session) is not None
    await MemberRecord.filter(id=workspace.owner.id).update(left_at=clock.now())
    clock.advance(1)
    assert await tokens.authenticate(token[0]) is None
    assert await sign_in.authenticate(session) is None


# Two processes: their clocks stand still, so that nothing but the wake-up ends what is known


@asynccontextmanager
async def process(database_url, broker_url, namespace):
    """Yield the members room of a process of its own: a database and wake-ups that it shares with nobody."""
    database, wakeups = Database(database_url, FrozenClock()), Wakeups(broker_url, namespace)
    await database.open()
    await wakeups.open()
    try:
        yield rooms(database, wakeups)
    finally:
        await wakeups.close()
        await database.close()


async def until_refused(authenticate, secret):
    async with asyncio.timeout(10):
        while await authenticate(secret) is not None:
            await asyncio.sleep(0.01)


@pytest.mark.scaled
async def test_a_revocation_ends_what_every_process_knows_by_a_wake_up(
    database_url, redis_url, owner, token, session
):
    namespace = new_id("hub")
    async with (
        process(database_url, redis_url, namespace) as (_, tokens, sign_in),
        process(database_url, redis_url, namespace) as (_, other_tokens, other_sign_in),
    ):
        for room in (tokens, other_tokens):
            assert await room.authenticate(token[0]) is not None
        for room in (sign_in, other_sign_in):
            assert await room.authenticate(session) is not None
        await tokens.revoke(owner, token[1])
        await sign_in.sign_out(session)
        assert await tokens.authenticate(token[0]) is None
        assert await sign_in.authenticate(session) is None
        await until_refused(other_tokens.authenticate, token[0])
        await until_refused(other_sign_in.authenticate, session)


async def test_a_revocation_ends_what_every_process_knows_within_a_second_though_no_wake_up_comes(
    database_url, owner, token, session
):
    async with (
        process(database_url, None, "one") as (_, tokens, sign_in),
        process(database_url, None, "two") as (_, other_tokens, other_sign_in),
    ):
        assert await other_tokens.authenticate(token[0]) is not None
        assert await other_sign_in.authenticate(session) is not None
        await tokens.revoke(owner, token[1])
        await sign_in.sign_out(session)
        other_tokens._database.clock.advance(1)
        assert await other_tokens.authenticate(token[0]) is None
        assert await other_sign_in.authenticate(session) is None
