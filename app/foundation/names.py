"""Names and other texts that people give: what they may be, and what is said of those that may not."""

from __future__ import annotations

import unicodedata

from app.foundation.problems import Problem, ProblemCode, problem

_HIDDEN = (
    "C",
    "Zl",
    "Zp",
)  # categories of Unicode: controls, formats, halves of pairs; ends of lines and paragraphs


def checked_name(name: str, most: int) -> tuple[str, list[Problem]]:
    """Return the trimmed name in NFC and its problems at path ``name``: it is one line of 1 to ``most`` characters."""
    trimmed = unicodedata.normalize("NFC", name).strip()
    if not trimmed:
        return trimmed, [problem(ProblemCode.MISSING_FIELD, "name", label="The name")]
    if len(trimmed) > most:
        return trimmed, [too_long("name", "The name", most)]
    if any(unicodedata.category(char).startswith(_HIDDEN) for char in trimmed):
        reason = "it holds a character that cannot be seen"
        return trimmed, [problem(ProblemCode.INVALID_FIELD, "name", label="The name", reason=reason)]
    return trimmed, []


def too_long(path: str, label: str, most: int) -> Problem:
    """Return the problem of a text that has more than ``most`` characters."""
    return problem(ProblemCode.FIELD_TOO_LONG, path, label=label, limit=f"{most} characters")
