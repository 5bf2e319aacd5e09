"""A whole hub behind its HTTP doors in this process, and a provider that counts as all of the outside."""

from __future__ import annotations

import pytest

from tests.hubs import CATALOG
from tests.threats.definitions import with_habits
from tests.threats.scene import scene_of


@pytest.fixture
async def scene(sqlite_url, tmp_path, clock):
    """Return a hub with the shipped catalog and some providers with habits, the provider, and a way to play persons."""
    async with scene_of(sqlite_url, tmp_path, clock, with_habits(CATALOG)) as scene:
        yield scene
