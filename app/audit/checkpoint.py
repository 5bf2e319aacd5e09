"""Signed checkpoints: what they state, how they are signed, and whether they hold together; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.audit.chain import GENESIS, Anchor, instant_text
from app.foundation.canonical import canonical_json

_LABEL: Final = b"patchbay/audit-checkpoint/v1\x00"


class BadCheckpointError(Exception):
    """A checkpoint is not one that was exported: its form, its signature or its place among the others."""

    def __init__(self, number: int | None, reason: str) -> None:
        self.number = number
        super().__init__(f"checkpoint {'?' if number is None else number}: {reason}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement of where all chains stood; ``prev_hash`` is the hash of the one before it."""

    number: int
    at: datetime
    heads: Mapping[str, Anchor]
    prev_hash: bytes
    public_key: bytes
    signature: bytes

    def to_json(self) -> dict[str, Any]:
        """Return the exported form; :func:`checkpoint_from_json` reads it back."""
        return {
            **self._statement(),
            "publicKey": self.public_key.hex(),
            "signature": self.signature.hex(),
        }

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        return _LABEL + canonical_json(self._statement())

    @property
    def hash(self) -> bytes:
        """What the next checkpoint names this one by: SHA-256 over its canonical JSON."""
        return hashlib.sha256(canonical_json(self.to_json())).digest()

    def _statement(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": instant_text(self.at),
            "heads": heads_to_json(self.heads),
            "prevHash": self.prev_hash.hex(),
        }


def sign(seed: bytes, at: datetime, heads: Mapping[str, Anchor], previous: Checkpoint | None) -> Checkpoint:
    """Return the next checkpoint, signed with Ed25519 (RFC 8032); ``seed`` is the 32-byte private key."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public_key = private.public_key().public_bytes_raw()
    number, prev_hash = (previous.number + 1, previous.hash) if previous else (1, GENESIS)
    unsigned = Checkpoint(number, at, heads, prev_hash, public_key, b"")
    return replace(unsigned, signature=private.sign(unsigned.signed_bytes()))


def checkpoint_from_json(data: Any) -> Checkpoint:  # noqa: ANN401 - JSON edge
    """Read the exported form.

    Raises:
        BadCheckpointError: it is not one.
    """
    try:
        return Checkpoint(
            number=int(data["number"]),
            at=datetime.fromisoformat(data["at"]),
            heads=heads_from_json(data["heads"]),
            prev_hash=bytes.fromhex(data["prevHash"]),
            public_key=bytes.fromhex(data["publicKey"]),
            signature=bytes.fromhex(data["signature"]),
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        raise BadCheckpointError(None, "its form is not that of a checkpoint") from None


def check(checkpoints: Iterable[Checkpoint], public_key: bytes | None = None) -> dict[str, dict[int, bytes]]:
    """Check signatures and order; return the hashes they vouch for, by workspace and number.

    With ``public_key`` every one must be signed by it: without it they only vouch for one another.

    Raises:
        BadCheckpointError: one is not what was signed, or does not follow the one before it.
    """
    anchors: dict[str, dict[int, bytes]] = {}
    previous: Checkpoint | None = None
    for checkpoint in checkpoints:
        _check_one(checkpoint, previous, public_key)
        for workspace_id, head in checkpoint.heads.items():
            anchors.setdefault(workspace_id, {})[head.seq] = head.hash
        previous = checkpoint
    return anchors


def _check_one(checkpoint: Checkpoint, previous: Checkpoint | None, public_key: bytes | None) -> None:
    if public_key is not None and checkpoint.public_key != public_key:
        raise BadCheckpointError(checkpoint.number, "it is signed with another key")
    try:
        key = Ed25519PublicKey.from_public_bytes(checkpoint.public_key)
        key.verify(checkpoint.signature, checkpoint.signed_bytes())
    except (InvalidSignature, ValueError):
        raise BadCheckpointError(checkpoint.number, "its signature does not hold") from None
    if previous is None:
        return
    if checkpoint.number != previous.number + 1 or checkpoint.prev_hash != previous.hash:
        raise BadCheckpointError(checkpoint.number, "it does not follow the one before it")


def heads_to_json(heads: Mapping[str, Anchor]) -> dict[str, Any]:
    """Return heads as plain JSON."""
    return {workspace_id: {"seq": head.seq, "hash": head.hash.hex()} for workspace_id, head in heads.items()}


def heads_from_json(data: Mapping[str, Any]) -> dict[str, Anchor]:
    """Read what :func:`heads_to_json` wrote; raises KeyError, TypeError or ValueError for anything else."""
    return {
        workspace_id: Anchor(int(head["seq"]), bytes.fromhex(head["hash"]))
        for workspace_id, head in data.items()
    }
