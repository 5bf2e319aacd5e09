"""What must be remembered, by both kinds of state alike."""

from __future__ import annotations

import asyncio
from secrets import token_hex

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.sandbox import state as state_module
from app.sandbox.state import MemoryState, RedisState
from tests.databases import require
from tests.sandbox.acme import FakeCatalog, acme
from tests.sandbox.outside import outside

REDIS = "redis://127.0.0.1:6379/9"


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.scaled)])
async def state(request, clock):
    if request.param == "memory":
        yield MemoryState(clock)
        return
    redis = Redis.from_url(REDIS)
    try:
        await redis.ping()
    except RedisConnectionError:
        require(False, f"no Redis answers at {REDIS}")
    yield RedisState(redis)
    await redis.aclose()


@pytest.fixture
def key():
    return f"test:{token_hex(8)}"


async def test_a_key_is_claimed_once(state, key):
    assert await state.claim(key, "first", 60) is None
    assert await state.claim(key, "second", 60) == "first"


async def test_of_many_claims_at_once_one_wins(state, key):
    claims = await asyncio.gather(*(state.claim(key, str(number), 60) for number in range(50)))
    assert claims.count(None) == 1
    assert len(set(claims)) == 2


async def test_values_are_put_read_and_removed(state, key):
    await state.put(key, "värde", 60)
    assert await state.read([key, f"{key}:other"]) == ["värde", None]
    await state.remove(key)
    await state.remove(key)
    assert await state.read([key]) == [None]


async def test_counts_do_not_lose_one(state, key):
    numbers = await asyncio.gather(*(state.count(key, 60) for _ in range(50)))
    assert sorted(numbers) == list(range(1, 51))
    assert await state.read([key]) == ["50"]


async def test_a_memory_forgets_after_the_time_to_live(clock):
    state = MemoryState(clock)
    await state.put("a", "1", 10)
    clock.advance(9)
    assert await state.read(["a"]) == ["1"]
    clock.advance(1)
    assert await state.read(["a"]) == [None]
    assert await state.claim("a", "2", 10) is None


async def test_a_memory_is_bounded_and_forgets_the_expired_first_then_the_oldest(clock, monkeypatch):
    monkeypatch.setattr(state_module, "MAX_KEYS", 3)
    state = MemoryState(clock)
    await state.put("short", "1", 1)
    await state.put("old", "1", 100)
    clock.advance(1)
    await state.put("new", "1", 100)
    await state.put("newer", "1", 100)
    assert await state.read(["short", "old", "new", "newer"]) == [None, "1", "1", "1"]
    await state.put("newest", "1", 100)
    assert await state.read(["old", "new", "newer", "newest"]) == [None, "1", "1", "1"]


@pytest.mark.scaled
async def test_redis_keys_are_prefixed_and_die(key):
    redis = Redis.from_url(REDIS)
    try:
        await redis.ping()
    except RedisConnectionError:
        require(False, f"no Redis answers at {REDIS}")
    state = RedisState(redis)
    await state.put(key, "1", 60)
    await state.count(f"{key}:count", 60)
    await state.claim(f"{key}:claim", "1", 60)
    for name in (key, f"{key}:count", f"{key}:claim"):
        assert 0 < await redis.ttl(f"patchbay:sandbox:{name}") <= 60
    await redis.aclose()


async def test_two_sandboxes_share_one_state_and_one_secret(state, clock):
    catalog = FakeCatalog(acme(integration=f"acme-{token_hex(4)}"))
    (integration,) = (entry.key for entry in catalog.all())
    first = outside(catalog, clock, state, integration=integration)
    second = outside(catalog, clock, state, integration=integration)
    returned = await first.consent()
    body = (await second.exchange(returned["code"])).json()
    assert (await first.exchange(returned["code"])).json()["error"] == "invalid_grant"
    assert (await second.call("/me", body["access_token"])).status_code == 401
    await first.switch(serverError=True, times=1)
    assert (await second.call("/me", params={"api_key": "right-key"})).status_code == 500
    assert (await first.call("/me", params={"api_key": "right-key"})).status_code == 200
    for driver in (first, second):
        await driver.http.aclose()


async def test_a_restart_without_memory_keeps_codes_and_tokens_good(clock):
    catalog = FakeCatalog(acme())
    before, after = outside(catalog, clock), outside(catalog, clock)
    body = await before.signed_in()
    returned = await before.consent()
    assert (await after.call("/me", body["access_token"])).status_code == 200
    assert (await after.refresh(body["refresh_token"])).status_code == 200
    assert (await after.exchange(returned["code"])).status_code == 200
    for driver in (before, after):
        await driver.http.aclose()
