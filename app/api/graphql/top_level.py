"""The only translator of errors that are not data: what becomes of one before it reaches wire or log."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from app.api.graphql.limits import MAX_ERRORS, SIGNED_OUT_TOKENS, STREAM_RETRY_S, TooMuchError
from app.api.graphql.sanitiser import Sanitiser
from app.foundation.errors import (
    InvalidInputError,
    NotFoundError,
    PatchbayError,
    PermissionDeniedError,
    StorageBusyError,
    UnauthenticatedError,
)

_log = structlog.get_logger("patchbay.graphql")
_BEYOND_SYNTAX: Final = (
    "Document contains more than",
    "Document is nested too deeply",
    "Source contains more than",
)
_ARGUMENT: Final = "Argument '"
_FRAMES: Final = 12


class Code(StrEnum):
    """What ``extensions.code`` says."""

    BAD_REQUEST = "BAD_REQUEST"
    PARSE_FAILED = "PARSE_FAILED"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


_RETRYABLE: Final = frozenset({Code.QUOTA_EXCEEDED, Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE})
_REQUEST_FAULTS: Final = frozenset(
    {
        Code.BAD_REQUEST,
        Code.PARSE_FAILED,
        Code.VALIDATION_FAILED,
        Code.BAD_USER_INPUT,
        Code.QUERY_TOO_COMPLEX,
    }
)


@dataclass(frozen=True, slots=True)
class WireError:
    """One error as it is answered."""

    code: Code
    message: str
    request_id: str
    locations: tuple[tuple[int, int], ...] = ()
    path: tuple[str | int, ...] | None = None
    retry_after_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the wire form; ``extensions`` has exactly these four members."""
        answer: dict[str, Any] = {"message": self.message}
        if self.locations:
            answer["locations"] = [{"line": line, "column": column} for line, column in self.locations]
        if self.path is not None:
            answer["path"] = list(self.path)
        answer["extensions"] = {
            "code": self.code.value,
            "requestId": self.request_id,
            "retryable": self.code in _RETRYABLE,
            "retryAfterSeconds": self.retry_after_s,
        }
        return answer


class Translator:
    """Turns errors of one schema's operations into wire errors. What it does not know it masks and logs."""

    def __init__(self, sanitiser: Sanitiser) -> None:
        self._sanitiser = sanitiser

    def translate(self, errors: Sequence[GraphQLError], request_id: str) -> list[WireError]:
        """Return at most ``MAX_ERRORS`` wire errors."""
        return [self._one(error, request_id) for error in errors[:MAX_ERRORS]]

    def _one(self, error: GraphQLError, request_id: str) -> WireError:
        cause = _cause(error)
        code, message, retry_after_s = self._judge(error, cause)
        if code is Code.INTERNAL:
            _log_fault(cause or error, error.path, request_id)
        locations = tuple((one.line, one.column) for one in error.locations or ())
        path = None if error.path is None else tuple(error.path)
        return WireError(code, message, request_id, locations, path, retry_after_s)

    def _judge(self, error: GraphQLError, cause: BaseException | None) -> tuple[Code, str, float | None]:
        if isinstance(cause, PatchbayError):
            return _known(cause)
        if isinstance(cause, TooMuchError):
            return _too_much(cause)
        if isinstance(cause, TimeoutError):
            return Code.DEADLINE_EXCEEDED, "The operation took too long and was ended.", None
        if isinstance(cause, MissingQueryError | CannotGetOperationTypeError):
            return Code.BAD_REQUEST, "The document has no such operation.", None
        if isinstance(cause, InvalidOperationTypeError):
            return Code.BAD_REQUEST, "This kind of operation is not for this transport.", None
        if isinstance(error, GraphQLSyntaxError):
            return self._syntax(error)
        if _is_ours(error, cause):
            return Code.INTERNAL, "Something failed on our side.", None
        is_input = error.path is not None or " has invalid value" in error.message
        code = Code.BAD_USER_INPUT if is_input else Code.VALIDATION_FAILED
        return code, self._sanitiser.message(error.message, error.nodes or ()), None

    def _syntax(self, error: GraphQLSyntaxError) -> tuple[Code, str, float | None]:
        if f"more than {SIGNED_OUT_TOKENS} tokens" in error.message:
            return Code.UNAUTHENTICATED, _sign_in(f"a document has at most {SIGNED_OUT_TOKENS} tokens"), None
        beyond = any(text in error.message for text in _BEYOND_SYNTAX)
        return (Code.QUERY_TOO_COMPLEX if beyond else Code.PARSE_FAILED), self._sanitiser.syntax(error), None


def is_request_fault(errors: Sequence[WireError]) -> bool:
    """Return whether nothing was executed because the request itself is at fault."""
    return bool(errors) and all(error.path is None and error.code in _REQUEST_FAULTS for error in errors)


def refusal(
    code: Code, message: str, request_id: str, retry_after_s: float | None = None
) -> Mapping[str, Any]:
    """Return the body of a request that was refused before it was an operation."""
    return {"errors": [WireError(code, message, request_id, retry_after_s=retry_after_s).to_json()]}


def _is_ours(error: GraphQLError, cause: BaseException | None) -> bool:
    """Return whether something failed on our side, rather than the library complaining about the request.

    What it complains about before the execution has nodes and no path; later only arguments can be wrong.
    """
    if error.path is not None:
        return not error.message.startswith(_ARGUMENT)
    return cause is not None and not error.nodes


def _cause(error: BaseException) -> BaseException | None:
    """Return the exception behind an error, through all wrapping; None where the library itself complains."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _known(fault: PatchbayError) -> tuple[Code, str, float | None]:
    code = Code.BAD_USER_INPUT
    if isinstance(fault, UnauthenticatedError):
        return Code.UNAUTHENTICATED, "Sign in first.", None
    if isinstance(fault, PermissionDeniedError):
        code = Code.FORBIDDEN
    elif isinstance(fault, NotFoundError):
        code = Code.NOT_FOUND
    elif isinstance(fault, StorageBusyError) or (
        fault.problem.retryable and not isinstance(fault, InvalidInputError)
    ):
        code = Code.UNAVAILABLE
    return code, fault.problem.message, fault.problem.retry_after_s


def _too_much(fault: TooMuchError) -> tuple[Code, str, float | None]:
    if fault.limit.startswith("subscriptions "):
        message = (
            f"Too many {fault.limit} are open; {fault.maximum} are allowed. Close some, or try again later."
        )
        return Code.QUOTA_EXCEEDED, message, STREAM_RETRY_S
    if not fault.signed_in:
        return (
            Code.UNAUTHENTICATED,
            _sign_in(f"an operation's {fault.limit} is at most {fault.maximum}"),
            None,
        )
    return Code.QUERY_TOO_COMPLEX, f"The operation's {fault.limit} is greater than {fault.maximum}.", None


def _sign_in(limit: str) -> str:
    return f"Sign in first: without a token {limit}."


def _log_fault(fault: BaseException, path: Sequence[str | int] | None, request_id: str) -> None:
    # Neither the exception's text nor its locals are logged: they can hold what the caller sent.
    frames = traceback.extract_tb(fault.__traceback__)[-_FRAMES:]
    _log.error(
        "operation failed",
        request_id=request_id,
        fault=type(fault).__name__,
        path=".".join(str(part) for part in path or ()),
        frames=[f"{frame.filename.rsplit('/app/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames],
    )
