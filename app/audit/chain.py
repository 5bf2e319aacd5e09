"""The hash chain: what a row's hash is made of; pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

GENESIS: Final = bytes(32)
_KEY_ID_LABEL: Final = b"patchbay/audit-key-id/v1"


class Anchor(NamedTuple):
    """A place in a chain that is known: the number and the hash of its row."""

    seq: int
    hash: bytes


BEGINNING: Final = Anchor(0, GENESIS)


class ChainRow(NamedTuple):
    """One row of a chain as it is stored: every column. The last five are empty until the row has its place."""

    workspace_id: str
    at: datetime
    actor_kind: str
    actor_id: str
    actor_label: str
    via: str
    ip_hash: str | None
    request_id: str
    action: str
    target_type: str
    target_id: str
    target_label: str
    outcome: str
    detail: Mapping[str, Any]
    id: str = ""
    seq: int = 0
    key_id: str = ""
    prev_hash: bytes = GENESIS
    hash: bytes = b""


def key_id_of(key: bytes) -> str:
    """Return the id that says which key a row was hashed with; it discloses nothing else about the key."""
    return f"aud:{hmac.digest(key, _KEY_ID_LABEL, 'sha256').hex()[:16]}"


def row_hash(key: bytes, prev_hash: bytes, row: ChainRow, *, seq: int | None = None) -> bytes:
    """Return HMAC-SHA256 over the previous hash and the canonical row: every column but the two hashes.

    ``seq`` asks what the hash would be under another number.
    """
    return hmac.digest(key, prev_hash + canonical_row(row, row.seq if seq is None else seq), hashlib.sha256)


def canonical_row(row: ChainRow, seq: int) -> bytes:
    """Return the row as RFC 8785 JSON.

    A row's names are ASCII and its leaves are text, safe integers, booleans and null; for those orjson's
    sorted output is the canonical form, at a tenth of the cost of the general one.
    """
    columns = {**row._asdict(), "seq": seq, "at": instant_text(row.at)}
    del columns["prev_hash"], columns["hash"]
    return orjson.dumps(columns, option=orjson.OPT_SORT_KEYS)


def instant_text(at: datetime) -> str:
    """Return an instant in UTC with microseconds, the same from both databases."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
