"""What an audit entry says, and what its detail may hold: decisions only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from app.access.actor import Actor
from app.audit.chain import ChainRow
from app.foundation.canonical import storable_text
from app.foundation.secret_names import is_secret_field

EntryOutcome: TypeAlias = Literal["OK", "DENIED", "FAILED"]
DetailValue: TypeAlias = str | int | bool | list[str] | None
Detail: TypeAlias = Mapping[str, DetailValue]

MAX_KEYS: Final = 24
MAX_TEXT: Final = 500
MAX_ITEMS: Final = 100
MAX_LABEL: Final = 200
_MAX_INTEGER: Final = 2**53 - 1
_KEY: Final = re.compile(r"[a-z][A-Za-z0-9_]{0,47}")
_ACTION: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}")


class AuditTarget(NamedTuple):
    """What was acted on: a glossary word in lower case, an id, and what people call it."""

    type: str
    id: str
    label: str


def draft(
    at: datetime, actor: Actor, action: str, target: AuditTarget, outcome: EntryOutcome, detail: Detail
) -> ChainRow:
    """Return the entry that says what ``actor`` did at that instant; it has no place in its chain yet.

    Raises:
        TypeError, ValueError: the action or the detail is not one that an entry may hold; no value is named.
    """
    if not _ACTION.fullmatch(action):
        raise ValueError("an action is a word of letters, digits, dots and underscores")
    return ChainRow(
        workspace_id=actor.workspace_id,
        at=at,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=_cut(actor.label, MAX_LABEL),
        via=actor.via.value,
        ip_hash=actor.ip_hash,
        request_id=actor.request_id,
        action=action,
        target_type=target.type,
        target_id=target.id,
        target_label=_cut(target.label, MAX_LABEL),
        outcome=outcome,
        detail=checked_detail(detail),
    )


def checked_detail(detail: Detail) -> dict[str, DetailValue]:
    """Return the detail as it is stored: long texts cut, nothing nested, nothing under a secret's name.

    A secret's name may stand with a boolean, a number or null: *that* it changed is worth recording.

    Raises:
        TypeError: a value is of another kind, such as a secret, a float or something nested.
        ValueError: too many names, a name of another form, or a text under a name that secrets have.
    """
    if len(detail) > MAX_KEYS:
        raise ValueError(f"an audit detail has at most {MAX_KEYS} names")
    return {_checked_name(name, value): _checked_value(value) for name, value in detail.items()}


def _checked_name(name: str, value: DetailValue) -> str:
    if not _KEY.fullmatch(name):
        raise ValueError("a name in an audit detail is a word of letters, digits and underscores")
    if isinstance(value, str | list) and is_secret_field(name):
        raise ValueError(f"an audit detail holds no secrets, and {name!r} bears a secret's name")
    return name


def _checked_value(value: DetailValue) -> DetailValue:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise ValueError("an audit detail holds integers up to 2**53 - 1")
        return int(value)
    if isinstance(value, str):
        return _cut(value, MAX_TEXT)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [_cut(item, MAX_TEXT) for item in value[:MAX_ITEMS]]
    raise TypeError(f"an audit detail does not hold a {type(value).__name__}")


def _cut(text: str, limit: int) -> str:
    plain = storable_text(str.__str__(text))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"
