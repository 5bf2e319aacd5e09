"""The outbox: facts are rows of the transaction that makes them true, numbered as its last act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from app.event_stream.channels import channels_of
from app.event_stream.event import NewEvent
from app.foundation.canonical import storable_json, storable_text
from app.foundation.database import EVENTS_ORDER, Transaction
from app.foundation.ids import new_id
from app.foundation.secret_names import is_secret_field
from app.foundation.wakeups import Wakeups

MAX_DATA_BYTES: Final = 32_768
_BUFFER: Final = "event_stream.outbox"
_POSITION: Final = "event_stream.position"
_LABEL_CHARS: Final = 200
_TAKE: Final = (
    'INSERT INTO "event_counter" ("workspace_id", "position", "pruned_to") VALUES ($1, $2, 0) '
    'ON CONFLICT ("workspace_id") DO UPDATE SET "position" = "event_counter"."position" + excluded."position" '
    'RETURNING "position"'
)


class Outbox:
    """Writes announced facts just before the commit and wakes the followers after it."""

    def __init__(self, wakeups: Wakeups) -> None:
        self._wakeups = wakeups

    def announce(self, tx: Transaction, event: NewEvent) -> None:
        """Let ``event`` become true with ``tx``; a rollback leaves nothing of it.

        Raises:
            TypeError: ``data`` holds something that is not plain JSON, such as a secret.
            ValueError: ``data`` is larger than ``MAX_DATA_BYTES``, or a text in it bears a secret's name.
        """
        _check_data(event.data)
        tx.state.setdefault(_BUFFER, []).append(event)
        tx.before_commit(EVENTS_ORDER, _BUFFER, self._flush)

    async def _flush(self, tx: Transaction) -> None:
        by_workspace: dict[str, list[NewEvent]] = {}
        for event in tx.state.pop(_BUFFER):
            by_workspace.setdefault(event.workspace_id, []).append(event)
        # One order for all transactions, so that no two wait for each other.
        for workspace_id in sorted(by_workspace):
            events = by_workspace[workspace_id]
            first = await _reserve_positions(tx, workspace_id, len(events)) + 1
            tx.state[_POSITION, workspace_id] = first + len(events) - 1
            await tx.insert("event", [_row(tx, e, first + n) for n, e in enumerate(events)])
            tx.after_commit(partial(self._wakeups.notify, *channels_of(workspace_id, events)))


def last_position(tx: Transaction, workspace_id: str) -> int | None:
    """Return the position of the stream when ``tx`` had committed; None where it announced nothing."""
    return tx.state.get((_POSITION, workspace_id))


async def _reserve_positions(tx: Transaction, workspace_id: str, count: int) -> int:
    """Take ``count`` positions; return the one before them. The counter row stays locked until the commit."""
    (reserved,) = await tx.rows(_TAKE, workspace_id, count)
    return int(reserved["position"]) - count


def _row(tx: Transaction, event: NewEvent, position: int) -> dict[str, object]:
    return {
        "id": new_id("evt"),
        "workspace_id": event.workspace_id,
        "position": position,
        "type": event.type.value,
        "occurred_at": tx.now,
        "connection_id": event.connection_id,
        "subject_type": event.subject.type,
        "subject_id": event.subject.id,
        "actor_kind": event.actor.kind.value,
        "actor_id": event.actor.id,
        "actor_label": storable_text(event.actor.label)[:_LABEL_CHARS],
        "correlation_id": event.correlation_id,
        "data": storable_json(event.data),
    }


def _check_data(data: Mapping[str, Any]) -> None:
    _check_names(data)
    size = len(json.dumps(dict(data), allow_nan=False).encode())  # a secret is not JSON: TypeError
    if size > MAX_DATA_BYTES:
        raise ValueError(f"an event's data is at most {MAX_DATA_BYTES} bytes: events carry ids, not contents")


def _check_names(value: object) -> None:
    if isinstance(value, list | tuple):
        for leaf in value:
            _check_names(leaf)
    elif isinstance(value, Mapping):
        for name, leaf in value.items():
            if isinstance(leaf, str) and is_secret_field(name):
                raise ValueError(f"an event's data holds no secrets, and {name!r} bears a secret's name")
            _check_names(leaf)
