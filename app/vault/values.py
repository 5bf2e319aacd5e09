"""What is sealed: a credential set as canonical JSON in which secret leaves stay recognisable; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from app.foundation.secret import Secret
from app.vault.errors import IntegrityCode, IntegrityError

_SECRET: Final = "$secret"  # noqa: S105 - the mark of a secret leaf, not a secret
_MAX_DEPTH: Final = 32


def encode_value(value: Mapping[str, Any]) -> bytes:
    """Return the bytes to seal: JSON whose :class:`Secret` leaves stand as ``{"$secret": "..."}``.

    Names that begin with ``$`` get a second one, so that no plain value can pass for a secret leaf.

    Raises:
        TypeError: a leaf is neither JSON nor a secret, or the value is nested too deep; no value is named.
    """
    plain = _mark(value, 0)
    try:
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except ValueError:
        raise TypeError("a sealed value holds finite numbers only") from None


def decode_value(data: bytes) -> dict[str, Any]:
    """Return the value that :func:`encode_value` wrote, its secret leaves as :class:`Secret` again.

    Raises:
        IntegrityError: the bytes are not such a value.
    """
    try:
        value = _unmark(json.loads(data))
    except (ValueError, RecursionError):
        raise IntegrityError(IntegrityCode.MALFORMED) from None
    if not isinstance(value, dict):
        raise IntegrityError(IntegrityCode.MALFORMED)
    return value


def _mark(value: object, depth: int) -> Any:  # noqa: ANN401 - a tree of plain values and secrets
    if depth > _MAX_DEPTH:
        raise TypeError(f"a sealed value is nested at most {_MAX_DEPTH} levels deep")
    if isinstance(value, Secret):
        return {_SECRET: value.reveal()}
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("a sealed value has strings as names")
        return {_escape(name): _mark(leaf, depth + 1) for name, leaf in value.items()}
    if isinstance(value, list | tuple):
        return [_mark(leaf, depth + 1) for leaf in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError("a sealed value holds JSON and secrets only")


def _escape(name: str) -> str:
    return f"${name}" if name.startswith("$") else name


def _unmark(value: Any) -> Any:  # noqa: ANN401 - a tree of plain values and secrets
    if isinstance(value, list):
        return [_unmark(leaf) for leaf in value]
    if not isinstance(value, dict):
        return value
    if _SECRET in value:
        return Secret(value[_SECRET])
    return {name.removeprefix("$"): _unmark(leaf) for name, leaf in value.items()}
