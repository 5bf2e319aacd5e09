"""What is sent outside as a secret is known to the redactor of the logs before it is sent."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qs

from app.foundation.secret import Secret
from tests.canary import secret


async def test_what_a_sign_in_sends_is_kept_out_of_the_logs(world):
    address = await world.at_provider(await world.begin(await world.draft()))
    known = []

    async def look(request):
        client = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        sent = [client.partition(":")[2], parse_qs(request.content.decode())["code"][0]]
        known.append([value in world.hub.secrets.redact(f"sent {value}") for value in sent])
        world.outside.instead = None
        return await world.outside.handle_async_request(request)

    world.outside.instead = look
    await world.come_back(address)
    assert known == [[False, False]]


async def test_what_a_call_sends_is_kept_out_of_the_logs(world):
    config = {"baseUrl": "https://api.example.com", "testPath": "/me"}
    connection = await world.draft("generic-http", config)
    begun, key = await world.begin(connection, "bearer"), secret("key-")
    await world.hub.authorizations.submit_credentials(world.actor, begun.id, {"token": Secret(key)})
    assert key in world.hub.secrets.redact(f"sent {key}")  # nothing was sent yet
    await world.tested(connection)
    assert any(key in request.headers.get("authorization", "") for request in world.outside.requests)
    assert key not in world.hub.secrets.redact(f"sent {key}")
