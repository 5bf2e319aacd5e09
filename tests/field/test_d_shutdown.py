"""D7: SIGTERM ends a hub at once, whatever is open: websockets, streams, half a request, a test run, a renewal."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import ExitStack

import httpx
import pytest
import websockets

from app.server import GRACE_S, LIMIT_S
from tests.fakes.redis_server import running_redis
from tests.field.forwarding import Gate, forwarding
from tests.field.open_scene import Open, ended, everything_open, post, switch
from tests.journeys import documents
from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, ROOT, SCALED, HubProcess, free_port, fresh_hub
from tests.journeys.journey import Journey
from tests.journeys.plans import SALESFORCE

BOTH = [EMBEDDED, pytest.param(SCALED, marks=pytest.mark.scaled)]
TOO_LONG_S = (
    8.0  # the limit is below two seconds; a busy machine may take longer to notice that a process is gone
)


@pytest.fixture(params=BOTH)
def own_hub(request, tmp_path):
    with ExitStack() as stack:
        changes = {}
        if (
            request.param == SCALED
        ):  # its own Redis: the sandbox's switches are there, for every hub that shares it
            changes["PATCHBAY_REDIS_URL"] = stack.enter_context(running_redis(tmp_path)).url
        yield stack.enter_context(fresh_hub(request.param, tmp_path, **changes))


async def stream_to_its_end(response: httpx.Response) -> bytes:
    return b"".join([chunk async for chunk in response.aiter_raw()])


async def test_d7_everything_open_ends_within_the_limit_and_the_next_start_goes_on(own_hub: HubProcess):
    """D7: a websocket, a stream, half a body, half a head, a running test and a renewal whose provider is slow."""
    own_hub.start()
    async with Client(own_hub.address, own_hub.token) as client:
        journey = Journey(client, SALESFORCE)
        await journey.to_connected()
        async with everything_open(own_hub, client, journey) as scene:
            codes, took_s = await ended(own_hub)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await scene.events.until(lambda _: False)
            assert closed.value.rcvd.code == 1012
            assert b"event: complete" not in await stream_to_its_end(scene.stream)
            cut_off = await scene.refreshing

    assert set(codes) == {0}
    assert took_s < TOO_LONG_S
    assert "Traceback" not in own_hub.log
    assert own_hub.faults_logged == []
    for half in (scene.half_body, scene.half_form):
        assert (await half.rest()).startswith(b"HTTP/1.1 503")
    assert (await scene.half_head.rest(), (await scene.idle.rest()).count(b"HTTP/1.1")) == (b"", 0)
    if (
        cut_off.status_code == 200
    ):  # the sandbox, which is the hub's own, was closed before the renewal reached it
        (told,) = cut_off.json()["data"]["refreshCredentials"]["userErrors"]
        assert told["retryable"], told
    else:
        assert (cut_off.status_code, cut_off.headers["retry-after"]) == (503, "1")

    own_hub.start()
    switch(own_hub)
    async with Client(own_hub.address, own_hub.token) as client:
        journey.client = client
        for _ in range(
            100
        ):  # a renewal that was cut off is found and asked again; which one it was is the provider's
            if (await journey.state())[0] != "DEGRADED" and (await journey.tested())["verdict"] == "PASSED":
                break
            await asyncio.sleep(0.2)
        assert await journey.state() == ("CONNECTED", None)
    assert set(own_hub.terminate()) == {0}


@pytest.mark.scaled
async def test_d7_a_provider_that_never_answers_holds_no_process(tmp_path):
    """D7: a renewal and a test run whose requests are out; both are found again at the next start."""
    port, gate = free_port(), Gate(is_open=True)
    with fresh_hub(SCALED, tmp_path, PATCHBAY_PUBLIC_URL=f"http://127.0.0.1:{port}") as hub:
        async with forwarding(port, hub.port, gate):  # with it, the sandbox falls silent
            hub.start()
            async with Client(hub.address, hub.token) as client:
                journey = Journey(client, SALESFORCE)
                await journey.to_connected()
                gate.shut()
                run = await journey.test()
                async with client.follow(documents.PROGRESS, runId=run["id"]) as progress:
                    await progress.until(lambda data: data["testProgress"]["step"]["kind"] == "CREDENTIALS")
                    refresh = {"input": {"connectionId": journey.id}}
                    body = {"query": documents.VERBS["refreshCredentials"], "variables": refresh}
                    refreshing = asyncio.create_task(client.http.post(f"{hub.address}/graphql", json=body))
                    while gate.held < 2:  # the request of the run, and that of the renewal
                        await asyncio.sleep(0.02)
                    codes, took_s = await ended(hub)
                    cut_off = await refreshing
                    assert (cut_off.status_code, cut_off.headers["retry-after"]) == (503, "1")
            assert set(codes) == {0}
            assert took_s < TOO_LONG_S
            assert "Traceback" not in hub.log
            assert hub.faults_logged == []

            gate.open()
            hub.start()
            async with Client(hub.address, hub.token) as client:
                journey.client = client
                for _ in range(100):
                    if (await journey.tested())["verdict"] == "PASSED":
                        break
                    await asyncio.sleep(0.2)
                assert await journey.state() == ("CONNECTED", None)
            assert set(hub.terminate()) == {0}


async def test_d7_an_idle_hub_is_gone_at_once(own_hub: HubProcess):
    own_hub.start()
    codes, took_s = await ended(own_hub)
    assert set(codes) == {0}
    assert took_s < TOO_LONG_S
    assert "is cut off" not in own_hub.log
    assert own_hub.faults_logged == []


async def test_d7_who_reads_nothing_is_not_waited_for(own_hub: HubProcess):
    """D7: answers that pile up in front of a client that takes none of them."""
    own_hub.start()
    body = json.dumps({"query": "{ __schema { types { name description fields { name description } } } }"})
    request = "\r\n".join([*post(own_hub, "/graphql", len(body), "Content-Type: application/json"), "", body])
    deaf = await Open.with_sent(own_hub, request * 60)
    await deaf.until(b"\r\n\r\n")
    codes, took_s = await ended(own_hub)
    await deaf.rest()
    assert set(codes) == {0}
    assert took_s < TOO_LONG_S
    assert "Traceback" not in own_hub.log


@pytest.mark.scaled
async def test_d7_a_start_that_waits_is_ended_too(tmp_path):
    """D7: SIGTERM while the database is not there yet."""
    with fresh_hub(SCALED, tmp_path) as hub:
        hub.settings["PATCHBAY_DATABASE_URL"] = "postgres://hub@127.0.0.1:1/hub"
        hub.spawn()
        await hub.has_said("still waiting for PostgreSQL at 127.0.0.1:1", count=2)
        codes, took_s = await ended(hub)
        assert (codes, "Traceback" in hub.log) == ([0, 0], False)
        assert took_s < TOO_LONG_S


STUCK = """
import asyncio, sys, time
from app.server import run

async def main(shutdown):
    shutdown.is_started()
    print("started", flush=True)
    await shutdown.begun.wait()
    await asyncio.to_thread(time.sleep, 300)

run(main)
"""


def test_d7_what_does_not_end_is_cut_off_with_exit_code_0():
    """D7: a thread that hangs (a name server that does not answer, say) holds no process."""
    assert GRACE_S < LIMIT_S < 2
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", STUCK],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in out + err
    assert "is cut off" in out + err
