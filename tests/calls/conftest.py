"""A whole hub per test, as the connections' tests have it."""

from tests.connections.conftest import redis_for, world

__all__ = ["redis_for", "world"]
