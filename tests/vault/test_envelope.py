from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import pickle
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from app.vault import envelope
from app.vault.envelope import (
    MAX_PLAINTEXT_BYTES,
    DataKey,
    SealContext,
    WrapContext,
    canonical_entries,
    open_sealed,
    seal,
    unwrap_key,
    wrap_key,
)
from app.vault.errors import IntegrityCode, IntegrityError

KEY = DataKey("dk_one", bytes(range(100, 132)))
PLACE = SealContext("wks_a", "credentials", "cred_1", "set", 1)
KEK = bytes(range(7, 39))
ENTRIES = WrapContext("wks_a", "dk_one").entries("local:0123abcd")
SAID = {f"a sealed value does not open ({code})" for code in IntegrityCode}

# Sealed by the first release with the key and place above. They open for ever: the format cannot change.
OLD_SEALED = (
    "pb1.dk_one.AXPGcInzZIgYJXx88SY7lVprm72pgAaPVw_DjO8YSUBZaEgRvQE47QLURFJrEgiHYXweXjoUthwaWNzxxbS0I2Vcb"
    "ntg_TiNd0hHX8iL3SDOi1OfkbW9W8hZR09Pxvin5bRltpHmX-hz9vYMiZo"
)
OLD_WRAPPED = (
    "pbw1.AeBwDT8FyiQWYQIlJsDEj_j7XBfQq-hIKFjaahhnUvk_deP5vfKY_ITlycNtICKoaPbez6Tp31Uudr_-FkrCG3YZZv50fug"
    "qWlBLuAAO67m_5x1ccnuIkPUoADx4GlYMvA9Ko0mNVMcUQDXsBw0PFaIxIRLlY0i1sNTrDho"
)

words = st.text(max_size=8)
places = st.builds(SealContext, words, words, words, words, st.integers(0))


def blob_of(text: str) -> bytes:
    encoded = text.rsplit(".", 1)[1]
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def with_blob(text: str, blob: bytes) -> str:
    return text.rsplit(".", 1)[0] + "." + urlsafe_b64encode(blob).rstrip(b"=").decode()


def refused(key: DataKey, place: SealContext, text: str) -> IntegrityCode:
    with pytest.raises(IntegrityError) as caught:
        open_sealed(key, place, text)
    assert str(caught.value) in SAID
    assert caught.value.args == (str(caught.value),)
    assert caught.value.__cause__ is None
    return caught.value.code


def mutate(chance, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    changed = bytes([data[at] ^ chance.randrange(1, 256)])
    grown = chance.randbytes(chance.randrange(1, 9))
    return chance.choice(
        [
            data[:at] + changed + data[at + 1 :],
            data[:at],
            data[at + 1 :],
            data + grown,
            data[:at] + grown + data[at:],
        ]
    )


# -- the format


def test_a_text_sealed_by_the_first_release_still_opens():
    assert open_sealed(KEY, PLACE, OLD_SEALED) == b'{"token":"first"}'
    assert unwrap_key(KEK, OLD_WRAPPED, ENTRIES) == KEY.material


def test_the_format_is_what_the_design_says_byte_for_byte():
    text = seal(KEY, PLACE, b"hello")
    version, key_id, _ = text.split(".")
    assert (version, key_id) == ("pb1", "dk_one")
    blob = blob_of(text)
    suite, salt, commitment, nonce, body = blob[:1], blob[1:33], blob[33:65], blob[65:77], blob[77:]
    parts = [b"pb1", b"\x01", b"dk_one", b"wks_a", b"credentials", b"cred_1", b"set", b"1"]
    aad = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    info = b"patchbay/rec/v1" + hashlib.sha512(aad).digest()
    okm = hmac.digest(
        hmac.digest(salt, KEY.material, "sha512"), info + b"\x01", "sha512"
    )  # RFC 5869, one block
    assert suite == b"\x01"
    assert commitment == okm[32:]
    assert AESGCM(okm[:32]).decrypt(nonce, body, aad) == b"hello"
    assert len(body) == len(b"hello") + 16


def test_a_wrapped_key_is_bound_to_its_context_as_canonical_json():
    blob = blob_of(wrap_key(KEK, KEY.material, ENTRIES))
    aad = (
        b'{"app":"patchbay","data_key":"dk_one","kek":"local:0123abcd","purpose":"data-key",'
        b'"v":"1","workspace":"wks_a"}'
    )
    assert canonical_entries(ENTRIES) == aad
    info = b"patchbay/wrap/v1" + hashlib.sha512(aad).digest()
    okm = hmac.digest(hmac.digest(blob[1:33], KEK, "sha512"), info + b"\x01", "sha512")
    assert blob[33:65] == okm[32:]
    assert AESGCM(okm[:32]).decrypt(blob[65:77], blob[77:], aad) == KEY.material


@given(places, st.binary(max_size=300))
def test_what_is_sealed_opens_in_its_place(place, plaintext):
    text = seal(KEY, place, plaintext)
    assert open_sealed(KEY, place, text) == plaintext
    assert text.split(".")[1] == KEY.id


def test_the_largest_value_opens_and_a_larger_one_is_refused():
    largest = b"x" * MAX_PLAINTEXT_BYTES
    assert open_sealed(KEY, PLACE, seal(KEY, PLACE, largest)) == largest
    with pytest.raises(ValueError, match="at most 1048576 bytes"):
        seal(KEY, PLACE, largest + b"x")


@pytest.mark.proof
@pytest.mark.threat("C14")
def test_every_seal_has_its_own_salt_and_nonce(proof_size):
    count = proof_size(5_000, 1_000_000)
    blobs = (blob_of(seal(KEY, PLACE, b"the same")) for _ in range(count))
    seen = {(blob[1:33], blob[65:77]) for blob in blobs}
    assert len({salt for salt, _ in seen}) == count
    assert len({nonce for _, nonce in seen}) == count


# -- mutations


@given(st.data())
@pytest.mark.threat("C2")
def test_a_changed_text_never_opens(data):
    text = seal(KEY, PLACE, b"plain")
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda character: character != text[at]))
    refused(KEY, PLACE, text[:at] + other + text[at + 1 :])


@pytest.mark.threat("C2")
def test_no_truncation_of_the_text_opens():
    text = seal(KEY, PLACE, b"plain")
    for end in range(len(text)):
        refused(KEY, PLACE, text[:end])


@pytest.mark.threat("C2")
def test_no_changed_byte_of_the_blob_opens_wherever_it_is():
    text = seal(KEY, PLACE, b"plain")
    blob = blob_of(text)
    codes = []
    for at, bit in itertools.product(range(len(blob)), range(8)):
        changed = blob[:at] + bytes([blob[at] ^ (1 << bit)]) + blob[at + 1 :]
        codes.append(refused(KEY, PLACE, with_blob(text, changed)))
    assert set(codes[:8]) == {IntegrityCode.UNSUPPORTED}
    assert set(codes[8 : 65 * 8]) == {IntegrityCode.NOT_COMMITTED}
    assert set(codes[65 * 8 :]) == {IntegrityCode.NOT_AUTHENTIC}


@pytest.mark.threat("C2")
def test_no_truncated_or_lengthened_blob_opens():
    text = seal(KEY, PLACE, b"")
    blob = blob_of(text)
    for end in range(1, len(blob)):
        refused(KEY, PLACE, with_blob(text, blob[:end]))
        refused(KEY, PLACE, with_blob(text, blob[end:]))
    refused(KEY, PLACE, with_blob(text, blob + b"\x00"))


def test_another_spelling_of_the_same_bytes_does_not_open():
    for plaintext in (b"x", b"xy"):  # 94 and 95 bytes: base64 has bits to spare
        text = seal(KEY, PLACE, plaintext)
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        spare = [
            text[:-1] + letter
            for letter in alphabet
            if letter != text[-1] and blob_of(text[:-1] + letter) == blob_of(text)
        ]
        assert spare
        assert {refused(KEY, PLACE, other) for other in spare} == {IntegrityCode.MALFORMED}
        for other in (text + "=", text + "\n", " " + text, text.replace("pb1", "PB1"), text + "."):
            assert refused(KEY, PLACE, other) is IntegrityCode.MALFORMED


def test_a_malformed_text_is_refused_with_one_error():
    malformed = [
        *(
            "",
            ".",
            "..",
            "...",
            "pb1",
            "pb1.dk_one",
            "pb1.dk_one.",
            "pb1..AAAA",
            "\x00",
            "pb1.dk_one.AAAA\x00",
        ),
        *(
            "pb2.dk_one.AAAA",
            "pb1.dk one.AAAA",
            "pb1.dk_one.A",
            "pb1.dk_one.AA+/",
            "pb1." + "k" * 65 + ".AAAA",
        ),
        *("pb1.dk_one.\ud800", "pb1.\ud800.AAAA", "pb1.dk_one." + "A" * 2_000_000),
    ]
    assert {refused(KEY, PLACE, text) for text in malformed} == {IntegrityCode.MALFORMED}


@given(st.text(max_size=200))
def test_any_text_at_all_is_refused_with_one_error(text):
    refused(KEY, PLACE, text)
    refused(KEY, PLACE, f"pb1.dk_one.{text}")
    with pytest.raises(IntegrityError):
        unwrap_key(KEK, f"pbw1.{text}", ENTRIES)


@pytest.mark.proof
@pytest.mark.threat("C1", "C2", "R21")
def test_no_random_mutation_in_a_random_place_ever_opens(chance, proof_size):
    opened = 0
    for number in range(proof_size(3_000, 100_000)):
        words = ["".join(chance.choices("abc_é\u2028", k=chance.randrange(6))) for _ in range(4)]
        place = SealContext(*words, generation=chance.randrange(1 << 40))
        text = seal(KEY, place, chance.randbytes(chance.randrange(64)))
        if number % 2:
            changed = with_blob(text, mutate(chance, blob_of(text)) or b"\x00")
        else:
            changed = mutate(chance, text.encode()).decode("latin-1")
        with contextlib.suppress(IntegrityError):
            opened += changed != text and open_sealed(KEY, place, changed) is not None
    assert opened == 0


# -- moves


@pytest.mark.threat("C1")
def test_a_value_moved_to_any_other_place_does_not_open():
    # After Vault's TestAESGCMBarrier_MoveIntegrityV2, over every pair of places.
    words = (("wks_a", "wks_b"), ("credentials", "applications"), ("1", "2"), ("set", "secret"), (1, 2, 11))
    all_places = [SealContext(*combination) for combination in itertools.product(*words)]
    sealed = {place: seal(KEY, place, b"plain") for place in all_places}
    for home, other in itertools.permutations(all_places, 2):
        assert refused(KEY, other, sealed[home]) is IntegrityCode.NOT_COMMITTED
    assert all(open_sealed(KEY, place, text) == b"plain" for place, text in sealed.items())


def test_names_that_join_to_the_same_letters_are_different_places():
    text = seal(KEY, SealContext("ab", "c", "d", "e", 1), b"plain")
    for other in (SealContext("a", "bc", "d", "e", 1), SealContext("ab", "c", "de", "", 1)):
        assert refused(KEY, other, text) is IntegrityCode.NOT_COMMITTED


@given(places, places)
@pytest.mark.threat("C1")
def test_two_places_never_share_a_value(home, other):
    text = seal(KEY, home, b"plain")
    if home != other:
        refused(KEY, other, text)


@pytest.mark.threat("C15")
def test_a_value_is_refused_under_the_key_id_of_another_key():
    other = DataKey("dk_two", KEY.material)
    text = seal(KEY, PLACE, b"plain")
    assert refused(other, PLACE, text) is IntegrityCode.OTHER_KEY
    assert refused(other, PLACE, text.replace("dk_one", "dk_two")) is IntegrityCode.NOT_COMMITTED


# -- keys


@given(st.binary(min_size=32, max_size=32).filter(lambda material: material != KEY.material))
@pytest.mark.threat("C15")
def test_a_wrong_key_fails_at_the_commitment_before_any_decryption(material):
    text = seal(KEY, PLACE, b"plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(envelope, "AESGCM", None)
        assert refused(DataKey("dk_one", material), PLACE, text) is IntegrityCode.NOT_COMMITTED


def test_a_data_key_has_32_bytes_and_a_plain_id():
    for key_id, length in (
        ("dk_one", 31),
        ("dk_one", 33),
        ("", 32),
        ("dk.one", 32),
        ("k" * 65, 32),
        ("é", 32),
    ):
        with pytest.raises(ValueError, match="holds 32 bytes"):
            DataKey(key_id, b"x" * length)


def test_a_data_key_neither_prints_nor_pickles():
    assert repr(KEY) == "DataKey(id='dk_one')"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_a_wrapped_key_opens_only_with_its_key_and_context():
    text = wrap_key(KEK, KEY.material, ENTRIES)
    assert unwrap_key(KEK, text, ENTRIES) == KEY.material
    moved = [
        WrapContext("wks_b", "dk_one").entries("local:0123abcd"),
        WrapContext("wks_a", "dk_two").entries("local:0123abcd"),
        WrapContext("wks_a", "dk_one", purpose="probe").entries("local:0123abcd"),
        WrapContext("wks_a", "dk_one").entries("other:0123abcd"),
    ]
    for kek, entries in [(KEK[::-1], ENTRIES), *((KEK, entries) for entries in moved)]:
        with pytest.raises(IntegrityError) as caught:
            unwrap_key(kek, text, entries)
        assert caught.value.code is IntegrityCode.NOT_COMMITTED


def test_a_changed_wrapped_key_never_opens(chance):
    text = wrap_key(KEK, KEY.material, ENTRIES)
    for _ in range(2_000):
        with pytest.raises(IntegrityError):
            unwrap_key(KEK, with_blob(text, mutate(chance, blob_of(text))), ENTRIES)
    for end in range(len(text)):
        with pytest.raises(IntegrityError):
            unwrap_key(KEK, text[:end], ENTRIES)


def test_a_sealed_value_does_not_open_as_a_wrapped_key():
    sealed = seal(DataKey("dk_one", KEK), PLACE, KEY.material)
    with pytest.raises(IntegrityError):
        unwrap_key(KEK, "pbw1." + sealed.rsplit(".", 1)[1], ENTRIES)


def test_keys_of_another_length_are_never_used():
    for call in (
        lambda: wrap_key(KEK[:-1], KEY.material, ENTRIES),
        lambda: wrap_key(KEK, KEY.material[:-1], ENTRIES),
        lambda: unwrap_key(KEK + b"x", OLD_WRAPPED, ENTRIES),
    ):
        with pytest.raises(ValueError, match="32 bytes"):
            call()
