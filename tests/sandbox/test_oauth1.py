"""OAuth 1.0a (RFC 5849): every step is signed, decided on once, and nothing is accepted twice."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from app.authenticators.base import Attempt, Callback
from app.authenticators.oauth1_signature import Signer, signed
from app.authenticators.registry import authenticator_for
from app.authenticators.steps import RedirectStep
from app.foundation.errors import ApplicationRejectedError, CredentialsRejectedError, RefusedOutsideError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from app.sandbox.address import Address
from app.sandbox.inbound import Inbound
from app.sandbox.oauth1_check import SKEW_S
from app.sandbox.oauth1_requests import LIFETIME_S
from app.sandbox.oauth1_signature import read_signed
from tests.sandbox.hub_side import Hub
from tests.sandbox.outside import REDIRECT
from tests.sandbox.ways import OAUTH1, but, ways

REQUEST, CONSENT, ACCESS = OAUTH1["requestUrl"], OAUTH1["authorizeUrl"], OAUTH1["accessUrl"]
ME = "https://api.ways.example/me"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
_nonces = itertools.count(1)


@pytest.fixture
def side(sandbox_of):
    definition = ways(OAUTH1)
    return Hub(sandbox_of(definition, integration="ways"), definition, definition.auth[0], {})


def signer(of=None, **changes):
    known = {"method": "HMAC-SHA1", "client_id": "sandbox-client", "client_secret": Secret("sandbox-secret")}
    if of is not None:
        known |= {"token": Secret(of["oauth_token"]), "token_secret": Secret(of["oauth_token_secret"])}
    return Signer(**(known | changes))


async def send(side, request, who, now=None, nonce=None, **extra):
    """Send a request as a correct client would sign it."""
    made = signed(
        request, who, extra, now=now or side.outside.clock.now(), nonce=nonce or f"n{next(_nonces)}"
    )
    return await raw(side, made)


async def raw(side, request):
    headers = [(name, value.encode()) for name, value in request.headers]
    return await side.outside.send(request.method, request.url, headers=headers, content=request.body)


async def temporary(side, callback=REDIRECT, **changes):
    answer = await send(side, OutRequest("POST", REQUEST), signer(**changes), oauth_callback=callback)
    assert answer.status_code == 200, answer.text
    return dict(parse_qsl(answer.text))


async def decide(side, token, decision="allow", **form):
    params = {"oauth_token": token["oauth_token"]}
    return await side.outside.send("POST", CONSENT, params=params, data={"decision": decision, **form})


async def verified(side, token, **form):
    decided = await decide(side, token, **form)
    assert decided.status_code == 303, decided.text
    return dict(parse_qsl(urlsplit(decided.headers["location"]).query))["oauth_verifier"]


async def lasting(side, **form):
    token = await temporary(side)
    verifier = await verified(side, token, **form)
    answer = await send(side, OutRequest("POST", ACCESS), signer(token), oauth_verifier=verifier)
    assert answer.status_code == 200, answer.text
    return dict(parse_qsl(answer.text))


def problem(answer):
    return answer.status_code, parse_qs(answer.text).get("oauth_problem", [None])[0]


async def test_the_steps_bring_what_rfc_5849_says(side):
    token = await temporary(side, f"{REDIRECT}?state=s1")
    assert token["oauth_callback_confirmed"] == "true"
    shown = await side.outside.send("GET", CONSENT, params={"oauth_token": token["oauth_token"]})
    assert "Allow access to Ways?" in shown.text
    assert "form-action 'self' http://127.0.0.1:9" in shown.headers["content-security-policy"]
    decided = await decide(side, token, account="2")
    back = dict(parse_qsl(urlsplit(decided.headers["location"]).query))
    assert (back["state"], back["oauth_token"]) == ("s1", token["oauth_token"])
    answer = await send(
        side, OutRequest("POST", ACCESS), signer(token), oauth_verifier=back["oauth_verifier"]
    )
    assert answer.headers["content-type"] == "application/x-www-form-urlencoded"
    made = dict(parse_qsl(answer.text))
    assert (made["user_id"], made["screen_name"]) == ("8", "ada (2)")
    assert (await send(side, OutRequest("GET", ME), signer(made))).status_code == 200


async def test_every_part_of_a_call_is_signed(side):
    token = await lasting(side)
    who = signer(token)

    def made(request):
        return signed(request, who, {}, now=side.outside.clock.now(), nonce=f"n{next(_nonces)}")

    post = OutRequest("POST", "https://api.ways.example/notes", FORM, b"text=a+b")
    right = [OutRequest("GET", ME), OutRequest("GET", f"{ME}?q=a%20b"), post]
    for request in right:
        assert (await raw(side, made(request))).status_code < 300
    changed = [
        replace(made(OutRequest("GET", f"{ME}?q=a")), url=f"{ME}?q=b", shown_url=""),
        replace(made(OutRequest("GET", f"{ME}?q=a")), url=ME, shown_url=""),
        replace(made(OutRequest("GET", ME)), url="https://api.ways.example/files/a", shown_url=""),
        replace(made(OutRequest("GET", ME)), method="HEAD"),
        replace(made(post), body=b"text=a+c"),
    ]
    for request in changed:
        assert (await raw(side, request)).status_code == 401, request


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": Secret("wrong-secret")},
        {"token_secret": Secret("wrong-secret")},
        {"token_secret": None},
        {"client_id": "somebody"},
        {"token": Secret("sbx1.AAAA." + "A" * 43)},
        {"method": "HMAC-SHA256"},
        {"method": "PLAINTEXT"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_call_signed_otherwise_gets_the_systems_own_refusal(side, changes):
    token = await lasting(side)
    answer = await send(side, OutRequest("GET", ME), signer(token, **changes))
    assert (answer.status_code, answer.json()) == (401, {"error": "denied"})


async def test_a_call_is_accepted_once(side):
    token = await lasting(side)
    request = signed(OutRequest("GET", ME), signer(token), {}, now=side.outside.clock.now(), nonce="once")
    assert [(await raw(side, request)).status_code for _ in range(2)] == [200, 401]
    other = await lasting(side)
    assert (await send(side, OutRequest("GET", ME), signer(other), nonce="once")).status_code == 200


@pytest.mark.parametrize(("off_s", "status"), [(SKEW_S, 200), (SKEW_S + 2, 401)])
async def test_a_call_must_be_of_now(side, off_s, status):
    token = await lasting(side)
    for sign in (1, -1):
        now = side.outside.clock.now()
        moment = now.fromtimestamp(int(now.timestamp()) + sign * off_s, now.tzinfo)
        answer = await send(side, OutRequest("GET", ME), signer(token), moment)
        assert answer.status_code == status


async def test_a_temporary_token_is_decided_on_once_and_used_once(side):
    token = await temporary(side)
    verifier = await verified(side, token)
    assert (await decide(side, token, "deny")).status_code == 400
    asked = [
        await send(side, OutRequest("POST", ACCESS), signer(token), oauth_verifier=verifier) for _ in "ab"
    ]
    assert asked[0].status_code == 200
    assert problem(asked[1])[0] == 401
    made = dict(parse_qsl(asked[0].text))
    assert (await send(side, OutRequest("GET", ME), signer(made))).status_code == 401


async def test_without_consent_or_with_another_verifier_there_are_no_credentials(side):
    token = await temporary(side)
    asked = [OutRequest("POST", ACCESS), signer(token)]
    assert problem(await send(side, *asked, oauth_verifier="x")) == (401, "permission_unknown")
    await verified(side, token)
    for wrong in ("x", "é", ""):
        assert problem(await send(side, *asked, oauth_verifier=wrong)) == (401, "verifier_invalid")
    denied = await temporary(side)
    back = await decide(side, denied, "deny")
    assert parse_qs(urlsplit(back.headers["location"]).query)["oauth_problem"] == ["user_refused"]
    answer = await send(side, OutRequest("POST", ACCESS), signer(denied), oauth_verifier="x")
    assert problem(answer) == (401, "permission_denied")


async def test_a_temporary_token_expires(side):
    token = await temporary(side)
    verifier = await verified(side, token)
    side.outside.clock.advance(LIFETIME_S)
    answer = await send(side, OutRequest("POST", ACCESS), signer(token), oauth_verifier=verifier)
    assert problem(answer) == (401, "token_expired")
    assert (await decide(side, await temporary(side))).status_code == 303


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        ("", (400, "parameter_absent")),
        ("oob", (400, "parameter_rejected")),
        ("http://elsewhere.example/back", (400, "parameter_rejected")),
        ("javascript:alert(1)", (400, "parameter_rejected")),
        ("https://a@b.example/", (400, "parameter_rejected")),
    ],
)
async def test_a_callback_must_be_an_address_of_the_application(side, callback, expected):
    answer = await send(side, OutRequest("POST", REQUEST), signer(), oauth_callback=callback)
    assert problem(answer) == expected


async def test_parameters_may_stand_in_the_form_or_the_query_but_once(side):
    """RFC 5849 3.5.2 and 3.5.3."""
    header = signed(
        OutRequest("POST", REQUEST),
        signer(),
        {"oauth_callback": REDIRECT},
        now=side.outside.clock.now(),
        nonce="q",
    ).headers[-1][1]
    moved = "&".join(pair.strip().replace('"', "") for pair in header.removeprefix("OAuth ").split(","))
    twice = OutRequest("POST", f"{REQUEST}?{moved}", (("Authorization", header),))
    assert problem(await raw(side, twice)) == (400, "parameter_rejected")
    assert (await raw(side, OutRequest("POST", f"{REQUEST}?{moved}"))).status_code == 200
    again = OutRequest("POST", REQUEST, FORM, moved.encode())
    assert problem(await raw(side, again)) == (401, "nonce_used")


def test_the_base_string_is_that_of_rfc_5849():
    """Section 3.4.1.1, letter by letter; the example lacks only a signature that is one."""
    header = (
        'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", '
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", '
        'oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"'
    )
    request = read_signed(
        Inbound(
            method="POST",
            address=Address("a", None, "example.com", "/request", "/request"),
            raw_query="",
            query=parse_qsl("b5=%3D%253D&a3=a&c%40=&a2=r%20b", keep_blank_values=True),
            headers={"authorization": header},
            cookies={},
            form=parse_qsl("c2&a3=2+q", keep_blank_values=True),
            json=None,
        )
    )
    assert request is not None
    assert [*request.base_strings()][1].decode() == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540"
        "%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method"
        "%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


HEADERS = [
    "OAuth",
    "OAuth ",
    "OAuth x",
    'OAuth oauth_token="a',
    'OAuth oauth_token=a, oauth_nonce="b"',
    'OAuth oauth_signature="%ff%00", oauth_consumer_key="sandbox-client", oauth_signature_method="HMAC-SHA1"',
    'OAuth oauth_signature="é", oauth_consumer_key="sandbox-client", oauth_signature_method="HMAC-SHA1"',
    'OAuth oauth_consumer_key="é", oauth_signature="a", oauth_signature_method="HMAC-SHA1"',
    'OAuth oauth_consumer_key="a", oauth_consumer_key="b", oauth_signature="c", oauth_signature_method="d"',
    'OAuth oauth_consumer_key="sandbox-client", oauth_signature="c", oauth_signature_method="NONE"',
    'OAuth oauth_version="2.0", oauth_consumer_key="a", oauth_signature="c", oauth_signature_method="HMAC-SHA1"',
    'OAuth realm="a,b", oauth_consumer_key="sandbox-client", oauth_signature="", oauth_signature_method="HMAC-SHA1"',
    "OAuth " + "," * 5_000,
    'OAuth a="' + "b" * 30_000 + '"',
    "oauth " + ", ".join(f'p{n}="{n}"' for n in range(900)),
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
async def test_a_malformed_signature_is_refused_and_breaks_nothing(side, header):
    request = (("Authorization", header),)
    for verb, url in (("POST", REQUEST), ("POST", ACCESS), ("GET", ACCESS)):
        assert (await raw(side, OutRequest(verb, url, request))).status_code in {400, 401}
    assert (await raw(side, OutRequest("GET", ME, request))).status_code == 401


@pytest.mark.parametrize("name", ["oauth_timestamp", "oauth_nonce"])
@pytest.mark.parametrize("value", ["", "x", "-1", "1e9", "9" * 50, "é", "\x00", "n" * 5_000])
async def test_a_malformed_time_or_nonce_is_refused(side, name, value):
    token = await lasting(side)
    answer = await send(side, OutRequest("GET", ME), signer(token), **{name: value})
    is_nonce = name == "oauth_nonce" and value in {"x", "-1", "1e9", "9" * 50, "é", "\x00"}
    assert answer.status_code == (200 if is_nonce else 401)


async def test_random_changes_of_a_signed_header_never_break_the_sandbox(side):
    draw = random.Random(5849)
    token = await lasting(side)
    for number in range(150):
        made = signed(
            OutRequest("GET", ME), signer(token), {}, now=side.outside.clock.now(), nonce=f"r{number}"
        )
        text = list(made.headers[-1][1])
        for _ in range(draw.randint(1, 4)):
            text[draw.randrange(6, len(text))] = draw.choice(['"', ",", "=", "%", " ", "a", "\x7f", "é", "&"])
        changed = OutRequest("GET", ME, (("Authorization", "".join(text)),))
        assert (await raw(side, changed)).status_code in {200, 400, 401}


@pytest.mark.parametrize("token", ["", "x", "sbx1.AAAA." + "A" * 43, "<script>"])
async def test_the_consent_page_knows_living_requests_only(side, token):
    for verb in ("GET", "POST"):
        answer = await side.outside.send(
            verb, CONSENT, params={"oauth_token": token}, data={"decision": "allow"}
        )
        assert answer.status_code == 400
        assert "<script>" not in answer.text


# -- the hub's own side of it


async def test_a_wrong_application_secret_is_the_applications_fault(side):
    facts = replace(side.facts, application=replace(side.facts.application, client_secret=Secret("wrong")))
    flow = authenticator_for(side.method).begin(facts, Attempt(Secret("s" * 43)))
    with pytest.raises(ApplicationRejectedError):
        await side.run(flow)


@pytest.mark.parametrize("late", [False, True])
async def test_denied_and_expired_are_told_apart(side, late):
    authenticator, attempt = authenticator_for(side.method), Attempt(Secret("s" * 43))
    waiting = await side.run(authenticator.begin(side.facts, attempt))
    assert isinstance(waiting.step, RedirectStep)
    decided = await side.outside.http.post(
        side.route.rewrite(waiting.step.authorize_url), data={"decision": "allow" if late else "deny"}
    )
    if late:
        side.outside.clock.advance(LIFETIME_S)
    answer = Callback(tuple(parse_qsl(urlsplit(decided.headers["location"]).query)))
    attempt = replace(attempt, kept=waiting.kept)
    with pytest.raises((RefusedOutsideError, CredentialsRejectedError)) as refused:
        await side.run(authenticator.complete(side.facts, attempt, answer))
    assert (refused.value.problem.code is ProblemCode.CONSENT_DENIED) is not late


async def test_a_key_pair_is_checked_against_the_sample_key(sandbox_of):
    other = but(OAUTH1, signature="RSA-SHA1", application={"type": "object", "properties": {}})
    definition = ways(other)
    side = Hub(sandbox_of(definition, integration="ways"), definition, definition.auth[0], {})
    answer = await send(
        side, OutRequest("POST", REQUEST), signer(method="HMAC-SHA1"), oauth_callback=REDIRECT
    )
    assert problem(answer) == (400, "signature_method_rejected")
    header = (
        'OAuth oauth_consumer_key="sandbox-client", oauth_signature_method="RSA-SHA1", oauth_signature="AAAA"'
    )
    answer = await raw(side, OutRequest("POST", REQUEST, (("Authorization", header),)))
    assert problem(answer) == (401, "signature_invalid")
