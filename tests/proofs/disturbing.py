"""What happens to a hub and its provider while a connection is in use: outages, restarts, kills, at seeded times."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from app.foundation.clock import SystemClock
from app.foundation.database import Database
from app.settings import read_settings
from app.work.models import DueWorkRecord
from tests.fakes.oauth_server import OAuthServer, TokenCalls
from tests.journeys.hub_process import HubProcess
from tests.proofs.standing import Users, Witness

RECOVERY_S = 4.0
"""How long after a disturbance its consequences may last; longer only where who was killed held a lease."""
_MAX_WAIT_S = 20.0


@dataclass
class Window:
    """A disturbance, until the instant at which its consequences must be over."""

    what: str
    began: float
    ended: float = float("inf")
    aftermath_s: float = RECOVERY_S

    def covers(self, began: float, ended: float) -> bool:
        return began <= self.ended + self.aftermath_s and ended >= self.began


class Disturber:
    """Disturbs one thing after the other and remembers when."""

    def __init__(
        self,
        hubs: Sequence[HubProcess],
        server: OAuthServer,
        witness: Witness,
        users: Users,
        chance: Random,
        *,
        longest_s: float,
    ) -> None:
        self.windows: list[Window] = []
        self._hubs = hubs
        self._server = server
        self._witness = witness
        self._users = users
        self._chance = chance
        self._longest_s = longest_s

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(window.what for window in self.windows))

    @property
    def longest(self) -> dict[str, float]:
        """The longest of each kind with its aftermath, in seconds."""
        lasted = sorted((one.what, round(one.ended + one.aftermath_s - one.began, 1)) for one in self.windows)
        return dict(lasted)

    def excuses(self, began: float, ended: float) -> bool:
        """Return whether something was going on, or had just been, at any moment between the two instants."""
        return any(window.covers(began, ended) for window in self.windows)

    # -- the provider

    async def tokens_away(self) -> None:
        await self._away(self._server.answer_tokens_with)

    async def api_away(self) -> None:
        await self._away(self._server.answer_api_with)

    async def all_away(self) -> None:
        def answer_all_with(status: int | None) -> None:
            self._server.answer_tokens_with(status)
            self._server.answer_api_with(status)

        await self._away(answer_all_with)

    async def provider_restarted(self) -> None:
        """SIGTERM: it answers what it has begun with, and is away for a moment."""
        await asyncio.to_thread(self._server.end, signal.SIGTERM)
        await asyncio.sleep(self._chance.uniform(0, 2))
        await asyncio.to_thread(self._server.start)

    async def provider_killed(self) -> None:
        """kill -9, while it works on no token call and its last answer has been sealed."""
        async with self._nothing_unsealed():
            await asyncio.to_thread(self._server.end, signal.SIGKILL)
            await asyncio.to_thread(self._server.start)

    # -- the hub

    async def hub_restarted(self) -> None:
        """SIGTERM at any moment, to one host or all."""
        for hub in self._some():
            codes = await asyncio.to_thread(hub.terminate)
            assert set(codes) == {0}, codes
            await asyncio.to_thread(hub.start)

    async def hub_restarted_over_a_call(self) -> None:
        """SIGTERM to all hosts once the provider has used a refresh token up; its answer comes only after that.

        It comes while a hub that ends still waits for it, within ``GRACE_S`` of ``app/server.py``: one that comes later
        is lost. Nobody uses the hub meanwhile: no request that waits for the answer too keeps the process up.
        """
        async with self._users.asleep():
            await self._asked(self._server.hold_answers)
            await self._until(lambda calls: calls.in_hand > 0)
            for hub in self._hubs:
                hub.signal(signal.SIGTERM)
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))
            await self._asked(self._server.let_go)
            for hub in self._hubs:
                codes = await asyncio.to_thread(hub.wait)
                assert set(codes) == {0}, codes
        await self._start_all()

    async def hub_killed(self) -> None:
        """kill -9 to one host or all, while every token that the provider gave is sealed."""
        async with self._nothing_unsealed():
            some = self._some()
            for hub in some:
                hub.kill()
            await self._all_noticed()
        for hub in some:
            await asyncio.to_thread(hub.start)

    async def hub_killed_over_a_call(self) -> None:
        """kill -9 to all hosts while a token call has reached the provider, which has not looked at it yet."""
        async with self._nothing_unsealed():
            await self._until(lambda calls: calls.waiting > 0)
            for hub in self._hubs:
                hub.kill()
            await self._all_noticed()
        await self._start_all()

    # -- how

    async def disturb(self, act: Callable[[Disturber], Coroutine[None, None, None]]) -> None:
        """Do one of these and write down when."""
        self.windows.append(Window(act.__name__, time.time()))
        await act(self)
        self.windows[-1].ended = time.time()

    async def _away(self, answer_with: Callable[[int | None], None]) -> None:
        await self._asked(lambda: answer_with(503))
        await asyncio.sleep(self._chance.uniform(0.5, self._longest_s))
        await self._asked(lambda: answer_with(None))

    def _some(self) -> Sequence[HubProcess]:
        return self._chance.choice([[hub] for hub in self._hubs] + [list(self._hubs)])

    async def _start_all(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(hub.start) for hub in self._hubs))

    @asynccontextmanager
    async def _nothing_unsealed(self) -> AsyncIterator[None]:
        """Within the block the provider looks at no token call, and the hub has sealed all that came before."""
        await self._asked(self._server.hold_tokens)
        try:
            await self._until(lambda calls: calls.in_hand == 0)
            await self._witness.until_generation(1 + self._server.figures()["refreshed"])
            yield
        finally:
            await self._asked(self._server.let_go)

    async def _until(self, is_so: Callable[[TokenCalls], bool]) -> None:
        async with asyncio.timeout(_MAX_WAIT_S):
            while not is_so(await asyncio.to_thread(self._server.token_calls)):
                await asyncio.sleep(0.01)

    async def _all_noticed(self) -> None:
        """Whoever was killed has hung up: by the time of its answer the server has dropped what they asked.

        Nobody may renew until the lease of a killed process has run out.
        """
        await asyncio.to_thread(self._server.token_calls)
        database = Database(read_settings(self._hubs[0].environment).database, SystemClock())
        await database.open()
        try:
            renewal = await DueWorkRecord.get(kind="renewal")
        finally:
            await database.close()
        if renewal.lease_until is not None:
            lasts_s = renewal.lease_until.timestamp() - time.time()
            self.windows[-1].aftermath_s = RECOVERY_S + max(0.0, lasts_s)

    @staticmethod
    async def _asked(act: Callable[[], None]) -> None:
        await asyncio.to_thread(act)


OF_THE_PROVIDER = (
    Disturber.tokens_away,
    Disturber.api_away,
    Disturber.all_away,
    Disturber.provider_restarted,
    Disturber.provider_killed,
)
OF_THE_HUB = (
    Disturber.hub_restarted,
    Disturber.hub_restarted_over_a_call,
    Disturber.hub_killed,
    Disturber.hub_killed_over_a_call,
)
