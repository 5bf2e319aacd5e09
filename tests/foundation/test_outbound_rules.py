from __future__ import annotations

import ipaddress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.egress import EgressPolicy, EgressRefusedError, parse_target
from app.foundation.errors import InvalidInputError, RefusedOutsideError
from app.foundation.messages import Destination, InResponse, OutRequest, SandboxRoute
from app.foundation.outbound_rules import Route, check_request, redirected, route
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

CANARY = "CANARY-7f3a9b"
SANDBOX = SandboxRoute("http://127.0.0.1:8000", "/sandbox/slack@1.1.0")
PLAYED = "http://127.0.0.1:8000/sandbox/slack@1.1.0/"
CREDENTIALS = (
    ("Authorization", "Bearer x"),
    ("X-Api-Key", "x"),
    ("Cookie", "a=b"),
    ("X-Custom", "x"),
    ("Accept", "application/json"),
    ("Content-Type", "text/plain"),
)


def taken(url: str, sandbox: SandboxRoute | None = None) -> Route:
    wire = sandbox.rewrite(url) if sandbox else url
    return Route(parse_target(url), parse_target(wire), is_sandbox=sandbox is not None)


def after(request: OutRequest, status: int, location: str | None, sandbox: SandboxRoute | None = None):
    headers = () if location is None else (("Location", location),)
    return redirected(request, taken(request.url, sandbox), InResponse(status, headers), sandbox)


def cause_of(call, *arguments) -> str:
    with pytest.raises(RefusedOutsideError) as refusal:
        call(*arguments)
    assert refusal.value.problem.code is ProblemCode.EGRESS_BLOCKED
    return refusal.value.problem.details["cause"]


# -- what may be sent


@pytest.mark.parametrize("method", ["", "get", "CONNECT", "TRACE", "GET /", "PO ST", "GET\r\nX: y", "MKCOL"])
def test_a_method_that_the_hub_does_not_know_is_refused(method):
    with pytest.raises(InvalidInputError):
        check_request(OutRequest(method, "https://a.example/"))


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a:b", "a\r\nb", "a\x00", "é", "a,b", "(a)", "X-Y ", "\tX", "x" * 300]
)
def test_a_header_name_that_is_no_token_is_refused_without_being_repeated(name):
    with pytest.raises(InvalidInputError) as refusal:
        check_request(OutRequest("GET", "https://a.example/", ((name, "v"),)))
    assert refusal.value.problem.message == "A header's name is not valid: it is not a token."


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nX: y",
        "a\nb",
        "a\rb",
        "a\x00b",
        "\x0b",
        "\x7f",
        "€",
        "\ud800",
        "a\u2028b",
        f"{CANARY}\r\n",
        "\x1b[31m",
    ],
)
def test_a_header_value_that_is_no_field_value_is_refused_without_being_repeated(value):
    with pytest.raises(InvalidInputError) as refusal:
        check_request(OutRequest("GET", "https://a.example/", (("X-Y", value),)))
    assert refusal.value.problem.message.startswith("The header X-Y is not valid")
    assert CANARY not in str(refusal.value.problem.to_json())


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Trailer", "Expect"],
)
def test_a_header_of_the_connection_is_the_hubs_own(name):
    with pytest.raises(InvalidInputError):
        check_request(OutRequest("GET", "https://a.example/", ((name, "x"),)))


@pytest.mark.parametrize("value", ["", "plain", "tab\there", "latin \xe9\xff", "~!@#$%^&*()"])
def test_an_ordinary_header_value_is_accepted(value):
    check_request(OutRequest("GET", "https://a.example/", (("X-Y", value),)))


# -- where it may go


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("https://evil.example/", "HOST"),
        ("https://slack.com.evil.example/", "HOST"),
        ("https://slack.com@evil.example/", "URL"),
        ("https://a.slack.com:22/", "PORT"),
        ("http://slack.com/", "SCHEME"),
        ("https://127.0.0.1/", "ADDRESS"),
        ("https://8.8.8.8/", "HOST"),
        ("https://metadata.google.internal/", "HOST"),
        ("ftp://slack.com/", "URL"),
    ],
)
def test_a_url_outside_the_destination_is_blocked(url, cause):
    assert cause_of(route, url, Destination(("slack.com", "*.slack.com")), EgressPolicy()) == cause


def test_a_destination_without_hosts_leads_nowhere():
    assert cause_of(route, "https://slack.com/", Destination(()), EgressPolicy()) == "HOST"


def test_an_address_is_a_host_like_any_other():
    policy = EgressPolicy((ipaddress.ip_network("10.0.0.0/8"),))
    assert route("http://10.0.0.1/", Destination(("10.0.0.1",)), policy).wire.url == "http://10.0.0.1/"
    assert cause_of(route, "http://10.0.0.2/", Destination(("10.0.0.1",)), policy) == "HOST"


# -- the sandbox


@pytest.mark.parametrize(
    ("url", "played"),
    [
        ("https://slack.com/api/x?y=1", "slack.com/api/x?y=1"),
        ("https://Slack.com", "slack.com/"),
        ("https://slack.com:8443/a", "slack.com:8443/a"),
        ("https://[2606:4700::1111]:8443/a", "[2606:4700::1111]:8443/a"),
        ("http://nas.local/a#frag", "nas.local/a"),
        ("https://slack.com/a/../b/./c", "slack.com/b/c"),
        ("https://slack.com/../../graphql", "slack.com/graphql"),
        ("https://slack.com/%2e%2E/.%2e/graphql", "slack.com/graphql"),
        ("https://slack.com/a/..", "slack.com/"),
        ("https://slack.com/a//b?x=/../y", "slack.com/a//b?x=/../y"),
    ],
)
def test_the_sandbox_plays_each_host_in_a_folder_of_its_own(url, played):
    assert SANDBOX.rewrite(url) == PLAYED + played


@pytest.mark.parametrize("url", ["https://slack.com/api/x?y=1", "https://slack.com:8443/", "https://[::1]/a"])
def test_the_sandboxes_url_leads_back_to_the_one_it_plays(url):
    assert SANDBOX.original(SANDBOX.rewrite(url)) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/graphql",
        "http://127.0.0.1:8001/sandbox/slack@1.1.0/slack.com/",
        "http://127.0.0.1:8000/sandbox/slack@1.1.0/",
        "http://127.0.0.1:8000/sandbox/slack@1.1.0",
        "http://127.0.0.1:8000/sandbox/slack@1.1.00/slack.com/",
        "http://127.0.0.1:8000/sandbox/slack@1.1.0/../../graphql",
        "http://127.0.0.1:8000/sandbox/slack@1.1.0/slack.com/../../../graphql",
        "https://slack.com/",
        "nonsense",
    ],
)
def test_a_url_outside_the_sandboxes_folder_leads_nowhere(url):
    assert SANDBOX.original(url) is None


@given(st.text(alphabet="ab./%2eE?#@:\\ ", max_size=30))
def test_no_path_climbs_out_of_the_sandbox(path):
    try:
        rewritten = SANDBOX.rewrite(f"https://slack.com/{path}")
    except EgressRefusedError:
        return
    url = httpx.URL(rewritten)
    assert (url.host, url.port) == ("127.0.0.1", 8000)
    assert url.path.startswith("/sandbox/slack@1.1.0/slack.com/")
    assert "/../" not in url.path.partition("?")[0]


def test_with_a_sandbox_nothing_else_is_reached():
    destination = Destination(("slack.com",), SANDBOX)
    for url in ("https://slack.com/x", "https://evil.example/x", "https://169.254.169.254/x"):
        went = route(url, destination, EgressPolicy())
        assert went.is_sandbox
        assert went.wire.origin == ("http", "127.0.0.1", 8000)
    assert cause_of(route, "https://a@b/", destination, EgressPolicy()) == "URL"


# -- redirects


@pytest.mark.parametrize(
    ("status", "location"), [(200, "/x"), (304, "/x"), (300, "/x"), (302, None), (302, "")]
)
def test_an_answer_that_is_no_redirect_is_the_answer(status, location):
    assert after(OutRequest("GET", "https://a.example/"), status, location) is None


@pytest.mark.parametrize(
    ("method", "status", "then", "keeps_body"),
    [
        ("GET", 301, "GET", True),
        ("HEAD", 303, "HEAD", True),
        ("POST", 301, "GET", False),
        ("POST", 302, "GET", False),
        ("POST", 303, "GET", False),
        ("POST", 307, "POST", True),
        ("POST", 308, "POST", True),
        ("PUT", 301, "PUT", True),
        ("PUT", 303, "GET", False),
        ("DELETE", 308, "DELETE", True),
    ],
)
def test_within_the_origin_the_method_follows_the_status(method, status, then, keeps_body):
    request = OutRequest(method, "https://a.example/x", CREDENTIALS, b"body")
    follow_up = after(request, status, "/y")
    assert (follow_up.method, follow_up.url) == (then, "https://a.example/y")
    assert follow_up.body == (b"body" if keeps_body else None)
    assert dict(follow_up.headers)["Authorization"] == "Bearer x"
    assert ("Content-Type" in dict(follow_up.headers)) is keeps_body


@pytest.mark.parametrize(
    "location",
    [
        "https://b.example/",
        "https://a.example:8443/",
        "//b.example/x",
        "https://sub.a.example/",
        "https://a.example.b/",
    ],
)
def test_across_origins_goes_no_credential_and_no_body(location):
    request = OutRequest(
        "GET", "https://a.example/x", CREDENTIALS, secret_headers=("x-custom",), secrets=(Secret(CANARY),)
    )
    follow_up = after(request, 302, location)
    assert follow_up.headers == (("Accept", "application/json"),)
    assert follow_up.body is None


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://b.example/p?api_key=k&page=2", "https://b.example/p?page=2"),
        ("https://b.example/p?API_KEY=k", "https://b.example/p"),
        ("https://b.example/p?api%5Fkey=k&a", "https://b.example/p?a"),
        ("https://b.example/p?X-Amz-Signature=s", "https://b.example/p?X-Amz-Signature=s"),
    ],
)
def test_across_origins_the_secret_parameters_are_dropped(location, url):
    request = OutRequest("GET", "https://a.example/", secret_query=("api_key",))
    assert after(request, 302, location).url == url


@pytest.mark.parametrize(
    "location",
    [
        f"https://b.example/{CANARY}",
        f"https://b.example/?x={CANARY}",
        "https://b.example/?x=Q0FOQVJZLTdmM2E5Yg==",
    ],
)
def test_an_address_that_carries_a_secret_to_another_origin_is_refused(location):
    request = OutRequest("GET", "https://a.example/", secrets=(Secret(CANARY),))
    assert cause_of(after, request, 302, location) == "REDIRECT"


@pytest.mark.parametrize(
    ("method", "status"), [("POST", 307), ("POST", 308), ("PUT", 302), ("DELETE", 307), ("PATCH", 301)]
)
def test_a_write_is_never_repeated_to_another_origin(method, status):
    request = OutRequest(method, "https://a.example/", body=b"x")
    assert cause_of(after, request, status, "https://b.example/") == "REDIRECT"


def test_a_post_that_becomes_a_get_may_cross_without_its_body():
    follow_up = after(OutRequest("POST", "https://a.example/", CREDENTIALS, b"x"), 303, "https://b.example/")
    assert (follow_up.method, follow_up.body) == ("GET", None)


@pytest.mark.parametrize(
    ("location", "cause"),
    [
        ("http://a.example/", "SCHEME"),
        ("http://b.example/", "SCHEME"),
        ("ftp://a.example/", "URL"),
        ("file:///etc/passwd", "URL"),
        ("https://u:p@a.example/", "URL"),
        ("https://127.1/", "URL"),
        ("javascript:alert(1)", "URL"),
        ("https://a.example\\@b.example/", "URL"),
    ],
)
def test_a_redirect_to_a_lower_or_odd_address_is_refused(location, cause):
    assert cause_of(after, OutRequest("GET", "https://a.example/"), 302, location) == cause


def test_a_redirect_may_climb_from_http_to_https():
    assert (
        after(OutRequest("GET", "http://a.example/"), 301, "https://a.example/").url == "https://a.example/"
    )


def test_a_location_that_cannot_be_read_is_a_bad_answer():
    with pytest.raises(RefusedOutsideError) as refusal:
        after(OutRequest("GET", "https://a.example/"), 302, "https://[oops/")
    assert refusal.value.problem.code is ProblemCode.UPSTREAM_BAD_RESPONSE


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://slack.com/b"),
        ("b", "https://slack.com/b"),
        ("https://slack.com/b", "https://slack.com/b"),
        ("https://files.slack.com/b", "https://files.slack.com/b"),
        (f"{PLAYED}slack.com/b", "https://slack.com/b"),
        (f"{PLAYED}files.slack.com/b", "https://files.slack.com/b"),
        ("/sandbox/slack@1.1.0/slack.com/b", "https://slack.com/b"),
    ],
)
def test_a_redirect_in_the_sandbox_stays_in_the_world_that_it_plays(location, url):
    assert after(OutRequest("GET", "https://slack.com/a"), 302, location, SANDBOX).url == url


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:8000/graphql", "http://127.0.0.1:9999/x", "http://slack.com/"]
)
def test_a_redirect_out_of_the_sandbox_is_refused(location):
    assert cause_of(after, OutRequest("GET", "https://slack.com/a"), 302, location, SANDBOX) == "SCHEME"


# -- no second reading of a URL


@given(
    st.sampled_from(["https://", "http://", "HTTPS://"]),
    st.text(alphabet="aA0.-_[]:@%\\/?#1xé。 ", max_size=14),
    st.sampled_from(["", "/", ":80", ":443/x", ":8443?y", "#z"]),
)
def test_httpx_reads_every_accepted_url_as_it_was_judged(scheme, authority, rest):
    try:
        target = parse_target(f"{scheme}{authority}{rest}")
    except EgressRefusedError:
        return
    url = httpx.URL(target.url)
    default = {"https": 443, "http": 80}[url.scheme]
    assert (url.scheme, url.raw_host.decode(), url.port or default) == target.origin
