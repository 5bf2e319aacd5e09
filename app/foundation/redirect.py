"""A redirect as it was met on the way to an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Redirect:
    """One redirect, its addresses in the shown form and without query.

    ``leaves_origin`` says that scheme, host or port change, so that credentials do not go along; ``new_base`` is then
    the address that stands in the new place of the one that all calls have in common, where the redirect shows it.
    """

    status: int
    source: str
    target: str
    leaves_origin: bool
    is_followed: bool
    new_base: str | None = None
