"""The consent page in a real browser, under its own strict content policy."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.foundation.clock import SystemClock
from app.sandbox.state import MemoryState
from tests.browser import chromium
from tests.sandbox.outside import inside, mounted
from tests.sandbox.server import serving
from tests.sandbox.shipped import CATALOG

pytestmark = pytest.mark.browser
BACK = '<title>back</title><link rel="icon" href="data:,">'


@pytest.mark.parametrize(("button", "outcome"), [("allow", "code"), ("deny", "error")])
async def test_a_person_decides_and_is_sent_back_under_the_strict_policy(button, outcome):
    hub = Starlette(routes=[Route("/oauth/return/{app}", lambda _: HTMLResponse(BACK))])
    clock = SystemClock()
    sandbox = mounted(CATALOG, clock, MemoryState(clock))
    async with serving(sandbox) as origin, serving(hub) as hub_origin, chromium() as browser:
        asked = {
            "response_type": "code",
            "client_id": "sandbox-client",
            "redirect_uri": f"{hub_origin}/oauth/return/app_1",
            "scope": "chat:write,channels:read",
            "state": "abc",
        }
        consent = inside("https://slack.com/oauth/v2/authorize", "slack")
        async with browser.session() as session:
            page = await session.open(f"{origin}{consent}?{urlencode(asked)}")
            await page.until("document.title == 'Allow access to Slack?'")
            assert (
                await page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "14px"
            )
            await page.click("label[for=s1]")
            await page.until("!document.querySelector('#s1').checked")
            await page.click(f"button[value={button}]")
            await page.until("document.title == 'back'")
            returned = parse_qs(urlsplit(await page.evaluate("location.href")).query)
            assert returned["state"] == ["abc"]
            assert outcome in returned
            assert page.violations == []
            assert page.faults == []
            assert {urlsplit(url).netloc for url in page.requests} <= {
                urlsplit(o).netloc for o in (origin, hub_origin)
            }
