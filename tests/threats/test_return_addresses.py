"""O6, O7: where a sign-in may end, and what its addresses leave behind."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.fakes.browser import Browser
from tests.hubs import ORIGIN
from tests.journeys.client import Client
from tests.journeys.documents import VERBS
from tests.journeys.hub_process import EMBEDDED, fresh_hub
from tests.journeys.journey import Journey
from tests.journeys.plans import SLACK
from tests.threats.scene import RETURN, param, told

HOST = ORIGIN.removeprefix("http://")
TRICKS = [
    # other origins, plainly
    "https://evil.example", "http://evil.example/", "https://127.0.0.1:8000/", "http://127.0.0.1/",
    "http://127.0.0.1:8001/", "http://127.0.0.1:80/", "http://localhost:8000/", "ftp://127.0.0.1:8000/",
    "ws://127.0.0.1:8000/", "http://127.0.0.1:08000/", "http://127.0.0.1:8000.evil.example/",
    f"http://evil.example/{ORIGIN}", f"http://evil.example?{ORIGIN}", f"http://evil.example#{ORIGIN}",
    f"http://evil.example\\{HOST}", "http://127.0.0.1:8000evil.example/",
    # without a scheme, or with too few and too many slashes
    "//evil.example", "///evil.example", "////evil.example/%2f..", "/\\evil.example", "\\\\evil.example",
    "\\/evil.example", "/%09/evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example",
    "http:/127.0.0.1:8000/", "http:127.0.0.1:8000", "https:/\\evil.example", "http:\\\\evil.example", "evil.example",
    "/relative", "", ".", "?x=1", "#x",
    # user names
    f"http://{HOST}@evil.example/", "http://127.0.0.1:8000%40evil.example/", f"http://x@{HOST}/", f"http://x:y@{HOST}/",
    f"http://{HOST}:x@evil.example/", f"http://evil.example@{HOST}/", f"http://{HOST}\\@evil.example/",
    # control characters and what would break a header
    f"http://{HOST}\r\nLocation: https://evil.example", f"{ORIGIN}/\r\nSet-Cookie: a=b", f"{ORIGIN}\t.evil.example",
    f"\x00{ORIGIN}/", f"{ORIGIN}\x00.evil.example/", f" {ORIGIN}/", f"{ORIGIN}/ x", f"{ORIGIN}%0d%0a.evil.example/",
    f"{ORIGIN}%00.evil.example/", f"{ORIGIN}%2eevil.example/", f"{ORIGIN}\x7f/", "ht\ttp://evil.example",
    # other schemes
    "javascript:alert(1)", f"javascript://{HOST}/%0aalert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
    "vbscript:x", "file:///etc/passwd", f"blob:{ORIGIN}/x", f"view-source:{ORIGIN}/", "about:blank",
    # other spellings of this address, and of others
    "http://127.1:8000/", "http://2130706433:8000/", "http://0x7f000001:8000/", "http://0177.0.0.1:8000/",
    "http://[::ffff:127.0.0.1]:8000/", "http://[::1]:8000/", "http://127.0.0.1.:8000/", "http://127\u30020\u30020\u30021:8000/",
    "http://\uff11\uff12\uff17.0.0.1:8000/", "http://evil\u3002example/", "http://\u0435vil.example/", "http://xn--vil-dya.example/",
    "http://127.0.0.1:8000\u2044evil.example/", "http://127.0.0.1\uff1a8000/", "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:8000/",
    # not readable as an address at all
    "http://[evil", "http://127.0.0.1:8000:8000/", "http://127.0.0.1:port/", "http://", "http:///",
]  # fmt: skip


async def begun_with(scene, journey, address):
    """Begin a sign-in that shall end at an address; return the authorization or None, and what was said against it."""
    given = {"connectionId": journey.id, "authMethod": "oauth", "returnTo": address}
    body = {"query": VERBS["beginAuthorization"], "variables": {"input": given}}
    answer = (await scene.client.http.post(f"{ORIGIN}/graphql", json=body)).json()
    payload = (answer.get("data") or {}).get("beginAuthorization") or {}
    said = [fault["path"] for fault in payload.get("userErrors", ())] or [
        error["extensions"]["code"] for error in answer.get("errors", ())
    ]
    return payload.get("authorization"), said


@pytest.mark.threat("O6")
async def test_o06_no_trick_leads_a_finished_sign_in_anywhere_else(scene):
    journey = await scene.journey()
    assert len(set(TRICKS)) == len(TRICKS) >= 60

    answers = {trick: await begun_with(scene, journey, trick) for trick in TRICKS}

    begun = [trick for trick, (authorization, _) in answers.items() if authorization is not None]
    assert begun == []
    refusals = {str(said) for _, said in answers.values()}
    assert refusals == {
        "[['returnTo']]",
        "['BAD_USER_INPUT']",
        "['BAD_REQUEST']",
    }  # by the room, the scalar, the door
    assert (await journey.authorization_now())["state"] == "AWAITING_USER"  # the one before them stays open


@pytest.mark.threat("O6")
@pytest.mark.parametrize("place", ["start", "return", "sign-in", "sign-out"])
async def test_o06_no_door_takes_an_address_to_go_on_to(scene, place):
    names = ("return_to", "returnTo", "redirect_uri", "next", "url", "continue")
    evil = "&".join(f"{name}=https://evil.example" for name in names)
    async with scene.browser() as browser:
        journey = await scene.journey()
        if place == "start":
            await browser.open(f"{journey.authorization['step']['launchUrl']}?{evil}", stop_before="https://")
            assert urlsplit(browser.visited[-1]).hostname == "auth.example.com"
            assert param(browser.visited[-1], "redirect_uri") == journey.authorization["step"]["redirectUri"]
        elif place == "return":
            page = await browser.open(f"{await scene.returning(browser, journey)}&{evil}")
            assert "evil.example" not in page.text
        elif place == "sign-in":
            page = await browser.open(f"{ORIGIN}/sign-in?code=x&{evil}")
            assert "evil.example" not in page.text
        else:
            page = await browser.post(
                f"{ORIGIN}/sign-out?{evil}", evil.encode(), "application/x-www-form-urlencoded"
            )
            assert "evil.example" not in page.text
    assert not any(urlsplit(address).hostname == "evil.example" for address in browser.visited)


@pytest.mark.threat("O7")
async def test_o07_every_answer_of_the_two_doors_forbids_referrers_and_storing(scene):
    async with scene.browser() as browser:
        journey = await scene.journey(returnTo=f"{ORIGIN}/graphiql?tab=1")
        started = await browser.open(journey.authorization["step"]["launchUrl"], stop_before="https://")
        address = await scene.returning(browser, journey)
        finished = await browser.open(address, stop_before="/graphiql")
        replayed = await browser.open(address)
        plain = await scene.journey()
        shown = await browser.open(await scene.returning(browser, plain))
        unreadable = await browser.open(f"{urlsplit(address)._replace(query='').geturl()}?code=%ff")
        nowhere = await browser.open(f"{ORIGIN}/oauth/start/auth_x")

    statuses = [page.status_code for page in (started, finished, replayed, shown, unreadable, nowhere)]
    assert statuses == [303, 303, 400, 200, 400, 400]
    for page in (started, finished, replayed, shown, unreadable, nowhere):
        assert page.headers["referrer-policy"] == "no-referrer", page.url
        assert page.headers["cache-control"] == "no-store", page.url
        assert page.headers["x-content-type-options"] == "nosniff", page.url


@pytest.mark.threat("O7")
async def test_o07_the_page_after_a_sign_in_has_a_clean_address_and_repeats_nothing(scene):
    async with scene.browser() as browser:
        journey = await scene.journey(returnTo=f"{ORIGIN}/graphiql?tab=1")
        address = await scene.returning(browser, journey)
        await browser.open(address, stop_before="/graphiql")
        onward = browser.visited[-1]
        replayed = await browser.open(address)

    assert (
        onward == f"{ORIGIN}/graphiql?tab=1&authorization={journey.authorization['id']}&state=AUTHENTICATED"
    )
    for name in ("code", "state"):
        assert param(address, name) not in onward
        assert param(address, name) not in replayed.text
    assert told(replayed) == "AUTHORIZATION_REPLAYED"


@pytest.mark.threat("O7")
async def test_o07_no_log_of_a_running_hub_holds_a_code_or_a_state(tmp_path):
    with fresh_hub(EMBEDDED, tmp_path) as hub:
        hub.start()
        async with Client(hub.address, hub.token) as client, Browser() as browser:
            journey = Journey(client, SLACK)
            await journey.create()
            await journey.configure()
            await journey.begin()
            consent = await browser.open(journey.authorization["step"]["launchUrl"])
            await browser.press(consent, "allow", stop_before=RETURN)
            address = browser.visited[-1]
            finished = await browser.open(address)
            await browser.open(address)
            await browser.open(
                f"{urlsplit(address)._replace(query='').geturl()}?{urlsplit(address).query}&code=%ff"
            )
        hub.terminate()

    assert finished.status_code == 200
    doors = [line for line in hub.log.splitlines() if '"door": "/oauth"' in line]
    assert len(doors) >= 4
    for name in ("code", "state"):
        assert param(address, name) not in hub.log
    assert RETURN not in hub.log
