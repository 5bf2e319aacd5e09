"""C3, C7: what whoever can write to the database does to sealed rows is seen, and hurts no other row."""

from __future__ import annotations

import pytest

from app.connections.models import ConnectionRecord
from app.connections.rollback import rolled_back
from app.credentials.models import CredentialRecord
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose
from tests.hubs import open_credentials, owner
from tests.journeys.plans import STRIPE
from tests.threats.scene import PLAN

LIST = """{connections(first: 100) {totalCount nodes {
  id name status {state problem {code}} auth {account {label}} secrets {path isSet hint}}}}"""


async def signed_in(scene):
    async with scene.browser() as browser:
        journey = await scene.journey(PLAN)
        await browser.open(journey.authorization["step"]["launchUrl"])
    return journey


async def verdict(scene):
    """Return what ``patchbay audit verify`` looks at: whether the chains hold, and what was set back."""
    with scene.hub.database.bind():
        reports = await scene.hub.audit.verify()
        return all(report.is_ok for report in reports), await rolled_back(scene.hub.audit, scene.hub.vault)


@pytest.mark.threat("C3")
@pytest.mark.parametrize("whole", [True, False], ids=["with what is stored with it", "the sealed row alone"])
async def test_a_row_that_is_set_back_is_named_by_the_verification(scene, whole):
    journey, other = await signed_in(scene), await signed_in(scene)
    with scene.hub.database.bind():
        old = await SealedRecord.get(owner_row=journey.id).values("sealed", "generation", "data_key_id")
        beside = await CredentialRecord.get(connection_id=journey.id)
    await scene.client.verb("refreshCredentials", connectionId=journey.id)
    assert await verdict(scene) == (True, [])

    with scene.hub.database.bind():
        await SealedRecord.filter(owner_row=journey.id).update(**old)
        if whole:
            await beside.save()
        actor = await owner(scene.hub)
        opened = await open_credentials(scene.hub, actor, journey.id, RevealPurpose.TEST)

    assert opened is not None  # it opens, as it did then: no sealing can prevent that
    chains_hold, found = await verdict(scene)
    assert chains_hold
    assert [(one.connection_id, one.generation, one.recorded_generation) for one in found] == [
        (journey.id, 1, 2)
    ]
    assert other.id not in {one.connection_id for one in found}


@pytest.mark.threat("C3")
async def test_a_sealed_row_that_is_taken_away_is_named_and_one_that_was_given_up_is_not(scene):
    taken, given_up, deleted, again = [await signed_in(scene) for _ in range(4)]
    await scene.client.verb("disconnect", connectionId=given_up.id)
    await scene.client.verb("deleteConnection", connectionId=deleted.id)
    await scene.client.verb("disconnect", connectionId=again.id)
    await again.begin()
    async with scene.browser() as browser:
        await browser.open(again.authorization["step"]["launchUrl"])
    await scene.revoke_due()
    assert await verdict(scene) == (True, [])

    with scene.hub.database.bind():
        await SealedRecord.filter(owner_row=taken.id).delete()

    _, found = await verdict(scene)
    assert [(one.connection_id, one.generation, one.recorded_generation) for one in found] == [
        (taken.id, 0, 1)
    ]


@pytest.mark.threat("C7")
async def test_one_of_a_hundred_rows_that_does_not_open_is_flagged_and_the_list_is_whole(scene):
    journeys = []
    for _ in range(100):
        journey = await scene.journey(STRIPE.but(mode="SANDBOX", config={}))
        await journey.submit(journey.authorization["step"]["prefilled"])
        journeys.append(journey)
    bad = journeys[41]
    with scene.hub.database.bind():
        row = await SealedRecord.get(owner_row=bad.id)
        row.sealed = row.sealed[:-8] + ("A" * 8 if row.sealed[-8:] != "A" * 8 else "B" * 8)
        await row.save()

    untouched = (await scene.client.ask(LIST))["connections"]  # a list opens nothing
    await bad.test()
    with scene.hub.database.bind():
        await scene.hub.dispatcher.drain()
        actor = await owner(scene.hub)
        for journey in journeys:
            if journey is not bad:
                assert await open_credentials(scene.hub, actor, journey.id, RevealPurpose.TEST)
    listed = (await scene.client.ask(LIST))["connections"]

    assert untouched["totalCount"] == listed["totalCount"] == len(listed["nodes"]) == 100
    flagged = [node for node in listed["nodes"] if node["status"]["problem"]]
    assert [(node["id"], node["status"]["problem"]["code"]) for node in flagged] == [
        (bad.id, "CREDENTIAL_UNREADABLE")
    ]
    assert all(secret["isSet"] for node in listed["nodes"] for secret in node["secrets"])
    with scene.hub.database.bind():
        assert await ConnectionRecord.all().count() == 100
