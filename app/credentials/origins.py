"""The origins to which an application is bound, read and compared: decisions only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from app.authenticators.endpoints import Endpoints
from app.foundation.egress import EgressRefusedError, parse_target

MAX_ORIGINS: Final = 20


def read_origins(addresses: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    """Return the origins of addresses, each once, and the places of those that are none.

    A whole address counts as its origin, because that is what people copy.
    """
    origins: dict[str, None] = {}
    wrong = []
    for place, address in enumerate(addresses):
        try:
            origins[parse_target(address.strip()).origin_text] = None
        except EgressRefusedError:
            wrong.append(place)
    return tuple(origins), wrong


def are_covered(endpoints: Endpoints, origins: Collection[str]) -> bool:
    """Return whether an application that is bound to ``origins`` may be used at these endpoints.

    One that names none goes wherever the definition itself vouches for the host.
    """
    if not origins:
        return not endpoints.is_open
    return all(origin in origins for origin in endpoints.origins)


def uncovered(endpoints: Endpoints, origins: Collection[str]) -> str | None:
    """Return the first origin of the endpoints at which such an application may not be used."""
    if are_covered(endpoints, origins):
        return None
    return next((origin for origin in endpoints.origins if origin not in origins), None)
