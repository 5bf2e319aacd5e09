"""The tree of errors that rooms raise; doors translate them, and only doors know status codes.

::

    PatchbayError                    carries one or more problems
    ├── InvalidInputError            a person can correct the input
    ├── NotFoundError                missing, or not visible: the two are reported alike
    ├── ConflictError                somebody else changed it
    ├── PermissionDeniedError        the actor may not
    ├── NotAllowedNowError           the state does not permit it
    ├── UnauthenticatedError         no valid credentials on the request
    ├── StorageBusyError             the database is busy; try again
    │   └── StorageUnavailableError      it is away, or takes nothing; try again later
    └── OutsideError                 the outside world failed
        ├── CredentialsRejectedError     refused: needs a person
        ├── ApplicationRejectedError     the integration's fault, never the connection's
        ├── TransientOutsideError        unreachable, 5xx, timeout, rate limit: try later
        └── RefusedOutsideError          4xx, unexpected answers, blocked addresses
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.redirect import Redirect

PERSON_NEEDED: Final = frozenset(
    {
        ProblemCode.CREDENTIALS_REJECTED,
        ProblemCode.REAUTHENTICATION_REQUIRED,
        ProblemCode.REFRESH_OUTCOME_UNKNOWN,
        ProblemCode.CREDENTIAL_UNREADABLE,
    }
)
"""Problems that only a person can end: the credentials themselves are refused or lost."""
_APPLICATION: Final = frozenset(
    {
        ProblemCode.APPLICATION_REJECTED,
        ProblemCode.APPLICATION_MISSING,
        ProblemCode.APPLICATION_NOT_FOR_ADDRESS,
    }
)


class PatchbayError(Exception):
    """A fault that has been diagnosed: it carries its problems and no secret."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(", ".join(p.code.value for p in self.problems))

    @property
    def problem(self) -> Problem:
        """The first problem."""
        return self.problems[0]


class InvalidInputError(PatchbayError):
    """The input breaks rules that a person can correct."""


class NotFoundError(PatchbayError):
    """The object does not exist in the actor's workspace."""

    def __init__(self, problems: Problem | Sequence[Problem] | None = None) -> None:
        super().__init__(problems or problem(ProblemCode.NOT_FOUND))


class ConflictError(PatchbayError):
    """``expectedRevision`` is not the current one, or a compare-and-swap was lost."""


class PermissionDeniedError(PatchbayError):
    """The actor's role or token scopes do not contain the permission."""


class NotAllowedNowError(PatchbayError):
    """The state machine or a gate does not permit the act now."""


class UnauthenticatedError(PatchbayError):
    """The request carries no valid credentials."""

    def __init__(self) -> None:
        super().__init__(problem(ProblemCode.PERMISSION_DENIED, permission="a signed-in actor"))


class StorageBusyError(PatchbayError):
    """The database stayed locked beyond patience: nothing was changed."""

    code: ClassVar[ProblemCode] = ProblemCode.STORAGE_BUSY
    retry_after_s: ClassVar[float] = 1.0

    def __init__(self) -> None:
        super().__init__(problem(self.code, retry_after_s=self.retry_after_s))


class StorageUnavailableError(StorageBusyError):
    """The database is away, or takes no writes; what was about to be committed may have been, or not."""

    code = ProblemCode.STORAGE_UNAVAILABLE
    retry_after_s = 5.0


class OutsideError(PatchbayError):
    """The outside world failed; subclasses say who has to act. ``redirects`` were met on the way to the failure."""

    redirects: tuple[Redirect, ...] = ()


class CredentialsRejectedError(OutsideError):
    """The outside refused the credentials: a person must act."""


class ApplicationRejectedError(OutsideError):
    """The outside refused the application (``invalid_client``): the integration's fault."""


class TransientOutsideError(OutsideError):
    """Unreachable, 5xx, timeout or rate limit: try later."""


class RefusedOutsideError(OutsideError):
    """An answer or an address that trying again will not mend."""


def invalid_field(*path: str, reason: str, label: str = "This field") -> InvalidInputError:
    """Return the error of a value that may not stand at ``path``."""
    return InvalidInputError(problem(ProblemCode.INVALID_FIELD, *path, reason=reason, label=label))


def outside_error(fault: Problem) -> OutsideError:
    """Return the error that a problem of the outside is: its code alone says who has to act.

    What may pass by itself is what the code's template calls retryable.
    """
    if fault.code in _APPLICATION:
        return ApplicationRejectedError(fault)
    if fault.code in PERSON_NEEDED:
        return CredentialsRejectedError(fault)
    return TransientOutsideError(fault) if fault.code.template.retryable else RefusedOutsideError(fault)
