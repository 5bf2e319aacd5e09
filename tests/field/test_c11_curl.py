"""C11: the command that is shown runs, calls what was really called, and holds no secret but takes it."""

from __future__ import annotations

import asyncio
import json
import os
import re
from urllib.parse import parse_qsl, quote

import pytest

from app.foundation.exchange import as_curl, record_request
from app.foundation.messages import OutRequest
from app.foundation.redaction import Redactor
from app.foundation.secret import Secret
from tests.canary import secret
from tests.foundation.servers import HERE, Names, always, outbound, reply, serving
from tests.journeys.conftest import client, hub  # noqa: F401 - fixtures are found by name
from tests.journeys.journey import Journey
from tests.journeys.plans import GENERIC_HTTP, SLACK, STRIPE, TELEGRAM

TOKEN = secret("tok/en+7 f&x=")
_OWN = {"user-agent", "accept-encoding", "content-length", "host"}


async def run(command: str, **variables: str) -> tuple[int, str, str]:
    """Run a command by a real shell, with the variables filled in; return the exit code and both outputs."""
    script = command.replace("curl ", "curl --silent --show-error --noproxy '*' ", 1)
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


def as_sent(asked):
    """Return what a server was told, without what every client says of itself."""
    headers = sorted((name.lower(), value) for name, value in asked.headers if name.lower() not in _OWN)
    path, _, query = asked.target.partition("?")
    path = quote(path, safe="/%:[]")  # of what may stand in a path, clients code more or less
    return asked.method, path, parse_qsl(query, keep_blank_values=True), headers, asked.body


def request(method, path, headers=(), body=None, **fields):
    def made(origin):
        known = {
            name: value.format(origin=origin) for name, value in fields.items() if isinstance(value, str)
        }
        return OutRequest(
            method, origin + path, headers, body, **{**fields, **known, "secrets": (Secret(TOKEN),)}
        )

    return made


@pytest.mark.parametrize(
    ("made", "variables"),
    [
        (request("GET", "/a?b=1", (("Authorization", f"Bearer {TOKEN}"), ("X-A", "it's $HOME"))), {"TOKEN": TOKEN}),
        (request("GET", "/a", (("X-API-Key", TOKEN),)), {"X_API_KEY": TOKEN}),
        (request("GET", "/a", (("Cookie", f"sid={TOKEN}"),), secret_headers=("cookie",)), {"COOKIE": f"sid={TOKEN}"}),
        (request("GET", "/a?b=%20&api_key=tok%2Fen%2B7%20f"), {"API_KEY": "tok/en+7 f"}),
        (request("GET", "/bot1:x/me", shown_url="{origin}/bot{{credentials.botToken}}/me"), {"BOT_TOKEN": "1:x"}),
        (request("GET", "/a", (("Authorization", "Basic YWRhOnA6dyI="),)), {"USERNAME": "ada", "PASSWORD": 'p:w"'}),
        (request("GET", "/a", (("Authorization", "Basic c2tfeDo="),)), {"USERNAME": "sk_x"}),
        (request("HEAD", "/a?key=k1", secret_query=("key",)), {"KEY": "k1"}),
        (request("DELETE", "/a/[1]{2}?key=k1", secret_query=("key",)), {"KEY": "k1"}),
        (
            request(
                "POST", "/a?key=k1", (("Content-Type", "application/json"),),
                json.dumps({"password": TOKEN, "n": "@x"}).encode(), secret_query=("key",),
            ),
            {"PASSWORD": TOKEN, "KEY": "k1"},
        ),
        (request("PUT", "/a", (), b"plain \\ 'text'"), {}),
        (
            request("POST", "/a", (("Content-Type", "application/x-www-form-urlencoded"),), b"x=1&token=a%2Bb"),
            {"TOKEN": "a%2Bb"},
        ),
        (request("POST", "/a", (("X-Empty", ""),)), {}),
    ],
)  # fmt: skip
async def test_c11_a_real_curl_sends_what_the_hub_sent(made, variables):
    """C11: keys in headers, query, path, cookie and body, and both parts of basic."""
    async with serving(always(reply())) as server, outbound(resolver=Names()) as out:
        sent = made(server.origin)
        await out.send(sent, HERE)
        command = as_curl(record_request(sent, Redactor()))
        code, _, errors = await run(command, **variables)
        assert (code, errors) == (0, "")
    hub_s, curl_s = server.asked
    assert as_sent(curl_s) == as_sent(hub_s)
    assert not any(value in command for value in variables.values() if len(value) > 3)
    assert "{credentials" not in command


async def test_c11_a_variable_that_is_not_filled_in_is_named_and_nothing_is_sent():
    """C11: a call with an empty key would be refused, and would say nothing."""
    async with serving(always(reply())) as server:
        sent = OutRequest("GET", server.origin, (("X-API-Key", TOKEN),), secrets=(Secret(TOKEN),))
        code, _, errors = await run(as_curl(record_request(sent, Redactor())))
    assert code != 0
    assert "X_API_KEY" in errors
    assert server.asked == []


@pytest.mark.parametrize("value", ["OAuth ********", "AWS4-HMAC-SHA256 ********"])
def test_c11_a_signature_is_said_to_hold_once(value):
    """C11: nobody can fill in a signature."""
    sent = OutRequest("GET", "https://a.example/", (("Authorization", value),))
    assert "another request needs one of its own" in as_curl(record_request(sent, Redactor()))


@pytest.mark.parametrize(
    ("plan", "variables"),
    [
        (SLACK.but(auth_method="bot-token", config={}), {"token": "TOKEN"}),
        (TELEGRAM, {"token": "TOKEN"}),
        (STRIPE, {"key": "TOKEN"}),
        (GENERIC_HTTP, {"username": "USERNAME", "password": "PASSWORD"}),
        (GENERIC_HTTP.but(auth_method="api-key"), {"key": "X_API_KEY"}),
    ],
    ids=lambda one: getattr(one, "integration", ""),
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_c11_the_command_of_a_sandbox_connection_runs_against_the_sandbox(client, plan, variables):  # noqa: F811 - a fixture's name
    """C11: the exchange and the command name the address that was really called, and the command answers as then."""
    journey = Journey(client, plan)
    await journey.create()
    await journey.configure()
    await journey.begin()
    form = dict(journey.authorization["step"]["prefilled"])
    await journey.submit(form)
    run_of = await journey.tested()
    assert run_of["verdict"] == "PASSED"
    steps = (await client.ask(_EXCHANGES, id=run_of["id"]))["testRun"]["steps"]
    exchange = next(step["exchange"] for step in steps if step["kind"] == "RESPONSE")
    assert "/sandbox/" in exchange["request"]["url"]
    assert exchange["response"]["url"] == exchange["request"]["url"]
    filled = {variables[name]: value for name, value in form.items() if name in variables}
    assert filled
    assert not any(value in exchange["asCurl"] for value in form.values() if len(value) > 6)
    code, out, errors = await run(exchange["asCurl"], **filled)
    assert (code, errors) == (0, "")
    assert json.loads(out) == json.loads(exchange["response"]["body"])
    names = re.findall(r"\$\{([A-Z_]+)", exchange["asCurl"])
    code, out, _ = await run(exchange["asCurl"], **dict.fromkeys(names, "wrong"))
    assert code == 0
    assert json.loads(out) != json.loads(exchange["response"]["body"])


_EXCHANGES = """
query Exchanges($id: ID!) {
  testRun(id: $id) { steps { kind exchange { asCurl request { url } response { url body } } } }
}
"""
