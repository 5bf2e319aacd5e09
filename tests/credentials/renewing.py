"""Short words for tests about renewal: who renews, and what the outside answers meanwhile."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx

from app.access.actor import Actor
from app.credentials.models import CredentialRecord, RenewalAttemptRecord
from app.work.models import DueWorkRecord


async def renew(world, connection, generation=1, *, at_once=False):
    actor = Actor.system(world.actor.workspace_id, "renewal", "req_system")
    await world.hub.renewal.renew(actor, connection.id, generation, at_once=at_once)


@asynccontextmanager
async def outside(world, answer):
    world.outside.instead = answer
    yield
    world.outside.instead = None


def answering(status, body, calls=None):
    async def answer(request):
        if calls is not None:
            calls.append(request)
        return httpx.Response(status, json=body)

    return answer


def raising(fault):
    async def answer(request):
        raise fault

    return answer


async def credential_of(connection):
    return await CredentialRecord.get(connection_id=connection.id)


async def taken(connection, owner="a worker that was killed", until=None):
    """Let somebody else have the renewal of a connection; ``until`` its lease runs out, which is now unless stated."""
    row = await DueWorkRecord.get(id=f"renewal:{connection.id}")
    row.lease_owner, row.lease_until, row.fence = owner, until or row.created_at, row.fence + 1
    await row.save()


async def interrupted(world, connection):
    """Leave behind what a worker leaves that is killed while the provider is asked."""
    await RenewalAttemptRecord.create(
        id="ren_interrupted",
        workspace_id=connection.workspace_id,
        connection_id=connection.id,
        generation=1,
        started_at=world.clock.now(),
    )
    await taken(connection)
