"""What a list is asked for and answers with: Relay's arguments, and a page by keyset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``first`` behind ``after``, or ``last`` in front of ``before``; cursors are what the list gave out."""

    first: int | None = 20
    after: str | None = None
    last: int | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items with their cursors, and whether there are more on either side; ``total`` where it is cheap."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool
    total: int | None
