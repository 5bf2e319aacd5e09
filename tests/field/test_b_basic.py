"""Basic authentication as servers really read it, at token endpoints (RFC 6749 2.3.1) and at APIs (RFC 7617)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from urllib.parse import unquote_plus

import pytest
from starlette.responses import JSONResponse

from app.connections.snapshot import AuthorizationStateName as State
from app.credentials.snapshot import Mode
from app.foundation.errors import InvalidInputError
from app.foundation.secret import Secret
from tests.canary import secret

ODD = "a+b/c%d=e: \u00e9&"  # what form-encoding changes
READERS = {"basic": unquote_plus, "basic_raw": str}


def pair_of(header: str) -> tuple[str, str]:
    scheme, _, coded = header.partition(" ")
    assert scheme == "Basic"
    user, _, password = b64decode(coded).decode().partition(":")
    return user, password


@pytest.mark.parametrize("way", READERS, ids=[f"B7 {way}" for way in READERS])
async def test_b7_a_server_gets_the_secret_that_it_reads(live, way):
    """B7: some servers form-decode what Basic brings, as RFC 6749 demands, and some do not."""
    client_id, client_secret = f"client{ODD.replace(':', '')}", secret("client-") + ODD
    await live.register(client_id=client_id, client_secret=Secret(client_secret))
    connection = await live.live(clientAuthentication=way)
    assert (await live.sign_in(connection)).state is State.AUTHENTICATED
    user, password = pair_of(live.provider.asked[-1][1]["header:authorization"])
    assert (READERS[way](user), READERS[way](password)) == (client_id, client_secret)


async def entered(live, **credentials):
    """Enter a user name and a password, as the provider has them; return the connection."""
    pair = f"{credentials.get('username', '')}:{credentials.get('password', '')}"
    live.provider.issued.add(b64encode(pair.encode()))
    config = {"baseUrl": live.provider.address.http, "testPath": "/me"}
    connection = await live.draft("generic-http", config, Mode.LIVE)
    authorization = await live.begin(connection, "basic")
    await live.hub.authorizations.submit_credentials(live.actor, authorization.id, credentials)
    return await live.reload(connection)


def asked_first(live):
    """Return what the provider got at the test path before the control call."""
    return next(asked for path, asked in live.provider.asked if path == "/me")


KEY = secret("key-")
PAIRS = {
    "a password alone": ({"username": "", "password": KEY}, ("", KEY), None),
    "a password and no user name": ({"password": KEY}, ("", KEY), None),
    "a user name alone": ({"username": KEY, "password": ""}, (KEY, ""), None),
    "a user name and no password": ({"username": KEY}, (KEY, ""), None),
    "both": ({"username": "ada", "password": f":{KEY}:"}, ("ada", f":{KEY}:"), "ada"),
    "other scripts": (
        {"username": "\u00e4da", "password": f" {KEY}\u20ac "},
        ("\u00e4da", f" {KEY}\u20ac "),
        "\u00e4da",
    ),
}


@pytest.mark.parametrize(
    ("credentials", "sent", "label"), PAIRS.values(), ids=[f"B8 {name}" for name in PAIRS]
)
async def test_b8_either_part_may_be_empty_and_a_lone_user_name_is_a_key(live, credentials, sent, label):
    """B8: services take a key as the user name or as the password; it is shown as neither."""
    connection = await entered(live, **credentials)
    assert connection.auth.account_label == label
    run = await live.tested(connection)
    assert run.verdict == "PASSED"
    assert pair_of(asked_first(live)["header:authorization"]) == sent


@pytest.mark.parametrize("credentials", [{}, {"username": "", "password": ""}, {"username": ""}])
async def test_b8_nothing_at_all_is_refused(live, credentials):
    with pytest.raises(InvalidInputError) as refusal:
        await entered(live, **credentials)
    assert [problem.path for problem in refusal.value.problems] == [("credentials", "password")]


async def test_b8_an_answer_that_says_the_lone_user_name_shows_stars(live):
    live.provider.usual["/me"] = lambda: JSONResponse({"hello": KEY})
    connection = await entered(live, username=KEY)
    run = await live.tested(connection)
    shown = [step.exchange.response.body for step in run.steps if step.exchange]
    assert shown
    assert not any(KEY in body for body in shown)
