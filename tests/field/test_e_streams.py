"""E5: one token cannot open so many streams that nobody else gets one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from app.api.graphql.endpoint import graphql_routes
from app.api.graphql.limits import TooMuchError
from app.api.graphql.streams import Streams
from app.foundation.telemetry import Metrics
from tests.api.graphql.fake_hub import BEARER, PUBLIC_URL, load_test_catalog, make_actor, make_hub

QUOTA = 40


@pytest.fixture
def streams():
    return Streams(Metrics(), QUOTA)


def actor(token, member):
    return replace(make_actor(session_id=token), member_id=member)


def open_all(streams, stack, who):
    """Open as many as somebody gets; return how many."""
    for number in range(QUOTA + 1):
        try:
            stack.enter_context(streams.opened(who(number)))
        except TooMuchError:
            return number
    return QUOTA + 1


def test_a_token_gets_a_quarter_a_member_half_and_all_together_the_quota(streams):
    """E5: each share in turn; who is below it is served while others are at theirs."""
    with ExitStack() as stack:
        assert open_all(streams, stack, lambda _: actor("t1", "m1")) == QUOTA // 4
        assert open_all(streams, stack, lambda n: actor(f"more{n}", "m1")) == QUOTA // 2 - QUOTA // 4
        assert open_all(streams, stack, lambda _: actor("owner", "m2")) == QUOTA // 4
        assert open_all(streams, stack, lambda n: actor(f"x{n}", f"n{n}")) == QUOTA // 4
    with ExitStack() as stack:  # what is closed counts no more
        assert open_all(streams, stack, lambda n: actor(f"t{n}", f"n{n}")) == QUOTA


async def test_who_is_refused_is_given_a_time():
    """E5: the refusal is retryable, says when, and says whose share it is."""
    hub = make_hub(load_test_catalog())
    hub.settings.streams_per_workspace = 1
    app = Starlette(routes=graphql_routes(hub))
    query = b'{"query":"subscription {events {__typename}}"}'
    headers = {**BEARER, "content-type": "application/json", "accept": "text/event-stream"}
    door = app.routes[0].app
    with door._operations._streams.opened(make_actor()):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
            text = (await client.post("/graphql", content=query, headers=headers)).text
    error = orjson.loads(text.partition("data: ")[2].partition("\n")[0])["errors"][0]
    assert error["extensions"]["code"] == "QUOTA_EXCEEDED"
    assert error["extensions"]["retryable"] is True
    assert error["extensions"]["retryAfterSeconds"] == 15.0
    assert "token or session" in error["message"]
