"""The one watch of a test process: makes secrets, knows them, and remembers where it has seen one."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass

from tests.canary.forms import HUB_TOKEN, Needle, first_form, needles, new_mark

OUTSIDE_OF_TESTS = "the end of the run"
# How every code and token of the sandbox begins, and the signed part's beginning for each kind of them.
_SANDBOX_ISSUES = ("sbx1.WyJ", "WyJhY2Nlc3Mi", "WyJyZWZyZXNoI", "WyJjb2RlIiwi")


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that was seen where it must not be. It says everything but the secret."""

    what: str
    form: str
    where: str
    during: str

    def __str__(self) -> str:
        return f"{self.what} ({self.form}) in {self.where}, seen during {self.during}"


class Watch:
    """Knows secrets and looks for them. What it found is kept until it is taken."""

    def __init__(self) -> None:
        self.mark = new_mark()
        self.during = OUTSIDE_OF_TESTS
        self._numbers = itertools.count(1)
        self._known: dict[str, tuple[Needle, ...]] = {
            "a seeded secret": needles(self.mark),
            "what the sandbox issued": tuple(n for text in _SANDBOX_ISSUES for n in needles(text)),
        }
        self._registered: set[str] = set()
        self._leaks: dict[Leak, None] = {}

    def secret(self, prefix: str = "", suffix: str = "") -> str:
        """Return a new secret of letters and digits between ``prefix`` and ``suffix``, each unlike all others."""
        return f"{prefix}{self.mark}{next(self._numbers):03}{secrets.token_hex(4)}{suffix}"

    def register(self, *values: str) -> None:
        """Know secrets that somebody else made; each has eight characters or more."""
        for value in values:
            if value not in self._registered:
                self._registered.add(value)
                self._known["a registered secret"] = (
                    *self._known.get("a registered secret", ()),
                    *needles(value),
                )

    def look(self, data: str | bytes, where: str, *, hub_tokens: bool = False) -> bool:
        """Remember every kind of secret that stands in ``data``; return whether there was one.

        ``hub_tokens`` says that the hub's own access tokens have no business there either.
        """
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else bytes(data)
        found = [(what, first_form(raw, known)) for what, known in self._known.items()]
        if hub_tokens and HUB_TOKEN.search(raw):
            found.append(("an access token of the hub", "plain"))
        leaks = [Leak(what, form, where, self.during) for what, form in found if form]
        self._leaks.update(dict.fromkeys(leaks))
        return bool(leaks)

    def take(self) -> list[Leak]:
        """Return what was found since the last time."""
        found, self._leaks = list(self._leaks), {}
        return found


watch = Watch()
secret = watch.secret
register = watch.register
