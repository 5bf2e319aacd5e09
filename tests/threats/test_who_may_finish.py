"""O1, O2, O8: a sign-in is finished by the browser that began it, once."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from app.connections.models import AuthorizationRecord, ConnectionRecord
from app.credentials.models import CredentialRecord
from tests.threats.scene import param, told


async def rows_of(scene):
    """Return every row that a sign-in writes to, as it is now."""
    with scene.hub.database.bind():
        return [
            await record.all().order_by(record._meta.pk_attr).values()
            for record in (ConnectionRecord, CredentialRecord, AuthorizationRecord)
        ]


@pytest.mark.threat("O1")
@pytest.mark.parametrize("cookie", ["none", "of another sign-in", "made up"])
async def test_o01_a_flow_finished_in_another_browser_binds_nothing(scene, cookie):
    victim, attacker = scene.browser(), scene.browser()
    async with victim, attacker:
        journey = await scene.journey()
        address = await scene.returning(attacker, journey)
        if cookie == "of another sign-in":
            other = await scene.journey()
            await scene.returning(victim, other)
        elif cookie == "made up":
            victim.cookies.set("patchbay-browser", "x" * 43, domain="127.0.0.1")
        page = await victim.open(address)

    assert told(page) == "BROWSER_MISMATCH"
    await scene.nothing_happened(journey)


@pytest.mark.threat("O1")
async def test_o01_a_return_address_opened_before_any_browser_began_binds_nothing(scene):
    async with scene.browser() as stranger:
        journey = await scene.journey()
        with scene.hub.database.bind():
            row = await AuthorizationRecord.get(id=journey.authorization["id"])
        assert row.browser_hash is None
        application = row.redirect_uri.rsplit("/", 1)[1]
        page = await stranger.open(f"{scene.client.address}/oauth/return/{application}?code=x&state=y")

    assert told(page) == "AUTHORIZATION_REPLAYED"
    await scene.nothing_happened(journey)


@pytest.mark.threat("O1")
async def test_o01_after_an_attack_the_right_browser_cannot_be_tricked_into_finishing(scene):
    async with scene.browser() as mine, scene.browser() as stranger:
        journey = await scene.journey()
        address = await scene.returning(mine, journey)
        assert told(await stranger.open(address)) == "BROWSER_MISMATCH"
        assert told(await mine.open(address)) == "AUTHORIZATION_REPLAYED"

    assert (await journey.authorization_now())["state"] == "FAILED"
    await scene.nothing_happened(journey)


@pytest.mark.threat("O1")
async def test_o01_the_mutation_that_completes_wants_the_browser_too(scene):
    async with scene.browser() as browser:
        journey = await scene.journey()
        address = await scene.returning(browser, journey)
    query = """mutation ($input: CompleteAuthorizationInput!) {
      completeAuthorization(input: $input) {authorization {state} userErrors {code}}}"""
    given = {"authorizationId": journey.authorization["id"], "callbackUrl": address}

    answer = await scene.client.ask(query, input=given)

    assert answer["completeAuthorization"]["authorization"] is None
    assert [fault["code"] for fault in answer["completeAuthorization"]["userErrors"]] == ["BROWSER_MISMATCH"]
    await scene.nothing_happened(journey)


@pytest.mark.threat("O1")
async def test_o01_the_state_has_256_bits_is_new_each_time_and_stands_nowhere_in_the_clear(scene, tmp_path):
    states = set()
    async with scene.browser() as browser:
        for _ in range(3):
            state = param(await scene.returning(browser, await scene.journey()), "state")
            assert len(state) >= 43  # 256 bits in base64url
            states.add(state)
    assert len(states) == 3
    for file in tmp_path.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not any(state.encode() in data for state in states), file


@pytest.mark.threat("O2")
async def test_o02_two_returns_at_once_with_one_state_are_one_token_request(scene):
    async with scene.browser() as browser:
        journey = await scene.journey()
        address = await scene.returning(browser, journey)
        pages = await asyncio.gather(browser.open(address), browser.open(address))

    assert len(scene.provider.token_calls) == 1
    assert sorted(page.status_code for page in pages) == [200, 400]
    assert await journey.state() == ("AUTHENTICATED", None)


@pytest.mark.threat("O2")
async def test_o02_a_state_that_was_given_out_before_is_not_taken_for_a_later_sign_in(scene):
    async with scene.browser() as browser:
        older = await scene.journey()
        fixed = param(await scene.returning(browser, older), "state")
        await scene.client.verb("cancelAuthorization", authorizationId=older.authorization["id"])
        later = await scene.journey()
        address = await scene.returning(browser, later)
        own = param(address, "state")
        page = await browser.open(address.replace(own, fixed))

    assert told(page) == "AUTHORIZATION_REPLAYED"
    await scene.nothing_happened(later)


@pytest.mark.threat("O8")
async def test_o08_a_return_replayed_ten_times_asks_for_nothing_and_changes_nothing(scene):
    async with scene.browser() as browser:
        journey = await scene.journey()
        address = await scene.returning(browser, journey)
        first = await browser.open(address)
        calls, before = len(scene.provider.asked), await rows_of(scene)
        pages = [await browser.open(address) for _ in range(10)]

    assert first.status_code == 200
    assert [told(page) for page in pages] == ["AUTHORIZATION_REPLAYED"] * 10
    assert len({page.text for page in pages}) == 1
    assert len(scene.provider.asked) == calls
    assert len(scene.provider.token_calls) == 1
    assert await rows_of(scene) == before


@pytest.mark.threat("O8")
async def test_o08_a_code_is_used_up_by_the_first_exchange_whatever_came_of_it(scene):
    scene.provider.instead["/token"] = lambda request: httpx.Response(503)
    async with scene.browser() as browser:
        journey = await scene.journey()
        address = await scene.returning(browser, journey)
        failed = await browser.open(address)
        tried = len(scene.provider.token_calls)
        again = await browser.open(address)

    assert told(failed) == "UPSTREAM_UNAVAILABLE"
    assert told(again) == "AUTHORIZATION_REPLAYED"
    assert len(scene.provider.token_calls) == tried
    assert len({call["code"] for call in scene.provider.token_calls}) == 1
