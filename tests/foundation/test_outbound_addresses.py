from __future__ import annotations

import ipaddress
import json

import httpcore
import httpx
import pytest

from app.foundation.egress import EgressPolicy
from app.foundation.errors import RefusedOutsideError, TransientOutsideError
from app.foundation.outbound_transport import GuardedTransport
from app.foundation.problems import ProblemCode
from tests.foundation.servers import (
    CANARY,
    HERE,
    Names,
    always,
    closing,
    get,
    never,
    outbound,
    refusal,
    reply,
    serving,
    transient_code,
)


async def test_nothing_inside_is_connected_to_without_the_operators_leave():
    async with serving(always(reply())) as server:
        policy = EgressPolicy()
        names = Names(
            inside_test="127.0.0.1", mixed_test="93.184.216.34 127.0.0.1", mapped_test="::ffff:127.0.0.1"
        )
        async with outbound(policy, resolver=names) as out:
            for host in ("127.0.0.1", "inside.test", "mixed.test", "mapped.test"):
                problem = await refusal(out.send(get(f"https://{host}:{server.port}/"), HERE))
                assert problem.code is ProblemCode.EGRESS_BLOCKED
                assert problem.details == {"cause": "ADDRESS"}
    assert server.connections == 0


async def test_the_machines_own_resolver_is_judged_like_any_other():
    async with outbound(EgressPolicy()) as out:
        problem = await refusal(out.send(get("https://localhost/"), HERE))
    assert problem.details == {"cause": "ADDRESS"}


async def test_open_closed_and_silent_ports_inside_are_told_alike():
    names = Names(inside_test="127.0.0.1")
    async with (
        serving(never) as silent,
        serving(always(b"SSH-2.0-banner\r\n")) as speaking,
        outbound(EgressPolicy(), resolver=names) as out,
    ):
        told = {
            json.dumps((await refusal(out.send(get(f"https://inside.test:{port}/"), HERE))).to_json())
            for port in (silent.port, speaking.port, 59_999, 443)
        }
    assert len(told) == 1
    assert silent.connections == speaking.connections == 0


async def test_a_name_is_resolved_once_and_only_the_checked_address_is_connected_to():
    hosts = []

    class Sockets(httpcore.AnyIOBackend):
        async def connect_tcp(self, host, port, *_, **__):
            hosts.append(host)
            raise httpcore.ConnectError

    class Alternating:
        calls = 0

        async def resolve(self, *_):
            self.calls += 1
            return (ipaddress.ip_address("93.184.216.34" if self.calls % 2 else "169.254.169.254"),)

    names = Alternating()
    async with outbound(EgressPolicy(), resolver=names) as out:
        out._direct._sockets = Sockets()
        for turn in range(1_000):
            with pytest.raises((TransientOutsideError, RefusedOutsideError)):
                await out.send(get("https://rebind.test/"), HERE)
            assert names.calls == turn + 1
    assert hosts == ["93.184.216.34"] * 500


async def test_rebinding_between_two_loopback_servers_reaches_the_allowed_one_alone():
    policy = EgressPolicy((ipaddress.ip_network("127.0.0.1/32"),))
    async with (
        serving(closing(reply())) as allowed,
        serving(always(reply()), host="127.0.0.2") as other,
        outbound(policy, resolver=Names(rebind_test=["127.0.0.1", "127.0.0.2"])) as out,
    ):
        assert (await out.send(get(f"http://rebind.test:{allowed.port}/"), HERE)).status == 200
        for server in (allowed, other):
            problem = await refusal(out.send(get(f"http://rebind.test:{server.port}/"), HERE))
            assert problem.code is ProblemCode.EGRESS_BLOCKED
    assert (allowed.connections, other.connections) == (1, 0)


async def test_the_next_address_is_tried_where_the_first_does_not_answer():
    async with (
        serving(always(reply())) as server,
        outbound(resolver=Names(two_test="127.0.0.9 127.0.0.1")) as out,
    ):
        assert (await out.send(get(f"http://two.test:{server.port}/"), HERE)).status == 200
        assert server.asked[0].header("host") == f"two.test:{server.port}"


async def test_plain_http_to_the_public_is_blocked_after_the_name_is_known():
    async with outbound(resolver=Names(public_test="93.184.216.34")) as out:
        problem = await refusal(out.send(get("http://public.test/"), HERE))
    assert problem.details == {"cause": "SCHEME"}


@pytest.mark.parametrize("answer", ["", OSError(), UnicodeError()])
async def test_a_name_without_an_address_is_told_as_such(answer):
    class Silent:
        async def resolve(self, *_):
            if answer:
                raise answer
            return ()

    async with outbound(resolver=Silent()) as out:
        assert (
            await transient_code(out.send(get("https://gone.test/"), HERE)) is ProblemCode.NAME_NOT_RESOLVED
        )


async def test_the_environments_proxies_and_netrc_are_not_used(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login user password {CANARY}\n")
    async with serving(always(reply())) as server, serving(always(reply())) as sink:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, sink.origin)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        async with outbound() as out:
            await out.send(get(server.origin), HERE)
            await out.send(get(server.origin), HERE, fresh=True)
    assert (server.connections, sink.connections) == (2, 0)
    assert [asked.header("authorization") for asked in server.asked] == [None, None]


async def test_both_pools_go_through_one_guard_and_answer_no_request_without_a_hop():
    async with outbound() as out:
        for transport in (out._direct, out._sandbox):
            assert isinstance(transport, GuardedTransport)
            assert transport._guard is out._guard
            with pytest.raises(KeyError):
                await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1/"))
