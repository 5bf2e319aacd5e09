from __future__ import annotations

import hashlib
import hmac
import pickle

import pytest

from app.vault.envelope import WrapContext
from app.vault.errors import IntegrityError, KeyFileError
from app.vault.keys import (
    EXAMPLE_KEY,
    FileKeyProvider,
    KeyRing,
    LocalKeyProvider,
    require_strong,
)

MATERIAL = hashlib.sha256(b"one").digest()
OTHER = hashlib.sha256(b"two").digest()
CONTEXT = WrapContext("wks_a", "dk_one")


def test_a_key_id_is_its_label_and_eight_digits_of_its_fingerprint():
    digits = hmac.new(MATERIAL, b"patchbay/kek-id/v1", "sha256").hexdigest()[:8]
    key = LocalKeyProvider("main", MATERIAL)
    assert (key.key_id, key.version) == (f"main:{digits}", "1")


@pytest.mark.parametrize("provider", [FileKeyProvider, LocalKeyProvider])
async def test_a_provider_opens_what_it_wrapped_and_nothing_else(provider):
    key = provider("main", MATERIAL)
    text = await key.wrap(OTHER, CONTEXT)
    assert await key.unwrap(text, CONTEXT) == OTHER
    for stranger, context in (
        (provider("main", OTHER), CONTEXT),
        (provider("other", MATERIAL), CONTEXT),
        (key, WrapContext("wks_b", "dk_one")),
        (key, WrapContext("wks_a", "dk_two")),
        (key, WrapContext("wks_a", "dk_one", purpose="probe")),
    ):
        with pytest.raises(IntegrityError):
            await stranger.unwrap(text, context)


def test_a_key_neither_prints_nor_pickles():
    key = LocalKeyProvider("main", MATERIAL)
    assert repr(key) == f"<LocalKeyProvider {key.key_id}>"
    assert str(key) == repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


@pytest.mark.parametrize("label", ["", "Main", "1main", "ma in", "m" * 33, "main\n", "é", "a:b"])
def test_a_label_is_plain(label):
    with pytest.raises(KeyFileError, match="a label is"):
        LocalKeyProvider(label, MATERIAL)


@pytest.mark.parametrize(
    ("material", "said"),
    [
        (b"", "this one has 0"),
        (MATERIAL[:31], "this one has 31"),
        (MATERIAL * 2, "this one has 64"),
        (bytes(32), "key of zeros"),
        (EXAMPLE_KEY, "example key"),
        (b"\x07" * 32, "not random"),
        (bytes(range(1, 16)) * 2 + b"\x01\x02", "not random"),
        (bytes(range(32)), "not random"),
        (bytes(range(255, 223, -1)), "not random"),
        (b"correct horse battery staple 123", "not random"),
        (b"0123456789abcdef0123456789abcdef", "not random"),
    ],
    ids=[
        "empty",
        "short",
        "long",
        "zeros",
        "example",
        "one-byte",
        "few-bytes",
        "counting",
        "down",
        "text",
        "hex",
    ],
)
def test_a_weak_key_is_refused_with_the_reason(material, said):
    with pytest.raises(KeyFileError, match=said):
        require_strong(material)


def test_random_keys_are_accepted(chance):
    for _ in range(2_000):
        require_strong(chance.randbytes(32))


def test_a_ring_finds_its_keys_by_id_and_version():
    active, old = LocalKeyProvider("new", MATERIAL), LocalKeyProvider("old", OTHER)
    ring = KeyRing(active, old)
    assert ring.keys == (active, old)
    assert ring.get(old.key_id, "1") is old
    assert ring.get(old.key_id, "2") is None
    assert ring.get("new:00000000", "1") is None


def test_a_ring_holds_no_key_twice():
    with pytest.raises(KeyFileError, match="twice"):
        KeyRing(LocalKeyProvider("main", MATERIAL), LocalKeyProvider("main", MATERIAL))
