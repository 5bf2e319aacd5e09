"""B12: services that speak OAuth 2.0, reached by ``generic-oauth2`` without a browser: every grant and client proof."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, urlsafe_b64decode
from urllib.parse import parse_qs

import pytest

from app.connection_tests.steps import Verdict
from app.connections.snapshot import ConnectionState
from app.credentials.snapshot import Mode
from tests.foundation.servers import reply, serving

SECRET = "a secret/with=signs that-is-long-enough-to-sign"


def form_of(asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def presented(asked) -> tuple[str, str]:
    """Return the way in which the application proved itself, and with what."""
    form = form_of(asked)
    scheme, _, coded = (asked.header("authorization") or "").partition(" ")
    if scheme == "Basic":
        return "basic", b64decode(coded).decode()
    if "client_assertion" in form:
        signed, _, signature = form["client_assertion"].rpartition(".")
        digest = hmac.digest(SECRET.encode(), signed.encode(), "sha256")
        assert urlsafe_b64decode(f"{signature}==") == digest
        claims = json.loads(urlsafe_b64decode(signed.partition(".")[2] + "=="))
        return "client_secret_jwt", claims["sub"]
    return ("post", form["client_secret"]) if "client_secret" in form else ("none", form["client_id"])


PROOFS = {
    "basic": ("basic", "the+app:a+secret%2Fwith%3Dsigns+that-is-long-enough-to-sign"),
    "basic_raw": ("basic", f"the app:{SECRET}"),
    "post": ("post", SECRET),
    "none": ("none", "the app"),
    "client_secret_jwt": ("client_secret_jwt", "the app"),
}


class Service:
    """An authorization server and an API in one, which answers as its test says."""

    def __init__(self) -> None:
        self.asked = []
        self.pending = 1

    def answer_of(self, asked):
        self.asked.append(asked)
        form = form_of(asked)
        if asked.target == "/device":
            address = "https://login.example.com/device"
            body = {"device_code": "dc", "user_code": "AB-CD", "verification_uri": address, "interval": 1}
            return 200, {**body, "expires_in": 600}
        if asked.target == "/token" and "device_code" in form and self.pending:
            self.pending -= 1
            return 400, {"error": "authorization_pending"}
        if asked.target == "/token":
            return 200, {
                "access_token": "abc",
                "token_type": "Bearer",
                "expires_in": 600,
                "refresh_token": "r",
            }
        return (200, {"sub": "1"}) if asked.header("authorization") == "Bearer abc" else (401, {})

    async def __call__(self, asked, writer):
        status, body = self.answer_of(asked)
        writer.write(reply(status, json.dumps(body).encode(), Content_Type="application/json"))

    def at(self, target):
        return [asked for asked in self.asked if asked.target == target]


async def draft(live, server, **config):
    at = f"http://127.0.0.1:{server.port}"
    base = {"tokenUrl": f"{at}/token", "baseUrl": at, "testPath": "/me", **config}
    return await live.draft("generic-oauth2", base, Mode.LIVE)


@pytest.mark.parametrize("way", PROOFS)
async def test_b12_client_credentials_with_every_client_proof_and_renewed_by_itself(live, way):
    service = Service()
    async with serving(service) as server:
        connection = await draft(
            live, server, clientAuthentication=way, scopes="read write", audience="https://api.example.com"
        )
        authorization = await live.begin(connection, "client-credentials")
        entered = {"clientId": "the app", "clientSecret": SECRET}
        await live.hub.authorizations.submit_credentials(live.actor, authorization.id, entered)
        assert (await live.tested(connection)).verdict is Verdict.PASSED
        active = (await live.hub.connections.activate(live.actor, connection.id)).connection
        assert active.state is ConnectionState.CONNECTED
        live.clock.advance(595)
        await live.work()
        first, second = service.at("/token")
    assert presented(first) == presented(second) == PROOFS[way]
    form = form_of(first)
    assert (form["grant_type"], form["scope"]) == ("client_credentials", "read write")
    assert form["audience"] == "https://api.example.com"


async def test_b12_a_device_code_is_shown_and_polled_until_somebody_consents(live):
    service = Service()
    async with serving(service) as server:
        connection = await draft(live, server, deviceUrl=f"http://127.0.0.1:{server.port}/device")
        await live.register(client_id="the device", origins=[f"http://127.0.0.1:{server.port}"])
        authorization = await live.begin(connection, "device")
        assert authorization.step.user_code == "AB-CD"
        for _ in range(2):
            live.clock.advance(6)
            await live.work()
        assert len(service.at("/token")) == 2
        assert (await live.tested(connection)).verdict is Verdict.PASSED


async def test_b12_a_connection_of_the_version_before_keeps_working(live):
    created = await live.hub.connections.create(
        live.actor,
        name="Old",
        integration="generic-oauth2",
        version="1.0.0",
        mode=Mode.LIVE,
        config=live.provider.config,
    )
    await live.sign_in(created.connection)
    assert (await live.tested(created.connection)).verdict is Verdict.PASSED
