"""What templates see while an authenticator works: plain values by group, and which of them are secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from app.authenticators.base import NO_GRANT, Facts, Grant, secret_values
from app.foundation.egress import EgressRefusedError, parse_target
from app.foundation.errors import InvalidInputError, NotAllowedNowError, invalid_field
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
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
        return self._checked(text).expand_text(_changed(self.groups, _quoted))

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
            fault = problem(ProblemCode.ADDRESS_NOT_ALLOWED, *field_of(text), label="This address")
            raise InvalidInputError(fault) from None
        return url

    def shown(self, text: str) -> str:
        """Expand ``text`` with each secret standing as its own ``{group.name}``."""
        masked = _changed(self.groups, lambda name, value: f"{{{name}}}" if name in self.hidden else value)
        return self._checked(text).expand_text(masked)

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
                raise invalid_field(*name.split("."), reason="it holds a control character")
        return compiled

    def _scalar(self, name: str) -> Any:  # noqa: ANN401 - JSON edge
        current: Any = self.groups
        for part in name.split("."):
            current = current.get(part) if isinstance(current, Mapping) else None
        return current if isinstance(current, str | int | float) else None

    def _missing(self, name: str) -> NotAllowedNowError:
        code = _MISSING.get(name.partition(".")[0], ProblemCode.NOT_AUTHENTICATED)
        return NotAllowedNowError(problem(code, *name.split("."), provider=self.provider))


def values_of(facts: Facts, grant: Grant = NO_GRANT) -> Values:
    """Gather what templates of the facts' method may use.

    Values of the grant that the form's schema does not call plain may not be shown. What the grant knows of the
    account stands over what the facts know.
    """
    groups: dict[str, Mapping[str, Any]] = {
        "config": facts.config,
        "application": _application(facts),
        "account": {**facts.account, **grant.account.kept},
        "credentials": grant.values,
    }
    hidden = {f"{group}.{name}" for group in ("config", "application") for name in _leaves(groups[group])}
    hidden |= {f"credentials.{name}" for name in secret_values(facts.method, grant.values)}
    return Values(_changed(groups, _opened), frozenset(hidden), facts.provider)


def field_of(text: str) -> tuple[str, ...]:
    """Return the path of the first variable of a template: where a fault of its value is reported."""
    variables = sorted(template(text).variables)
    return tuple(variables[0].split(".")) if variables else ()


def _application(facts: Facts) -> dict[str, Any]:
    if facts.application is None:
        return {}
    own = {"clientId": facts.application.client_id, "clientSecret": facts.application.client_secret}
    return {**facts.application.fields, **own}


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, item in value.items():
        if isinstance(item, Secret):
            yield f"{prefix}{name}"
        elif isinstance(item, Mapping):
            yield from _leaves(item, f"{prefix}{name}.")


def _changed(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:  # noqa: ANN401 - JSON edge
    """Return ``value`` with each leaf as ``change`` makes it of its dotted name and itself."""
    if isinstance(value, Mapping):
        return {key: _changed(item, change, f"{name}.{key}" if name else key) for key, item in value.items()}
    return change(name, value)


def _opened(_: str, value: Any) -> Any:  # noqa: ANN401 - JSON edge
    return value.reveal() if isinstance(value, Secret) else value


def _quoted(_: str, value: Any) -> Any:  # noqa: ANN401 - JSON edge
    return quote(value, safe=_PATH_SAFE) if isinstance(value, str) else value
