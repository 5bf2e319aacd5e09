"""C9: what goes wrong before a whole answer is there is told apart in words, with hints at fields that there are."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl

import httpcore
import httpx
import pytest

from app.connection_tests.steps import RunStepState, StepKind, Verdict
from app.foundation import outbound_faults as faults
from app.foundation.problems import FixBy, ProblemCode
from tests.field.runs import keyed, outcome_of
from tests.foundation.certificates import Authority
from tests.foundation.servers import Names, always, closing, outbound, reply, serving

K, S = StepKind, RunStepState
NAMES = {"api_test": "127.0.0.1"}
SETTINGS = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"  # RFC 9113 6.5
GOAWAY = (
    b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0d"  # RFC 9113 6.8, HTTP_1_1_REQUIRED
)
ALERT = b"\x15\x03\x01\x00\x02\x02\x46"  # RFC 8446 6
CUT = ProblemCode.UPSTREAM_CUT_OFF
PROTOCOL = ProblemCode.UPSTREAM_PROTOCOL


@pytest.fixture
def world(local_world):
    return local_world


@pytest.fixture(scope="module")
def authority():
    return Authority()


async def broken(world, base_url, outside):
    """Return the problem with which the default test fails, and the step at which it does."""
    result, steps = await outcome_of(world, outside, await keyed(world, base_url))
    assert result.verdict is Verdict.FAILED
    failed = next(step for step in steps.values() if step.state is S.FAILED)
    assert failed.problem == result.problem
    assert "?" not in result.problem.message
    return result.problem, failed.kind


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", CUT, "in the middle of its answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx", CUT, "in the middle of its answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", CUT, "in the middle of its answer"),
        (b"", CUT, "before it answered; a server that speaks https does so"),
        (ALERT, PROTOCOL, "begins with http, and the server speaks https there"),
        (SETTINGS, PROTOCOL, "speaks only HTTP/2"),
        (GOAWAY, PROTOCOL, "speaks only HTTP/2"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ProblemCode.UPSTREAM_BAD_RESPONSE, "in an unexpected way"),
    ],
)
async def test_c9_what_comes_over_a_plain_connection_is_told_apart(world, said, code, words):
    """C9: cut before and amid an answer, TLS, HTTP/2 and other protocols."""
    ends = code is CUT

    async def play(_, writer):
        writer.write(said)
        if ends:
            writer.close()

    async with serving(play) as server, outbound(resolver=Names()) as outside:
        problem, kind = await broken(world, server.origin, outside)
    assert (problem.code, problem.retryable, kind) == (code, code is CUT, K.REQUEST)
    assert words in problem.message


async def test_c9_over_tls_a_cut_says_nothing_of_plain_http(world, authority, tmp_path):
    """C9: that would be a false trail."""
    tls = authority.server(tmp_path, "api.test")
    async with (
        serving(closing(b""), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        problem, _ = await broken(world, f"https://api.test:{server.port}", outside)
    assert problem.message == "Any HTTP API ended the connection before it answered."


async def test_c9_plain_http_to_a_server_that_speaks_tls_names_https(world, authority, tmp_path):
    """C9: a real TLS server, which ends the connection or sends an alert."""
    tls = authority.server(tmp_path, "api.test")
    async with (
        serving(always(reply()), tls=tls) as server,
        outbound(resolver=Names(**NAMES)) as outside,
    ):
        problem, _ = await broken(world, f"http://api.test:{server.port}", outside)
    assert problem.code in {CUT, PROTOCOL}
    assert "speaks https" in problem.message


@pytest.mark.parametrize(
    "body",
    [
        "<center>The plain HTTP request was sent to HTTPS port</center>",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
        "Client sent an HTTP request to an HTTPS server.\n",
    ],
)
async def test_c9_what_web_servers_say_of_plain_http_is_read(world, body):
    """C9: nginx, Apache and Go answer 400 in plain text; the credentials are not at fault."""
    async with (
        serving(always(reply(400, body.encode()))) as server,
        outbound(resolver=Names()) as outside,
    ):
        problem, kind = await broken(world, server.origin, outside)
    assert (problem.code, kind) == (PROTOCOL, K.RESPONSE)
    assert "“Base address of the API”" in problem.remediation[0].text


async def test_c9_tls_to_a_server_that_speaks_plain_http_names_http(world):
    """C9: the other way round."""
    async with serving(always(reply())) as server, outbound(resolver=Names(**NAMES)) as outside:
        server.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        problem, kind = await broken(world, f"https://api.test:{server.port}", outside)
    assert (problem.code, kind) == (PROTOCOL, K.TLS)
    assert "begins with https, and the server does not speak TLS there" in problem.message


@pytest.mark.parametrize("how", ["alert", "silent"])
async def test_c9_a_server_that_speaks_only_http_2_is_named_as_one(world, authority, tmp_path, how):
    """C9: it refuses HTTP/1.1 in the handshake (openssl), or sends its first frame whatever is asked."""
    tls = authority.server(tmp_path, "api.test")
    if how == "alert":
        async with (
            openssl_server(tmp_path, "-alpn", "h2") as port,
            outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
        ):
            problem, kind = await broken(world, f"https://api.test:{port}", outside)
        assert kind is K.TLS
    else:
        async with (
            serving(always(SETTINGS), tls=tls) as server,
            outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
        ):
            problem, kind = await broken(world, f"https://api.test:{server.port}", outside)
        assert kind is K.REQUEST
    assert problem.code is PROTOCOL
    assert "speaks only HTTP/2" in problem.message


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_c9_a_server_that_wants_a_client_certificate_is_told_by_its_words(
    world, authority, tmp_path, version
):
    """C9: in TLS 1.3 after the handshake, in TLS 1.2 by a refusal that can mean something else too."""
    authority.server(tmp_path, "api.test")
    async with (
        openssl_server(tmp_path, version, "-Verify", "1", "-verify_return_error") as port,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        problem, _ = await broken(world, f"https://api.test:{port}", outside)
    assert problem.code is ProblemCode.UPSTREAM_TLS
    assert "wants a client certificate" in problem.message


async def test_c9_a_client_certificate_that_nginx_misses_is_told(world, authority, tmp_path):
    """C9: it answers 400 with a page."""
    page = b"<center>No required SSL certificate was sent</center><hr><center>nginx</center>"
    tls = authority.server(tmp_path, "api.test")
    async with (
        serving(always(reply(400, page)), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as outside,
    ):
        problem, _ = await broken(world, f"https://api.test:{server.port}", outside)
    assert problem.code is ProblemCode.UPSTREAM_TLS
    assert "wants a client certificate" in problem.message


async def test_c9_no_version_of_tls_in_common_is_told(world, authority, tmp_path):
    """C9: a hub that speaks TLS 1.3 alone stands for any two that do not meet."""
    authority.server(tmp_path, "api.test")
    trust = authority.trust()
    trust.minimum_version = ssl.TLSVersion.TLSv1_3
    async with (
        openssl_server(tmp_path, "-tls1_2") as port,
        outbound(resolver=Names(**NAMES), verify=trust) as outside,
    ):
        problem, _ = await broken(world, f"https://api.test:{port}", outside)
    assert "no version of TLS in common" in problem.message


async def test_c9_a_refused_connection_and_an_unknown_name_are_two_things(world):
    """C9: each at its own step, with a hint at the field that says the address."""
    async with serving(always(reply())) as server:
        port = server.port
    async with outbound(resolver=Names(**NAMES)) as outside:
        refused, at_connect = await broken(world, f"http://api.test:{port}", outside)
        unknown, at_name = await broken(world, "https://missing.test", outside)
    assert (refused.code, at_connect) == (ProblemCode.UPSTREAM_UNREACHABLE, K.CONNECT)
    assert "the connection was refused" in refused.message
    assert (unknown.code, at_name) == (ProblemCode.NAME_NOT_RESOLVED, K.NAME_LOOKUP)
    assert "there is no such name" in unknown.message
    for problem in (refused, unknown):
        assert "“Base address of the API”" in problem.remediation[0].text


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([OSError(errno.ECONNREFUSED, "x")], "refused"),
        ([OSError(errno.ENETUNREACH, "x"), OSError(errno.ECONNREFUSED, "x")], "refused"),
        ([OSError(errno.EHOSTUNREACH, "x")], "no way from here"),
        ([httpcore.ConnectTimeout()], "a firewall is in between"),
        ([ExceptionGroup("all", [OSError(errno.ENETUNREACH, "x")])], "no way from here"),
    ],
)
def test_c9_the_most_telling_of_several_addresses_is_said(errors, words):
    """C9: as with a name that has addresses of both families."""
    wrapped = []
    for error in errors:
        outer = httpcore.ConnectError("failed")
        outer.__cause__ = error
        wrapped.append(outer)
    assert words in faults.not_connected(wrapped).problem.message


def test_c9_a_name_server_that_does_not_answer_is_no_unknown_name():
    """C9: nobody can correct a name that is right."""
    problem = faults.name_not_resolved(socket.gaierror(socket.EAI_AGAIN, "x")).problem
    assert "the name server did not answer" in problem.message
    assert problem.retryable


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")]
)
async def test_c9_no_hint_at_a_field_that_there_is_not(world, fault):
    """C9: Slack's address stands in its definition; nobody can configure it."""
    connection = await world.authorized("slack")

    async def play(_):
        raise fault

    world.outside.instead = play
    problem = (await world.tested(connection)).problem
    assert problem.message.startswith("Slack") or "to Slack" in problem.message
    assert not any("configuration" in step.text for step in problem.remediation)
    assert problem.remediation
    assert all(step.actor in FixBy for step in problem.remediation)


class openssl_server:  # noqa: N801 - used as a word: async with openssl_server(...)
    """A real ``openssl s_server`` with the certificate that the authority has just made."""

    def __init__(self, folder, *more):
        self.folder, self.more = folder, more

    async def __aenter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        pem = next(self.folder.glob("api.test*.pem"))
        self.process = await asyncio.create_subprocess_exec(
            "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pem, "-key", pem, *self.more,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, stdin=asyncio.subprocess.PIPE,
        )  # fmt: skip
        while b"ACCEPT" not in await self.process.stdout.readline():
            pass
        return port

    async def __aexit__(self, *_):
        self.process.kill()
        await self.process.wait()
