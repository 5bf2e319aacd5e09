"""Patchbay, the integration hub. Three floors; calls go down, facts come back up through the event stream.

Entrances  ``cli`` (commands), ``server`` (processes), ``main`` (the ASGI app), ``worker`` (background work), ``demo``.
Doors      ``api``: GraphQL, GraphiQL and plain HTTP translate a protocol into a room's verb; they decide nothing.
Rooms      one subject each, with its own tables, rules, errors and events; the highest first:
           ``connection_tests``  test runs, step by step
           ``calls``             method calls: bounded, recorded, redacted
           ``connections``       names, configuration, life cycle, authorization attempts, listing
           ``credentials``       applications, sealed grants, opening for a purpose, renewal, revocation
           ``authenticators``    every way to authenticate, as generators without I/O
           ``vault``             sealing and keys
           ``members``           workspaces, people, tokens, sign-in
           ``catalog``           definitions of integrations, as data
           ``audit``             who did what: a hash chain for each workspace
           ``event_stream``      the ordered, replayable stream of facts, and following it live
           ``work``              what is due later: claimed, leased, retried
           ``access``            actors and what they may
Ground     ``foundation``: clock, ids, problems, database, outbound HTTP, egress guard, wake-ups. It knows no subject.
Apart      ``sandbox``: the outside world, simulated from the definitions; it reads the catalog alone.

``hub.build_hub`` makes every service once, bottom up: read from top to bottom it is the dependency graph. ``settings``
alone reads the environment. import-linter and ``tests/architecture`` hold all of this.
"""

from typing import Final

VERSION: Final = "0.1.0"
