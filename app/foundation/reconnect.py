"""How commands to Redis survive its restart: a pooled connection that broke is made again, and the command repeated."""

from __future__ import annotations

from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff


def redis_retry() -> Retry:
    """Return the retry to hand to ``Redis.from_url``, whose own default tries once.

    A command may so be carried out twice: not for what cannot bear that. Nor for subscriptions, which would be made
    again silently, and nobody would know that messages may be missing.
    """
    return Retry(ExponentialBackoff(cap=0.5, base=0.05), 3)
