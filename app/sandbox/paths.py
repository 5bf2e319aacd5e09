"""Writes values at member paths of a JSON body: picks read backwards."""

from __future__ import annotations

from app.catalog.definition import Json
from app.foundation.expressions import compile_pick, is_member_path, member_path


def present(body: Json, path: str | None) -> Json:
    """Return what stands at ``path``, or None where nothing does."""
    return None if path is None else compile_pick(path)(body)


def replace_at(body: Json, path: str | None, value: Json) -> bool:
    """Write ``value`` over what stands at a plain member path; False where nothing stands there.

    Nothing is ever created: a pick that leads nowhere in the provider's own example leads nowhere here.
    """
    holder, name = _holder(body, path)
    if holder is None or name not in holder:
        return False
    holder[name] = value
    return True


def remove(body: Json, path: str | None) -> None:
    """Remove what stands at a plain member path."""
    holder, name = _holder(body, path)
    if holder is not None:
        holder.pop(name, None)


def create(body: dict[str, Json], path: str, value: Json) -> bool:
    """Write ``value`` at a plain member path, making what is missing; False where that cannot be."""
    if not is_member_path(path):
        return False
    *parents, name = member_path(path)
    holder = body
    for parent in parents:
        holder = holder.setdefault(parent, {})
        if not isinstance(holder, dict):
            return False
    holder[name] = value
    return True


def _holder(body: Json, path: str | None) -> tuple[dict[str, Json] | None, str]:
    if path is None or not is_member_path(path):
        return None, ""
    *parents, name = member_path(path)
    for parent in parents:
        body = body.get(parent) if isinstance(body, dict) else None
    return (body, name) if isinstance(body, dict) else (None, "")
