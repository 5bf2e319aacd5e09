"""Authenticators whose credentials a person enters: no call is made."""

from __future__ import annotations

from app.authenticators.base import (
    Answer,
    Attempt,
    Authenticator,
    Entered,
    Facts,
    Flow,
    Grant,
    Waiting,
)
from app.authenticators.credentials import form_step, read_entered
from app.catalog.definition import AuthMethod
from app.foundation.errors import NotAllowedNowError
from app.foundation.messages import OutRequest
from app.foundation.problems import ProblemCode, problem


class EnteredCredentials(Authenticator):
    """A form, then a grant of what was entered; the subclass says how a request carries it."""

    def begin(self, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
        """Ask for the credentials."""
        yield from ()
        return Waiting(form_step(facts, attempt))

    def complete(self, facts: Facts, attempt: Attempt, answer: Answer) -> Flow[Grant | Waiting]:  # noqa: ARG002 - used by other kinds
        """Check what was entered, placing it once on a blank request so that a bad character is found now."""
        yield from ()
        grant = self._grant(facts.method, entered_of(answer))
        self.apply(facts, grant, blank_request())
        return grant

    @staticmethod
    def _grant(method: AuthMethod, entered: Entered) -> Grant:
        return Grant(values=read_entered(method, entered.values))


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
