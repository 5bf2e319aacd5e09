"""Credentials on a request to an actor: which count, which do not, and what the actor is told to be."""

import pytest
from starlette.requests import HTTPConnection

from app.access.actor import ActorKind, Channel
from app.access.policy import ALL_PERMISSIONS, Permission, Role
from app.api.identity import identify, ip_hash_of, is_allowed_origin, request_id_of, signed_in
from tests.api.graphql.fake_hub import BEARER, COOKIE, SESSION_TOKEN, VIEWER_TOKEN, WORKSPACE, make_hub


@pytest.fixture
def hub():
    return make_hub(catalog=None)


def connection(headers=None, *, kind="http", client=("203.0.113.7", 5), **more):
    headers = {"host": "hub.test", **(headers or {})}
    return HTTPConnection(
        {
            "type": kind,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": client,
            **more,
        }
    )


async def test_a_token_is_an_actor_of_its_own(hub):
    found = await identify(hub, connection({"authorization": f"bearer  {VIEWER_TOKEN}"}))
    assert found.is_refused is False
    actor = found.actor
    assert (actor.kind, actor.id, actor.session_id) == (ActorKind.TOKEN, "tok_2", "tok_2")
    assert (actor.workspace_id, actor.role) == (WORKSPACE, Role.VIEWER)
    assert actor.permissions == {Permission.CATALOG_READ}
    assert actor.via is Channel.GRAPHQL


async def test_a_session_is_its_member(hub):
    actor = (await identify(hub, connection(COOKIE), Channel.HTTP)).actor
    assert (actor.kind, actor.id, actor.session_id) == (ActorKind.MEMBER, "mem_1", "ses_1")
    assert (actor.permissions, actor.via) == (ALL_PERMISSIONS, Channel.HTTP)


async def test_a_token_comes_before_a_session_also_a_wrong_one(hub):
    both = {**BEARER, **COOKIE}
    assert (await identify(hub, connection(both))).actor.kind is ActorKind.TOKEN
    found = await identify(hub, connection({**COOKIE, "authorization": "Bearer nope"}))
    assert (found.actor, found.is_refused) == (None, True)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Token x", f"Basic {SESSION_TOKEN}", "Bearer " + "x" * 999]
)
async def test_other_headers_are_refused(hub, header):
    found = await identify(hub, connection({"authorization": header}))
    assert (found.actor, found.is_refused) == (None, True)


async def test_no_credentials_are_nobody(hub):
    found = await identify(hub, connection())
    assert (found.actor, found.is_refused) == (None, False)
    assert await signed_in(hub, connection()) is False
    assert await signed_in(hub, connection(COOKIE)) is True
    assert await signed_in(hub, connection({"cookie": "patchbay-session=" + "x" * 500})) is False


async def test_behind_https_only_the_host_bound_cookie_counts(hub):
    hub.public_url = "https://hub.test"
    assert await signed_in(hub, connection(COOKIE)) is False
    assert await signed_in(hub, connection({"cookie": f"__Host-{COOKIE['cookie']}"})) is True


async def test_a_websocket_needs_an_origin_for_its_cookie(hub):
    assert await signed_in(hub, connection(COOKIE, kind="websocket")) is False
    assert await signed_in(hub, connection({**COOKIE, "origin": "http://hub.test"}, kind="websocket")) is True


@pytest.mark.parametrize(
    ("origin", "host", "is_allowed"),
    [
        ("http://hub.test", "hub.test", True),
        ("HTTP://HUB.TEST", "hub.test", True),
        ("https://hub.test", "hub.test", True),
        ("https://hub.test", "hub.test:443", True),
        ("http://hub.test:80", "hub.test", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("https://app.test", "hub.test", True),
        ("https://app.test:8443", "hub.test", False),
        ("http://evil.test", "hub.test", False),
        ("http://hub.test.evil.test", "hub.test", False),
        ("http://hub.test:8080", "hub.test", False),
        ("http://hub.test@evil.test", "hub.test", False),
        ("http://user@hub.test", "hub.test", False),
        ("http://hub.test/path", "hub.test", False),
        ("ftp://hub.test", "hub.test", False),
        ("null", "hub.test", False),
        ("", "hub.test", False),
        ("http://", "", False),
        ("http://[", "[", False),
        ("http://hub.test:99999", "hub.test:99999", False),
        ("http://" + "x" * 400, "hub.test", False),
    ],
)
def test_origins_are_the_hubs_own_or_allowed_ones(hub, origin, host, is_allowed):
    hub.allowed_origins = ("https://app.test",)
    assert is_allowed_origin(hub, connection({"host": host}), origin) is is_allowed


async def test_addresses_are_kept_as_keyed_hashes(hub):
    one = await ip_hash_of(hub, connection())
    assert one == await ip_hash_of(hub, connection(client=("203.0.113.7", 9)))
    assert one != await ip_hash_of(hub, connection(client=("203.0.113.8", 5)))
    assert "203" not in one
    assert len(one) == 32
    assert await ip_hash_of(hub, connection(client=None)) is None


def test_the_request_id_is_the_front_entrances_own():
    assert request_id_of(connection(**{"patchbay.request_id": "req_1"})) == "req_1"
    assert request_id_of(connection()).startswith("req_")
