"""What people enter: usable forms, made-up samples of secrets, and keys for verifying announcements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from app.catalog.definition import AuthMethod, Json
from app.catalog.rules.subject import Finding, RuleSubject, fields_of
from app.catalog.yaml_reader import Path

_LOOKS_REAL: Final = re.compile(
    r"xox[abeoprs]-(?:\d-)?\d{8,}-[\w-]{8,}"
    r"|(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z]{20,}"
    r"|gh[oprsu]_[0-9A-Za-z]{36}|github_pat_\w{60,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|\b\d{8,10}:[\w-]{35}\b|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bey[A-Za-z0-9_-]{30,}\.ey"
)


def secrets_are_made_up(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/secret-example`` and ``semantics/secret-looks-real``.

    Each secret field has an example, which the sandbox takes as the right value, and no text of the
    definition looks to a secret scanner like a key that works.
    """
    for base, auth in subject.auth():
        for key in ("credentials", "application"):
            for name, field in fields_of(auth.get(key)).items():
                path = (*base, key, "properties", name)
                if field.get("secret") is True and key == "credentials" and not field.get("examples"):
                    yield Finding(path, "a secret field needs a made-up example")
                if field.get("secret") is True and "default" in field:
                    yield Finding(path, "a secret has no default")
    for path, text in _texts((), subject.data):
        if _LOOKS_REAL.search(text):
            yield Finding(
                path, "looks like a real secret: make it obviously made up", "semantics/secret-looks-real"
            )


def forms_are_usable(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/form-field``: fields can stand in templates and have a title; secrets are few."""
    for name, field in fields_of(subject.definition.config).items():
        if field.get("secret") is True and name not in subject.definition.http.tls_from_config.values():
            yield Finding(("config", "properties", name), "a secret belongs to an auth method's credentials")
        yield from _field(("config", "properties", name), name, field)
    for base, auth in subject.auth():
        for key in ("credentials", "application"):
            for name, field in fields_of(auth.get(key)).items():
                yield from _field((*base, key, "properties", name), name, field)


def webhooks_can_be_verified(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/webhook``: the key of the signature exists, and so does the method that registers."""
    webhooks = subject.definition.webhooks
    if webhooks is None:
        return
    secret, scheme = webhooks.signature.get("secret"), webhooks.signature["scheme"]
    if scheme != "none" and secret is None:
        yield Finding(("webhooks", "signature"), "secret is missing")
    if scheme in {"hmac", "token"} and "header" not in webhooks.signature:
        yield Finding(("webhooks", "signature"), "header is missing")
    for name in [secret] if isinstance(secret, str) else secret or ():
        if not _declares(subject.definition.auth, name):
            yield Finding(("webhooks", "signature", "secret"), f"{name} is not declared")
    if webhooks.register is not None and webhooks.register not in subject.definition.methods:
        yield Finding(("webhooks", "register"), "must name a method of this definition")


def _field(path: Path, name: str, field: Mapping[str, Json]) -> Iterator[Finding]:
    if not name.isidentifier() or not name.isascii():
        yield Finding(path, f"{name!r} cannot be named in a template")
    if "title" not in field:
        yield Finding(path, f"the field {name} needs a title")


def _declares(methods: tuple[AuthMethod, ...], secret: str) -> bool:
    group, _, name = secret.partition(".")
    if group == "webhook":
        return name == "secret"
    declared = [method.credentials if group == "credentials" else method.application for method in methods]
    return any(name in fields_of(schema) for schema in declared) or secret == "application.clientSecret"  # noqa: S105 - a name


def _texts(path: Path, value: Json) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts((*path, key), part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _texts((*path, index), part)
