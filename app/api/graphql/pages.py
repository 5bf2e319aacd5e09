"""Relay pages: what a list's arguments may be, and the types that a page is answered with."""

from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

import strawberry

from app.api.graphql.fields import described, object_type
from app.foundation.errors import InvalidInputError
from app.foundation.pages import DEFAULT_PAGE, Page, PageRequest
from app.foundation.problems import Problem, ProblemCode, problem

MAX_PAGE: Final = 100
MAX_CURSOR_CHARS: Final = 1_024
_ALL_FIELDS: Final = ("edges", "pageInfo", "totalCount")
T = TypeVar("T")

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description="How many from the start: 1 to 100; 20 where neither is given."),
]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="Go on after this cursor.")]
Last: TypeAlias = Annotated[int | None, strawberry.argument(description="How many from the end: 1 to 100.")]
Before: TypeAlias = Annotated[str | None, strawberry.argument(description="Stop before this cursor.")]


def page_args(
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    wanted: Collection[str] = _ALL_FIELDS,
) -> PageRequest:
    """Check the arguments of a list of which these fields are selected: exactly one of first and last goes on.

    Raises:
        InvalidInputError: both directions, a size outside 1 to 100, or a cursor that cannot be one.
    """
    if first is not None and last is not None:
        raise InvalidInputError(_wrong("first", "ask for first or last, not for both"))
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 1 <= size <= MAX_PAGE:
            raise InvalidInputError(_wrong(name, f"it must be between 1 and {MAX_PAGE}"))
    for name, cursor in (("after", after), ("before", before)):
        if cursor is not None and not 0 < len(cursor) <= MAX_CURSOR_CHARS:
            raise InvalidInputError(_wrong(name, "it is not a cursor of this list"))
    if first is None and last is None:
        first = DEFAULT_PAGE
    return PageRequest(
        first,
        after,
        last,
        before,
        with_total="totalCount" in wanted,
        with_cursors="edges" in wanted or "pageInfo" in wanted,
    )


@object_type("A page's place in its list.")
class PageInfoType:
    has_next_page: bool = described("Whether there are entries after this page.")
    has_previous_page: bool = described("Whether there are entries before this page.")
    start_cursor: str | None = described("The cursor of the page's first entry.")
    end_cursor: str | None = described("The cursor of the page's last entry.")


@object_type("An entry of a list at its place.")
class EdgeType(Generic[T]):
    cursor: str = described("The entry's place: opaque, valid across inserts.")
    node: T = described("The entry.")


@object_type("A page of a list.", name="Connection")
class PageType(Generic[T]):
    edges: list[EdgeType[T]] = described("The page's entries with their cursors.")
    nodes: list[T] = described("The page's entries.")
    page_info: PageInfoType = described("The page's place in the list.")
    total_count: int | None = described("How many entries there are; null where it is not cheap to count.")


def page_info(page: Page[Any]) -> PageInfoType:
    """Return the page's place in its list; without cursors, if nobody asks for them."""
    return PageInfoType(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )


def relay_page(page: Page[Any], nodes: Sequence[Any]) -> PageType[Any]:
    """Return a page of ready nodes; without cursors, if nobody asks for them, it has no edges."""
    return PageType(
        edges=[EdgeType(cursor=cursor, node=node) for cursor, node in zip(page.cursors, nodes, strict=False)],
        nodes=list(nodes),
        page_info=page_info(page),
        total_count=page.total,
    )


def page_of_all(items: Sequence[T], cursor_of: Callable[[T], str], args: PageRequest) -> Page[T]:
    """Return the page of a whole list in memory, whose entries name themselves by ``cursor_of``.

    Raises:
        InvalidInputError: a cursor names no entry.
    """
    cursors = [cursor_of(item) for item in items]
    places = {cursor: place for place, cursor in enumerate(cursors)}
    start = _place(places, "after", args.after, -1) + 1
    stop = _place(places, "before", args.before, len(items))
    has_next, has_previous = stop < len(items), start > 0
    if args.last is None and start + args.size < stop:
        stop, has_next = start + args.size, True
    if args.last is not None and stop - args.size > start:
        start, has_previous = stop - args.size, True
    return Page(tuple(items[start:stop]), tuple(cursors[start:stop]), has_next, has_previous, len(items))


def _place(places: dict[str, int], name: str, cursor: str | None, default: int) -> int:
    if cursor is None:
        return default
    if cursor not in places:
        raise InvalidInputError(_wrong(name, "it is not a cursor of this list"))
    return places[cursor]


def _wrong(name: str, reason: str) -> Problem:
    return problem(ProblemCode.INVALID_FIELD, name, label=name, reason=reason)
