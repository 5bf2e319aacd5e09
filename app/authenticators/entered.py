"""Authenticators whose credentials a person enters: no call is made, nothing can be renewed or revoked."""

# ruff: noqa: ARG002 - members of the protocol are given what other kinds need

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from app.authenticators.base import (
    AccountFound,
    Answer,
    Attempt,
    Authenticator,
    Entered,
    Facts,
    Flow,
    Grant,
    RevocationReport,
    Waiting,
)
from app.authenticators.credentials import form_step, read_entered
from app.authenticators.values import shown_fields
from app.catalog.definition import AuthKind, AuthMethod
from app.foundation.errors import NotAllowedNowError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode, problem


class EnteredCredentials(Authenticator):
    """A form, then a grant of what was entered; the subclass says how a request carries it."""

    kind: ClassVar[AuthKind]

    def begin(self, method: AuthMethod, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
        """Ask for the credentials."""
        yield from ()
        return Waiting(form_step(method, facts, attempt))

    def complete(
        self, method: AuthMethod, facts: Facts, attempt: Attempt, answer: Answer
    ) -> Flow[Grant | Waiting]:
        """Check what was entered, placing it once on a blank request so that a bad character is found now."""
        yield from ()
        grant = self._grant(method, entered_of(answer))
        self.apply(method, facts, grant, blank_request())
        return grant

    def can_renew(self, method: AuthMethod, grant: Grant) -> bool:
        """Never: a person must enter new credentials."""
        return False

    def renew(self, method: AuthMethod, facts: Facts, grant: Grant) -> Flow[Grant]:
        """Refuse: a person must enter new credentials."""
        yield from ()
        raise NotAllowedNowError(problem(ProblemCode.REAUTHENTICATION_REQUIRED, provider=facts.provider))

    def revoke(self, method: AuthMethod, facts: Facts, grant: Grant) -> Flow[RevocationReport]:
        """Report what stays valid at the provider: only the person can revoke it there."""
        yield from ()
        shown = shown_fields(method)
        return RevocationReport(alive=tuple(name for name in grant.values if name not in shown))

    @abstractmethod
    def apply(self, method: AuthMethod, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Place the credentials on a request."""

    @staticmethod
    def _grant(method: AuthMethod, entered: Entered) -> Grant:
        return Grant(values=read_entered(method, entered.values), account=AccountFound())


def entered_of(answer: Answer) -> Entered:
    """Return the answer to a form.

    Raises:
        NotAllowedNowError: it is the answer to another step.
    """
    if not isinstance(answer, Entered):
        raise wrong_answer()
    return answer


def wrong_answer() -> NotAllowedNowError:
    """Make the error of an answer that does not belong to the step."""
    return NotAllowedNowError(problem(ProblemCode.NOT_ALLOWED_NOW, state="waiting for another answer"))


def blank_request() -> OutRequest:
    """Return a request that is never sent, to try a placement on."""
    return OutRequest("GET", "https://blank.invalid/")
