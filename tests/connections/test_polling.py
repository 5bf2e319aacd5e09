"""A device code is polled no sooner than the provider allows, and its authorization ends by itself (RFC 8628)."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from urllib.parse import parse_qsl

import httpx
import pytest

from app.authenticators.steps import DeviceCodeStep
from app.catalog.catalog import Catalog
from app.catalog.definition import GrantType
from app.catalog.entry import IntegrationEntry
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AuthorizationStateName as State
from app.credentials.snapshot import Mode
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.members.models import MemberRecord
from tests.canary import secret
from tests.connections.conftest import World
from tests.factories.definitions import make_definition, make_oauth2
from tests.hubs import owner, running_hub, settings_for

DEVICE = make_definition(
    make_oauth2(
        grant=GrantType.DEVICE_CODE,
        device_url="https://auth.acme.example/device",
        authorize_url=None,
        pkce=False,
        pkce_reason="no redirect",
    )
)


class Provider:
    """An authorization server that speaks RFC 8628; ``answers`` are what the token endpoint says in turn."""

    def __init__(self, clock):
        self.clock = clock
        self.answers: list[tuple[int, dict]] = []
        self.polled_at: list[float] = []

    async def __call__(self, request):
        if request.url.path == "/device":
            return httpx.Response(
                200,
                json={
                    "device_code": "the-device-code",
                    "user_code": "WDJB-MJHT",
                    "verification_uri": "https://auth.acme.example/activate",
                    "expires_in": 1_800,
                    "interval": 5,
                },
            )
        form = dict(parse_qsl(request.content.decode()))
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"
        assert form["device_code"] == "the-device-code"
        self.polled_at.append(self.clock.monotonic())
        status, body = self.answers.pop(0)
        return httpx.Response(status, json=body)


PENDING = (400, {"error": "authorization_pending"})
SLOW_DOWN = (400, {"error": "slow_down"})
TOKEN = (200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600})


@pytest.fixture
async def device(sqlite_url, tmp_path, clock):
    catalog = Catalog([IntegrationEntry("acme", (DEVICE,))])
    async with running_hub(settings_for(sqlite_url, tmp_path), clock=clock, catalog=catalog) as (
        hub,
        outside,
    ):
        with hub.database.bind():
            world = World(hub, outside, await owner(hub), clock)
            await hub.applications.save(
                world.actor, integration="acme", client_id="c", client_secret=Secret(secret())
            )
            world.provider = outside.instead = Provider(clock)
            yield world


async def begun(device):
    connection = await device.draft("acme", mode=Mode.LIVE)
    return connection, await device.begin(connection, device.hub.catalog.definition("acme").auth[0].id)


async def poll_until_final(device, authorization, step_s=1):
    for _ in range(400):
        await device.work()
        current = await device.authorization(authorization.id)
        if current.is_final:
            return current
        device.clock.advance(step_s)
    raise AssertionError("the authorization did not end")


async def test_the_code_is_shown_and_polling_ends_in_credentials(device):
    connection, authorization = await begun(device)
    assert isinstance(authorization.step, DeviceCodeStep)
    assert authorization.step.user_code == "WDJB-MJHT"
    device.provider.answers = [PENDING, PENDING, TOKEN]
    done = await poll_until_final(device, authorization)
    assert done.state is State.AUTHENTICATED
    assert (await device.reload(connection)).state is ConnectionState.AUTHENTICATED
    gaps = [later - earlier for earlier, later in pairwise(device.provider.polled_at)]
    assert all(gap >= 5 for gap in gaps)


@pytest.mark.threat("O13")
async def test_slow_down_adds_five_seconds_for_good(device):
    _, authorization = await begun(device)
    device.provider.answers = [PENDING, SLOW_DOWN, PENDING, PENDING, TOKEN]
    await poll_until_final(device, authorization)
    at = device.provider.polled_at
    assert [at[n + 1] - at[n] >= bound for n, bound in enumerate([5, 10, 10, 10])] == [True] * 4


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("access_denied", ProblemCode.CONSENT_DENIED),
        ("expired_token", ProblemCode.AUTHORIZATION_EXPIRED),
        ("invalid_client", ProblemCode.APPLICATION_REJECTED),
    ],
)
async def test_a_refusal_ends_the_polling_with_its_problem(device, error, code):
    connection, authorization = await begun(device)
    device.provider.answers = [(400, {"error": error})]
    done = await poll_until_final(device, authorization)
    assert done.state is State.FAILED
    assert done.problem.code is code
    assert (await device.reload(connection)).state is ConnectionState.PENDING_AUTHENTICATION


async def test_an_outage_is_polled_through(device):
    _, authorization = await begun(device)
    device.provider.answers = [(503, {}), PENDING, TOKEN]
    assert (await poll_until_final(device, authorization)).state is State.AUTHENTICATED


async def test_who_left_is_polled_for_no_more(device):
    connection, authorization = await begun(device)
    await MemberRecord.filter(id=device.actor.id).update(left_at=device.clock.now())
    done = await poll_until_final(device, authorization)
    assert (done.state, done.problem.code) == (State.FAILED, ProblemCode.PERMISSION_DENIED)
    assert device.provider.polled_at == []
    assert (await device.reload(connection)).state is ConnectionState.PENDING_AUTHENTICATION


async def test_a_cancelled_authorization_is_polled_no_more(device):
    _, authorization = await begun(device)
    await device.hub.authorizations.cancel(device.actor, authorization.id)
    device.clock.advance(60)
    await device.work()
    assert device.provider.polled_at == []


async def test_states_tell_only_what_changed(device):
    _, authorization = await begun(device)
    device.provider.answers = [PENDING] * 5 + [TOKEN]
    await poll_until_final(device, authorization)
    states = [
        state.state
        async for state in device.hub.authorizations.states(device.actor, authorization_id=authorization.id)
    ]
    assert states == [State.CREATED, State.AWAITING_USER, State.EXCHANGING, State.AUTHENTICATED]


async def test_two_workers_poll_once(device):
    await begun(device)
    device.provider.answers = [PENDING]
    device.clock.advance(6)
    await asyncio.gather(*(device.work() for _ in range(5)))
    assert len(device.provider.polled_at) == 1
