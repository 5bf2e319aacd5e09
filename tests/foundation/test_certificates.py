from __future__ import annotations

import ssl
from dataclasses import replace

import pytest

from app.foundation.certificates import TlsMaterial, certificates_fault, key_fault
from app.foundation.errors import OutsideError
from app.foundation.outbound_tls import MAX_CONTEXTS, TlsContexts
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret
from tests.foundation.certificates import Authority
from tests.foundation.servers import HERE, Names, always, get, outbound, reply, serving

NAMES = {"good_test": "127.0.0.1", "other_test": "127.0.0.1"}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def wanting(authority: Authority, folder, host: str = "good.test") -> ssl.SSLContext:
    """Return the context of a server that wants a client certificate of the authority."""
    tls = authority.server(folder, host)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(cadata=authority.pem)
    return tls


def material(authority: Authority, name: str = "hub") -> TlsMaterial:
    certificate, key = authority.client(name)
    return TlsMaterial(authority.pem, certificate, Secret(key))


async def refused(sending) -> ProblemCode:
    with pytest.raises(OutsideError) as fault:
        await sending
    return fault.value.problem.code


async def test_an_authority_of_the_operator_is_trusted_beside_the_others(authority, tmp_path):
    tls = authority.server(tmp_path, "good.test")
    bundle = f"# Größe und Herkunft stehen oft daneben\n{Authority('Another Authority').pem}\n{authority.pem}"
    async with (
        serving(always(reply()), tls=tls) as server,
        outbound(resolver=Names(**NAMES), authorities=bundle, verify=True) as out,
    ):
        assert (await out.send(get(f"https://good.test:{server.port}/"), HERE)).status == 200
        assert len(out._tls.common.get_ca_certs()) > 2


async def test_an_authority_of_a_connection_is_trusted_for_it_alone(authority, tmp_path):
    tls = authority.server(tmp_path, "good.test")
    own = replace(HERE, tls=TlsMaterial(authorities=authority.pem))
    async with serving(always(reply()), tls=tls) as server, outbound(resolver=Names(**NAMES)) as out:
        url = f"https://good.test:{server.port}/"
        assert (await out.send(get(url), own)).status == 200
        assert await refused(out.send(get(url), HERE)) is ProblemCode.UPSTREAM_TLS
        assert (await out.send(get(url), own)).status == 200
        assert server.connections == 1  # which was kept, and not lent to the call that does not trust it


async def test_a_client_certificate_is_shown_by_its_own_connection_alone(authority, tmp_path):
    async with (
        serving(always(reply()), tls=wanting(authority, tmp_path)) as server,
        outbound(resolver=Names(**NAMES), authorities=authority.pem) as out,
    ):
        url = f"https://good.test:{server.port}/"
        first, second = (replace(HERE, tls=material(authority, name)) for name in ("first", "second"))
        for destination in (first, second, first):
            assert (await out.send(get(url), destination)).status == 200
        assert server.connections == 2
        assert await refused(out.send(get(url), HERE)) in {
            ProblemCode.UPSTREAM_TLS,
            ProblemCode.UPSTREAM_CUT_OFF,
        }
        shown = [writer.get_extra_info("peercert") for writer in server.open_writers]
    assert [dict(part[0] for part in cert["subject"])["commonName"] for cert in shown] == ["first", "second"]


async def test_a_client_certificate_does_not_follow_a_redirect_to_another_origin(authority, tmp_path):
    optional = wanting(authority, tmp_path, "other.test")
    optional.verify_mode = ssl.CERT_OPTIONAL
    async with (
        serving(always(reply()), tls=optional) as other,
        serving(
            always(reply(302, Location=f"https://other.test:{other.port}/")),
            tls=wanting(authority, tmp_path),
        ) as server,
        outbound(resolver=Names(**NAMES)) as out,
    ):
        destination = replace(HERE, tls=material(authority))
        answer = await out.send(get(f"https://good.test:{server.port}/"), destination, redirects=1)
        assert answer.status == 200
        assert [writer.get_extra_info("peercert") for writer in other.open_writers] == [None]


async def test_material_that_cannot_be_used_is_a_fault_of_tls_without_a_word_of_it(authority):
    certificate, _ = authority.client("hub")
    _, strange = authority.client("hub")
    broken = TlsMaterial(None, certificate, Secret(strange))
    async with outbound(resolver=Names(**NAMES)) as out:
        with pytest.raises(OutsideError) as fault:
            await out.send(get("https://good.test/"), replace(HERE, tls=broken))
    assert fault.value.problem.code is ProblemCode.UPSTREAM_TLS
    assert "own certificates" in fault.value.problem.message
    assert "BEGIN" not in fault.value.problem.message


async def test_contexts_are_made_once_and_kept_up_to_a_bound(authority):
    contexts = TlsContexts(authority.trust(), None)
    wanted = TlsMaterial(authorities=authority.pem)
    assert await contexts.of(wanted) is await contexts.of(replace(wanted))
    for number in range(MAX_CONTEXTS + 5):
        await contexts.of(TlsMaterial(authorities=f"{number}\n{authority.pem}"))
    assert len(contexts._made) == MAX_CONTEXTS
    assert await contexts.of(None) is await contexts.of(TlsMaterial()) is contexts.common


def test_what_is_no_certificate_or_not_its_key_is_told_apart(authority):
    certificate, key = authority.client("hub")
    _, other = authority.client("hub")
    assert certificates_fault(f"{authority.pem}\n{certificate}") is None
    for text in ("", "no certificate", key, authority.pem.replace("MII", "MI!"), authority.pem[:-40]):
        assert "PEM" in certificates_fault(text)
    assert key_fault(certificate, Secret(key)) is None
    assert "does not belong" in key_fault(certificate, Secret(other))
    assert "private key in PEM" in key_fault(certificate, Secret(certificate))
    assert "password" in key_fault(certificate, Secret("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
    assert "private key in PEM" in key_fault(certificate, Secret("Größe"))


def test_a_key_is_in_no_words_of_its_material(authority):
    assert "BEGIN PRIVATE" not in repr(material(authority))
