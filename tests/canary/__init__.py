"""Seeded secrets, and the scan of everything that a test run puts out: none of them may stand there.

``secret()`` makes a secret that the scan knows; give it to whatever must not tell it. ``register()`` makes the scan
know a secret that somebody else made; a test module's constant ``CANARY`` it knows by itself. What the sandbox issues
is known by its form. The plugin looks at what tests print and log, what hubs answer over HTTP and websockets, every
file that databases and processes leave behind, every row of PostgreSQL, and everything that passes through Redis. A
find fails the test, or the whole run.
"""

from tests.canary.watch import Leak, Watch, register, secret, watch

__all__ = ["Leak", "Watch", "register", "secret", "watch"]
