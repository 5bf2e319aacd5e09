import asyncio
import socket
from contextlib import asynccontextmanager
from html import escape
from urllib.parse import parse_qsl

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from tests.browser import BrowserError, chromium

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

FORM = """<!doctype html><title>Ask</title><form method=post action=/answer>
<input name=who value=nobody><button name=choice value=allow>Allow</button></form>"""


async def ask(_request):
    answer = HTMLResponse(FORM)
    answer.set_cookie("seen", "1")
    return answer


async def take(request):
    form = dict(parse_qsl((await request.body()).decode()))
    return RedirectResponse(f"/done?{form['who']}:{form['choice']}:{request.cookies.get('seen')}", 303)


async def done(request):
    return HTMLResponse(f"<!doctype html><p id=said>{escape(request.url.query)}")


@asynccontextmanager
async def served():
    app = Starlette(routes=[Route("/", ask), Route("/answer", take, methods=["POST"]), Route("/done", done)])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def origin():
    async with served() as address:
        yield address


async def test_form_is_filled_sent_and_followed_over_its_redirect(browser, origin):
    async with browser.session() as session:
        page = await session.open(f"{origin}/")
        await page.fill("input[name=who]", "Olive")
        await page.click("button[value=allow]")
        assert await page.until("document.querySelector('#said')?.innerText") == "Olive:allow:1"
        assert await page.evaluate("location.pathname") == "/done"
        assert f"{origin}/answer" in page.requests
        assert page.requests_outside(origin) == []


async def test_sessions_are_strangers_to_each_other(browser, origin):
    async with browser.session() as one, browser.session() as other:
        await one.open(f"{origin}/")
        await other.open(f"{origin}/done?")
        assert [cookie["name"] for cookie in await one.cookies()] == ["seen"]
        assert await other.cookies() == []


async def test_enter_sends_the_form(browser, origin):
    async with browser.session() as session:
        page = await session.open(f"{origin}/")
        await page.click("input[name=who]")
        await page.press("Enter")
        assert await page.until("document.querySelector('#said')?.innerText") == "nobody:allow:1"


async def test_waiting_in_vain_says_what_the_page_showed(browser, origin):
    async with browser.session() as session:
        page = await session.open(f"{origin}/done?here")
        with pytest.raises(AssertionError, match=r"(?s)never.*/done\?here.*here"):
            await page.until("window.never", timeout_s=0.2)


async def test_a_scripts_fault_is_raised_and_a_pages_fault_kept(browser, origin):
    async with browser.session() as session:
        page = await session.open(f"{origin}/")
        with pytest.raises(BrowserError, match="no such thing"):
            await page.evaluate("(() => { throw new Error('no such thing') })()")
        await page.evaluate("console.error('seen by the driver')")
        assert "seen by the driver" in "".join(page.faults)


async def test_address_that_nobody_serves_is_an_error(browser):
    async with browser.session() as session:
        with pytest.raises(BrowserError, match=r"ERR_NAME_NOT_RESOLVED|ERR_CONNECTION"):
            await session.open("http://outside.example/")


async def test_page_behind_another_one_waits_and_is_pictured_all_the_same(browser, origin, tmp_path):
    async with browser.session() as session:
        behind = await session.open(f"{origin}/done?here")
        await session.open(f"{origin}/")
        await behind.evaluate("setTimeout(() => { window.later = 'now' }, 50)")
        assert await behind.until("window.later", timeout_s=5) == "now"
        await behind.screenshot(tmp_path / "behind.png")
        assert (tmp_path / "behind.png").read_bytes().startswith(b"\x89PNG")
