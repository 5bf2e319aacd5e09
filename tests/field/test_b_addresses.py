"""Hosts and paths as people and servers really write them (RFC 3986, WHATWG URL)."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import quote

import pytest

from app.connections.configuration import ConfigForm
from app.foundation.egress import EgressPolicy, EgressRefusedError
from app.foundation.messages import Destination, OutRequest
from app.foundation.shapes import Shape
from tests.foundation.servers import LOOPBACK, Names, always, outbound, reply, serving
from tests.hubs import CATALOG

ADDRESSES = {
    "generic-http": ["baseUrl"],
    "generic-oauth2": ["authorizeUrl", "tokenUrl", "revokeUrl", "baseUrl"],
}
FIELDS = [(key, name) for key, names in ADDRESSES.items() for name in names]
EXAMPLE = {
    "generic-http": {"baseUrl": "https://api.example.com", "testPath": "/status"},
    "generic-oauth2": {
        "authorizeUrl": "https://login.example.com/authorize",
        "tokenUrl": "https://login.example.com/token",
        "baseUrl": "https://api.example.com",
        "testPath": "/me",
    },
}
PATHS = [
    "/users/@me", "/users('ada')/mail!x", "/a:b/c;d=1,2", "/$metadata", "/~ada/(x)*+&=", "/a%20b%2Fc",
    '/x?filter[name]=a|b&q={"a":1}', "/100%", "/büro/ключ?straße=ß", "/a//b", "/",
]  # fmt: skip


def checked(integration, networks=(), **changes):
    return ConfigForm(CATALOG.definition(integration), networks).check({**EXAMPLE[integration], **changes})


def written(path: str) -> str:
    """Return what must go over the wire: RFC 3986's own characters stand for themselves."""
    return quote(path.replace("/100%", "/100%25"), safe="/?[]@!$&'()*+,;=:%~")


def is_path(schema, path: str) -> bool:
    return Shape(schema).fits(path)


@pytest.mark.parametrize("path", PATHS, ids=[f"B5 {path}" for path in PATHS])
async def test_b5_a_path_is_tested_and_read_as_it_is_written(live, path):
    """B5: ``/users/@me`` is Discord's own."""
    paths = []

    async def me(asked, writer):
        paths.append(asked.target)
        status = 200 if live.provider.has_issued(asked.header("authorization")) else 401
        writer.write(reply(status, b"{}", Content_Type="application/json"))

    async with serving(me) as server:
        connection = await live.signed_in(baseUrl=server.origin, testPath=path)
        assert (await live.tested(connection)).verdict == "PASSED"
    assert paths == [written(path)] * 2  # the call and its control call
    shape = CATALOG.definition("generic-oauth2").methods["get"].params["properties"]["path"]
    assert is_path(shape, path)


@pytest.mark.parametrize(
    "path", ["", "me", "//evil.example", "/a b", "/a#b", "/a\\b", "/a\x00", "/a\nb", "@evil"]
)
def test_b5_what_is_no_path_is_refused(path):
    for integration in EXAMPLE:
        assert {fault.path[1] for fault in checked(integration, testPath=path).problems} == {"testPath"}
        for name, method in CATALOG.definition(integration).methods.items():
            if name != "test":
                assert not is_path(method.params["properties"]["path"], path)


HOSTS = {
    "an underscore": ("https://my_service.internal/x", "https://my_service.internal/x"),
    "one label": ("https://intranet/x", "https://intranet/x"),
    "an underscore in front": ("https://_dmarc.example.com/", "https://_dmarc.example.com/"),
    "another script": ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
    "another script and case": ("https://Bücher.EXAMPLE:8443", "https://xn--bcher-kva.example:8443"),
    "another script beside an underscore": (
        "https://my_x.bücher.example",
        "https://my_x.xn--bcher-kva.example",
    ),
    "an ideographic full stop": ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
    "a sharp s, which is no ss": ("https://faß.de/", "https://xn--fa-hia.de/"),
    "an A-label": ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    "an upper-case scheme": ("HTTPS://api.example.com/V1", "https://api.example.com/V1"),
    "an address of IPv6": ("https://[2606:4700::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
    "a slash at the end": ("https://api.example.com/v1/", "https://api.example.com/v1/"),
    "space around it": (" https://api.example.com ", "https://api.example.com"),
    "letters in the path": ("https://api.example.com/büro/@x'!", "https://api.example.com/b%C3%BCro/@x'!"),
}


@pytest.mark.parametrize(("typed", "kept"), HOSTS.values(), ids=[f"B6 {name}" for name in HOSTS])
def test_b6_an_address_is_taken_as_it_is_typed(typed, kept):
    for integration, name in FIELDS:
        found = checked(integration, **{name: typed})
        assert (found.problems, found.plain[name]) == ((), kept)


@pytest.mark.parametrize(
    "typed", ["http://my_service.internal:8080", "HTTP://10.1.2.3", "hTTp://bücher.internal"]
)
def test_b6_plain_http_is_taken_where_a_network_is_allowed(typed):
    networks = (ip_network("10.0.0.0/8"),)
    for integration, name in FIELDS:
        assert checked(integration, networks, **{name: typed}).problems == ()
        refused = checked(integration, **{name: typed}).problems
        assert [(fault.path, fault.code) for fault in refused] == [(("config", name), "ADDRESS_NOT_ALLOWED")]


# What must stay refused, however hosts are written: the mapping of scripts comes before the judgement.
DISGUISED = [
    "https://user@a.example", "https://bücher@a.example", "https://a.example\\@b.example", "https://a%2eexample",
    "https://exa mple.com", "https://a..b", "https://-a.example", "https://xn--\u2488.example", "https://\u200d.example",
    "https://a\ud800.example", "ftp://a.example", "//a.example", "https://", "https://a.example:0",
    "https://a.example:65536", "https://a\u2044b.example", "https://a\uff0fb.example", "https://a\uff20b.example",
    "https://a\uff1a80.example", "https://a\u2100b.example",
]  # fmt: skip


@pytest.mark.parametrize("typed", DISGUISED)
def test_b6_what_hides_where_it_leads_stays_refused(typed):
    for integration, name in FIELDS:
        assert checked(integration, **{name: typed}).problems
        assert name not in checked(integration, **{name: typed}).plain


@pytest.mark.parametrize("host", ["\uff11\uff12\uff17.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "ⓛocalhost"])
def test_b6_digits_of_another_script_are_judged_as_the_address_that_they_are(host):
    kept = checked("generic-http", baseUrl=f"https://{host}/").plain["baseUrl"]
    assert kept in {"https://127.0.0.1/", "https://localhost/"}
    if kept != "https://localhost/":
        with pytest.raises(EgressRefusedError):
            EgressPolicy().check_url(kept)


async def test_b6_a_call_goes_to_the_name_that_was_typed():
    config = checked(
        "generic-http", (ip_network("127.0.0.0/8"),), baseUrl="http://my_service.bücher.test"
    ).plain
    async with serving(always(reply())) as server:
        url = f"{config['baseUrl']}:{server.port}/x"
        hosts = ("my_service.xn--bcher-kva.test",)
        names = Names()
        names.names = {hosts[0]: "127.0.0.1"}
        async with outbound(LOOPBACK, resolver=names) as out:
            assert (await out.send(OutRequest("GET", url), Destination(hosts))).status == 200
    assert server.asked[0].header("host") == f"{hosts[0]}:{server.port}"


LOCATIONS = {
    "UTF-8 as it is": ("/büro/ß".encode(), "/b%C3%BCro/%C3%9F"),
    "Latin-1 as it is": ("/büro".encode("latin-1"), "/b%FCro"),
    "spaces": (b"/my report?q=a b", "/my%20report?q=a%20b"),
    "what is written right": (b"/b%C3%BCro/@me'(1)?f[a]=1", "/b%C3%BCro/@me'(1)?f[a]=1"),
}


@pytest.mark.parametrize(("location", "asked"), LOCATIONS.values(), ids=[f"B5 {name}" for name in LOCATIONS])
async def test_b5_a_location_is_followed_octet_by_octet(location, asked):
    """B5, the neighbour: servers leave octets in a Location that RFC 3986 wants encoded."""

    async def answer(request, writer):
        head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
        writer.write(head if request.target == "/" else reply())

    async with serving(answer) as server, outbound() as out:
        await out.send(OutRequest("GET", f"{server.origin}/"), Destination(("127.0.0.1",)), redirects=1)
    assert [one.target for one in server.asked] == ["/", asked]


@pytest.mark.parametrize("name", ["api_key", "X_API_KEY", "1-key", "X.Key", "!#$%&'*+.^_`|~"])
def test_b5_a_header_s_name_is_any_token(name):
    """B5, the neighbour: RFC 9110 5.6.2, where the form took letters, digits and hyphens."""
    assert checked("generic-http", headerName=name).problems == ()


@pytest.mark.parametrize("name", ["a b", "a:", "a\n", "ä", "a\r\nb", "(a)", ""])
def test_b5_what_is_no_token_is_no_header_s_name(name):
    assert [fault.path for fault in checked("generic-http", headerName=name).problems] == [
        ("config", "headerName")
    ]


@pytest.mark.parametrize("scopes", [" read  write ", "read\nwrite\n", "read\twrite"])
async def test_b10_scopes_are_asked_for_however_they_were_pasted(live, scopes):
    connection = await live.live(scopes=scopes)
    authorization = await live.begin(connection)
    assert authorization.step.scopes == ("read", "write")
