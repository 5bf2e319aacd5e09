"""The accounts that the simulated outside has: the one of the examples, and others like it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.catalog.definition import AccountPick, AuthMethod, Definition, Json
from app.sandbox import paths

ACCOUNTS: Final = 2
_UNNAMED: Final = "Sandbox account"
_TEXT_OF: Final = re.compile(r"^to_string\((.+)\)$")


@dataclass(frozen=True, slots=True)
class Account:
    """A simulated account, as the provider states who was connected."""

    number: int
    id: str
    label: str


def accounts_of(definition: Definition, method: AuthMethod) -> list[Account]:
    """Return the accounts that can sign in; one only where the definition never learns which it is."""
    for body, pick in _stated(definition, method):
        identity, label = paths.present(body, pick.id), paths.present(body, pick.label)
        if isinstance(identity, str | int) and not isinstance(identity, bool) and identity != "":
            name = label if isinstance(label, str) else _UNNAMED
            numbers = range(1, ACCOUNTS + 1)
            return [Account(one, str(_varied(identity, one)), _numbered(name, one)) for one in numbers]
    return [Account(1, method.id, _UNNAMED)]


def speak_of_account(body: Json, pick: AccountPick, number: int) -> None:
    """Make ``body`` speak of account ``number``: its id and label at these paths, where they stand there."""
    if number == 1:
        return
    id_path = _plain_path(pick.id)
    label, identity = paths.present(body, pick.label), paths.present(body, id_path)
    if isinstance(label, str) and pick.label != id_path:
        paths.replace_at(body, pick.label, _numbered(label, number))
    if isinstance(identity, str | int):
        paths.replace_at(body, id_path, _varied(identity, number))


def speak_of_account_in_call(definition: Definition, method_name: str, body: Json, number: int) -> None:
    """Do the same for a call from whose answer the definition learns the account."""
    steps = (step for auth in definition.auth if auth.oauth2 is not None for step in auth.oauth2.after_token)
    step = next((step for step in steps if step.method == method_name and step.items == "[@]"), None)
    if step is not None:
        speak_of_account(body, AccountPick(step.id, step.label), number)


def _stated(definition: Definition, method: AuthMethod) -> Iterator[tuple[Json, AccountPick]]:
    """Yield the examples in which the provider may state the account, and where in them."""
    if method.login is not None:
        yield method.login.token.example, method.login.token.account
    if method.oauth1 is not None:
        yield method.oauth1.example, method.oauth1.account
    if method.oauth2 is None:
        return
    yield method.oauth2.token.example, method.oauth2.token.account
    for step in method.oauth2.after_token:
        examples = definition.methods[step.method].examples if step.items == "[@]" else ()
        body = next((example.body for example in examples if example.outcome is None), None)
        yield body, AccountPick(_plain_path(step.id), step.label)


def _plain_path(path: str | None) -> str | None:
    """Return the path inside ``to_string(...)``: a number and its text are stated at the same place."""
    match = _TEXT_OF.match(path or "")
    return match.group(1) if match else path


def _varied(value: str | int, number: int) -> str | int:
    """Return a value of the same form for account ``number``; the first account has the value itself."""
    if isinstance(value, int):
        return value + number - 1
    last = value[-1:]
    if number == 1 or not last.isascii() or not last.isalnum():
        return value if number == 1 else f"{value}{number}"
    alphabet = "0123456789" if last.isdigit() else ("abcdef" if last.islower() else "ABCDEF")
    return value[:-1] + alphabet[(alphabet.find(last) + number - 1) % len(alphabet)]


def _numbered(label: str, number: int) -> str:
    return label if number == 1 else f"{label} ({number})"
