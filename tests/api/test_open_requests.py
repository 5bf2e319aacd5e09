"""Open requests end with the process: streams at once, everything else when all are ended; a cancellation stays one."""

from __future__ import annotations

import asyncio

import pytest

from app.api.open_requests import OpenRequests

BODY = {"type": "http.request", "body": b"{}", "more_body": False}
HALF = {"type": "http.request", "body": b"{", "more_body": True}


class Client:
    """What a client has sent; it never goes by itself."""

    def __init__(self, *messages):
        self._messages = list(messages)

    async def receive(self):
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)


async def begun(requests, client, seen):
    """Begin a request that reads until its client is gone; return its task once it waits."""

    async def serve():
        with requests.opened(client.receive) as request:
            while True:
                message = await request.receive()
                seen.append(message["type"])
                if message["type"] == "http.disconnect":
                    break
        seen.append("cut" if request.is_cut else "ended")

    task = asyncio.create_task(serve())
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_a_stream_ends_at_once():
    requests, seen = OpenRequests(), []
    task = await begun(requests, Client(BODY), seen)
    requests.end_streams()
    await task
    assert seen == ["http.request", "http.disconnect", "ended"]


async def test_a_stream_that_begins_during_the_end_ends_at_once():
    requests, seen = OpenRequests(), []
    requests.end_streams()
    await (await begun(requests, Client(BODY), seen))
    assert seen == ["http.request", "http.disconnect", "ended"]


async def test_half_a_body_is_waited_for_until_all_are_ended():
    requests, seen = OpenRequests(), []
    task = await begun(requests, Client(HALF), seen)
    requests.end_streams()
    await asyncio.sleep(0)
    assert not task.done()
    requests.end_all()
    await task
    assert seen == ["http.request", "cut"]


async def test_a_request_that_waits_for_something_else_is_cut():
    requests = OpenRequests()

    async def serve():
        with requests.opened(Client(BODY).receive) as request:
            await request.receive()
            await asyncio.Event().wait()
        return request.is_cut

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    requests.end_streams()
    requests.end_all()
    assert await task


@pytest.mark.parametrize("is_ending", [False, True])
async def test_what_cancels_a_request_for_another_reason_cancels_it(is_ending):
    requests, seen = OpenRequests(), []
    if is_ending:
        requests.end_streams()
    task = await begun(requests, Client(HALF), seen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["http.request"]


async def test_requests_that_have_ended_are_forgotten():
    requests, seen = OpenRequests(), []
    requests.end_streams()
    await (await begun(requests, Client(BODY), seen))
    requests.end_all()
    assert not asyncio.current_task().cancelling()


async def test_a_request_inside_another_one_of_the_same_task_leaves_that_open():
    requests = OpenRequests()
    with requests.opened(Client(BODY).receive) as outer:
        with requests.opened(Client(BODY).receive):
            pass
        await outer.receive()
        requests.end_streams()
        assert (await outer.receive())["type"] == "http.disconnect"
