"""What a list is asked for and answers with: Relay's arguments, and a page by keyset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")
DEFAULT_PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``first`` behind ``after``, or ``last`` in front of ``before``; cursors are what the list gave out.

    The total and the entries' cursors may be left out of a page that is asked for without them.
    """

    first: int | None = DEFAULT_PAGE
    after: str | None = None
    last: int | None = None
    before: str | None = None
    with_total: bool = True
    with_cursors: bool = True

    @property
    def size(self) -> int:
        """How many entries are asked for."""
        return self.first or self.last or DEFAULT_PAGE


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items, their cursors if asked for, whether there are more on either side; ``total`` if asked for and cheap."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool
    total: int | None
