"""Idempotency: one key of one actor for one operation has one effect and one answer, for a day."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from app.access.actor import Actor
from app.access.models import IdempotencyRecord
from app.foundation.canonical import canonical_json, storable_json
from app.foundation.database import Database, Transaction
from app.foundation.errors import InvalidInputError
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret

RETENTION: Final = timedelta(hours=24)
MAX_KEY_CHARS: Final = 255
PATH: Final = "idempotencyKey"
_SECRET_LABEL: Final = b"patchbay/idempotency/v1\x00"
SystemKeySource = Callable[[], Awaitable[bytes]]
Act = Callable[[Transaction], Awaitable[Mapping[str, Any]]]


class Idempotency:
    """Remembers what an actor's request with a key did, in the transaction that did it.

    Scoped to workspace, actor and operation. The input is kept as a SHA-256 over its canonical JSON, in which
    secrets stand as an HMAC under the key of ``key_of``: what is stored gives no way to guess at them.
    """

    def __init__(self, database: Database, key_of: SystemKeySource) -> None:
        self._database = database
        self._key_of = key_of

    async def run(
        self,
        actor: Actor,
        operation: str,
        key: str | None,
        input: Mapping[str, Any],  # noqa: A002 - the API's own word
        act: Act,
    ) -> Mapping[str, Any]:
        """Do ``act`` in a transaction and remember its result; for a used key return what is remembered.

        Of duplicates at the same time one acts, and the others wait for it, before they have done anything, and return
        its result. If ``act`` raises, nothing is remembered and the key is free again.

        Raises:
            InvalidInputError: the key was used with another input, or cannot be one; at ``idempotencyKey``.
            TypeError: the result is not plain JSON, such as one with a secret in it.
        """
        async with self._database.transaction() as tx:
            claimed = None
            if key is not None:
                _check_key(key)
                claimed = await self._claim(tx, actor, operation, key, await self._input_hash(input))
                if claimed.result is not None:
                    return claimed.result
            result = await act(tx)
            canonical_json(result)  # refuses what must not be stored
            if claimed is not None:
                await IdempotencyRecord.filter(id=claimed.id).update(result=storable_json(result))
            return result

    @staticmethod
    async def _claim(
        tx: Transaction, actor: Actor, operation: str, key: str, input_hash: str
    ) -> IdempotencyRecord:
        """Return the row of the key's first use, which has no result yet where this is it."""
        id_ = hashlib.sha256(canonical_json([actor.workspace_id, actor.id, operation, key])).hexdigest()
        await IdempotencyRecord.filter(id=id_, expires_at__lte=tx.now).delete()
        # Of two at once the second waits here for the first to commit, then inserts nothing and finds its row.
        row = IdempotencyRecord(
            id=id_,
            workspace_id=actor.workspace_id,
            operation=operation,
            input_hash=input_hash,
            result=None,
            created_at=tx.now,
            expires_at=tx.now + RETENTION,
        )
        await IdempotencyRecord.bulk_create([row], ignore_conflicts=True)
        found = await IdempotencyRecord.get(id=id_)
        if not hmac.compare_digest(found.input_hash, input_hash):
            raise InvalidInputError(problem(ProblemCode.IDEMPOTENCY_KEY_REUSED, PATH))
        return found

    async def prune(self) -> int:
        """Forget what is older than a day; return how many."""
        with self._database.bind():
            return await IdempotencyRecord.filter(expires_at__lte=self._database.clock.now()).delete()

    async def _input_hash(self, input: Mapping[str, Any]) -> str:  # noqa: A002 - the API's own word
        key = await self._key_of() if _holds_secret(input) else b""
        return hashlib.sha256(canonical_json(_without_secrets(input, key))).hexdigest()


def _check_key(key: str) -> None:
    label = "The idempotency key"
    if not key.strip() or not key.isprintable():
        reason = "it must be printable text"
        raise InvalidInputError(problem(ProblemCode.INVALID_FIELD, PATH, label=label, reason=reason))
    if len(key) > MAX_KEY_CHARS:
        limit = f"{MAX_KEY_CHARS} characters"
        raise InvalidInputError(problem(ProblemCode.FIELD_TOO_LONG, PATH, label=label, limit=limit))


def _holds_secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_secret(leaf) for leaf in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_secret(leaf) for leaf in value)
    return isinstance(value, Secret)


def _without_secrets(value: Any, key: bytes) -> Any:  # noqa: ANN401 - JSON edge
    if isinstance(value, Secret):
        content = _SECRET_LABEL + value.reveal().encode("utf-8", "surrogatepass")
        return {"$secret": hmac.digest(key, content, "sha256").hex()}
    if isinstance(value, Mapping):
        return {name: _without_secrets(leaf, key) for name, leaf in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(leaf, key) for leaf in value]
    return value
