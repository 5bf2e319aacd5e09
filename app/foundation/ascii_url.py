"""Addresses as people type them, in the one form in which they are judged and sent (RFC 3987 3.1, UTS 46)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

import idna

_TYPED: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([/?#].*)?")
_UNCLEAR: Final = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")  # readers differ about what these mean
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_RESERVED: Final = "/?#:@!$&'()*+,;=%"


def ascii_url(text: str) -> str:
    """Return an address in ASCII: its scheme lower-case, a name in another script as its A-labels, the rest encoded.

    What is not an address is returned as it is. Nothing is judged here: what comes out is, by the egress guard.
    """
    typed = _TYPED.fullmatch(text.strip())
    if typed is None or _UNCLEAR.search(typed[0]):
        return text
    return f"{typed[1].lower()}://{_ascii_authority(typed[2])}{quote(typed[3] or '', safe=_RESERVED)}"


def _ascii_authority(authority: str) -> str:
    if authority.isascii() or "@" in authority:
        return authority
    name, colon, port = authority.partition(":")
    try:
        labels = idna.uts46_remap(name, std3_rules=False, transitional=False).split(".")
        host = ".".join(one if one.isascii() else idna.alabel(one).decode() for one in labels)
    except idna.IDNAError:
        return authority
    # A letter may stand for a slash or an at sign; the name is then none, and stays as it was typed.
    return f"{host}{colon}{port}" if _NAME.fullmatch(host) else authority
