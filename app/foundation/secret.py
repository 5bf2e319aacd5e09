"""Secret values that print stars and open only by one explicit call."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from app.foundation.secret_forms import SecretForms

STARS: Final = "********"


class Secret:
    """A string that must not leave in any output.

    It prints stars in ``str``, ``repr`` and ``format``, refuses JSON, pickling and hashing, compares in constant
    time, and opens by :meth:`reveal` alone. It does not wipe memory: Python cannot.
    """

    __slots__ = ("__forms", "__value")

    def __init__(self, value: str) -> None:
        self.__value = value
        self.__forms: SecretForms | None = None

    def reveal(self) -> str:
        """Return the plain value; the caller must not store, log or answer it."""
        return self.__value

    @property
    def forms(self) -> SecretForms:
        """What it is found by in outputs; made once, for one call asks many times."""
        if self.__forms is None:
            self.__forms = SecretForms(self.__value)
        return self.__forms

    def __repr__(self) -> str:
        return STARS

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self.__value.encode("utf-8", "surrogatepass"),
            other.reveal().encode("utf-8", "surrogatepass"),
        )

    __hash__ = None  # type: ignore[assignment]  # a secret is never a key

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __len__(self) -> int:
        return len(self.__value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    @property
    def hint(self) -> str | None:
        """The last four characters where the value is long enough (16 or more) for them to give nothing away."""
        return f"…{self.__value[-4:]}" if len(self.__value) >= 16 else None  # noqa: PLR2004 - described above


Secrets = Mapping[str, Secret]
