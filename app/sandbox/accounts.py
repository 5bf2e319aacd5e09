"""The accounts that the simulated outside has: the one of the examples, and others like it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.catalog.definition import AuthMethod, Definition, Json, TokenAnswer
from app.sandbox import paths

ACCOUNTS: Final = 2
_TEXT_OF: Final = re.compile(r"^to_string\((.+)\)$")


@dataclass(frozen=True, slots=True)
class Account:
    """A simulated account, as the provider states who was connected."""

    number: int
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class _AccountPicks:
    """Where the provider states the account: an example's body, and member paths in it."""

    body: Json
    id_path: str
    label_path: str | None


def accounts_of(definition: Definition, method: AuthMethod) -> list[Account]:
    """Return the accounts that can sign in; one only where the definition never learns which it is."""
    picks = _account_picks(definition, method)
    if picks is None:
        return [Account(1, method.id, "Sandbox account")]
    label = paths.present(picks.body, picks.label_path)
    return [
        Account(
            number,
            str(_varied(paths.present(picks.body, picks.id_path), number)),
            _numbered(label if isinstance(label, str) else "Sandbox account", number),
        )
        for number in range(1, ACCOUNTS + 1)
    ]


def speak_of_account(body: Json, id_path: str | None, label_path: str | None, number: int) -> None:
    """Make ``body`` speak of account ``number``: its id and label at these paths, where they stand there."""
    if number == 1:
        return
    id_path = _plain_path(id_path)
    label, identity = paths.present(body, label_path), paths.present(body, id_path)
    if isinstance(label, str) and label_path != id_path:
        paths.replace_at(body, label_path, _numbered(label, number))
    if isinstance(identity, str | int):
        paths.replace_at(body, id_path, _varied(identity, number))


def speak_of_account_in_call(definition: Definition, method_name: str, body: Json, number: int) -> None:
    """Do the same for a call from whose answer the definition learns the account."""
    steps = (step for auth in definition.auth if auth.oauth2 is not None for step in auth.oauth2.after_token)
    step = next((step for step in steps if step.method == method_name and step.items == "[@]"), None)
    if step is not None:
        speak_of_account(body, step.id, step.label, number)


def token_answer_of(method: AuthMethod) -> TokenAnswer | None:
    """Return how the auth method's token answers are read, or None where it has none."""
    if method.oauth2 is not None:
        return method.oauth2.token
    return method.login.token if method.login is not None else None


def _account_picks(definition: Definition, method: AuthMethod) -> _AccountPicks | None:
    token = token_answer_of(method)
    if token is not None and _is_identity(paths.present(token.example, token.account.id)):
        return _AccountPicks(token.example, token.account.id or "", token.account.label)
    oauth1 = method.oauth1
    if oauth1 is not None and _is_identity(paths.present(oauth1.example, oauth1.account.id)):
        return _AccountPicks(oauth1.example, oauth1.account.id or "", oauth1.account.label)
    for step in method.oauth2.after_token if method.oauth2 is not None else ():
        examples = definition.methods[step.method].examples if step.items == "[@]" else ()
        body = next((example.body for example in examples if example.outcome is None), None)
        path = _plain_path(step.id) or ""
        if _is_identity(paths.present(body, path or None)):
            return _AccountPicks(body, path, step.label)
    return None


def _is_identity(value: Json) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


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
