from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.outbound_decoding import BodyNotDecodableError, BodyTooLargeError, read_response_body

MIB = 1 << 20
ROOT = Path(__file__).parents[2]


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


async def arriving(data: bytes, size: int = 1 << 14):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(
    data: bytes, *encodings: str, size: int = 1 << 14, max_bytes: int = 10 * MIB, declared: int | None = None
):
    return await read_response_body(arriving(data, size), encodings, declared=declared, max_bytes=max_bytes)


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        (" GZIP ", gzip.compress),
        ("identity, gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("", bytes),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1_000, 1 << 20])
async def test_a_body_is_decoded_however_it_is_cut(coding, encode, size):
    text = b"".join(b"%d," % n for n in range(3_000))
    assert await read(encode(text), coding, size=size) == text


@given(st.binary(max_size=300), st.integers(1, 40))
async def test_any_bytes_survive_gzip_and_deflate(data, size):
    assert await read(gzip.compress(data, mtime=0), "gzip", size=size) == data
    assert await read(zlib.compress(data), "deflate", size=size) == data
    assert await read(raw_deflate(data), "deflate", size=size) == data


async def test_several_gzip_members_are_one_body_and_padding_is_passed_over():
    body = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0)
    assert await read(body, "gzip", size=7) == b"one two"
    assert await read(body + b"\x00" * 100, "gzip", size=7) == b"one two"
    assert await read(body + b"\x1f", "gzip") == b"one two"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_an_answer_without_a_body_needs_no_coding(encoding):
    assert await read(b"", encoding) == b""


@pytest.mark.parametrize(
    "encodings",
    [
        ("br",), ("zstd",), ("compress",), ("x-compress",), ("gzip, gzip",), ("gzip", "deflate"), ("gzip, br",),
        ("snappy",), ("utf-8, br",), ('"zstd"',),
    ],
)  # fmt: skip
async def test_a_coding_that_was_not_asked_for_is_refused_by_its_name(encodings):
    with pytest.raises(BodyNotDecodableError) as refusal:
        await read(b"anything", *encodings)
    assert refusal.value.codings.split(", ")[-1] in encodings[-1]
    assert await read(b"", *encodings) == b""


@pytest.mark.parametrize(
    "word",
    [
        "UTF-8",
        "utf8",
        "ISO-8859-1",
        "none",
        "None",
        "binary",
        "8bit",
        "text",
        "application/json",
        "",
        " ",
        ",",
        "*",
        "é",
    ],
)
async def test_a_word_that_is_no_coding_leaves_the_body_as_it_is(word):
    assert await read(b"anything", word) == b"anything"
    assert await read(gzip.compress(b"anything"), word, "gzip") == b"anything"


@pytest.mark.parametrize(
    "data",
    [
        b"no gzip at all",
        b"\x1f\x8b",
        gzip.compress(b"hello" * 100, mtime=0)[:-1],
        gzip.compress(b"hello" * 100, mtime=0)[:-9],
        gzip.compress(b"hello" * 100, mtime=0)[:20],
        gzip.compress(b"hello", mtime=0)[:-4] + b"\x00\x00\x00\x00",
        gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0)[:8],
        gzip.compress(b"", mtime=0) * 1_001,
    ],
)
async def test_damaged_gzip_is_refused(data):
    with pytest.raises(BodyNotDecodableError):
        await read(data, "gzip")


@pytest.mark.parametrize("data", [b"\x78", b"\x78\x9c", zlib.compress(b"hello")[:-2], b"\xff\xff\xff"])
async def test_damaged_deflate_is_refused(data):
    with pytest.raises(BodyNotDecodableError):
        await read(data, "deflate")


async def test_the_cap_is_exact_for_plain_and_for_coded_bodies():
    for encode, coding in ((bytes, ""), (gzip.compress, "gzip"), (zlib.compress, "deflate")):
        text = bytes(range(256)) * 4
        assert len(await read(encode(text), coding, max_bytes=1_400)) == 1_024
        assert len(await read(encode(text), coding, max_bytes=max(len(encode(text)), 1_024))) == 1_024
        with pytest.raises(BodyTooLargeError):
            await read(encode(text), coding, max_bytes=1_023)


async def test_a_declared_length_beyond_the_cap_is_refused_before_reading():
    with pytest.raises(BodyTooLargeError):
        await read(b"", declared=10 * MIB + 1)


async def test_an_honest_ratio_passes_and_a_hundredfold_does_not():
    assert len(await read(gzip.compress(b"a" * MIB, mtime=0), "gzip")) == MIB
    with pytest.raises(BodyTooLargeError):
        await read(gzip.compress(b"a" * 2 * MIB, mtime=0), "gzip")


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, raw_deflate])
async def test_a_bomb_is_refused_after_a_fraction_of_it(encode):
    came_in = 0

    async def counted():
        nonlocal came_in
        async for piece in arriving(encode(b"\x00" * 50 * MIB), 1_024):
            came_in += len(piece)
            yield piece

    with pytest.raises(BodyTooLargeError):
        await read_response_body(
            counted(), ["gzip" if encode is gzip.compress else "deflate"], declared=None, max_bytes=100 * MIB
        )
    assert came_in < 4_096


BOMBS = """
import asyncio, gzip, resource, sys, zlib
from tests.foundation.test_outbound_decoding import arriving
from app.foundation.outbound_decoding import BodyNotDecodableError, BodyTooLargeError, read_response_body

def coded(wbits):
    engine, piece = zlib.compressobj(1, wbits=wbits), bytes(1 << 20)
    pieces = [engine.compress(piece) for _ in range(200)]
    return b"".join(pieces) + engine.flush()

bombs = [("gzip", coded(31)), ("deflate", coded(15)), ("deflate", coded(-15))]
bombs += [(coding, gzip.compress(bombs[0][1], mtime=0)) for coding in ("gzip", "gzip, gzip")]
bombs.append(("zstd", b"\\x28\\xb5\\x2f\\xfd" * 1000))

async def main():
    for coding, data in bombs:
        try:
            body = await read_response_body(arriving(data), [coding], declared=None, max_bytes=10 << 20)
            assert coding == "gzip" and len(body) < 1 << 20, len(body)  # the nested one: one layer is undone
        except (BodyTooLargeError, BodyNotDecodableError):
            pass

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asyncio.run(main())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_bombs_of_two_hundred_megabytes_cost_no_more_than_32_mib():
    done = subprocess.run(
        [sys.executable, "-c", BOMBS], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) <= 32
