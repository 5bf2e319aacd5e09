"""F1: a sign-in in a window of its own tells the page that opened it, and closes itself, in a real browser."""

from __future__ import annotations

import json

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser import chromium
from tests.journeys import documents
from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, SCALED, fresh_hub
from tests.journeys.journey import Journey
from tests.journeys.plans import SLACK, XERO
from tests.servers import running

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
FRONT_END = """<!doctype html><title>front end</title><link rel="icon" href="data:,"><script>
window.heard = []; addEventListener("message", (event) => heard.push([event.origin, event.data]));
</script>"""
LISTEN = (
    """window.heard = []; new BroadcastChannel("patchbay").onmessage = (event) => heard.push(event.data)"""
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front_end():
    """Return the origin of a front end of somebody else's, on another host name than the hub."""
    app = Starlette(routes=[Route("/", lambda _: HTMLResponse(FRONT_END))])
    async with running(app) as address:
        yield f"http://localhost:{address.port}"


@pytest.fixture(scope="module", params=[EMBEDDED, pytest.param(SCALED, marks=pytest.mark.scaled)])
def hub(request, tmp_path_factory, front_end):
    folder = tmp_path_factory.mktemp(request.param)
    with fresh_hub(request.param, folder, PATCHBAY_ALLOWED_ORIGINS=front_end) as hub:
        hub.start()
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def session(browser):
    async with browser.session() as session:
        yield session


async def begun(client, plan=SLACK, **more):
    journey = Journey(client, plan)
    await journey.create()
    await journey.configure()
    authorization = await journey.begin(**more)
    return journey, authorization["step"]["launchUrl"]


def opening(url):
    return f"(window.popup = window.open({json.dumps(url)}, 'sign-in', 'popup,width=500,height=700')) && 1"


async def decide(session, page, choice):
    """Press a button of the consent page in the window that ``page`` opened, which is not closed before that."""
    consent = await session.popup("/sandbox/")
    await consent.until("document.querySelector('button[name=decision]')")
    assert await page.evaluate("[popup.closed, heard.length]") == [False, 0]
    await consent.evaluate(f"setTimeout(() => document.querySelector('button[value={choice}]').click()) && 1")


@pytest.mark.parametrize(
    ("plan", "choice", "state", "problem"),
    [
        (SLACK, "allow", "AUTHENTICATED", None),
        (SLACK, "deny", "FAILED", "CONSENT_DENIED"),
        (XERO, "allow", "AWAITING_INPUT", None),
    ],
    ids=["F1 allowed", "F1 denied", "F1 one more step"],
)
async def test_the_opener_is_told_and_the_window_closes(
    hub, front_end, session, plan, choice, state, problem
):
    async with Client(hub.address, hub.token) as client:
        journey, url = await begun(client, plan)
        page = await session.open(front_end)
        await page.evaluate(opening(url))

        await decide(session, page, choice)

        await page.until("heard.length && popup.closed")
        told = {
            "type": "patchbay.authorization",
            "authorization": journey.authorization["id"],
            "connection": journey.id,
            "state": state,
            "problem": problem,
        }
        assert await page.evaluate("heard") == [[hub.address, told]]
        assert (await journey.authorization_now())["state"] == state


async def test_f1_a_page_of_the_hubs_own_origin_hears_it_also_without_an_opener(hub, session):
    async with Client(hub.address, hub.token) as client:
        journey, url = await begun(client)
        page = await session.open(f"{hub.address}/graphiql")
        await page.evaluate(f"{LISTEN}; {opening(url)}")
        consent = await session.popup("/sandbox/")
        await consent.until("document.querySelector('button[name=decision]')")
        assert await page.evaluate("popup.closed") is False
        await consent.evaluate(
            "setTimeout(() => { window.opener = null; document.querySelector('[value=allow]').click() }) && 1"
        )
        await page.until("heard.length && popup.closed")
        assert (await page.evaluate("heard[0].authorization")) == journey.authorization["id"]


async def test_f1_an_opener_that_is_not_allowed_hears_nothing(tmp_path, front_end, session):
    with fresh_hub(EMBEDDED, tmp_path) as hub:
        hub.start()
        async with Client(hub.address, hub.token) as client:
            journey, url = await begun(client)
            page = await session.open(front_end)
            await page.evaluate(opening(url))
            await decide(session, page, "allow")
            await page.until("popup.closed")
            assert await page.evaluate("heard") == []
            assert (await journey.authorization_now())["state"] == "AUTHENTICATED"


async def test_f1_a_launch_that_comes_too_late_tells_the_opener_too(hub, front_end, session):
    async with Client(hub.address, hub.token) as client:
        _, url = await begun(client)
        page = await session.open(f"{front_end}/")
        await page.evaluate(opening(f"{hub.address}/oauth/start/auth_00000000000000000000000000"))
        late = await session.popup("/oauth/start/")
        await late.until("document.body.innerText.includes('already used')")
        assert await page.evaluate("popup.closed") is False
        await late.goto(url)
        await late.until("document.querySelector('button[name=decision]')")
        assert await page.evaluate("popup.closed") is False
        assert late.violations == []


async def test_f1_in_the_same_tab_the_page_stays_to_be_read_and_runs_no_script(hub, session):
    async with Client(hub.address, hub.token) as client:
        journey, url = await begun(client, presentation="REDIRECT")
        page = await session.open(url)
        await page.click("button[value=allow]")
        await page.until("document.title.startsWith('Slack is authorized')")
        assert await page.evaluate("document.scripts.length") == 0
        connection = await client.ask(documents.CONNECTION, id=journey.id)
        assert connection["connection"]["status"]["state"] == "AUTHENTICATED"
