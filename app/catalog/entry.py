"""An integration of the catalog: its versions, its drawing and its stable ids."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from semver import Version

from app.catalog.definition import ChangelogEntry, Definition
from app.catalog.versions import VersionRange, changes_since, latest, newest_in

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_CHARS: Final = 26


@dataclass(frozen=True, slots=True)
class IntegrationEntry:
    """One integration of the catalog: its versions in SemVer order, the oldest first, and its drawing.

    ``id`` and ``version_id`` are derived from the key (and version), so that they are the same on every hub.
    """

    key: str
    versions: tuple[Definition, ...]
    icon: str | None = None

    @property
    def id(self) -> str:
        """The integration's stable id, ``intg_`` and 26 characters."""
        return integration_id(self.key)

    @property
    def latest(self) -> Definition:
        """The newest release; the newest prerelease where there is no release."""
        newest = latest(definition.version for definition in self.versions)
        return next(definition for definition in self.versions if definition.version == newest)

    def version(self, version: Version | str) -> Definition | None:
        """Return the definition of exactly this version, or None."""
        wanted = str(version)
        return next((one for one in self.versions if str(one.version) == wanted), None)

    def newest_in(self, wanted: VersionRange) -> Definition | None:
        """Return the definition of the newest version in the range, or None."""
        newest = newest_in((definition.version for definition in self.versions), wanted)
        return self.version(newest) if newest else None

    def changelog(self, since: Version | None = None) -> tuple[ChangelogEntry, ...]:
        """Return what changed after ``since`` (everything where it is None), the newest first."""
        return changes_since(self.latest.changelog, since)


def integration_id(key: str) -> str:
    """Return the stable id of the integration with this key."""
    return f"intg_{_derived('integration', key)}"


def version_id(key: str, version: Version | str) -> str:
    """Return the stable id of a version of an integration."""
    return f"ver_{_derived('version', key, str(version))}"


def _derived(*parts: str) -> str:
    """Return 128 bits of a SHA-256 in the alphabet of ids (the range of a ULID)."""
    number = int.from_bytes(hashlib.sha256("\0".join(("patchbay", *parts)).encode()).digest()[:16])
    return "".join(_CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(_ID_CHARS)))
