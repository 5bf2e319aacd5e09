"""The negative cases of the return: whatever is wrong with it, the provider sees no token request."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from app.api.http.oauth import oauth_routes
from app.main import AroundRequests
from tests.threats.scene import AUTH, PLAN, RETURN, changed, param, told

FORM = "application/x-www-form-urlencoded"
UNREADABLE = "(the answer cannot be read)"
REPLAYED, INVALID, REFUSED = "AUTHORIZATION_REPLAYED", "CALLBACK_INVALID", "PROVIDER_REFUSED_AUTHORIZATION"


def twice(name, value=None):
    return lambda address: f"{address}&{urlencode({name: value or param(address, name)})}"


def but(**params):
    return lambda address: changed(address, **params)


def error(value, **more):
    return lambda address: changed(address, code=None, error=value, **more)


def raw(query):
    """Return a change to the whole query; ``{state}`` is the right state."""
    return lambda address: (
        urlsplit(address)._replace(query=query.replace("{state}", param(address, "state"))).geturl()
    )


# What comes back -> what the page says. Each is a sign-in of its own, and all of them send nothing (RFC 6749 3.1,
# 4.1.2, 4.1.2.1; RFC 9207 2.4; JARM and the other response modes are not what was asked for).
NEGATIVE = {
    "code and error": (but(error="access_denied"), INVALID),
    "neither code nor error": (but(code=None), INVALID),
    "code twice": (twice("code", "other"), INVALID),
    "the same code twice": (twice("code"), INVALID),
    "state twice": (twice("state"), REPLAYED),
    "two states": (twice("state", "other"), REPLAYED),
    "the state as an oauth_token": (
        lambda a: changed(a, state=None, oauth_token=param(a, "state")),
        REPLAYED,
    ),
    "error twice": (lambda address: twice("error")(error("access_denied")(address)), INVALID),
    "error_description twice": (
        lambda address: twice("error_description", "b")(error("x", error_description="a")(address)),
        INVALID,
    ),
    "issuer twice": (lambda address: twice("iss", "b")(changed(address, iss="a")), INVALID),
    "a parameter that nobody knows twice": (
        lambda address: twice("x", "2")(changed(address, x="1")),
        INVALID,
    ),
    "no state": (but(state=None), REPLAYED),
    "an empty state": (but(state=""), REPLAYED),
    "another state": (but(state="A" * 43), REPLAYED),
    "a state that lost its end": (lambda a: changed(a, state=param(a, "state")[:-1]), REPLAYED),
    "a state with a tail": (lambda a: changed(a, state=param(a, "state") + "A"), REPLAYED),
    "a state in other letters": (lambda a: changed(a, state=param(a, "state").swapcase()), REPLAYED),
    "a state with a space around it": (lambda a: changed(a, state=f" {param(a, 'state')}"), REPLAYED),
    "a state that is not ASCII": (but(state="ä" * 43), REPLAYED),
    "the state under another name": (lambda a: changed(a, state=None, State=param(a, "state")), REPLAYED),
    "an empty code": (but(code=""), INVALID),
    "a blank code": (but(code="   "), INVALID),
    "a code with a line break": (but(code="a\r\nb"), INVALID),
    "a code with a NUL": (but(code="a\x00b"), INVALID),
    "a code that is not ASCII": (but(code="ä"), INVALID),
    "bytes that are no UTF-8": (raw("code=%ff%fe&state={state}"), INVALID),
    "a query of 33 kilobytes": (raw(f"state={{state}}&code=x&{'&'.join(['a=1'] * 8_500)}"), UNREADABLE),
    "a semicolon between parameters": (raw("code=x;state={state}"), REPLAYED),
    "an error with quotes": (error('x"y\\z'), REFUSED),
    "an error with control characters": (error("access\r\n_denied\x00"), REFUSED),
    "an error that is not ASCII": (error("äccess_denied"), REFUSED),
    "an empty error": (error(""), INVALID),
    "an error that is HTML": (error("<script>alert(1)</script>", error_description="<b>"), REFUSED),
    "an error with a script as its page": (error("x", error_uri="javascript:alert(1)"), REFUSED),
    "an error without end": (error("e" * 5_000, error_description="d" * 2_000), REFUSED),
    "denied": (error("access_denied"), "CONSENT_DENIED"),
    "an outage that is told on the return": (error("temporarily_unavailable"), "UPSTREAM_UNAVAILABLE"),
    "everything in the fragment": (lambda a: a.replace("?", "#"), REPLAYED),
    "a token in place of a code": (
        lambda a: changed(a, code=None, access_token="stolen", token_type="Bearer"),
        INVALID,
    ),
    "a signed response (JARM)": (raw("response=eyJhbGciOiJub25lIn0.e30.&state={state}"), INVALID),
    "an application that nobody has": (
        lambda a: a.replace(urlsplit(a).path, f"{RETURN}app_00000000000000000000000000"),
        REPLAYED,
    ),
}


def said_on(page):
    if page.status_code == 400 and "cannot be read" in page.text:
        return UNREADABLE
    return told(page)


@pytest.mark.threat("O1", "O3", "O9")
async def test_no_wrong_return_ends_in_a_token_request(scene):
    assert len(NEGATIVE) >= 30
    found, texts = {}, []
    async with scene.browser() as browser:
        for name, (change, _) in NEGATIVE.items():
            journey = await scene.journey()
            page = await browser.open(change(await scene.returning(browser, journey)))
            found[name] = said_on(page)
            texts.append(page.text)
            await scene.nothing_happened(journey)

    assert found == {name: code for name, (_, code) in NEGATIVE.items()}
    assert not any("alert(1)" in text or "<b>" in text or "javascript:" in text for text in texts)


@pytest.mark.threat("O1")
@pytest.mark.parametrize("ended", ["expired", "cancelled", "begun anew", "deleted", "disconnected"])
async def test_a_return_to_a_sign_in_that_is_over_asks_for_nothing(scene, ended):
    async with scene.browser() as browser:
        journey = await scene.journey()
        address = await scene.returning(browser, journey)
        if ended == "expired":
            scene.clock.advance(601)
        elif ended == "cancelled":
            await scene.client.verb("cancelAuthorization", authorizationId=journey.authorization["id"])
        elif ended == "begun anew":
            await journey.begin()
        else:
            verb = {"deleted": "deleteConnection", "disconnected": "disconnect"}[ended]
            await scene.client.verb(verb, connectionId=journey.id)
        page = await browser.open(address)

    assert told(page) == ("AUTHORIZATION_EXPIRED" if ended == "expired" else REPLAYED)
    assert scene.provider.token_calls == []


@pytest.mark.threat("O1")
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json", "multipart/form-data; boundary=x", ""]
)
async def test_a_posted_return_that_is_no_form_is_not_read(scene, content_type):
    async with scene.browser() as browser:
        journey = await scene.journey()
        parts = urlsplit(await scene.returning(browser, journey))
        page = await browser.post(parts._replace(query="").geturl(), parts.query.encode(), content_type)

    assert page.status_code == 400
    assert (await journey.authorization_now())["state"] == "AWAITING_USER"
    await scene.nothing_happened(journey)


@pytest.mark.threat("O1")
async def test_a_posted_form_finishes_in_the_browser_that_began_and_in_no_other(scene):
    pages = []
    async with scene.browser() as browser, scene.browser() as stranger:
        for finishing in (stranger, browser):
            journey = await scene.journey()
            parts = urlsplit(await scene.returning(browser, journey))
            door = parts._replace(query="").geturl()
            pages.append(await finishing.post(door, parts.query.encode(), FORM))
            assert len(scene.provider.token_calls) == (1 if finishing is browser else 0)

    assert told(pages[0]) == "BROWSER_MISMATCH"
    assert pages[1].status_code == 200
    assert await journey.state() == ("AUTHENTICATED", None)


@pytest.mark.threat("O1")
@pytest.mark.parametrize(
    ("mode", "public_url", "same_site"),
    [
        ("query", "https://hub.example", "lax"),
        ("form_post", "https://hub.example", "none"),
        ("form_post", "http://127.0.0.1:8000", "lax"),
    ],
)
async def test_only_a_flow_that_is_posted_back_gets_a_cookie_that_crosses_sites(
    scene, mode, public_url, same_site
):
    plan = PLAN.but(config=PLAN.config | {"authorizeUrl": f"https://{AUTH}/authorize?response_mode={mode}"})
    journey = await scene.journey(plan)
    hub = replace(scene.hub, public_url=public_url)
    doors = AroundRequests(Starlette(routes=oauth_routes(hub)), hub)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=doors), base_url=public_url) as client:
        answer = await client.get(f"/oauth/start/{journey.authorization['id']}")

    assert f"SameSite={same_site};" in f"{answer.headers['set-cookie']};"


@pytest.mark.threat("O1")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_only_get_and_post_finish_a_sign_in(scene, method):
    async with scene.browser() as browser:
        journey = await scene.journey()
        page = await browser.request(method, await scene.returning(browser, journey))

    assert page.status_code in {400, 405}
    assert (await journey.authorization_now())["state"] == "AWAITING_USER"
    await scene.nothing_happened(journey)


def test_every_case_changes_something():
    address = f"http://h{RETURN}app_1?{urlencode({'code': 'c', 'state': 'sS' * 22})}"
    for name, (change, _) in NEGATIVE.items():
        assert change(address) != address, name
        assert parse_qsl(urlsplit(change(address)).query) != parse_qsl(
            urlsplit(address).query
        ) or "app_0" in change(address), name
