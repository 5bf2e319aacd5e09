from __future__ import annotations

import json
import ssl
import warnings

import pytest

from app.foundation.clock import FrozenClock
from app.foundation.egress import EgressPolicy
from app.foundation.errors import OutsideError, RefusedOutsideError, TransientOutsideError
from app.foundation.messages import Destination, OutRequest
from app.foundation.outbound import Outbound
from app.foundation.problems import ProblemCode
from tests.foundation.certificates import DAY, NOW, Authority
from tests.foundation.servers import Names, always, outbound, reply, serving

HERE = Destination(("*.test",))
NAMES = {"good_test": "127.0.0.1", "other_test": "127.0.0.1"}


@pytest.fixture(scope="module")
def authority():
    return Authority()


async def reason(sending) -> str:
    with pytest.raises(RefusedOutsideError) as fault:
        await sending
    problem = fault.value.problem
    assert problem.code is ProblemCode.UPSTREAM_TLS
    assert "127.0.0.1" not in json.dumps(problem.to_json())
    return problem.message.removeprefix("The secure (TLS) connection to the provider failed: ").removesuffix(
        "."
    )


async def test_host_and_server_name_keep_the_name_and_the_certificate_is_told(authority, tmp_path):
    asked_for = []
    told = []
    tls = authority.server(tmp_path, "good.test")
    tls.sni_callback = lambda _, name, __: asked_for.append(name)
    async with (
        serving(always(reply(200, b"safe")), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as out,
    ):
        response = await out.send(
            OutRequest("GET", f"https://good.test:{server.port}/"), HERE, trace=told.append, fresh=True
        )
        assert response.body == b"safe"
        assert asked_for == ["good.test"]
        assert server.asked[0].header("host") == f"good.test:{server.port}"
    handshake = next(event for event in told if event.stage == "tls" and event.state == "done")
    assert handshake.evidence == {
        "version": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "subject": "good.test",
        "issuer": "Test Authority",
        "notAfter": f"{NOW + DAY:%b} {(NOW + DAY).day:2} {NOW + DAY:%H:%M:%S %Y} GMT",
    }
    assert [event.stage for event in told if event.state == "done"] == [
        "resolve",
        "connect",
        "tls",
        "request",
        "response",
    ]
    assert response.timings.tls_ms is not None


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        ({"host": "other.test"}, "the certificate is for another name"),
        ({"host": "good.test", "begins": NOW - 2 * DAY, "ends": NOW - DAY}, "the certificate has expired"),
        (
            {"host": "good.test", "begins": NOW + DAY, "ends": NOW + 2 * DAY},
            "the certificate is not valid yet",
        ),
        ({"host": "good.test", "own": True}, "the certificate is not trusted"),
    ],
)
async def test_each_wrong_certificate_has_its_own_reason(authority, tmp_path, certificate, told):
    events = []
    tls = authority.server(tmp_path, **certificate)
    async with (
        serving(always(reply()), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as out,
    ):
        url = f"https://good.test:{server.port}/"
        assert await reason(out.send(OutRequest("GET", url), HERE, trace=events.append)) == told
        assert server.asked == []
    assert (events[-1].stage, events[-1].state) == ("tls", "failed")
    assert events[-1].evidence == {"code": "UPSTREAM_TLS"}


async def test_an_authority_that_is_not_trusted_is_told(authority, tmp_path):
    tls = authority.server(tmp_path, "good.test")
    async with serving(always(reply()), tls=tls) as server, outbound(resolver=Names(**NAMES)) as out:
        url = f"https://good.test:{server.port}/"
        assert await reason(out.send(OutRequest("GET", url), HERE)) == "the certificate is not trusted"


async def test_a_certificate_for_the_address_does_not_stand_for_the_name(authority, tmp_path):
    tls = authority.server(tmp_path, "127.0.0.1")
    async with (
        serving(always(reply()), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as out,
    ):
        url = f"https://good.test:{server.port}/"
        assert await reason(out.send(OutRequest("GET", url), HERE)) == "the certificate is for another name"


async def test_a_server_without_tls_fails_in_the_handshake():
    async with serving(always(b"")) as server, outbound(resolver=Names(**NAMES)) as out:
        server.greeting = b"SSH-2.0-CANARY banner of no TLS server\r\n"
        with pytest.raises(OutsideError) as fault:
            await out.send(OutRequest("GET", f"https://good.test:{server.port}/"), HERE)
    assert fault.value.problem.code is ProblemCode.UPSTREAM_PROTOCOL
    assert "does not speak TLS" in fault.value.problem.message
    assert "CANARY" not in str(fault.value.problem)


async def test_a_server_that_wants_a_client_certificate_is_a_failed_handshake(authority, tmp_path):
    tls = authority.server(tmp_path, "good.test")
    tls.verify_mode = ssl.CERT_REQUIRED
    async with (
        serving(always(reply()), tls=tls) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as out,
    ):
        url = f"https://good.test:{server.port}/"
        with pytest.raises(OutsideError) as fault:
            await out.send(OutRequest("GET", url), HERE)
    assert fault.value.problem.code in {ProblemCode.UPSTREAM_TLS, ProblemCode.UPSTREAM_CUT_OFF}
    assert server.asked == []


async def test_a_server_that_speaks_tls_1_1_at_most_is_refused(authority, tmp_path):
    old = authority.server(tmp_path, "good.test")
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with (
        serving(always(reply()), tls=old) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as out,
    ):
        with pytest.raises(OutsideError) as fault:
            await out.send(OutRequest("GET", f"https://good.test:{server.port}/"), HERE)
    assert fault.value.problem.code is ProblemCode.UPSTREAM_TLS
    assert server.asked == []


async def test_a_connection_that_breaks_in_the_handshake_may_be_tried_again(authority):
    async with (
        serving(always(b"")) as server,
        outbound(resolver=Names(**NAMES), verify=authority.trust()) as out,
    ):
        server.greeting = b""
        with pytest.raises(TransientOutsideError) as fault:
            await out.send(OutRequest("GET", f"https://good.test:{server.port}/"), HERE)
    assert fault.value.problem.code is ProblemCode.UPSTREAM_TLS
    assert fault.value.problem.retryable
    assert "the connection ended in the handshake" in fault.value.problem.message


def test_the_default_context_asks_for_tls_1_2_and_checks_names():
    context = Outbound(EgressPolicy(), clock=FrozenClock())._tls.common
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
