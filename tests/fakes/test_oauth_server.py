"""The OAuth server is as strict as the journeys need it to be, asked without any of our own OAuth code."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import signal
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.canary import register
from tests.fakes.browser import Browser
from tests.fakes.oauth_server import Client, OAuthServer, TokenCalls, running_oauth_server

pytestmark = pytest.mark.node
RETURN = "http://127.0.0.1:1/return"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def client(oauth_server: OAuthServer) -> Client:
    client = oauth_server.register()
    client.redirect_to(RETURN)
    return client


def authorize_url(client: Client, **more: str) -> str:
    asked = {
        "client_id": client.id,
        "response_type": "code",
        "redirect_uri": RETURN,
        "scope": "openid profile offline_access",
        "state": "s",
        **more,
    }
    return f"{client.server.config['authorizeUrl']}&{urlencode(asked)}"


async def answer_of(client: Client, choice: str = "allow", **more: str) -> dict[str, list[str]]:
    async with Browser() as browser:
        page = await browser.open(authorize_url(client, **more), stop_before=RETURN)
        if not page.is_redirect:
            await browser.press(page, choice, stop_before=RETURN)
        return parse_qs(urlsplit(browser.visited[-1]).query)


def token_call(client: Client, **form: str):
    return client.server.http.post(
        f"{client.server.issuer}/token", data=form, auth=(client.id, client.secret or "")
    )


async def tokens_of(client: Client) -> dict[str, str]:
    answer = await answer_of(client, code_challenge=CHALLENGE, code_challenge_method="S256")
    tokens = token_call(
        client,
        grant_type="authorization_code",
        code=answer["code"][0],
        redirect_uri=RETURN,
        code_verifier=VERIFIER,
    )
    assert tokens.status_code == 200, tokens.text
    return tokens.json()


def refreshed(client: Client, tokens: dict[str, str], timeout: float = 10):
    return client.server.http.post(
        f"{client.server.issuer}/token",
        data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
        auth=(client.id, client.secret or ""),
        timeout=timeout,
    )


async def test_a_challenge_is_required(client: Client):
    answer = await answer_of(client)

    assert answer["error"] == ["invalid_request"]
    assert "code" not in answer


async def test_a_code_opens_only_with_its_verifier(client: Client):
    answer = await answer_of(client, code_challenge=CHALLENGE, code_challenge_method="S256")

    refused = token_call(
        client,
        grant_type="authorization_code",
        code=answer["code"][0],
        redirect_uri=RETURN,
        code_verifier="w" * 43,
    )

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_denying_comes_back_as_access_denied(client: Client):
    answer = await answer_of(client, "deny", code_challenge=CHALLENGE, code_challenge_method="S256")

    assert answer["error"] == ["access_denied"]


async def test_a_refresh_token_shown_twice_revokes_the_whole_family_and_is_counted(client: Client):
    first = await tokens_of(client)
    second = token_call(client, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]

    reuse = token_call(client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    after = token_call(client, grant_type="refresh_token", refresh_token=second["refresh_token"])
    me = client.server.http.get(
        f"{client.server.issuer}/me", headers={"Authorization": f"Bearer {second['access_token']}"}
    )

    assert [answer.status_code for answer in (reuse, after, me)] == [400, 400, 401]
    figures = client.server.figures()
    assert (figures["refreshed"], figures["reused"], figures["refused"]) == (1, 1, 2)


async def test_lifetimes_can_be_shortened_while_it_runs(client: Client):
    client.server.tokens_last(access_s=5)

    assert (await tokens_of(client))["expires_in"] == 5


async def test_taken_away_access_ends_a_refresh_token(client: Client):
    tokens = await tokens_of(client)

    client.server.forget_grants()

    refused = token_call(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert client.server.figures()["reused"] == 0


async def test_a_reset_sets_figures_and_settings_back(client: Client):
    client.server.answer_tokens_with(503)
    assert token_call(client, grant_type="refresh_token", refresh_token="none").status_code == 503

    client.server.reset()

    assert set(client.server.figures().values()) == {0}
    assert token_call(client, grant_type="refresh_token", refresh_token="none").status_code == 400


async def test_held_token_calls_are_seen_only_when_they_are_let_go_and_never_where_the_client_is_gone(
    client: Client,
):
    server, first = client.server, await tokens_of(client)
    server.hold_tokens()
    try:
        with pytest.raises(httpx.TimeoutException):
            refreshed(client, first, timeout=0.2)
        async with asyncio.timeout(5):
            while server.token_calls().waiting:
                await asyncio.sleep(0.01)
        waiting = asyncio.create_task(asyncio.to_thread(refreshed, client, first))
        async with asyncio.timeout(5):
            while not server.token_calls().waiting:
                await asyncio.sleep(0.01)
        assert server.figures()["refreshed"] == 0
    finally:
        server.let_go()

    assert (await waiting).status_code == 200
    figures = server.figures()
    assert (figures["tokenCalls"], figures["refreshed"], figures["reused"]) == (3, 1, 0)
    assert server.token_calls() == TokenCalls(waiting=0, in_hand=0)


async def test_held_answers_are_of_requests_that_the_server_has_done(client: Client):
    server, first = client.server, await tokens_of(client)
    server.hold_answers()
    try:
        waiting = asyncio.create_task(asyncio.to_thread(refreshed, client, first))
        async with asyncio.timeout(5):
            while not server.figures()["refreshed"]:
                await asyncio.sleep(0.01)
        assert server.token_calls() == TokenCalls(waiting=0, in_hand=1)
        assert not waiting.done()
    finally:
        server.let_go()

    assert refreshed(client, (await waiting).json()).status_code == 200
    assert server.token_calls().in_hand == 0


async def test_userinfo_can_be_away_and_the_age_of_what_is_used_is_told(client: Client):
    tokens = await tokens_of(client)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    client.server.answer_api_with(503)
    away = client.server.http.get(f"{client.server.issuer}/me", headers=headers)
    client.server.answer_api_with(None)
    there = client.server.http.get(f"{client.server.issuer}/me", headers=headers)

    assert [away.status_code, there.status_code] == [503, 200]
    figures = client.server.figures()
    assert (figures["userinfo"], figures["userinfoTurnedAway"], figures["userinfoRefused"]) == (2, 1, 0)
    ((used_at, age_s),) = client.server.uses()
    assert 0 <= age_s < 60
    assert abs(used_at - time.time()) < 60


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
async def test_with_a_file_it_remembers_clients_tokens_and_figures_and_a_reuse_over_a_restart(
    tmp_path, signum
):
    with running_oauth_server(tmp_path / "state.jsonl") as server:
        client = server.register()
        client.redirect_to(RETURN)
        first = await tokens_of(client)
        second = refreshed(client, first).json()
        issuer, figures = server.issuer, server.figures()
        register(*server.issued())

        server.end(signum)
        server.start()

        assert (server.issuer, server.figures()) == (issuer, figures)
        third = refreshed(client, second)
        reuse = refreshed(client, first)
        after = refreshed(client, third.json())
        register(*server.issued())

        assert [answer.status_code for answer in (third, reuse, after)] == [200, 400, 400]
        figures = server.figures()
        assert (figures["refreshed"], figures["reused"], figures["grantsRevoked"]) == (2, 1, 1)


async def test_one_refresh_token_in_two_requests_at_once_is_a_reuse_too(client: Client):
    first = await tokens_of(client)

    await asyncio.gather(*(asyncio.to_thread(refreshed, client, first) for _ in range(8)))

    assert client.server.figures()["reused"] >= 1


def test_the_lock_file_pins_every_package_by_hash_and_names_no_registry():
    lock = json.loads((Path(__file__).parent / "oauth_server" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
