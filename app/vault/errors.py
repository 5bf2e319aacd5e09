"""The errors of the vault: none of them carries a word of what was sealed, or of a key.

::

    IntegrityError                a sealed text does not open: one class, one code, no text from the input
    VaultStartError               the hub must not start: exit code 78 (EX_CONFIG)
    ├── KeyFileError              the key file or variable is not acceptable
    │   └── KeyFileExistsError    a key file stands there already and is never overwritten
    └── KeyCheckError             a key that the database needs is missing or does not open its probe
    KeyRefusedError               a change of the keys is refused, and nothing was changed
    PatchbayError
    ├── CredentialUnreadableError what is stored does not open: changed, moved, or its data key is destroyed
    └── KeyUnavailableError       the key is not in this hub's ring, or its provider cannot be reached
"""

from __future__ import annotations

from enum import StrEnum

from app.foundation.errors import PatchbayError
from app.foundation.problems import ProblemCode, problem


class IntegrityCode(StrEnum):
    """Why a sealed text does not open."""

    MALFORMED = "MALFORMED"
    UNSUPPORTED = "UNSUPPORTED"
    OTHER_KEY = "OTHER_KEY"
    NOT_COMMITTED = "NOT_COMMITTED"
    NOT_AUTHENTIC = "NOT_AUTHENTIC"


class IntegrityError(Exception):
    """A sealed text does not open with this key in this place; nothing else is ever said about it."""

    def __init__(self, code: IntegrityCode) -> None:
        self.code = code
        super().__init__(f"a sealed value does not open ({code.value})")


class VaultStartError(Exception):
    """The hub must not start until the operator has acted; the message says how and holds no key."""


class KeyFileError(VaultStartError):
    """The key file or variable is not acceptable: permissions, owner, place, form or strength."""


class KeyFileExistsError(KeyFileError):
    """A key file stands there already; it is never overwritten."""


class KeyCheckError(VaultStartError):
    """A key that stored data needs is missing or wrong; the message names keys and the affected counts."""


class KeyRefusedError(Exception):
    """A change of the keys is refused and nothing was changed; the message says why and what to do instead."""


class CredentialUnreadableError(PatchbayError):
    """What is stored does not open: it was changed or moved, or its data key is destroyed."""

    def __init__(self) -> None:
        super().__init__(problem(ProblemCode.CREDENTIAL_UNREADABLE))


class KeyUnavailableError(PatchbayError):
    """The key is not in this hub's ring, or its provider cannot be reached; trying later may help."""

    def __init__(self) -> None:
        super().__init__(problem(ProblemCode.KEY_UNAVAILABLE))
