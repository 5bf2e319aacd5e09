"""What templates see while an authenticator works: plain values by group, and which of them are secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from app.authenticators.base import NOTHING, Facts
from app.catalog.definition import AuthMethod
from app.foundation.egress import EgressRefusedError, parse_target
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from app.foundation.shapes import secret_paths
from app.foundation.templates import Template, template

_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_ABSENT: Final = (None, "")
_PATH_SAFE: Final = ":@!$&'()*+,;=-._~"  # RFC 3986 3.3, pchar
_MISSING: Final[Mapping[str, ProblemCode]] = {
    "config": ProblemCode.CONFIG_INCOMPLETE,
    "application": ProblemCode.APPLICATION_MISSING,
}


@dataclass(frozen=True, slots=True)
class Param:
    """A request parameter; ``is_secret`` says that its value must not be shown."""

    name: str
    value: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """Plain values by group (``config``, ``application``, ``account``, ``credentials``) for templates.

    ``hidden`` are the dotted names of those that are secrets. Expansions raise ``NotAllowedNowError`` where a
    value is missing and ``InvalidInputError`` where it may not stand at its place; neither holds the value.
    """

    groups: Mapping[str, Mapping[str, Any]]
    hidden: frozenset[str]
    provider: str

    def text(self, text: str) -> str:
        """Expand ``text`` for a header or a body: no percent-encoding, no control characters."""
        return self._checked(text).expand_text(self.groups)

    def whole(self, text: str) -> Secret:
        """Return the value of a template that is one variable as it is, line breaks and all (a PEM key)."""
        name = template(text).only_variable()
        value = self._scalar(name) if name else self.text(text)
        if value is None:
            raise self._missing(name or text)
        return Secret(str(value))

    def path(self, text: str) -> str:
        """Expand ``text`` into a path; values are percent-encoded as far as RFC 3986 demands."""
        return self._checked(text).expand_text(_quoted(self.groups))

    def expanded(self, text: str) -> str:
        """Expand ``text`` by RFC 6570: values are percent-encoded, those of ``{+group.name}`` are not."""
        return self._checked(text).expand(self.groups)

    def url(self, text: str) -> str:
        """Expand ``text`` into an absolute http or https address without user information.

        Values of ``{group.name}`` are percent-encoded, so that they can change neither scheme nor host beyond
        their own label; ``{+config.x}`` alone may be a whole address.
        """
        url = self.expanded(text)
        try:
            parse_target(url)
        except EgressRefusedError:
            raise self._not_an_address(template(text)) from None
        return url

    def shown(self, text: str) -> str:
        """Expand ``text`` with each secret standing as its own ``{group.name}``."""
        return self._checked(text).expand_text(_masked(self.groups, self.hidden))

    def params(self, texts: Mapping[str, str]) -> list[Param]:
        """Expand parameters; one whose variable has no value is left out."""
        return [
            Param(name, self.text(text), self.hides(text))
            for name, text in texts.items()
            if self.has_all(text)
        ]

    def has_all(self, text: str) -> bool:
        """Whether every variable of ``text`` has a value; an empty text is none here."""
        return all(self._scalar(name) not in _ABSENT for name in template(text).variables)

    def hides(self, text: str) -> bool:
        """Whether a variable of ``text`` is a secret."""
        return not self.hidden.isdisjoint(template(text).variables)

    def secrets_of(self, text: str) -> tuple[Secret, ...]:
        """The secret values that ``text`` uses."""
        names = sorted(self.hidden & template(text).variables)
        return tuple(Secret(str(self._scalar(name))) for name in names)

    def _checked(self, text: str) -> Template:
        compiled = template(text)
        for name in sorted(compiled.variables):
            value = self._scalar(name)
            if value is None:
                raise self._missing(name)
            if _FORBIDDEN.search(str(value)):
                raise InvalidInputError(
                    problem(
                        ProblemCode.INVALID_FIELD, *name.split("."), reason="it holds a control character"
                    )
                )
        return compiled

    def _scalar(self, name: str) -> Any:  # noqa: ANN401 - JSON edge
        current: Any = self.groups
        for part in name.split("."):
            current = current.get(part) if isinstance(current, Mapping) else None
        return current if isinstance(current, str | int | float) else None

    def _missing(self, name: str) -> NotAllowedNowError:
        code = _MISSING.get(name.partition(".")[0], ProblemCode.NOT_AUTHENTICATED)
        return NotAllowedNowError(problem(code, *name.split("."), provider=self.provider))

    @staticmethod
    def _not_an_address(compiled: Template) -> InvalidInputError:
        path = min(compiled.variables).split(".") if compiled.variables else []
        return InvalidInputError(problem(ProblemCode.ADDRESS_NOT_ALLOWED, *path, label="This address"))


def values_of(
    method: AuthMethod,
    facts: Facts,
    credentials: Mapping[str, Any] = NOTHING,
    account: Mapping[str, str] = NOTHING,
) -> Values:
    """Gather what templates of ``method`` may use.

    ``credentials`` may hold plain scalars or :class:`Secret` leaves; those that the form's schema does not
    mark as secret may be shown, all others may not. ``account`` stands over what the facts already know.
    """
    groups: dict[str, Mapping[str, Any]] = {
        "config": _opened(facts.config),
        "application": _opened(_application(facts)),
        "account": {**facts.account, **account},
        "credentials": _opened(credentials),
    }
    hidden = {f"config.{name}" for name in _leaves(facts.config)}
    hidden |= {f"application.{name}" for name in _leaves(_application(facts))}
    hidden |= {f"credentials.{name}" for name in credentials if name not in shown_fields(method)}
    return Values(groups, frozenset(hidden), facts.provider)


def secret_fields(method: AuthMethod) -> frozenset[str]:
    """The names of the entered fields that the form's schema marks as secret."""
    return frozenset(path[0] for path in secret_paths(method.credentials or {}))


def entered_fields(method: AuthMethod) -> tuple[str, ...]:
    """The names of all fields of the credential form, in its order."""
    return tuple((method.credentials or {}).get("properties", {}))


def shown_fields(method: AuthMethod) -> frozenset[str]:
    """The names of the entered fields that are no secret."""
    return frozenset(entered_fields(method)) - secret_fields(method)


def _application(facts: Facts) -> dict[str, Any]:
    if facts.application is None:
        return {}
    own = {"clientId": facts.application.client_id, "clientSecret": facts.application.client_secret}
    return {**facts.application.fields, **own}


def _opened(value: Any) -> Any:  # noqa: ANN401 - JSON edge
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: _opened(item) for name, item in value.items()}
    return value


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, item in value.items():
        if isinstance(item, Secret):
            yield f"{prefix}{name}"
        elif isinstance(item, Mapping):
            yield from _leaves(item, f"{prefix}{name}.")


def _quoted(value: Any) -> Any:  # noqa: ANN401 - JSON edge
    if isinstance(value, Mapping):
        return {name: _quoted(item) for name, item in value.items()}
    return quote(value, safe=_PATH_SAFE) if isinstance(value, str) else value


def _masked(value: Any, hidden: frozenset[str], prefix: str = "") -> Any:  # noqa: ANN401 - JSON edge
    if isinstance(value, Mapping):
        return {
            name: _masked(item, hidden, f"{prefix}.{name}" if prefix else name)
            for name, item in value.items()
        }
    return f"{{{prefix}}}" if prefix in hidden else value
