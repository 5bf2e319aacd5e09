"""A whole hub per test, as the connections' tests have it: credentials belong to connections."""

from __future__ import annotations

from tests.connections.conftest import redis_for, world  # noqa: F401 - fixtures are found by name
