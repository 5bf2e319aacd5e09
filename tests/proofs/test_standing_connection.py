"""A connection stays CONNECTED to a strict OAuth server that we did not write, whatever happens around it.

The server (npm ``oidc-provider``) gives tokens for five seconds and refresh tokens for one use: a second use revokes
the whole grant, for ever, without any grace. Meanwhile people test and refresh the connection at the same time, the
server answers 503, ends and is killed, and so do the hub's processes. The server remembers everything over restarts.

What cannot be: between the server's answer and the moment at which it is sealed, a new refresh token exists in the
hub's memory alone. A hub that is killed just then has lost it, with any server that has no grace; it says so and a
person must sign in again (``test_kill_renewal`` proves that). So here kill -9 comes, to the hub or to the server, while
the server works on no token call and the hub has sealed its last answer: token calls wait at the server's door, unseen,
and those of a killed hub are dropped there. Some kills wait until a call stands at that door, so that a hub dies with a
renewal under way. SIGTERM comes at any moment, also while a call is under way whose answer comes only after it.

By default a seeded sample on the embedded arrangement; with PATCHBAY_PROOFS=full ten minutes on both.
"""

from __future__ import annotations

import os
import time
from asyncio import sleep
from contextlib import AsyncExitStack
from itertools import pairwise
from random import Random

import pytest

from tests.canary import register
from tests.fakes.oauth_server import running_oauth_server
from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, SCALED, HubProcess, settings_of
from tests.journeys.journey import Journey
from tests.journeys.plans import Plan
from tests.proofs.disturbing import OF_THE_HUB, OF_THE_PROVIDER, Disturber
from tests.proofs.standing import GOOD, Memory, Users, Witness, counted

IS_FULL = os.environ.get("PATCHBAY_PROOFS") == "full"
SEED = 20260101
DURATION_S = 600.0
CALM_FOR_HUBS = 0.55
"""After this share of the time nobody restarts the hub any more, so that its memory can be looked at."""
TOKEN_S = 5
USE_MARGIN_S = TOKEN_S / 4
ON_THE_WAY_S = 0.4
"""How long a request may be on its way from the hub's look at the token's age to the server's; one in 100 more."""
GROWTH = 1.10
PLAN = Plan("generic-oauth2", "oauth", mode="LIVE", needs_config=True)
SAMPLE = (
    Disturber.tokens_away,
    Disturber.hub_killed,
    Disturber.api_away,
    Disturber.provider_restarted,
    Disturber.hub_restarted_over_a_call,
)
pytestmark = [pytest.mark.proof, pytest.mark.node]


def hubs_of(arrangement, folder, stack):
    """Return one hub, or two hosts of one hub: a web process each, and one worker."""
    settings = stack.enter_context(settings_of(arrangement, folder))
    hubs = []
    for name in ("one", "two") if arrangement == SCALED else ("one",):
        own = folder / name
        own.mkdir()
        workers = 1 if arrangement == SCALED and name == "one" else 0
        hubs.append(HubProcess(own, settings, workers=workers))
        hubs[-1].settings["PATCHBAY_PUBLIC_URL"] = hubs[0].address
        stack.callback(hubs[-1].kill)
    return hubs


async def connected(client, server):
    """Register the hub at the server and make the connection, as a person does."""
    registered = server.register()
    register(registered.secret)
    saved = await client.verb(
        "saveApplication",
        integration=PLAN.integration,
        clientId=registered.id,
        clientSecret=registered.secret,
        origins=[server.config["tokenUrl"]],
    )
    registered.redirect_to(saved["application"]["redirectUri"])
    journey = Journey(client, PLAN.but(config=server.config))
    await journey.to_connected()
    return journey


async def storm(disturber, chance):
    """Disturb one thing after the other, with quiet between; return since when nobody restarts the hub any more."""
    if not IS_FULL:
        for act in chance.sample(SAMPLE, len(SAMPLE)):
            await sleep(chance.uniform(1, 2))
            await disturber.disturb(act)
        return time.time()
    began = time.time()
    calm_at, acts = None, []
    while time.time() < began + DURATION_S:
        if calm_at is None and time.time() >= began + DURATION_S * CALM_FOR_HUBS:
            calm_at, acts = time.time(), []
        if not acts:
            kinds = [*OF_THE_PROVIDER, *(OF_THE_HUB if calm_at is None else ())]
            acts = chance.sample(kinds, len(kinds))
        await sleep(chance.uniform(5, 12))
        await disturber.disturb(acts.pop())
    return calm_at


@pytest.mark.timeout(DURATION_S + 300 if IS_FULL else 180)
@pytest.mark.parametrize(
    "arrangement",
    [EMBEDDED, pytest.param(SCALED, marks=pytest.mark.scaled)] if IS_FULL else [EMBEDDED],
)
async def test_a_connection_stands_through_use_restarts_and_outages(arrangement, tmp_path, record_property):
    chance = Random(SEED)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(
            running_oauth_server(tmp_path / "server.jsonl", OAUTH_SERVER_ACCESS_S=str(TOKEN_S))
        )
        hubs = hubs_of(arrangement, tmp_path, stack)
        for hub in hubs:
            hub.start()
        token = hubs[0].token
        clients = [await stack.enter_async_context(Client(hub.address, token)) for hub in hubs]
        journey = await connected(clients[0], server)
        witness, memory = Witness(journey.id, clients), Memory(hubs)
        users = Users(journey.id, clients, SEED)
        disturber = Disturber(hubs, server, witness, users, chance, longest_s=6 if IS_FULL else 1.5)
        async with witness.watching(), memory.looked_at(), users.at_work(testers=4, refreshers=3):
            calm_at = await storm(disturber, chance)
            await sleep(3)
        async with witness.watching():
            last = [await users.use(what, chance) for what in ("refreshCredentials", "testConnection")]
            await witness.until_generation(1 + server.figures()["refreshed"])
        state = await journey.state()
        growth, figures, uses_seen = memory.growth(calm_at), server.figures(), server.uses()
        register(*server.issued()[-3:])
        ends = [hub.terminate() for hub in hubs]
        verified = hubs[0].command("audit", "verify")

    renewed = witness.of("CREDENTIALS_RENEWED")
    transitions = [
        fact for fact in witness.of("CONNECTION_STATE_CHANGED") if fact.at > disturber.windows[0].began
    ]
    failed = witness.of("CREDENTIALS_RENEWAL_FAILED")
    gaps = [next_.at - one.at for one, next_ in pairwise(renewed) if not disturber.excuses(one.at, next_.at)]
    ages = sorted(age_s for at, age_s in uses_seen if not disturber.excuses(at, at))
    on_time = [age_s for age_s in ages if age_s <= TOKEN_S - USE_MARGIN_S + ON_THE_WAY_S]
    report = {
        "uses": len(users.uses),
        "outcomes": counted(users.uses),
        "unexcused uses": [
            use for use in users.uses if not (use.is_good or disturber.excuses(use.began, use.ended))
        ],
        "unexcused moves": [
            fact for fact in [*transitions, *failed] if not disturber.excuses(fact.at, fact.at)
        ],
        "renewals": len(renewed),
        "longest between renewals in quiet": max(gaps, default=0),
        "late uses": (len(ages) - len(on_time), len(ages), ages[-1]),
        "disturbances": disturber.counts,
        "longest": disturber.longest,
        "server": figures,
        "MiB": {pid: [round(size, 1) for size in sizes] for pid, sizes in growth.items()},
        "cut off": witness.was_cut_off,
        "load": os.getloadavg(),
    }
    print(f"\n{arrangement}: {report}")
    record_property("report", report)

    # The server has never seen anything wrong, and everything it gave was sealed, one generation after the other.
    assert (figures["reused"], figures["grantsRevoked"], figures["revoked"], figures["refused"]) == (
        0,
        0,
        0,
        0,
    )
    assert figures["codesExchanged"] == 1
    assert [fact.data["generation"] for fact in renewed] == list(range(2, figures["refreshed"] + 2))
    # Nobody had to sign in again; what was DEGRADED was so because of a disturbance, and only for as long.
    assert [use.outcome for use in last] == [GOOD, GOOD]
    assert state == ("CONNECTED", None)
    assert {fact.data["to"] for fact in transitions} <= {"CONNECTED", "DEGRADED"}
    assert report["unexcused moves"] == []
    # Every use succeeds but those that a disturbance met.
    assert report["unexcused uses"] == []
    assert sum(use.is_good for use in users.uses) > len(users.uses) / 3
    # Tokens are renewed before they run out, and none is sent within the margin before that.
    assert max(gaps, default=0) < TOKEN_S
    assert len(on_time) >= len(ages) * 0.99
    # One may run out on its way to a server that is just starting again: the hub renews and repeats, nobody notices.
    assert ages[-1] < TOKEN_S
    assert figures["userinfoRefused"] <= figures["userinfo"] * 0.01
    # The hub has no fault to tell, ends as it should, and its memory stays what it was.
    assert {code for codes in ends for code in codes} == {0}
    assert verified.returncode == 0, verified.stdout
    assert [line for hub in hubs for line in hub.faults_logged] == []
    if IS_FULL:
        assert len(growth) == sum(len(codes) for codes in ends)
        assert all(after <= before * GROWTH for before, after in growth.values()), growth
