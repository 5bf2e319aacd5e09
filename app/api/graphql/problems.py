"""Faults a person can fix, as data: the ``Problem`` interface, and how verbs' errors become its members."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension
from strawberry.types import Info
from strawberry.types.base import get_object_definition
from strawberry.utils.str_converters import to_camel_case

import app.api.graphql.enums  # noqa: F401 - brings the shared enums into the schema
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, interface_type, object_type, resolver, shown
from app.api.graphql.scalars import Json, Url
from app.connections.snapshot import SetupStepKey
from app.foundation.errors import NotFoundError, PatchbayError, UnauthenticatedError
from app.foundation.problems import FixBy, Problem, ProblemCode, RemediationKind

MAX_PROVIDER_CHARS: Final = 300
V = TypeVar("V", bound=Callable[..., Awaitable[Any]])


@object_type("One thing that somebody can do about a problem.")
class RemediationType:
    kind: RemediationKind = described("What kind of act it is.")
    text: str = described("What to do, in plain words.")
    actor: FixBy = described("Who can do it.")
    url: Url | None = described("Where to do it.")


@interface_type(
    "A diagnosed fault: the same shape in a payload's `userErrors`, a failed test step and a "
    "connection's state. It never holds a secret."
)
class ProblemType:
    code: ProblemCode = described("The stable code.")
    message: str = described("What is wrong, in plain words.")
    path: list[str] = described("Which field of `input` is meant, from the outside in; empty for the whole.")
    retryable: bool = described("Whether the same request can succeed later.")
    retry_after_seconds: float | None = described("How long to wait before trying again.")
    remediation: list[RemediationType] = described("What can be done, best first.")

    @resolver("The page that explains this code.")
    def docs_url(self, info: PatchbayInfo) -> Url:
        return Url(f"{info.context.hub.public_url}/docs/problems/{self.code.value}")


@object_type("A problem with no more than what every problem has.")
class GenericProblemType(ProblemType):
    """A plain problem."""


@object_type("A field of the input is not right.")
class FieldProblemType(ProblemType):
    schema_keyword: str | None = described("The JSON Schema keyword that does not hold.")
    expected: Json | None = described("What the schema expects there; never what was sent.")


@object_type("Somebody else changed the object in the meantime.")
class ConflictProblemType(ProblemType):
    current_revision: int = described("The object's revision now.")


@object_type("The outside system answered with a fault.")
class ProviderProblemType(ProblemType):
    provider_status: int | None = described("The HTTP status it answered with.")
    provider_code: str | None = described("Its own error code.")
    provider_detail: str | None = described("Its own words, shortened, with secrets removed.")


@object_type("Permissions are missing at the outside system.")
class MissingScopesProblemType(ProblemType):
    missing_scopes: list[str] = described("The scopes that are missing.")


@object_type("Set-up steps must be completed first.")
class UnmetStepsProblemType(ProblemType):
    unmet_steps: list[SetupStepKey] = described("The steps that are not done.")


PROBLEM_MEMBERS: Final = (
    GenericProblemType,
    FieldProblemType,
    ConflictProblemType,
    ProviderProblemType,
    MissingScopesProblemType,
    UnmetStepsProblemType,
)


def problem_type(problem: Problem) -> ProblemType:
    """Return the member of the interface that has all that the problem knows."""
    member, details = _member(problem)
    return shown(
        member,
        problem,
        retry_after_seconds=problem.retry_after_s,
        remediation=[shown(RemediationType, step) for step in problem.remediation],
        **details,
    )


def problem_types(problems: Iterable[Problem]) -> list[ProblemType]:
    return [problem_type(problem) for problem in problems]


def maybe_problem(problem: Problem | None) -> ProblemType | None:
    """Return the member for a problem that may not be there."""
    return None if problem is None else problem_type(problem)


class UserErrors(FieldExtension):
    """Answers a verb's diagnosed faults as ``userErrors`` of the payload; everything else goes on up."""

    def __init__(self, payload: type[Any]) -> None:
        self._payload = payload

    async def resolve_async(
        self,
        next_: AsyncExtensionResolver,
        source: object,
        info: Info[Any, Any],
        **kwargs: Any,  # noqa: ANN401 - the mutation's own arguments
    ) -> object:
        """Run the mutation."""
        try:
            return await next_(source, info, **kwargs)
        except UnauthenticatedError:
            raise
        except PatchbayError as fault:
            return self._payload(user_errors=problem_types(_placed(fault, kwargs.get("input_"))))


def mutation(description: str) -> Callable[[V], V]:
    """Make a method a mutation; the payload that it returns also answers its diagnosed faults."""

    def made(verb: V) -> V:
        payload = verb.__annotations__["return"]
        # Nullable, as every root field that can fail: what one cannot do leaves the answers of the others.
        made_field = strawberry.mutation(
            verb, graphql_type=payload | None, description=description, extensions=[UserErrors(payload)]
        )
        return cast("V", made_field)

    return made


def user_errors_field() -> Any:  # noqa: ANN401 - strawberry's marker stands for a value of the field's type
    """Return the field that every payload has."""
    return described("What a person can fix; empty where all went well.", default_factory=list)


def _placed(fault: PatchbayError, given: object) -> Iterable[Problem]:
    """Return the problems of a verb; one that finds nothing names the id of the input that it looked for."""
    if not isinstance(fault, NotFoundError) or given is None:
        return fault.problems
    ids = [
        field
        for field in get_object_definition(type(given), strict=True).fields
        if field.type is strawberry.ID
    ]
    path = tuple(to_camel_case(field.python_name) for field in ids[:1])
    return [replace(problem, path=problem.path or path) for problem in fault.problems]


def _member(problem: Problem) -> tuple[type[ProblemType], dict[str, Any]]:
    """Return the member of the interface for a problem, and the fields that it alone has."""
    details = problem.details
    if isinstance(details.get("currentRevision"), int):
        return ConflictProblemType, {"current_revision": details["currentRevision"]}
    if details.get("missingScopes"):
        return MissingScopesProblemType, {
            "missing_scopes": [str(scope) for scope in details["missingScopes"]]
        }
    if details.get("unmetSteps"):
        known = [SetupStepKey(step) for step in details["unmetSteps"] if step in set(SetupStepKey)]
        return UnmetStepsProblemType, {"unmet_steps": known}
    status, code, detail = (
        details.get(name) for name in ("providerStatus", "providerCode", "providerDetail")
    )
    if (status, code, detail) != (None, None, None):
        return ProviderProblemType, {
            "provider_status": status if isinstance(status, int) else None,
            "provider_code": _shortened(code),
            "provider_detail": _shortened(detail),
        }
    if problem.path:
        return FieldProblemType, {
            "schema_keyword": details.get("keyword"),
            "expected": details.get("expected"),
        }
    return GenericProblemType, {}


def _shortened(value: object) -> str | None:
    return None if value is None else str(value)[:MAX_PROVIDER_CHARS]
