"""O15: a disconnected connection is dead here at once, and at the provider as soon as it answers (RFC 7009)."""

from __future__ import annotations

import httpx
import pytest

from app.credentials.models import CredentialRecord
from app.foundation.errors import NotAllowedNowError, NotFoundError
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose
from tests.hubs import open_credentials, owner
from tests.threats.provider import CLIENT_ID, client_of, form_of
from tests.threats.scene import AUTH, PLAN

DISCONNECT = """mutation ($input: DisconnectInput!) {disconnect(input: $input) {
  connection {status {state}} revocation {id state revoked alive} userErrors {code}}}"""
DELETE = """mutation ($input: DeleteConnectionInput!) {deleteConnection(input: $input) {
  revocation {id state revoked alive} userErrors {code}}}"""
NODE = "query ($id: ID!) {node(id: $id) {... on Revocation {state attempts revoked alive finishedAt}}}"
HOUR_S = 3_600


def down(request):
    return httpx.Response(503, headers={"Retry-After": "30"})


@pytest.fixture
async def connected(scene):
    """Return a connection that is signed in, and what is remembered of its tokens."""
    async with scene.browser() as browser:
        journey = await scene.journey(PLAN)
        await browser.open(journey.authorization["step"]["launchUrl"])
    assert (await journey.state())[0] == "AUTHENTICATED"
    return journey


async def given_up(scene, journey, document=DISCONNECT):
    payload = await scene.client.ask(document, input={"connectionId": journey.id})
    ((_, said),) = payload.items()
    assert said["userErrors"] == []
    return said["revocation"]


async def revocation(scene, id_):
    return (await scene.client.ask(NODE, id=id_))["node"]


def tokens_revoked(scene):
    return [form_of(request) for request in scene.provider.asked if request.url.path == "/revoke"]


@pytest.mark.threat("O15")
@pytest.mark.parametrize("document", [DISCONNECT, DELETE], ids=["disconnect", "delete"])
async def test_o15_what_was_given_up_opens_for_no_use_at_once_although_the_provider_is_away(
    scene, connected, document
):
    scene.provider.instead["/revoke"] = down

    taken = await given_up(scene, connected, document)

    assert taken["state"] == "PENDING"
    with scene.hub.database.bind():
        actor = await owner(scene.hub)
        for purpose in RevealPurpose:
            with pytest.raises((NotAllowedNowError, NotFoundError)):
                await open_credentials(scene.hub, actor, connected.id, purpose)
        assert await SealedRecord.filter(owner_row=connected.id).count() == 0
        assert await CredentialRecord.filter(connection_id=connected.id, generation__gt=0).count() == 0
    calls = len(scene.provider.token_calls)
    if document is DISCONNECT:
        for verb in ("refreshCredentials", "testConnection", "activateConnection"):
            assert await scene.client.refused(verb, connectionId=connected.id)
    assert len(scene.provider.token_calls) == calls


@pytest.mark.threat("O15")
async def test_o15_an_outage_is_tried_again_until_the_provider_answers(scene, connected):
    scene.provider.instead["/revoke"] = down
    id_ = (await given_up(scene, connected))["id"]
    await scene.revoke_due()
    first = await revocation(scene, id_)
    for _ in range(3):
        scene.clock.advance(HOUR_S)
        await scene.revoke_due()
    later = await revocation(scene, id_)

    assert (first["state"], first["attempts"], first["finishedAt"]) == ("PENDING", 1, None)
    assert (later["state"], later["attempts"]) == ("PENDING", 4)

    del scene.provider.instead["/revoke"]
    scene.provider.asked.clear()
    scene.clock.advance(HOUR_S)
    await scene.revoke_due()

    done = await revocation(scene, id_)
    assert (done["state"], sorted(done["revoked"]), done["alive"]) == (
        "REVOKED",
        ["accessToken", "refreshToken"],
        [],
    )
    assert [form["token_type_hint"] for form in tokens_revoked(scene)] == ["refresh_token", "access_token"]
    assert {client_of(request) for request in scene.provider.asked} == {
        (CLIENT_ID, scene.provider.client_secret)
    }
    assert {request.url.host for request in scene.provider.asked} == {AUTH}
    with scene.hub.database.bind():
        assert await SealedRecord.filter(owner_row=id_).count() == 0


@pytest.mark.threat("O15")
async def test_o15_retry_after_is_honoured(scene, connected):
    scene.provider.instead["/revoke"] = lambda request: httpx.Response(503, headers={"Retry-After": "900"})
    await given_up(scene, connected)
    await scene.revoke_due()
    asked = len(scene.provider.asked)
    scene.clock.advance(880)
    await scene.revoke_due()
    assert len(scene.provider.asked) == asked

    scene.clock.advance(60)
    await scene.revoke_due()
    assert len(scene.provider.asked) == asked + 1


@pytest.mark.threat("O15")
@pytest.mark.parametrize(
    ("answer", "state", "alive"),
    [
        (httpx.Response(200), "REVOKED", []),
        (httpx.Response(400, json={"error": "invalid_token"}), "REVOKED", []),
        (
            httpx.Response(400, json={"error": "unsupported_token_type"}),
            "REFUSED",
            ["accessToken", "refreshToken"],
        ),
        (httpx.Response(404), "REFUSED", ["accessToken", "refreshToken"]),
    ],
    ids=["200", "already dead", "unsupported type", "no such address"],
)
async def test_o15_what_the_provider_does_not_revoke_is_said_to_live_on(
    scene, connected, answer, state, alive
):
    scene.provider.instead["/revoke"] = lambda request: answer
    id_ = (await given_up(scene, connected))["id"]
    await scene.revoke_due()

    done = await revocation(scene, id_)
    assert (done["state"], sorted(done["alive"])) == (state, alive)
    assert done["finishedAt"] is not None
