"""Semantic versions: ranges, the order of releases and what changed since."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from semver import Version

from app.catalog.definition import ChangelogEntry

MAX_RANGE_CHARS: Final = 100
_PARTIAL: Final = re.compile(
    r"(?P<op>\^|~|>=|<=|>|<|=)?\s*v?"
    r"(?P<major>0|[1-9]\d{0,8}|[xX*])(?:\.(?P<minor>0|[1-9]\d{0,8}|[xX*]))?(?:\.(?P<patch>0|[1-9]\d{0,8}|[xX*]))?"
    r"(?P<pre>-[0-9A-Za-z.-]+)?"
)
_SPACE: Final = re.compile(r"[\s,]+")
_ANY: Final = frozenset({"x", "X", "*", None})

Operator = Literal[">=", "<"]


class RangeError(ValueError):
    """A text that is not a range of versions."""


@dataclass(frozen=True, slots=True)
class _Bound:
    op: Operator
    version: Version


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A set of versions as npm writes it: ``^1.2``, ``~1.2.3``, ``1.x``, ``>=1 <2``, ``1.0.0``, ``a || b``.

    A prerelease is in a range only where the range itself names a prerelease of the same release.
    """

    text: str
    _choices: tuple[tuple[_Bound, ...], ...]

    def __contains__(self, version: object) -> bool:
        return isinstance(version, Version) and any(_fits(version, bounds) for bounds in self._choices)


def parse_range(text: str) -> VersionRange:
    """Read a range.

    Raises:
        RangeError: the text is not a range, or longer than ``MAX_RANGE_CHARS``.
    """
    if len(text) > MAX_RANGE_CHARS:
        raise RangeError(f"a range has at most {MAX_RANGE_CHARS} characters")
    return VersionRange(text, tuple(_choice(part) for part in text.split("||")))


def parse_version(text: str) -> Version:
    """Read one version.

    Raises:
        RangeError: the text is not a semantic version.
    """
    try:
        return Version.parse(text)
    except (ValueError, TypeError):
        raise RangeError("not a semantic version") from None


def latest(versions: Iterable[Version]) -> Version | None:
    """Return the newest release, or the newest prerelease where there is no release, or None."""
    ordered = sorted(versions, key=lambda version: (version.prerelease is None, version))
    return ordered[-1] if ordered else None


def newest_in(versions: Iterable[Version], wanted: VersionRange) -> Version | None:
    """Return the newest version in the range, or None."""
    return max((version for version in versions if version in wanted), default=None)


def changes_since(changelog: Sequence[ChangelogEntry], since: Version | None) -> tuple[ChangelogEntry, ...]:
    """Return the entries of versions after ``since`` (all where it is None), the newest first."""
    entries = sorted(changelog, key=lambda entry: parse_version(entry.version), reverse=True)
    return tuple(entry for entry in entries if since is None or parse_version(entry.version) > since)


def _fits(version: Version, bounds: tuple[_Bound, ...]) -> bool:
    within = all(
        version >= bound.version if bound.op == ">=" else version < bound.version for bound in bounds
    )
    return within and (version.prerelease is None or _names_prerelease(version, bounds))


def _names_prerelease(version: Version, bounds: tuple[_Bound, ...]) -> bool:
    return any(
        bound.op == ">="
        and bound.version.prerelease
        and bound.version.finalize_version() == version.finalize_version()
        for bound in bounds
    )


def _choice(text: str) -> tuple[_Bound, ...]:
    parts = [part for part in _SPACE.split(re.sub(r"([\^~<>=])\s+", r"\1", text.strip())) if part]
    if not parts:
        raise RangeError("a range is missing")
    return tuple(bound for part in parts for bound in _bounds(part))


def _bounds(part: str) -> tuple[_Bound, ...]:
    match = _PARTIAL.fullmatch(part)
    if match is None:
        raise RangeError(f"{part[:30]!r} is not a version or range")
    lower, upper = _span(match)
    match match["op"]:
        case "^":
            return (_Bound(">=", lower), _Bound("<", _caret(match, lower)))
        case "~":
            return (_Bound(">=", lower), _Bound("<", _tilde(match, lower)))
        case ">=":
            return (_Bound(">=", lower),)
        case "<":
            return (_Bound("<", lower),)
        case ">":
            return (_Bound(">=", upper or _nothing()),)
        case "<=":
            return (_Bound("<", upper),) if upper else ()
    return (_Bound(">=", lower), *((_Bound("<", upper),) if upper else ()))


def _span(match: re.Match[str]) -> tuple[Version, Version | None]:
    """Return the first version that a partial one covers and the first after it (None: there is none)."""
    major, minor, patch = match["major"], match["minor"], match["patch"]
    if major in _ANY:
        return Version(0), None
    if minor in _ANY:
        return Version(int(major)), _before_all(Version(int(major) + 1))
    if patch in _ANY:
        return Version(int(major), int(minor)), _before_all(Version(int(major), int(minor) + 1))
    pre = match["pre"] or ""
    exact = parse_version(f"{major}.{minor}.{patch}{pre}")
    return exact, exact.replace(prerelease=f"{pre[1:]}.0") if pre else _before_all(exact.bump_patch())


def _before_all(version: Version) -> Version:
    """Return the least prerelease, so that ``<2`` leaves out 2.0.0-beta too."""
    return version.replace(prerelease="0")


def _caret(match: re.Match[str], lower: Version) -> Version:
    if lower.major or match["minor"] in _ANY:
        return _before_all(Version(lower.major + 1))
    if lower.minor or match["patch"] in _ANY:
        return _before_all(Version(0, lower.minor + 1))
    return _before_all(Version(0, 0, lower.patch + 1))


def _tilde(match: re.Match[str], lower: Version) -> Version:
    if match["minor"] in _ANY:
        return _before_all(Version(lower.major + 1))
    return _before_all(Version(lower.major, lower.minor + 1))


def _nothing() -> Version:
    """Return a bound that no version reaches: what ``>*`` means."""
    return Version(10**9)
