"""An integration of the catalog: its versions, its drawing and its stable ids."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from semver import Version

from app.catalog.definition import ChangelogEntry, Definition
from app.catalog.versions import VersionRange, changes_since, latest, newest_in
from app.foundation.ids import id_of


@dataclass(frozen=True, slots=True)
class IntegrationEntry:
    """One integration of the catalog: its versions in SemVer order, the oldest first, and its drawing.

    Its ``id`` (``intg_`` and 26 characters) and its versions' ids are derived from the key (and version), so that they
    are the same on every hub.
    """

    key: str
    versions: tuple[Definition, ...]
    icon: str | None = None
    id: str = field(init=False)
    latest: Definition = field(init=False)
    """The newest release; the newest prerelease where there is no release."""

    def __post_init__(self) -> None:
        newest = latest(definition.version for definition in self.versions)
        found = next(definition for definition in self.versions if definition.version == newest)
        object.__setattr__(self, "id", integration_id(self.key))
        object.__setattr__(self, "latest", found)

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
    return _derived("intg", "integration", key)


def version_id(key: str, version: Version | str) -> str:
    """Return the stable id of a version of an integration."""
    return _derived("ver", "version", key, str(version))


def _derived(prefix: str, *parts: str) -> str:
    digest = hashlib.sha256("\0".join(("patchbay", *parts)).encode()).digest()
    return id_of(prefix, int.from_bytes(digest[:16]))
