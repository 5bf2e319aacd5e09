import asyncio
import json
import os
from pathlib import Path

import pytest
import pytest_asyncio

from app.api.graphiql.examples import example_tabs
from tests.api.graphiql.driver import Explorer
from tests.api.graphiql.stand_in import CREATED, served
from tests.api.graphiql.test_examples import JOURNEY
from tests.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PING = "query Ping { ping }"


def count(to):
    return f"subscription Count {{ count(to: {to}) }}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def hub():
    async with served() as seen:
        yield seen


@pytest_asyncio.fixture(loop_scope="module")
async def graphiql(browser, hub):
    """GraphiQL for a person who is signed in; at the end nothing of it has gone outside or against the policy."""
    async with browser.session() as session:
        explorer = Explorer(await session.open(f"{hub.origin}/sign-in"))
        await explorer.ready()
        yield explorer
        assert explorer.page.violations == []
        assert explorer.page.faults == []
        assert explorer.page.requests_outside(hub.origin) == []


async def picture(explorer, name):
    """Keep a screenshot where PATCHBAY_TEST_SCREENSHOTS names a folder, for a person to read only."""
    if folder := os.environ.get("PATCHBAY_TEST_SCREENSHOTS"):
        await explorer.page.screenshot(Path(folder) / f"{name}.png")


async def test_page_opens_with_the_example_tabs_in_colour(graphiql):
    assert await graphiql.tabs() == [name for _, name in JOURNEY]
    first = example_tabs()[0]
    assert (await graphiql.document(), await graphiql.variables()) == (first["query"], first["variables"])
    colours = await graphiql.page.evaluate(
        "['cm-comment', 'cm-keyword', 'cm-def', 'cm-number'].map((kind) =>"
        " getComputedStyle(document.querySelector(`.graphiql-query-editor .${kind}`)).color)"
    )
    assert len(set(colours)) == 4
    assert await graphiql.page.evaluate(
        "document.fonts.ready.then((fonts) => [...fonts].some((font) => font.status == 'loaded'))"
    )
    await picture(graphiql, "graphiql")


async def test_every_tab_shows_its_example(graphiql):
    for number, tab in enumerate(example_tabs()):
        await graphiql.open_tab(number)
        assert (await graphiql.document(), await graphiql.variables()) == (tab["query"], tab["variables"])


async def test_query_goes_by_http_with_the_session_cookie(graphiql, hub):
    assert await graphiql.run(PING, "pong") == {"data": {"ping": "pong"}}
    sent = hub.posts[-1]
    assert sent["content-type"] == "application/json"
    assert sent["accept"] == "application/graphql-response+json, application/json"
    assert sent["cookie"] == "session=s1"
    assert "authorization" not in sent
    assert hub.inits == []


async def test_token_from_the_headers_tab_goes_by_http(graphiql, hub):
    headers = {"Authorization": "Bearer t1", "Content-Type": "text/plain"}
    await graphiql.run(PING, "pong", headers=headers)
    assert hub.posts[-1]["authorization"] == "Bearer t1"
    assert hub.posts[-1]["content-type"] == "application/json"


async def test_subscription_goes_by_graphql_transport_ws_to_its_end(graphiql, hub):
    assert await graphiql.run(count(5), '"count": 5') == {"data": {"count": 5}}
    await graphiql.ended()
    assert f"{hub.origin.replace('http', 'ws')}/graphql" in graphiql.page.requests
    assert hub.inits == [{}]


async def test_token_from_the_headers_tab_goes_into_the_sockets_init(graphiql, hub):
    await graphiql.run(count(1), '"count": 1', headers={"AUTHORIZATION": "Bearer t1", "x-other": "no"})
    assert hub.inits == [{"authorization": "Bearer t1"}]
    await graphiql.run(count(2), '"count": 2', headers={"authorization": "Bearer t2"})
    assert hub.inits[1:] == [{"authorization": "Bearer t2"}]


async def test_stop_ends_the_subscription_at_the_server(graphiql, hub):
    await graphiql.run("subscription Endless { endless }", "waiting")
    assert not hub.stopped.is_set()
    await graphiql.stop()
    await asyncio.wait_for(hub.stopped.wait(), 10)


async def test_refused_socket_says_so_in_words(graphiql):
    answer = await graphiql.run(count(1), "errors", headers={"authorization": "Bearer wrong"})
    (error,) = answer["errors"]
    assert "code 4403 (Forbidden)" in error["message"]
    assert "wrong" not in error["message"]


async def test_invalid_subscription_shows_the_servers_errors(graphiql):
    (error,) = (await graphiql.run("subscription Wrong { nothing }", "errors"))["errors"]
    assert "Cannot query field 'nothing'" in error["message"]


async def test_placeholder_is_sent_as_the_id_an_answer_has_shown(graphiql):
    by_id = "query ById($id: ID!) { connection(id: $id) { name } }"
    placeholder = {"id": "{{connectionId}}"}
    (error,) = (await graphiql.run(by_id, "errors", variables=placeholder))["errors"]
    assert error["message"].startswith("No answer on this page has shown connectionId yet")
    await graphiql.run("mutation Create { create { id } }", CREATED)
    await graphiql.run("query Many { connections { id } }", "conn_99")
    answer = await graphiql.run(by_id, "looked up", variables=placeholder)
    assert answer == {"data": {"connection": {"name": f"looked up by {CREATED}"}}}


async def test_address_in_an_answer_can_be_opened_from_its_tooltip(graphiql):
    await graphiql.run("mutation Create { create { launchUrl } }", "launchUrl")
    x, y = await graphiql.page.until(
        """(() => { const address = [...document.querySelectorAll('.result-window .cm-string')]
        .find((part) => part.textContent.includes('https:')).getBoundingClientRect();
        return [address.x + 30, address.y + address.height / 2]; })()"""
    )
    await graphiql.page.hover(x, y)
    link = await graphiql.page.until("document.querySelector('.CodeMirror-info a')?.outerHTML")
    assert 'href="https://hub.example/oauth/start/auth_01"' in link
    assert 'target="_blank"' in link
    assert 'rel="noopener noreferrer"' in link


@pytest.mark.parametrize(
    ("button", "shown"),
    [
        ("Open settings dialog", ".graphiql-dialog"),
        ("Open short keys dialog", ".graphiql-dialog"),
        ("Show Documentation Explorer", ".graphiql-doc-explorer"),
        ("Show History", ".graphiql-history"),
    ],
)
async def test_panels_and_dialogs_open_within_the_policy(graphiql, button, shown):
    await graphiql.page.click(f'[aria-label="{button}"]')
    await graphiql.page.until(f"document.querySelector('{shown}')?.innerText")


async def test_nothing_typed_is_kept_in_the_browser(graphiql, hub):
    page = graphiql.page
    await graphiql.run(
        "query Canary($id: ID!) { connection(id: $id) { name } ping }",
        "canary-variable",
        variables={"id": "canary-variable"},
        headers={"authorization": "Bearer canary-header"},
    )
    await page.click('[aria-label="Show History"]')
    await page.until("document.querySelector('.graphiql-history').innerText.includes('Canary')")
    await page.click('[aria-label="Open settings dialog"]')
    await page.until(
        "[...document.querySelectorAll('.graphiql-dialog button')]"
        ".find((button) => button.innerText == 'Dark').click() || true"
    )
    await page.until("document.body.classList.contains('graphiql-dark')")
    # GraphiQL stores what was typed half a second after the last stroke, and tells nobody.
    await page.evaluate("new Promise((done) => setTimeout(done, 700))")
    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert json.loads(kept) == [{"graphiql:theme": "dark"}, {}]
    await page.goto(f"{hub.origin}/graphiql")
    await graphiql.ready()
    assert await graphiql.document() == example_tabs()[0]["query"]
    assert await page.evaluate("document.body.className") == "graphiql-dark"
    await picture(graphiql, "graphiql-dark")


async def test_who_is_not_signed_in_sees_the_page_and_how_to_sign_in(browser, hub):
    async with browser.session() as session:
        page = await session.open(f"{hub.origin}/graphiql")
        await Explorer(page).ready()
        assert "patchbay serve" in await page.until("document.getElementById('sign-in').innerText")
        (top, notice_end), (start, end) = await page.evaluate(
            "[document.getElementById('sign-in'), document.querySelector('.graphiql-container')]"
            ".map((part) => part.getBoundingClientRect()).map((box) => [box.top, box.bottom])"
        )
        assert top == 0
        assert start == notice_end
        assert end <= await page.evaluate("innerHeight")
        await picture(Explorer(page), "graphiql-signed-out")
        assert page.violations == []


async def test_a_breach_of_the_policy_would_be_seen(browser, hub):
    async with browser.session() as session:
        page = await session.open(f"{hub.origin}/graphiql")
        await page.evaluate(
            "document.body.append(Object.assign(new Image(), {src: 'http://outside.example/x.png'}))"
        )
        await page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))"
        )
        async with asyncio.timeout(10):
            while len(page.violations) < 2:
                await page.evaluate("new Promise((done) => setTimeout(done, 20))")
        assert "script-src" in "".join(page.violations)
        assert "img-src" in "".join(page.violations)
