"""Which characters the bytes of the outside are: by their mark, as UTF-8, or as the answer declares."""

from __future__ import annotations

import codecs
import re
from typing import Final
from urllib.parse import parse_qsl

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE: Final = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
# What an answer may name (the single-byte and multi-byte ones of the WHATWG Encoding Standard); a codec such as "zlib"
# or "unicode_escape" is no charset.
_CHARSETS: Final = _WIDE | {
    "utf-8", "ascii", *(f"iso8859-{number}" for number in range(1, 17)), *(f"cp{n}" for n in range(1250, 1259)),
    "cp866", "cp874", "koi8-r", "koi8-u", "mac-roman", "gb2312", "gbk", "gb18030", "big5", "big5hkscs", "euc_jp",
    "shift_jis", "cp932", "euc_kr", "cp949",
}  # fmt: skip
_WINDOWS: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
}  # what these labels mean in the Encoding Standard, 4.2
_DECLARED: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)


def charset_named(name: str) -> str | None:
    """Return Python's name of the charset that a label names, or None where it names none."""
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return codec if codec in _CHARSETS else None


def decoded(data: bytes, content_type: str | None = None, *, is_cut: bool = False) -> str | None:
    """Return the text of ``data``, or None where it is neither UTF-8 nor in the charset that is declared.

    What is UTF-8 is read as such whatever is declared: servers declare their default for bodies that others made.
    ``is_cut`` says that the data may end within a character.
    """
    for mark, charset in _MARKS:
        if data.startswith(mark):
            return _read(data[len(mark) :], charset, is_cut=is_cut)
    declared = _DECLARED.search(content_type or "")
    named = charset_named(declared[1]) if declared else None
    order = (named, "utf-8") if named in _WIDE else ("utf-8", _WINDOWS.get(named or "", named), named)
    texts = (_read(data, charset, is_cut=is_cut) for charset in order if charset)
    return next((text for text in texts if text is not None), None)


def decoded_anyhow(data: bytes, content_type: str | None = None) -> str:
    """Return the text of ``data``, which is taken for Western European where nothing says what it is."""
    text = decoded(data, content_type)
    if text is None:
        text = _read(data, "cp1252")
    return data.decode("latin-1") if text is None else text


def form_pairs(data: bytes, max_pairs: int) -> list[tuple[str, str]] | None:
    """Return the pairs of a query or form (WHATWG URL, 5.1), or None for more; each text is decoded by itself.

    A server writes error texts in a charset of its own, which nothing declares; that loses no other parameter.
    """
    if data.count(b"&") >= max_pairs:
        return None
    pairs = parse_qsl(data.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return [(_text_of(name), _text_of(value)) for name, value in pairs]


def as_utf8(data: bytes, content_type: str | None) -> bytes:
    """Return ``data`` in UTF-8 where a charset is declared and fits it, else as it came (RFC 8259 8.1)."""
    text = decoded(data, content_type) if _DECLARED.search(content_type or "") else None
    return data if text is None else text.encode()


def _text_of(octets: str) -> str:
    return octets if octets.isascii() else decoded_anyhow(octets.encode("latin-1"))


def _read(data: bytes, charset: str, *, is_cut: bool = False) -> str | None:
    try:
        return codecs.getincrementaldecoder(charset)().decode(data, final=not is_cut)
    except UnicodeError:
        return None
