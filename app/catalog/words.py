"""Words of texts and queries, and how well one fits another."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[a-z0-9]+")
MAX_QUERY_CHARS: Final = 200
MAX_QUERY_WORDS: Final = 10
# fmt: off
_SMALL: Final = frozenset({
    "a", "an", "and", "can", "connect", "do", "for", "from", "how", "i", "in", "integrate", "me", "my",
    "need", "of", "on", "or", "our", "the", "to", "use", "want", "we", "with",
})
# fmt: on
_PLURAL_SHARE: Final = 0.95
_PREFIX_SHARE: Final = 0.8
_TYPO_SHARE: Final = 0.5
_MIN_TYPO_CHARS: Final = 4
_TWO_TYPO_CHARS: Final = 8


def query_words(query: str | None) -> tuple[str, ...]:
    """Split a query into at most ten plain lower-case words without accents and without small words."""
    words = tuple(dict.fromkeys(words_of((query or "")[:MAX_QUERY_CHARS])))
    telling = tuple(word for word in words if word not in _SMALL)
    return (telling or words)[:MAX_QUERY_WORDS]


def words_of(text: str) -> list[str]:
    """Return the plain lower-case words of a text, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))


def fit(word: str, known: str) -> float:
    """Return how well a word fits a known one: 1 for the same, less for its plural or its beginning, 0 for another."""
    if word == known:
        return 1.0
    if word == f"{known}s":
        return _PLURAL_SHARE
    return _PREFIX_SHARE + 0.1 * len(word) / len(known) if known.startswith(word) else 0.0


def loose_fit(word: str, known: str) -> float:
    """Return how well a word with typing errors fits a known one; 0 where it is another word."""
    if len(word) < _MIN_TYPO_CHARS:
        return 0.0
    allowed = 2 if len(word) >= _TWO_TYPO_CHARS else 1
    distance = typo_distance(word, known, allowed)
    return _TYPO_SHARE / distance if distance <= allowed else 0.0


def typo_distance(left: str, right: str, limit: int) -> int:
    """Return the edits (insert, delete, replace, swap) between two words, or ``limit + 1`` if more."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
