"""How operators and the audit name a key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from app.audit.entry import AuditTarget
from app.vault.errors import KeyRefusedError
from app.vault.keys import KeyProvider, LocalKeyProvider

_LONGEST_ID: Final = 64


def named(name: str, held: Sequence[KeyProvider], seen: Sequence[str] = ()) -> str:
    """Return the one key id that ``name`` means: a whole id, or the label of a held key.

    Raises:
        KeyRefusedError: there is none.
    """
    if name in {key.key_id for key in held} | set(seen):
        return name
    labelled = [key.key_id for key in held if isinstance(key, LocalKeyProvider) and key.label == name]
    if len(labelled) == 1:
        return labelled[0]
    raise KeyRefusedError(
        f"There is no key {name!r}. The key ring holds: {', '.join(key.key_id for key in held)}."
    )


def target_of(key_id: str) -> AuditTarget:
    """Return what the audit calls a key; a long id of a key service stands in the label."""
    short = key_id if len(key_id) <= _LONGEST_ID else hashlib.sha256(key_id.encode()).hexdigest()[:32]
    return AuditTarget("key", short, key_id)
