"""One contract over every keeper of the key that wraps: file, variable, AWS (moto), Google and Vault (stand-ins)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, Response

from app.foundation.secret import Secret
from app.settings import read_settings
from app.vault import aws_kms, service_key
from app.vault.aws_kms import AwsKmsKey
from app.vault.envelope import WrapContext
from app.vault.errors import IntegrityError, KeyCheckError, KeyUnavailableError
from app.vault.gcp_kms import GcpKmsKey
from app.vault.google_token import GoogleToken
from app.vault.key_file import create_key_file, env_ring, read_file_keys
from app.vault.key_source import open_keys
from app.vault.keys import KeyProvider, KeyRing
from app.vault.models import DataKeyRecord
from app.vault.rotation import KeyHome
from app.vault.service_client import ServiceClient, service_outbound
from app.vault.vault_transit import VaultTransitKey
from tests.fakes.key_services import AWS_ENVIRONMENT, CANARY, GoogleKms, Transit, VersionedKey, running_moto
from tests.servers import running
from tests.vault.rotating import OPERATOR, place, started

MATERIAL = bytes(range(100, 132))
CONTEXT = WrapContext("wks_a", "dk_one")
OTHER_CONTEXTS = [
    WrapContext("wks_b", "dk_one"),
    WrapContext("wks_a", "dk_two"),
    WrapContext("wks_a", "dk_one", purpose="probe"),
]
SERVICES = ["aws-kms", "gcp-kms", "vault-transit"]
PROVIDERS = ["file", "env", *SERVICES]
FIXTURES = {"aws-kms": "amazon", "gcp-kms": "google", "vault-transit": "transit"}
NO_WRAPPED_KEYS = [
    "",
    "pbs1",
    "pbs1..",
    "pbs1.1.",
    "pbs1.1.A",
    "pbw1.AAAA",
    "nonsense",
    "pbs1.1.€",
    "pb1.x.y",
]
NO_ARNS = ["", "alias/hub", "arn:aws:kms:eu-central-1:123456789012:alias/hub", "1234abcd", "arn:aws:s3:::x"]
GCP_NAME = "projects/p-1/locations/europe-west1/keyRings/hub/cryptoKeys/{}"
TOKEN = "hvs.canary-vault-token"


@dataclass
class Keeper:
    """A key at its keeper, a second one there, and what the keeper can be made to do."""

    key: KeyProvider
    other: KeyProvider
    service: Any = None
    again: Callable[[], KeyProvider] | None = None  # the same key, as another process has it
    rotate: Callable[[], None] | None = None


@pytest.fixture(scope="session")
def moto():
    """Run moto; return its address, and the client that the hub makes for it, made once: that takes a second."""
    with running_moto() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in AWS_ENVIRONMENT.items():
            patch.setenv(name, value)
        client = aws_kms._client("eu-central-1", url)
        yield url, client
        client.close()


@pytest.fixture
async def stack():
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def door(stack, clock):
    """Return what makes the door to a service's address."""

    async def make(url):
        outbound = service_outbound(clock)
        stack.push_async_callback(outbound.aclose)
        return ServiceClient(outbound, clock, url)

    return make


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o400)
    return path


@pytest.fixture
async def google(stack, door, clock):
    service = GoogleKms()
    names = [GCP_NAME.format(name) for name in ("one", "two")]
    service.keys = {name: VersionedKey() for name in names}
    address = await stack.enter_async_context(running(service.app))
    way = await door(address.http)

    def make(name):
        return GcpKmsKey(name, way, GoogleToken(clock, way))

    return Keeper(*map(make, names), service, lambda: make(names[0]), service.keys[names[0]].rotate)


@pytest.fixture
async def transit(stack, door, token_file):
    service = Transit(TOKEN)
    service.keys = {"transit/one": VersionedKey(), "team/crypto/two": VersionedKey()}
    address = await stack.enter_async_context(running(service.app))
    way = await door(address.http)

    def make(name):
        return VaultTransitKey(name, way, token_file)

    keys = map(make, ("one", "team/crypto/two"))
    return Keeper(*keys, service, lambda: make("one"), service.keys["transit/one"].rotate)


@pytest.fixture
def amazon(moto):
    url, client = moto
    keys = []
    for _ in range(2):
        key = AwsKmsKey(client.create_key(Description="hub")["KeyMetadata"]["Arn"], endpoint=url)
        key._made = client
        keys.append(key)
    return Keeper(*keys, client)


@pytest.fixture
def local(tmp_path, chance):
    create_key_file(tmp_path / "one")
    create_key_file(tmp_path / "two")
    text = [b64encode(chance.randbytes(32)).decode() for _ in range(2)]
    return {
        "file": Keeper(*(read_file_keys(tmp_path / name)[0] for name in ("one", "two"))),
        "env": Keeper(*(env_ring(Secret(value)).active for value in text)),
    }


@pytest.fixture(params=PROVIDERS)
def keeper(request):
    fixture = FIXTURES.get(request.param)
    return request.getfixturevalue(fixture) if fixture else request.getfixturevalue("local")[request.param]


@pytest.fixture(params=SERVICES)
def service(request):
    return request.getfixturevalue(
        {"aws-kms": "amazon", "gcp-kms": "google", "vault-transit": "transit"}[request.param]
    )


# -- the contract


async def test_a_keeper_opens_what_it_wrapped_for_the_same_context(keeper):
    await keeper.key.check()
    text = await keeper.key.wrap(MATERIAL, CONTEXT)
    assert await keeper.key.unwrap(text, CONTEXT) == MATERIAL
    assert text.isascii()
    assert len(text) < 1_000


async def test_the_same_key_wraps_differently_every_time(keeper):
    texts = {await keeper.key.wrap(MATERIAL, CONTEXT) for _ in range(5)}
    assert len(texts) == 5


@pytest.mark.parametrize("context", OTHER_CONTEXTS, ids=lambda context: context.purpose + context.data_key_id)
async def test_what_was_wrapped_for_one_place_opens_in_no_other(keeper, context):
    text = await keeper.key.wrap(MATERIAL, CONTEXT)
    with pytest.raises(IntegrityError):
        await keeper.key.unwrap(text, context)


async def test_another_key_of_the_same_keeper_does_not_open_it(keeper):
    text = await keeper.key.wrap(MATERIAL, CONTEXT)
    with pytest.raises(IntegrityError):
        await keeper.other.unwrap(text, CONTEXT)


async def test_what_was_changed_does_not_open(keeper, chance):
    text = await keeper.key.wrap(MATERIAL, CONTEXT)
    head = text.rindex(".") + 1
    for _ in range(20):
        at = chance.randrange(head, len(text) - 1)
        changed = text[:at] + chance.choice([c for c in "ABCDxyz09_-" if c != text[at]]) + text[at + 1 :]
        with pytest.raises((IntegrityError, KeyUnavailableError)):
            await keeper.key.unwrap(changed, CONTEXT)
        with pytest.raises(IntegrityError):
            await keeper.key.unwrap(text[: chance.randrange(0, head)], CONTEXT)


@pytest.mark.parametrize(
    "text", ["", "pbs1", "pbs1..", "pbs1.1.", "pbs1.1.A", "pbw1.AAAA", "nonsense", "pbs1.1.€", "pb1.x.y"]
)
async def test_what_is_no_wrapped_key_is_refused(keeper, text):
    with pytest.raises(IntegrityError):
        await keeper.key.unwrap(text, CONTEXT)


async def test_a_version_is_told_of_what_it_wrapped_and_opened(keeper):
    text = await keeper.key.wrap(MATERIAL, CONTEXT)
    version = keeper.key.version_of(text)
    assert version == keeper.key.version == "1"
    assert keeper.key.opens(version)


async def test_ids_are_of_their_keys_and_fit_the_table(keeper):
    assert keeper.key.key_id != keeper.other.key_id
    assert len(keeper.key.key_id) <= 512
    assert keeper.key.key_id in repr(keeper.key)


async def test_many_at_once_do_not_mix(keeper):
    contexts = [WrapContext("wks_a", f"dk_{number}") for number in range(20)]
    materials = [os.urandom(32) for _ in contexts]
    texts = await asyncio.gather(*map(keeper.key.wrap, materials, contexts))
    assert list(await asyncio.gather(*map(keeper.key.unwrap, texts, contexts))) == materials


async def test_a_vault_works_over_it_and_rotates_to_it_and_away_again(
    keeper, database, clock, tmp_path, new_key
):
    """From a local key to the keeper, and to another key: nothing is lost, and no transaction waits for a service."""
    none, old = tmp_path / "none", new_key("old")
    first = await started(database, clock, none, ring=KeyRing(old), home=KeyHome())
    await first.fill(["wks_0", "wks_1"], 2)
    home = KeyHome(has_service=True)
    turned = await started(database, clock, none, ring=KeyRing(keeper.key, old), home=home)
    assert (await turned.rotation.promote(OPERATOR, keeper.key.key_id))[1]
    assert (await turned.rotation.rewrap(OPERATOR)).moved == 3
    await turned.fill(["wks_2"], 1)
    assert set(await DataKeyRecord.all().values_list("kek_id", flat=True)) == {keeper.key.key_id}
    away = await started(database, clock, none, ring=KeyRing(keeper.other, keeper.key), home=home)
    assert (await away.rotation.rewrap(OPERATOR)).moved == 4
    assert [report.is_ok for report in await away.rotation.verify(OPERATOR)] == [True, True]
    assert await away.rotation.retire(OPERATOR, keeper.key.key_id) == (keeper.key.key_id, False)
    alone = await started(database, clock, none, ring=KeyRing(keeper.other), home=home)
    for workspace, number in (("wks_0", 0), ("wks_1", 1), ("wks_2", 0)):
        assert await alone.reads(place(workspace, number))


# -- key services


async def test_no_data_key_and_no_token_is_in_any_log(service, caplog):
    """The SDK's own debug lines hold requests and answers whole, unless they are kept from it."""
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logs:
        text = await service.key.wrap(MATERIAL, CONTEXT)
        await service.key.unwrap(text, CONTEXT)
        with pytest.raises(IntegrityError):
            await service.key.unwrap(text, OTHER_CONTEXTS[0])
    told = caplog.text + repr(logs)
    for secret in (
        b64encode(MATERIAL).decode(),
        MATERIAL.hex(),
        repr(MATERIAL)[2:-1],
        TOKEN,
        "machine-token",
    ):
        assert secret not in told


async def test_a_service_that_cannot_be_reached_is_unavailable(clock, door, token_file, moto):
    nowhere = "http://127.0.0.1:9"
    way = await door(nowhere)
    amazon = AwsKmsKey("arn:aws:kms:eu-central-1:123456789012:key/1234abcd", endpoint=nowhere)
    name = GCP_NAME.format("one")
    try:
        for key in (
            amazon,
            GcpKmsKey(name, way, GoogleToken(clock, way)),
            VaultTransitKey("one", way, token_file),
        ):
            with pytest.raises(KeyUnavailableError):
                await key.check()
    finally:
        amazon.close()


async def test_a_service_that_does_not_answer_is_not_waited_for(service, monkeypatch):
    async def never(*_):
        await asyncio.Event().wait()

    text = await service.key.wrap(MATERIAL, CONTEXT)
    service.key._encrypt = service.key._decrypt = never
    monkeypatch.setattr(service_key, "_TIMEOUT_S", 0.01)
    with structlog.testing.capture_logs() as logs:
        for act in (service.key.wrap(MATERIAL, CONTEXT), service.key.unwrap(text, CONTEXT)):
            with pytest.raises(KeyUnavailableError):
                await act
    assert [line["reason"] for line in logs] == ["TIMEOUT"] * 2


async def test_a_start_without_the_service_is_refused_with_what_to_do(
    service, database, clock, tmp_path, door
):
    none = tmp_path / "none"
    hub = await started(database, clock, none, ring=KeyRing(service.key), home=KeyHome(has_service=True))
    await hub.fill(["wks_0"], 2)

    async def away(*_):
        raise KeyUnavailableError

    service.key._encrypt = service.key._decrypt = away
    with pytest.raises(KeyCheckError) as caught:
        await started(database, clock, none, ring=KeyRing(service.key))
    said = str(caught.value)
    assert (
        f"- {service.key.key_id} (version 1) cannot be reached at its keeper. Affected: 1 workspace, 2 sealed"
        in said
    )
    assert "lets this hub wrap and unwrap with the key" in said
    assert "Put the missing key back" not in said


async def test_a_first_start_without_the_service_is_refused_too(service, database, clock, tmp_path):
    async def away(*_):
        raise KeyUnavailableError

    service.key._encrypt = away
    with pytest.raises(KeyCheckError, match="cannot be reached at its keeper"):
        await started(database, clock, tmp_path / "none", ring=KeyRing(service.key))
    assert not await DataKeyRecord.all().exists()


async def test_a_service_that_only_opens_does_not_stop_the_start(service, database, clock, tmp_path, new_key):
    none = tmp_path / "none"
    hub = await started(database, clock, none, ring=KeyRing(service.key), home=KeyHome(has_service=True))
    await hub.fill(["wks_0"], 1)

    async def forbidden(*_):
        raise KeyUnavailableError

    service.key._encrypt = forbidden
    turned = await started(database, clock, none, ring=KeyRing(new_key("new"), service.key))
    assert await turned.reads(place("wks_0", 0))


@pytest.fixture(params=["google", "transit"])
def versioned(request):
    return request.getfixturevalue(request.param)


async def test_an_older_version_opens_and_a_rewrap_moves_to_the_new_one(versioned, database, clock, tmp_path):
    keeper, none, home = versioned, tmp_path / "none", KeyHome(has_service=True)
    hub = await started(database, clock, none, ring=KeyRing(keeper.key), home=home)
    await hub.fill(["wks_0"], 1)
    keeper.rotate()
    later = await started(database, clock, none, ring=KeyRing(keeper.again()), home=home)
    assert later.ring.active.version == "2"
    await later.fill(["wks_1"], 1)
    uses = {(use.version, use.status): use.data_keys for use in await later.rotation.list(OPERATOR)}
    assert uses == {("1", "DECRYPT_ONLY"): 2, ("2", "ACTIVE"): 1}
    assert (await later.rotation.rewrap(OPERATOR)).moved == 2
    assert {use.version for use in await later.rotation.list(OPERATOR)} == {"2"}
    for view in (hub, later):
        assert await view.reads(place("wks_0", 0))
        assert await view.reads(place("wks_1", 0))


# -- AWS


async def test_a_hub_moves_into_aws_by_its_settings(moto, database, clock, tmp_path):
    url, client = moto
    arn = client.create_key(Description="hub")["KeyMetadata"]["Arn"]
    file = tmp_path / "key"
    before = await started(database, clock, file)
    await before.fill(["wks_0", "wks_1"], 2)
    given = {"PATCHBAY_KEY_FILE": str(file), "PATCHBAY_DATA_DIR": str(tmp_path / "data")}
    given |= {"PATCHBAY_KEY_PROVIDER": "aws-kms", "PATCHBAY_KEY_ID": arn, "PATCHBAY_KEY_ENDPOINT": url}
    source = read_settings(given).key_source
    async with open_keys(source, database) as (ring, home):
        hub = await started(database, clock, file, ring=ring, home=home)
        await hub.rotation.promote(OPERATOR, f"aws-kms:{arn}")
        assert (await hub.rotation.rewrap(OPERATOR)).moved == 3
        [old] = [key.key_id for key in ring.others]
        assert await hub.rotation.retire(OPERATOR, old) == (old, False)
        assert ("key.retired", old, "OK") in await hub.told()
    file.unlink()
    async with open_keys(source, database) as (ring, home):
        alone = await started(database, clock, file, ring=ring, home=home)
        assert [key.key_id for key in ring.keys] == [f"aws-kms:{arn}"]
        assert await alone.reads(place("wks_1", 1))


@pytest.mark.parametrize(
    "arn", ["", "alias/hub", "arn:aws:kms:eu-central-1:123456789012:alias/hub", "1234abcd", "arn:aws:s3:::x"]
)
def test_a_kms_key_is_named_by_the_arn_of_a_key(arn):
    with pytest.raises(ValueError, match="by its ARN"):
        AwsKmsKey(arn)


async def test_aws_gets_the_context(amazon):
    text = await amazon.key.wrap(MATERIAL, CONTEXT)
    blob = urlsafe_b64decode(text.split(".")[2] + "==")
    entries = CONTEXT.entries(amazon.key.key_id)
    assert amazon.service.decrypt(CiphertextBlob=blob, EncryptionContext=entries)["Plaintext"] == MATERIAL
    assert entries == {
        "app": "patchbay", "purpose": "data-key", "v": "1", "workspace": "wks_a", "data_key": "dk_one",
        "kek": amazon.key.key_id,
    }  # fmt: skip


async def test_a_fault_of_aws_is_told_by_its_code(amazon):
    unknown = AwsKmsKey("arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000")
    unknown._made = amazon.service
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyUnavailableError):
        await unknown.wrap(MATERIAL, CONTEXT)
    assert [line["reason"] for line in logs] == ["NotFoundException"]


# -- Google: the documented shapes


async def test_google_is_asked_as_documented(google):
    text = await google.key.wrap(MATERIAL, CONTEXT)
    await google.key.unwrap(text, CONTEXT)
    (verb, headers, asked), (second, _, opened) = google.service.requests
    assert (verb, second) == ("encrypt", "decrypt")
    assert headers["authorization"] == "Bearer machine-token-1"
    assert sorted(asked) == ["additionalAuthenticatedData", "plaintext"]
    bound_to = json.loads(b64decode(opened["additionalAuthenticatedData"]))
    assert bound_to == CONTEXT.entries(google.key.key_id)
    assert b64decode(asked["plaintext"]) == MATERIAL
    assert google.service.tokens_given == 1


@pytest.mark.parametrize(("answer", "fault", "reason"), [
    ((400, "INVALID_ARGUMENT"), IntegrityError, None),
    ((400, "FAILED_PRECONDITION"), KeyUnavailableError, "FAILED_PRECONDITION"),
    ((403, "PERMISSION_DENIED"), KeyUnavailableError, "PERMISSION_DENIED"),
    ((404, "NOT_FOUND"), KeyUnavailableError, "NOT_FOUND"),
    ((500, f"{CANARY}"), KeyUnavailableError, "HTTP_500"),
])  # fmt: skip
async def test_faults_of_google_are_told_by_their_status_and_never_their_words(google, answer, fault, reason):
    text = await google.key.wrap(MATERIAL, CONTEXT)
    code, status = answer
    error = {"error": {"code": code, "message": CANARY, "status": status}}
    google.service.instead = [JSONResponse(error, code) for _ in range(3)]
    with structlog.testing.capture_logs() as logs, pytest.raises(fault):
        await google.key.unwrap(text, CONTEXT)
    assert [line["reason"] for line in logs] == ([reason] if reason else [])
    assert CANARY not in repr(logs)


async def test_a_service_account_signs_its_own_token(stack, door, clock, tmp_path):
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = tmp_path / "account.json"
    account.write_text(json.dumps({"client_email": "hub@p.iam", "private_key": pem, "private_key_id": "k1"}))
    account.chmod(0o400)
    service = GoogleKms()
    service.keys = {GCP_NAME.format("one"): VersionedKey()}
    address = await stack.enter_async_context(running(service.app))
    way = await door(address.http)
    key = GcpKmsKey(GCP_NAME.format("one"), way, GoogleToken(clock, way, account))
    await key.check()
    clock.advance(3_540)
    await key.check()
    tokens = [headers["authorization"].removeprefix("Bearer ") for _, headers, _ in service.requests]
    found = jwt.decode(tokens[0], RSAKey.import_key(pem))
    assert found.header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert found.claims == {
        "iss": "hub@p.iam", "sub": "hub@p.iam", "scope": "https://www.googleapis.com/auth/cloudkms",
        "iat": 1767225600, "exp": 1767229200,
    }  # fmt: skip
    assert tokens[0] != tokens[1]
    assert service.tokens_given == 0


@pytest.mark.parametrize(
    ("text", "mode"), [("{}", 0o400), ("canary", 0o400), ('{"private_key": "canary"}', 0o400), ("{}", 0o444)]
)
async def test_a_wrong_account_file_is_told_without_a_word_of_it(door, clock, tmp_path, text, mode):
    account = tmp_path / "account.json"
    account.write_text(text)
    account.chmod(mode)
    way = await door("http://127.0.0.1:9")
    key = GcpKmsKey(GCP_NAME.format("one"), way, GoogleToken(clock, way, account))
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyUnavailableError):
        await key.check()
    assert "the account file" in logs[0]["reason"]
    assert "canary" not in repr(logs)


@pytest.mark.parametrize(
    "name", ["", "one", GCP_NAME.format("one") + "/cryptoKeyVersions/1", "projects/../locations/x"]
)
async def test_a_google_key_is_named_in_full(name, clock, door):
    way = await door("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="is named projects"):
        GcpKmsKey(name, way, GoogleToken(clock, way))


# -- Vault: the documented shapes


async def test_vault_is_asked_as_documented(transit):
    text = await transit.key.wrap(MATERIAL, CONTEXT)
    await transit.key.unwrap(text, CONTEXT)
    (verb, headers, asked), (second, _, opened) = transit.service.requests
    assert (verb, second) == ("encrypt", "decrypt")
    assert headers["x-vault-token"] == TOKEN
    assert sorted(asked) == ["associated_data", "plaintext"]
    assert sorted(opened) == ["associated_data", "ciphertext"]
    assert opened["ciphertext"].startswith("vault:v1:")
    assert json.loads(b64decode(asked["associated_data"])) == CONTEXT.entries("vault-transit:transit/one")


async def test_a_renewed_token_is_read_from_its_file(transit, token_file):
    transit.service.token = "hvs.renewed"
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyUnavailableError):
        await transit.key.check()
    assert logs[0]["reason"] == "HTTP_403"
    token_file.chmod(0o600)
    token_file.write_text("hvs.renewed")
    await transit.key.check()
    token_file.chmod(0o644)
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyUnavailableError):
        await transit.key.check()
    assert "its mode 0644 lets others at it" in logs[0]["reason"]


async def test_vaults_that_answer_500_for_what_does_not_open_are_understood(transit):
    transit.service.fault_status = 500
    text = await transit.key.wrap(MATERIAL, CONTEXT)
    with pytest.raises(IntegrityError):
        await transit.key.unwrap(text, OTHER_CONTEXTS[0])


@pytest.mark.parametrize(("answer", "reason"), [
    (JSONResponse({"errors": [CANARY]}, 400), "HTTP_400"),
    (JSONResponse({"errors": ["Vault is sealed"]}, 503), "HTTP_503"),
    (JSONResponse({"data": {"ciphertext": CANARY}}, 200), "HTTP_200"),
    (JSONResponse([CANARY], 200), "HTTP_200"),
    (Response(CANARY, 200), "HTTP_200"),
    (Response(b"", 307, {"location": "http://127.0.0.1:9/stolen"}), "HTTP_307"),
])  # fmt: skip
async def test_answers_that_vault_does_not_document_wrap_nothing(transit, answer, reason):
    transit.service.instead = [answer] * 3
    with structlog.testing.capture_logs() as logs, pytest.raises(KeyUnavailableError):
        await transit.key.wrap(MATERIAL, CONTEXT)
    assert [line["reason"] for line in logs] == [reason]
    assert CANARY not in repr(logs)


async def test_what_may_pass_is_tried_again_and_what_will_not_is_not(transit):
    transit.service.instead = [Response(b"", 502), Response(b"", 429)]
    await transit.key.check()
    assert len(transit.service.requests) == 3
    transit.service.instead = [Response(b"", 403)]
    with pytest.raises(KeyUnavailableError):
        await transit.key.check()
    assert len(transit.service.requests) == 4


@pytest.mark.parametrize("name", ["", "/", "a b", "a//b", "../x", "transit/x?y"])
async def test_a_transit_key_is_named_by_mount_and_name(name, door, token_file):
    way = await door("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="<mount>/<name>"):
        VaultTransitKey(name, way, token_file)
