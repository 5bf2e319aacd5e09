"""AWS Signature Version 4: a call is accepted where the known key signed all of it, not long ago."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.authenticators.sigv4 import AwsKey, aws_signed
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret
from app.sandbox.aws_signature import MAX_SKEW
from tests.sandbox.ways import AWS, but, ways

ME = "https://api.ways.example/me"
KEY = AwsKey("SANDBOXKEY", Secret("sandbox/secret+access-key"), "execute-api", "eu-central-1")
JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def aws(sandbox_of):
    return sandbox_of(ways(AWS), integration="ways")


async def send(aws, request):
    headers = [(name, value.encode()) for name, value in request.headers]
    return await aws.send(request.method, request.url, headers=headers, content=request.body)


def signed(aws, request, key=KEY, off=timedelta()):
    return aws_signed(request, key, now=aws.clock.now() + off)


@pytest.mark.parametrize(
    "request_",
    [
        OutRequest("GET", ME),
        OutRequest("GET", f"{ME}?q=b&q=a&%C3%A4=1&empty&plus=a+b&p=a%20b%2Fc"),
        OutRequest("GET", "https://api.ways.example/files/a%20b%27%28c%29~%2Fd"),
        OutRequest("PUT", "https://api.ways.example/notes", JSON, b'{"text": "\xc3\xa4"}'),
        OutRequest("GET", ME, (("X-Amz-Meta-A", "  a   b "),)),
    ],
    ids=range(5),
)
async def test_a_signed_call_is_accepted(aws, request_):
    answer = await send(aws, signed(aws, request_))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/me", "/me?q=b&q=a&%C3%A4=1&plus=a%2Bb", "/files/a%20b%27%28c%29~"])
async def test_what_the_providers_own_client_signs_is_accepted(sandbox_of, path):
    aws = sandbox_of(ways(AWS), integration="ways")
    aws.clock.advance(
        (datetime.now(UTC) - aws.clock.now()).total_seconds()
    )  # the client knows one clock only
    for secret, status in (("sandbox/secret+access-key", 200), ("another", 401)):
        request = AWSRequest("GET", f"https://api.ways.example{path}")
        SigV4Auth(Credentials("SANDBOXKEY", secret), "execute-api", "eu-central-1").add_auth(request)
        answer = await aws.send("GET", request.url, headers=dict(request.headers.items()))
        assert answer.status_code == status, answer.text


async def test_a_call_without_a_signature_gets_the_systems_own_refusal(aws):
    answer = await send(aws, OutRequest("GET", ME))
    assert (answer.status_code, answer.json()) == (401, {"error": "denied"})


@pytest.mark.parametrize(
    "key",
    [
        replace(KEY, secret_access_key=Secret("another-secret")),
        replace(KEY, access_key_id="ANOTHERKEY"),
        replace(KEY, region="us-east-1"),
        replace(KEY, service="s3"),
        replace(KEY, session_token=Secret("a-session")),
    ],
    ids=["secret", "key", "region", "service", "session"],
)
async def test_another_key_region_or_service_is_refused(aws, key):
    answer = await send(aws, signed(aws, OutRequest("GET", ME), key))
    assert (answer.status_code, answer.json()) == (401, {"error": "denied"})


@pytest.mark.parametrize(
    ("off", "status"), [(MAX_SKEW, 200), (MAX_SKEW + timedelta(seconds=2), 401), (timedelta(days=1), 401)]
)
async def test_a_call_must_be_of_now(aws, off, status):
    for moment in (off, -off):
        assert (await send(aws, signed(aws, OutRequest("GET", ME), off=moment))).status_code == status


async def test_every_part_of_a_call_is_signed(aws):
    put = OutRequest("PUT", "https://api.ways.example/notes", JSON, b'{"text": "a"}')
    changed = [
        replace(signed(aws, OutRequest("GET", f"{ME}?q=a")), url=f"{ME}?q=b", shown_url=""),
        replace(signed(aws, OutRequest("GET", ME)), url="https://api.ways.example/files/a", shown_url=""),
        replace(signed(aws, OutRequest("GET", ME)), method="HEAD"),
        replace(signed(aws, put), body=b'{"text": "b"}'),
        replace(signed(aws, put), headers=(*signed(aws, put).headers, ("X-Amz-Target", "other"))),
    ]
    for request in changed:
        assert (await send(aws, request)).status_code == 401, request


async def test_configuration_may_choose_the_region_and_a_session_token_is_checked(sandbox_of):
    config = {"type": "object", "properties": {"region": {"type": "string", "title": "Region"}}}
    fields = {
        **AWS["credentials"]["properties"],
        "session": {"title": "Session", "examples": ["the-session"]},
    }
    method = but(
        AWS,
        credentials={"type": "object", "properties": fields},
        sign={**AWS["sign"], "region": "{config.region}", "sessionToken": "{credentials.session}"},
    )
    aws = sandbox_of(ways(method, config=config), integration="ways")
    for region in ("eu-west-1", "us-east-1"):
        assert (
            await send(aws, signed(aws, OutRequest("GET", ME), replace(KEY, region=region)))
        ).status_code == 200
    for session, status in (("the-session", 200), ("another", 401)):
        key = replace(KEY, session_token=Secret(session))
        assert (await send(aws, signed(aws, OutRequest("GET", ME), key))).status_code == status


async def test_what_is_placed_beside_the_signature_is_checked_too(sandbox_of):
    fields = {**AWS["credentials"]["properties"], "apiKey": {"title": "Key", "examples": ["usage-plan"]}}
    method = but(
        AWS,
        credentials={"type": "object", "properties": fields},
        place={"in": "header", "name": "X-Api-Key", "value": "{credentials.apiKey}"},
    )
    aws = sandbox_of(ways(method), integration="ways")
    for key, status in (("usage-plan", 200), ("another", 401), (None, 401)):
        headers = (("X-Api-Key", key),) if key else ()
        assert (await send(aws, signed(aws, OutRequest("GET", ME, headers)))).status_code == status


SCOPE = "SANDBOXKEY/20260101/eu-central-1/execute-api/aws4_request"
HEADERS = [
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 ",
    "AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=",
    f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
    f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature=" + "0" * 64,
    f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=;;;, Signature=" + "0" * 64,
    f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, Signature=" + "é" * 64,
    f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=" + "a;" * 3_000 + ", Signature=" + "0" * 64,
    "AWS4-HMAC-SHA256 Credential=é/é/é/é/aws4_request, SignedHeaders=host, Signature=" + "0" * 64,
    "AWS4-HMAC-SHA512 Credential=a, SignedHeaders=host, Signature=0",
    "AWS4-HMAC-SHA256" + " " * 20_000,
]
STAMPS = ["", "x", "20260101T000000Z", "20269999T999999Z", "0" * 16, "é" * 16]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
async def test_a_malformed_signature_is_refused_and_breaks_nothing(aws, header):
    for stamp in STAMPS:
        request = OutRequest("GET", ME, (("Authorization", header), ("X-Amz-Date", stamp)))
        assert (await send(aws, request)).status_code == 401


async def test_random_changes_of_a_signature_never_break_the_sandbox(aws):
    draw = random.Random(4)
    made = signed(aws, OutRequest("GET", f"{ME}?q=a"))
    for _ in range(200):
        headers = []
        for name, value in made.headers:
            text = list(value)
            if name in {"Authorization", "X-Amz-Date"} and draw.random() < 0.7:
                text[draw.randrange(len(text))] = draw.choice([",", "/", "=", ";", " ", "é", "9", "\x7f"])
            headers.append((name, "".join(text)))
        changed = [value for _, value in headers] != [value for _, value in made.headers]
        answer = await send(aws, replace(made, headers=tuple(headers)))
        assert answer.status_code == (401 if changed else 200), headers


async def test_a_body_that_is_declared_otherwise_is_refused(aws):
    put = OutRequest(
        "PUT", "https://api.ways.example/notes", (*JSON, ("X-Amz-Content-Sha256", "0" * 64)), b"{}"
    )
    assert (await send(aws, signed(aws, put))).status_code == 401
