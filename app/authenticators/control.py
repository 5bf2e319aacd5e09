"""Made-up credentials for the control call of a test: of the same form as the true ones, and certainly wrong."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import shake_256
from typing import Final

from app.authenticators.base import Grant, secret_values
from app.catalog.definition import AuthKind, AuthMethod
from app.foundation.secret import Secret

_ALPHABETS: Final = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
_PEM: Final = "-----BEGIN"


def can_be_left_out(method: AuthMethod) -> bool:
    """Return whether a call has an address without the credentials."""
    return all(placement.at != "path" for placement in method.place)


def spoilt(method: AuthMethod, grant: Grant, random: Callable[[], str]) -> Grant:
    """Return the grant with made-up secrets; a user name is made up too, so that nobody's account is locked.

    No part of a true secret stays in it, save its length and where it has letters, digits and other characters. A
    private key stays: what it signs is spoilt by the other values, and it does not leave the hub.
    """
    names = grant.values if method.kind is AuthKind.BASIC else secret_values(method, grant.values)
    changed = {name: _made_up(grant.values[name].reveal(), random()) for name in names}
    return replace(grant, values={**grant.values, **changed})


def _made_up(value: str, seed: str) -> Secret:
    if value.startswith(_PEM):
        return Secret(value)
    noise = iter(shake_256(seed.encode()).digest(len(value) + 1))
    made = "".join(_other(char, noise) for char in value)
    return Secret(made if made != value else f"{value}x")


def _other(char: str, noise: Iterator[int]) -> str:
    """Return another character of the same kind; what is neither letter nor digit stays."""
    number = next(noise)
    for alphabet in _ALPHABETS:
        if char in alphabet:
            others = alphabet.replace(char, "")
            return others[number % len(others)]
    return "x" if char.isalnum() else char
