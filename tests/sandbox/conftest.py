"""A sandbox of Acme, driven without a socket."""

from __future__ import annotations

import pytest

from tests.sandbox.acme import FakeCatalog, acme
from tests.sandbox.outside import outside


@pytest.fixture
async def sandbox(clock):
    driver = outside(FakeCatalog(acme()), clock)
    async with driver.http:
        yield driver


@pytest.fixture
async def sandbox_of(clock):
    """Return a maker of sandboxes of any definitions."""
    made = []

    def make(*definitions, **options):
        made.append(outside(FakeCatalog(*definitions), clock, **options))
        return made[-1]

    yield make
    for driver in made:
        await driver.http.aclose()
