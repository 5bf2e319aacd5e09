"""Short words for tests about renewal: who renews, and what the outside answers meanwhile."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx

from app.access.actor import Actor
from app.credentials.models import CredentialRecord


def system(world):
    return Actor.system(world.actor.workspace_id, "renewal", "req_system")


async def renew(world, connection, generation=1, *, at_once=False):
    await world.hub.renewal.renew(system(world), connection.id, generation, at_once=at_once)


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
