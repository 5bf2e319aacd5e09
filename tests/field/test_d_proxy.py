"""D6: a hub behind a real proxy, below a path: links, cookies, redirect URIs, GraphiQL, sockets, streams."""

from __future__ import annotations

import asyncio
import json
import re
from types import SimpleNamespace
from urllib.parse import urljoin

import httpx
import pytest
import yaml
from starlette.responses import Response

from app.api.http.cookies import SESSION, clear_cookie, cookie_name, set_cookie
from app.authenticators.base import Waiting
from app.authenticators.steps import DeviceCodeStep
from app.credentials.flows import Destinations
from app.credentials.snapshot import Mode
from app.foundation.messages import SandboxRoute
from app.foundation.secret import Secret
from app.settings import SettingsError
from tests.api.graphiql.driver import Explorer
from tests.browser import chromium
from tests.fakes.browser import Browser
from tests.field import proxies
from tests.field.proxies import CADDY, NGINX, Proxy
from tests.journeys import documents
from tests.journeys.client import Client
from tests.journeys.hub_process import EMBEDDED, SCALED, HubProcess, fresh_hub
from tests.journeys.journey import Journey
from tests.journeys.plans import SLACK

WAYS = [
    pytest.param(NGINX, False, EMBEDDED, id="nginx"),
    pytest.param(NGINX, True, EMBEDDED, id="nginx-takes-the-path"),
    pytest.param(NGINX, False, SCALED, id="nginx-scaled", marks=pytest.mark.scaled),
    pytest.param(CADDY, False, EMBEDDED, id="caddy"),
    pytest.param(CADDY, True, EMBEDDED, id="caddy-takes-the-path"),
]
OPEN_POPUP = """window.posted = []; window.broadcast = [];
addEventListener("message", (event) => event.data.type && posted.push([event.origin, event.data.authorization]));
new BroadcastChannel("patchbay").onmessage = (event) => broadcast.push(event.data);
(window.popup = window.open(%s, "sign-in", "popup,width=500,height=700")) && 1"""
LINK = re.compile(r'\b(?:href|src|action)="([^"]*)"')


class Scene:
    """A hub behind a proxy, as browsers and programs see it."""

    def __init__(self, hub: HubProcess, proxy: Proxy) -> None:
        self.hub = hub
        self.proxy = proxy

    def network(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self.proxy.trust)

    def kept(self, browser: Browser) -> tuple[str, str | None, bool]:
        """Return the one cookie that a browser keeps: its name, its path, and whether it is secure."""
        (cookie,) = browser.cookies.jar
        return cookie.name, cookie.path, cookie.secure

    def cookie(self, name: str) -> tuple[str, str, bool]:
        """Return how a cookie of the hub's is to be kept."""
        return f"__Secure-{name}" if self.proxy.has_tls else name, "/hub", self.proxy.has_tls

    async def follow_links(self, browser: Browser, page: httpx.Response) -> set[str]:
        """Open everything that a page of the hub links to; return where it was found."""
        addresses = {urljoin(str(page.url), link) for link in LINK.findall(page.text)}
        addresses = {address for address in addresses if address.startswith(self.proxy.origin)}
        for address in addresses:
            answer = await browser.open(address)
            assert answer.status_code == 200, f"{page.url} links to {address}: {answer.status_code}"
            assert str(answer.url).startswith(f"{self.proxy.public_url}/")
        return addresses


@pytest.fixture(scope="module")
def scene(request, tmp_path_factory):
    """Return a running hub behind each proxy, shared by the tests of this file."""
    kind, takes_path, arrangement = request.param
    tmp_path = tmp_path_factory.mktemp(kind)
    # A scaled hub reaches its sandbox as browsers do, and knows no authority of ours.
    proxy = proxies.prepared(kind, tmp_path, has_tls=arrangement == EMBEDDED)
    authority = tmp_path / "authority.pem"
    authority.write_text(proxy.authority)
    changes = {"PATCHBAY_PUBLIC_URL": proxy.public_url, "PATCHBAY_GRAPHIQL": "1"}
    with pytest.MonkeyPatch.context() as environment, fresh_hub(arrangement, tmp_path, **changes) as hub:
        environment.setenv("SSL_CERT_FILE", str(authority))  # websockets reads no other
        hub.start()
        with proxies.running(proxy, hub.port, takes_path=takes_path):
            yield Scene(hub, proxy)
        assert set(hub.terminate()) == {0}
        assert hub.faults_logged == []


def behind(*ways):
    """Run a test behind some of the ways."""
    chosen = [each for each in WAYS if each.id in ways] if ways else WAYS
    return pytest.mark.parametrize(
        "scene",
        [pytest.param(each.values, id=each.id, marks=[*each.marks, pytest.mark.service]) for each in chosen],
        indirect=True,
    )


@behind()
async def test_d6_a_person_signs_in_and_every_page_and_link_is_found(scene: Scene):
    """D6: the front page, the sign-in link, the session's cookie, GraphiQL's files, problem pages."""
    public = scene.proxy.public_url
    link = scene.hub.command("sign-in").stdout.strip()
    assert link.startswith(f"{public}/sign-in?code=")
    async with Browser(scene.network()) as browser:
        for front in (public, f"{public}/"):
            assert str((await browser.open(front)).url) == f"{public}/graphiql"
        page = await browser.open(link)
        assert (page.status_code, str(page.url)) == (200, f"{public}/graphiql")
        assert "You are not signed in" not in page.text
        assert scene.kept(browser) == scene.cookie("patchbay-session")
        assert len(await scene.follow_links(browser, page)) > 5

        for path in (
            "/graphiql/",
            "/graphiql/assets/boot.js",
            "/graphiql/assets/examples.json",
            "/sandbox",
            "/docs/problems",
        ):
            answer = await browser.open(f"{public}{path}")
            assert answer.status_code == 200, path
            assert str(answer.url).startswith(f"{public}/")
            await scene.follow_links(browser, answer)
        missing = await browser.open(f"{public}/docs/problems/NO_SUCH_CODE")
        assert await scene.follow_links(browser, missing)
        assert (await browser.open(f"{scene.proxy.origin}/graphiql")).text.count("Patchbay") == 0


@behind()
async def test_d6_a_session_counts_from_the_hubs_own_origin_alone(scene: Scene):
    """D6: the cookie comes back to the path, and the origin of the public address is the hub's own."""
    public = scene.proxy.public_url
    async with httpx.AsyncClient(transport=scene.network(), trust_env=False, follow_redirects=True) as http:
        await http.get(scene.hub.command("sign-in").stdout.strip())
        asked = {"query": "{ viewer { actor { kind } } hub { publicUrl } }"}
        answers = {}
        for origin in (scene.proxy.origin, "https://localhost:1", "https://evil.example"):
            answer = await http.post(f"{public}/graphql", json=asked, headers={"Origin": origin})
            answers[origin] = (answer.json().get("data") or {}).get("viewer")
        cross = httpx.Request("GET", f"{scene.proxy.origin}/other")
        http.cookies.set_cookie_header(cross)
    assert answers.pop(scene.proxy.origin) == {"actor": {"kind": "MEMBER"}}
    assert set(answers.values()) == {None}
    assert "cookie" not in cross.headers


@behind()
async def test_d6_a_connection_walks_the_whole_way_through_the_proxy(scene: Scene):
    """D6: launch URL, redirect URI, consent page, websocket, event stream, and links in problems."""
    public = scene.proxy.public_url
    async with Client(public, scene.hub.token, scene.network()) as client:
        journey = Journey(client, SLACK)
        await journey.create()
        await journey.configure()
        async with client.follow(documents.AUTH_STATE, by={"connectionId": journey.id}) as states:
            step = (await journey.begin())["step"]
            assert step["launchUrl"].startswith(f"{public}/oauth/start/")
            assert step["redirectUri"].startswith(f"{public}/oauth/return/")
            async with Browser(scene.network()) as browser:
                consent = await browser.open(step["launchUrl"])
                assert str(consent.url).startswith(f"{public}/sandbox/")
                assert scene.kept(browser) == scene.cookie("patchbay-browser")
                returned = await browser.press(consent, "allow")
            assert returned.status_code == 200, returned.text[-900:]
            await states.until(lambda data: data["authState"]["state"] == "AUTHENTICATED")
        assert (await journey.tested())["verdict"] == "PASSED"
        assert (await journey.activate())["status"]["state"] == "CONNECTED"

        heads = {"Accept": "text/event-stream"}
        follow = {"query": "subscription { events { __typename } }"}
        async with client.http.stream("POST", f"{public}/graphql", json=follow, headers=heads) as stream:
            async with asyncio.timeout(20):
                assert [line async for line in first_lines(stream, 1)] == ["event: next"]

        refused = await client.ask(documents.VERBS["deleteConnection"], input={"connectionId": "conn_none"})
        address = refused["deleteConnection"]["userErrors"][0]["docsUrl"]
        async with Browser(scene.network()) as browser:
            assert address.startswith(f"{public}/docs/problems/")
            assert (await browser.open(address)).status_code == 200


async def first_lines(stream: httpx.Response, count: int):
    lines = stream.aiter_lines()
    for _ in range(count):
        yield await anext(lines)
    await lines.aclose()


@behind("nginx", "nginx-takes-the-path")
async def test_d6_what_was_refused_in_the_browser_links_to_its_meaning(scene: Scene):
    """D6: the pages of the sign-in's own end."""
    async with Client(scene.proxy.public_url, scene.hub.token, scene.network()) as client:
        journey = Journey(client, SLACK)
        await journey.create()
        await journey.configure()
        step = (await journey.begin())["step"]
        async with Browser(scene.network()) as browser:
            denied = await browser.press(await browser.open(step["launchUrl"]), "deny")
            assert any("/hub/docs/problems/" in link for link in await scene.follow_links(browser, denied))
            again = await browser.open(step["launchUrl"])
            assert any("/hub/docs/problems/" in link for link in await scene.follow_links(browser, again))


@behind("nginx")
async def test_d6_probes_and_the_hub_itself_need_no_path(scene: Scene):
    with httpx.Client(trust_env=False) as http:
        for path in ("/healthz", "/readyz", "/hub/healthz", "/metrics"):
            assert http.get(f"{scene.hub.address}{path}").status_code == 200, path
        assert http.get(f"{scene.hub.address}/hub/sandbox/").status_code == 200
        figures = http.get(f"{scene.hub.address}/metrics").text
        assert http.get(f"{scene.hub.address}/hubble/healthz").status_code == 404
    for door in ("/healthz", "/sandbox"):
        assert f'door="{door}"' in figures


@pytest.mark.browser
@pytest.mark.service
async def test_d6_graphiql_works_below_the_path_in_a_browser(tmp_path):
    """D6: its files, a query with the session's cookie, and a subscription over a websocket."""
    proxy = proxies.prepared(NGINX, tmp_path, has_tls=False)
    with fresh_hub(EMBEDDED, tmp_path, PATCHBAY_PUBLIC_URL=proxy.public_url) as hub:
        hub.start()
        link = hub.command("sign-in").stdout.strip()
        with proxies.running(proxy, hub.port, takes_path=False):
            async with chromium() as browser, browser.session() as person:
                graphiql = Explorer(await person.open(link))
                await graphiql.ready()
                answer = await graphiql.run("{ viewer { actor { kind } } }", "MEMBER")
                assert answer["data"]["viewer"]["actor"]["kind"] == "MEMBER"
                await graphiql.run("subscription { events { __typename } }", "Stream")
                assert (graphiql.page.violations, graphiql.page.faults) == ([], [])
        assert hub.terminate() == [0]


@pytest.mark.browser
@pytest.mark.service
async def test_d6_a_sign_in_in_a_window_of_its_own_tells_the_page_below_the_path(tmp_path):
    """D6: launch, consent and return below the path; the opener's origin is the hub's, which has no path."""
    proxy = proxies.prepared(NGINX, tmp_path, has_tls=False)
    with fresh_hub(EMBEDDED, tmp_path, PATCHBAY_PUBLIC_URL=proxy.public_url) as hub:
        hub.start()
        with proxies.running(proxy, hub.port, takes_path=False):
            async with Client(proxy.public_url, hub.token) as client, chromium() as browser:
                journey = Journey(client, SLACK)
                await journey.create()
                await journey.configure()
                launch = (await journey.begin())["step"]["launchUrl"]
                async with browser.session() as person:
                    page = await person.open(f"{proxy.public_url}/graphiql")
                    await page.evaluate(OPEN_POPUP % json.dumps(launch))
                    consent = await person.popup("/hub/sandbox/")
                    await consent.until("document.querySelector('button[name=decision]')")
                    await consent.evaluate(
                        "setTimeout(() => document.querySelector('[value=allow]').click()) && 1"
                    )
                    await page.until("posted.length && broadcast.length && popup.closed")
                    heard = await page.evaluate("[posted[0], broadcast[0].authorization]")
        assert heard == [
            [proxy.origin, journey.authorization["id"]],
            journey.authorization["id"],
        ]
        assert hub.terminate() == [0]


# -- the parts


def test_d6_below_a_path_cookies_keep_to_it():
    response = Response()
    set_cookie(response, SESSION, Secret("x"), "https://example.com/hub", 60)
    clear_cookie(response, SESSION, "https://example.com/hub")
    made, cleared = response.headers.getlist("set-cookie")
    assert made.startswith("__Secure-patchbay-session=x; ")
    for header in (made, cleared):
        assert "Path=/hub;" in f"{header};"
        assert "Secure" in header
    assert cookie_name(SESSION, "https://example.com") == "__Host-patchbay-session"
    assert cookie_name(SESSION, "http://localhost:8000/hub") == "patchbay-session"


def test_d6_the_sandbox_is_found_below_a_path():
    route = SandboxRoute("https://example.com/hub", "/sandbox/slack@1.0.0")
    played = route.rewrite("https://slack.com/api/auth.test?x=1")
    assert played == "https://example.com/hub/sandbox/slack@1.0.0/slack.com/api/auth.test?x=1"
    assert route.original(played) == "https://slack.com/api/auth.test?x=1"
    assert route.original("https://example.com/sandbox/slack@1.0.0/slack.com/api") is None


@pytest.mark.parametrize(
    "asked_at", ["https://example.com/hub", "http://example.com/hub", "http://10.0.0.7:8000"]
)
def test_d6_the_page_for_the_code_of_a_device_is_named_as_browsers_see_it(asked_at):
    """D6: the proxy speaks http with the hub, and may send it any Host."""
    public = "https://example.com/hub"
    definition = SimpleNamespace(integration="tv", version="1.0.0")
    page = f"{asked_at}/sandbox/tv@1.0.0/tv.example.com/device"
    step = DeviceCodeStep("Code", "WDJB-MJHT", page, f"{page}?user_code=WDJB-MJHT", 600, 5)
    shown = Destinations(public, public).for_person(definition, Mode.SANDBOX, Waiting(step)).step
    assert shown.verification_url == f"{public}/sandbox/tv@1.0.0/tv.example.com/device"
    assert shown.verification_url_complete == f"{shown.verification_url}?user_code=WDJB-MJHT"


@pytest.mark.parametrize("path", ["/graphql", "/sandbox/x", "/oauth", "/sign-in", "/healthz"])
def test_d6_a_path_that_is_a_door_of_the_hub_is_refused(path, tmp_path):
    with fresh_hub(EMBEDDED, tmp_path, PATCHBAY_PUBLIC_URL=f"https://example.com{path}") as hub:
        refused = hub.command("serve")
    assert refused.returncode == SettingsError.exit_code
    assert "PATCHBAY_PUBLIC_URL: its path is one of the hub's own" in " ".join(refused.stderr.split())


def test_d6_the_example_for_traefik_is_whole():
    http = yaml.safe_load(proxies.example("traefik"))["http"]
    (router,) = http["routers"].values()
    assert router["rule"] == "Host(`example.com`) && (Path(`/hub`) || PathPrefix(`/hub/`))"
    (server,) = http["services"][router["service"]]["loadBalancer"]["servers"]
    assert server == {"url": "http://127.0.0.1:8000"}
