"""What somebody wants to save as an application, checked without I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.authenticators.endpoints import is_open, needs_application
from app.catalog.catalog import Catalog
from app.catalog.definition import Definition
from app.credentials.application_choice import default_name
from app.credentials.application_rows import MAX_NAME_CHARS
from app.credentials.models import ApplicationRecord
from app.credentials.origins import MAX_ORIGINS, read_origins
from app.credentials.snapshot import Mode
from app.foundation.errors import InvalidInputError, invalid_field
from app.foundation.names import checked_name, too_long
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.foundation.shapes import Shape

_LIMITS: Final = {"clientId": ("The client id", 512), "clientSecret": ("The client secret", 16_384)}
_GIVE_AGAIN: Final = "it has to be given again where addresses are added to those that it is sent to"


@dataclass(frozen=True, slots=True)
class ApplicationInput:
    """An application as it was sent. ``origins`` None and ``name`` None stay as they are, or are found."""

    integration: str
    client_id: str
    client_secret: Secret | None
    fields: Mapping[str, Any] = field(repr=False)
    mode: Mode
    name: str | None
    origins: tuple[str, ...] | None

    def name_of_new(self) -> str:
        """Return the name that a new application gets."""
        return self.name or default_name(self.origins or ())


def checked_input(
    catalog: Catalog,
    *,
    integration: str,
    client_id: str,
    client_secret: Secret | None,
    fields: Any,  # noqa: ANN401 - JSON edge
    mode: Mode,
    name: str | None,
    origins: Sequence[str] | None,
) -> ApplicationInput:
    """Return the input with its texts trimmed and its origins in their one form.

    Raises:
        InvalidInputError: with every fault.
    """
    fields = {} if fields is None else fields
    if not isinstance(fields, Mapping):
        raise invalid_field("fields", label="fields", reason="it must be an object")
    definition = catalog.definition(integration)
    problems = [] if definition else [problem(ProblemCode.UNKNOWN_INTEGRATION, "integration")]
    problems += _field_problems(field_schemas(definition), fields)
    if not client_id.strip():
        problems.append(problem(ProblemCode.MISSING_FIELD, "clientId", label="The client id"))
    given = {"clientId": client_id if client_id.strip() else "", "clientSecret": client_secret or ""}
    for key, (label, limit) in _LIMITS.items():
        if len(given[key]) > limit:
            problems.append(too_long(key, label, limit))
    trimmed, faults = (None, list[Problem]()) if name is None else checked_name(name, MAX_NAME_CHARS)
    read, wrong = (None, list[int]()) if origins is None else read_origins(origins[: MAX_ORIGINS + 1])
    problems += faults
    reason = "it is not an https address such as https://login.example.com"
    label = "This origin"
    problems += [invalid_field("origins", str(at), label=label, reason=reason).problem for at in wrong]
    if read is not None and len(read) > MAX_ORIGINS:
        problems.append(
            problem(ProblemCode.FIELD_TOO_LONG, "origins", label="The list", limit=f"{MAX_ORIGINS} origins")
        )
    if problems:
        raise InvalidInputError(problems)
    return ApplicationInput(integration, client_id.strip(), client_secret, fields, mode, trimmed, read)


def field_schemas(definition: Definition | None) -> dict[str, Mapping[str, Any]]:
    """Return the schema of each extra field that some auth method of the integration asks of an application."""
    found: dict[str, Mapping[str, Any]] = {}
    for method in definition.auth if definition else ():
        found.update((method.application or {}).get("properties") or {})
    return found


def needs_origins(definition: Definition | None, mode: Mode) -> bool:
    """Return whether applications of the integration must name their origins: the definition does not."""
    if definition is None or mode is Mode.SANDBOX:
        return False
    return any(is_open(definition, method) for method in definition.auth if needs_application(method))


def origin_problems(
    definition: Definition | None, wanted: ApplicationInput, row: ApplicationRecord
) -> list[Problem]:
    """Return why a row may not get these origins: it needs some, and what is sealed was not given for new ones.

    Nobody can read a stored secret, so nobody may send it to a place of his own either.
    """
    origins = list(row.origins if wanted.origins is None else wanted.origins)
    if not origins and needs_origins(definition, wanted.mode):
        return [problem(ProblemCode.MISSING_FIELD, "origins", label="At least one origin")]
    before = row.origins
    is_wider = bool(before) and not origins  # from some places to all that the definition vouches for
    is_wider |= any(origin not in before for origin in origins) and bool(
        before or needs_origins(definition, wanted.mode)
    )
    if not is_wider:
        return []
    faults = []
    if row.secret_generation and not wanted.client_secret:
        fault = invalid_field("clientSecret", label="The client secret", reason=_GIVE_AGAIN)
        faults.append(fault.problem)
    for name in sorted(row.secret_fields.keys() - wanted.fields.keys()):
        label = str(field_schemas(definition).get(name, {}).get("title") or name)
        faults.append(invalid_field("fields", name, label=label, reason=_GIVE_AGAIN).problem)
    return faults


def opened_value(value: Any) -> Any:  # noqa: ANN401 - a plain value or a secret
    """Open a field's value, if it is a secret."""
    return value.reveal() if isinstance(value, Secret) else value


def _field_problems(known: Mapping[str, Mapping[str, Any]], fields: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for name, value in fields.items():
        if name not in known:
            problems.append(problem(ProblemCode.UNKNOWN_FIELD, "fields", name, label=name[:100]))
        elif not Shape(known[name]).fits(opened_value(value)):
            label, reason = str(known[name].get("title") or name), "it does not have the expected form"
            problems.append(invalid_field("fields", name, label=label, reason=reason).problem)
    return problems
