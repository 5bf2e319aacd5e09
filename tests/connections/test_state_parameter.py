"""The state binds a callback to one authorization, and is used up before anything is asked outside (RFC 6749 10.12)."""

from __future__ import annotations

import pytest

from app.authenticators.steps import AccountChoiceStep
from app.connections.models import AuthorizationRecord
from app.connections.snapshot import AuthorizationStateName as State
from app.foundation.errors import NotAllowedNowError
from app.foundation.problems import ProblemCode
from tests.connections.conftest import BROWSER


@pytest.mark.threat("O2")
async def test_a_callback_of_another_authorization_completes_none(world):
    ours, theirs = await world.begin(await world.draft()), await world.begin(await world.draft())
    await world.at_provider(ours)
    address = await world.at_provider(theirs)
    with pytest.raises(NotAllowedNowError) as refusal:
        await world.hub.authorizations.complete(world.actor, ours.id, address, BROWSER)
    assert refusal.value.problem.code is ProblemCode.AUTHORIZATION_REPLAYED
    assert world.token_calls() == []
    for authorization in (ours, theirs):
        standing = await world.authorization(authorization.id)
        assert standing.state is State.AWAITING_USER
    done = await world.hub.authorizations.complete(world.actor, theirs.id, address, BROWSER)
    assert done.state is State.AUTHENTICATED


@pytest.mark.threat("O8")
async def test_an_address_is_used_up_although_the_authorization_goes_on(world):
    begun = await world.begin(await world.draft("xero"))
    address = await world.at_provider(begun)
    choice = (await world.come_back(address)).authorization
    assert isinstance(choice.step, AccountChoiceStep)
    asked = len(world.outside.requests)
    assert (await world.come_back(address)).problem.code is ProblemCode.AUTHORIZATION_REPLAYED
    with pytest.raises(NotAllowedNowError):
        await world.hub.authorizations.complete(world.actor, begun.id, address, BROWSER)
    assert len(world.outside.requests) == asked
    assert await world.authorization(begun.id) == choice


async def test_the_state_is_gone_by_the_time_the_token_is_asked_for(world):
    begun = await world.begin(await world.draft())
    address = await world.at_provider(begun)
    seen = []

    async def look(request):
        row = await AuthorizationRecord.get(id=begun.id)
        seen.append((row.state_hash, row.consumed_at, row.state))
        world.outside.instead = None
        return await world.outside.handle_async_request(request)

    world.outside.instead = look
    await world.come_back(address)
    assert seen == [(None, world.clock.now(), State.EXCHANGING.value)]
