"""O13: a device code is polled no sooner than the provider allows, and shown to whoever began alone (RFC 8628)."""

from __future__ import annotations

from itertools import pairwise

import httpx
import pytest

from tests.canary import secret
from tests.journeys.plans import Plan

DEVICE = Plan("device", "main", mode="LIVE")
PENDING, SLOW_DOWN, OUTAGE = "authorization_pending", "slow_down", "503"
CODE = """query ($id: ID!) {authorization(id: $id) {
  state problem {code} step {... on DeviceCodeStep {userCode verificationUrl}}}}"""
GAPS = 400


class Device:
    """The part of a provider that hands out device codes; ``answers`` are what the token endpoint says in turn."""

    def __init__(self, scene, answers, **told):
        self.clock = scene.clock
        self.answers = list(answers)
        self.polled_at: list[float] = []
        self.code = secret("device-")
        self.told = {
            "device_code": self.code,
            "user_code": "WDJB-MJHT",
            "verification_uri": "https://api.acme.example/activate",
            "expires_in": 1_800,
            **told,
        }
        scene.provider.instead["/device"] = lambda request: httpx.Response(200, json=self.told)
        scene.provider.instead["/token"] = self.token

    def token(self, request):
        self.polled_at.append(self.clock.monotonic())
        answer = self.answers.pop(0)
        if answer == OUTAGE:
            return httpx.Response(503)
        if answer == "ok":
            body = {"access_token": secret("access-"), "token_type": "Bearer", "expires_in": 3600}
            return httpx.Response(200, json=body)
        return httpx.Response(400, json={"error": answer})

    @property
    def gaps(self):
        return [later - earlier for earlier, later in pairwise([0.0, *self.polled_at])]


async def polls_due(scene):
    return await scene.hub.work.find_due(["authorization"], [], 100)


async def to_the_end(scene, journey):
    """Let time pass by the second until the sign-in is over; return it."""
    for _ in range(GAPS * 10):
        with scene.hub.database.bind():
            looked_at = await polls_due(scene)
            for _ in range(2):  # whoever looks again at once is put off
                await scene.hub.dispatcher.drain()
            expired = await scene.hub.browser.expire_due()
        if looked_at or expired:
            now = await journey.authorization_now()
            if now["isFinal"]:
                return now
        scene.clock.advance(1)
    raise AssertionError("it did not end")


@pytest.mark.threat("O13")
@pytest.mark.parametrize(
    ("interval", "least"), [(None, 5), (5, 5), (12, 12), (0, 5), (-3, 5), ("soon", 5), (240, 240)], ids=str
)
async def test_o13_no_two_polls_come_sooner_than_the_interval(scene, interval, least):
    device = Device(scene, [PENDING] * 6 + ["ok"], **({} if interval is None else {"interval": interval}))
    journey = await scene.journey(DEVICE)

    assert (await to_the_end(scene, journey))["state"] == "AUTHENTICATED"
    assert len(device.gaps) == 7
    assert min(device.gaps) >= least
    assert max(device.gaps) <= least + 1


@pytest.mark.threat("O13")
async def test_o13_slow_down_adds_five_seconds_for_good(scene):
    device = Device(
        scene, [PENDING, SLOW_DOWN, PENDING, SLOW_DOWN, SLOW_DOWN, PENDING, PENDING, "ok"], interval=5
    )
    journey = await scene.journey(DEVICE)

    await to_the_end(scene, journey)

    wanted = [5, 5, 10, 10, 15, 20, 20, 20]
    assert all(least <= gap <= least + 1 for gap, least in zip(device.gaps, wanted, strict=True)), device.gaps


@pytest.mark.threat("O13")
async def test_o13_an_outage_makes_it_ask_less_often_and_never_more(scene):
    device = Device(scene, [PENDING, OUTAGE, OUTAGE, PENDING, "ok"], interval=5)
    journey = await scene.journey(DEVICE)

    assert (await to_the_end(scene, journey))["state"] == "AUTHENTICATED"
    assert min(device.gaps) >= 5


@pytest.mark.threat("O13")
@pytest.mark.parametrize(
    ("error", "code"), [("expired_token", "AUTHORIZATION_EXPIRED"), ("access_denied", "CONSENT_DENIED")]
)
async def test_o13_a_refusal_ends_the_polling(scene, error, code):
    device = Device(scene, [PENDING, error], interval=5)
    journey = await scene.journey(DEVICE)

    ended = await to_the_end(scene, journey)
    scene.clock.advance(600)
    with scene.hub.database.bind():
        assert await polls_due(scene) == []

    assert (ended["state"], ended["problem"]["code"]) == ("FAILED", code)
    assert len(device.polled_at) == 2
    assert (await journey.state())[0] == "PENDING_AUTHENTICATION"


@pytest.mark.threat("O13")
async def test_o13_a_code_is_not_polled_beyond_its_life_or_once_it_was_cancelled(scene):
    device = Device(scene, [PENDING] * GAPS, interval=5, expires_in=60)
    journey = await scene.journey(DEVICE)
    ended = await to_the_end(scene, journey)
    assert ended["state"] in {"EXPIRED", "FAILED"}
    assert device.polled_at[-1] <= 60 + 5

    device = Device(scene, [PENDING] * GAPS, interval=5)
    journey = await scene.journey(DEVICE)
    await scene.client.verb("cancelAuthorization", authorizationId=journey.authorization["id"])
    scene.clock.advance(60)
    with scene.hub.database.bind():
        await scene.hub.dispatcher.drain()
        assert await polls_due(scene) == []
    assert device.polled_at == []


@pytest.mark.threat("O13")
async def test_o13_the_code_is_shown_to_those_who_may_see_the_sign_in_and_the_device_code_to_nobody(scene):
    device = Device(scene, [PENDING], interval=5)
    journey = await scene.journey(DEVICE)
    asked = {"query": CODE, "variables": {"id": journey.authorization["id"]}}
    address = f"{scene.client.address}/graphql"

    shown = await scene.client.http.post(address, json=asked)
    async with scene.browser() as stranger:
        hidden = await stranger.post(
            address, httpx.Request("POST", address, json=asked).content, "application/json"
        )

    assert shown.json()["data"]["authorization"]["step"]["userCode"] == "WDJB-MJHT"
    assert device.code not in shown.text
    assert "WDJB-MJHT" not in hidden.text
