from __future__ import annotations

import asyncio

import pytest

from app.event_stream.event import EventType, NewEvent
from app.event_stream.stream import EventStream

SLOW_S = 30.0


@pytest.fixture
async def stream(database, wakeups):
    """Return a stream whose timer is out of the picture: what arrives was woken."""
    stream = EventStream(database, wakeups, poll_s=SLOW_S, ring_size=8)
    yield stream
    await stream.close()


@pytest.fixture
def happen(database, stream, actor):
    """Return what makes events true, one transaction for all."""

    async def happen(*subject_ids, type_=EventType.CONNECTION_UPDATED, by=actor, using=stream):
        async with database.transaction() as tx:
            for subject_id in subject_ids:
                using.outbox.announce(
                    tx, NewEvent.by(by, type_, ("connection", subject_id), connection_id=subject_id)
                )

    return happen


@pytest.fixture
async def following():
    """Return what opens a follower; the follower gives one message at a time, or times out."""
    open_ones = []

    def follow(stream, *args, **kwargs):
        follower = stream.follow(*args, **kwargs)
        open_ones.append(follower)

        async def message():
            async with asyncio.timeout(10):
                return await anext(follower)

        return message

    yield follow
    for follower in open_ones:
        await follower.aclose()


def subjects(message):
    return [event.subject.id for event in message.events]
