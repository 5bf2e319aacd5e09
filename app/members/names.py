"""What names of tokens and members may be: decisions only."""

from __future__ import annotations

from typing import Final

from app.foundation.problems import Problem, ProblemCode, problem

MAX_NAME_CHARS: Final = 80


def name_problems(name: str, *path: str, label: str = "The name") -> list[Problem]:
    """Return what is wrong with a name: it is one line of 1 to 80 printable characters, not only spaces."""
    if not name.strip():
        return [problem(ProblemCode.MISSING_FIELD, *path, label=label)]
    if len(name.strip()) > MAX_NAME_CHARS:
        return [problem(ProblemCode.FIELD_TOO_LONG, *path, label=label, limit=f"{MAX_NAME_CHARS} characters")]
    if not name.strip().isprintable():
        reason = "it must be one line of printable characters"
        return [problem(ProblemCode.INVALID_FIELD, *path, label=label, reason=reason)]
    return []
