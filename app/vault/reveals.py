"""Why a sealed value is opened, and which openings are counted."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.access.actor import Actor, ActorKind


class RevealPurpose(StrEnum):
    """What a value is opened for. Every opening is audited with it."""

    AUTHORIZATION = "AUTHORIZATION"
    POLL = "POLL"
    RENEWAL = "RENEWAL"
    TEST = "TEST"
    CALL_READ = "CALL_READ"
    CALL_WRITE = "CALL_WRITE"
    CALL_DESTRUCTIVE = "CALL_DESTRUCTIVE"
    REVOCATION = "REVOCATION"
    REWRAP = "REWRAP"


_MACHINE_READS: Final = frozenset({RevealPurpose.RENEWAL, RevealPurpose.TEST, RevealPurpose.POLL})


def is_counted(actor: Actor, purpose: RevealPurpose) -> bool:
    """Return whether such openings are counted by the minute rather than written down one by one.

    READ calls are, and renewals and tests that no person asked for; a person's act never is.
    """
    if purpose is RevealPurpose.CALL_READ:
        return True
    return purpose in _MACHINE_READS and actor.kind is not ActorKind.MEMBER
