"""R16, R17: a month of renewals, with users at random times, outages and clocks that jump; no sockets and no sleeps.

The clock moves from one due time, user or event to the next, never by less than a minute: the sweep comes later than in
reality, where it comes every second. What is true of a token's life is measured by the monotonic clock, which no jump
moves. A sample by default; with ``PATCHBAY_PROOFS=full`` 30 days of 1,000 connections.
"""

from __future__ import annotations

import heapq
import os
import time
from collections import Counter
from random import Random

import pytest

from app.access.actor import Actor
from app.catalog.definition import RenewalBy, Rotation
from app.connections.lifecycle import ConnectionState
from app.connections.models import ConnectionRecord
from app.credentials.due import CLOCK_SKEW
from app.credentials.models import CredentialRecord
from app.foundation.clock import FrozenClock
from app.foundation.errors import OutsideError
from app.vault.vault import RevealPurpose
from app.work.models import DueWorkRecord
from app.worker import RENEWALS_OF_ONE_APPLICATION, chores, register_work
from tests.proofs.fleet import Fleet, Profile, fleet_at_sea

IS_FULL = os.environ.get("PATCHBAY_PROOFS") == "full"
DAYS = 30 if IS_FULL else 1
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
XERO = Profile("thirty-minutes", 1_800)
GOOGLE = Profile("one-hour", 3_600, rotation=Rotation.REUSABLE)
SALESFORCE = Profile("two-hours", 7_200, rotation=Rotation.REUSABLE)
GITHUB = Profile("eight-hours", 8 * 3_600)
SLACK = Profile("twelve-hours", 12 * 3_600)
FACEBOOK = Profile("sixty-days", 60 * 86_400, by=RenewalBy.EXCHANGE, rotation=Rotation.REUSABLE)
ENDLESS = Profile("endless", None, by=RenewalBy.NONE)
# At most 100 live shorter than eight hours.
SHARES = {XERO: 20, GOOGLE: 40, SALESFORCE: 40, GITHUB: 200, SLACK: 300, FACEBOOK: 200, ENDLESS: 200}
SAMPLE = {XERO: 4, GOOGLE: 4, SALESFORCE: 3, GITHUB: 4, SLACK: 4, FACEBOOK: 4, ENDLESS: 4}
OUTAGE_S, RECOVERY_S = 10 * MINUTE, 2 * MINUTE
pytestmark = [pytest.mark.proof, pytest.mark.timeout(3 * 3_600 if IS_FULL else 120)]


class Month:
    """The simulation: a hub, its provider, its users, and what must hold at every moment."""

    def __init__(self, fleet: Fleet, clock: FrozenClock, seed: int = 16) -> None:
        self.fleet = fleet
        self.provider = fleet.provider
        self.clock = clock
        self.rng = Random(seed)
        register_work(fleet.hub)
        fleet.hub.renewal._results._rng = self.rng
        self.seen: Counter[str] = Counter()
        self.wall_is_right = True
        self._users: list[float] = []
        self._upkeep_at = 0.0

    async def until(self, end_s: float, least_step_s: float = MINUTE) -> None:
        """Let time pass up to a monotonic instant."""
        while self.clock.monotonic() < end_s:
            left_s = end_s - self.clock.monotonic()
            self.clock.advance(min(left_s, max(least_step_s, await self._until_next())))
            await self.users_come()
            await self.sweep()
            self.check()

    async def users_come(self) -> None:
        """Let users ask for tokens: what they are given can be used for a minute, or a quarter of its life."""
        while self._users and self._users[0] <= self.clock.monotonic():
            heapq.heappop(self._users)
            await self.use(self.rng.randrange(0, len(self.fleet.ids), 2))  # the odd ones are never used
        if not self._users:
            heapq.heappush(self._users, self.clock.monotonic() + self.rng.expovariate(1 / (5 * MINUTE)))

    async def use(self, number: int) -> None:
        """Let somebody use one connection."""
        account = self.provider.accounts[number]
        actor = Actor.system(self.fleet.workspace_id, "a user", "req_user")
        try:
            connection = await self.fleet.hub.connections.get(actor, self.fleet.ids[number])
            live = await self.fleet.hub.credentials.open(actor, connection.owner, RevealPurpose.CALL_READ)
        except OutsideError:
            self.seen["refused in an outage" if self.provider.is_down else "refused"] += 1
            return
        left_s = self.provider.left_of(live.grant.values["accessToken"].reveal())
        assert left_s >= self._margin(account.profile), (account.profile.name, left_s)
        self.seen["used"] += 1

    async def sweep(self) -> None:
        """Do what the background work does, and wait until it is done."""
        if self.clock.monotonic() >= self._upkeep_at:
            self._upkeep_at = self.clock.monotonic() + HOUR
            for chore in chores(self.fleet.hub).values():
                await chore()
        await self.fleet.hub.dispatcher.drain()

    def check(self) -> None:
        """No token, used or idle, is near its end once the sweep was there, unless its provider is away."""
        if self.provider.is_down or not self.wall_is_right:
            return
        for account in self.provider.accounts:
            left_s = self.provider.left_s(account)
            assert left_s >= self._margin(account.profile), (account.profile.name, left_s)
            assert not account.is_revoked

    async def states(self) -> Counter[str]:
        return Counter([str(state) for state in await ConnectionRecord.all().values_list("state", flat=True)])

    @staticmethod
    def _margin(profile: Profile) -> float:
        return 0.0 if profile.lifetime_s is None else min(60.0, profile.lifetime_s / 4)

    async def _until_next(self) -> float:
        rows = DueWorkRecord.filter(due_at__not_isnull=True).order_by("due_at")
        due_at = await rows.first().values_list("due_at", flat=True)
        due_s = (due_at - self.clock.now()).total_seconds() if due_at else DAY
        user_s = self._users[0] - self.clock.monotonic() if self._users else 0.0
        return max(min(due_s, user_s, self._upkeep_at - self.clock.monotonic()), 0.0)


async def failing_now() -> int:
    return await DueWorkRecord.filter(failing_since__not_isnull=True).count()


@pytest.fixture
async def month(sqlite_url, tmp_path, clock):
    shares = SHARES if IS_FULL else SAMPLE
    profiles = [profile for profile, count in shares.items() for _ in range(count)]
    rng = Random(30)
    # Nothing was given at the same moment; what lives for days may be old.
    ages = [
        rng.uniform(0, 0.3 if (p.lifetime_s or 0) < DAY else 0.95) * (p.lifetime_s or 0) for p in profiles
    ]
    async with fleet_at_sea(f"{sqlite_url}?synchronous=OFF", tmp_path, list(shares), clock) as fleet:
        await fleet.launch(profiles, ages)
        yield Month(fleet, clock)


@pytest.mark.threat("R16")
async def test_no_token_is_used_near_its_end_in_a_month(month):
    begun = time.monotonic()
    count = len(month.provider.accounts)
    outages = [(0.3 + 3.1 * n) * DAY for n in range(DAYS) if 0.3 + 3.1 * n < DAYS - 0.5]
    for outage_at in outages:
        await month.until(outage_at)
        await outage(month)
    await month.until((DAYS - 0.5) * DAY)
    for jump_s in (DAY, -DAY, -DAY, DAY):
        await clock_jumps(month, jump_s)
        await month.until(month.clock.monotonic() + HOUR)
    await month.until(DAYS * DAY)

    assert await month.states() == {ConnectionState.CONNECTED.value: count}
    assert month.seen["refused"] == 0
    assert month.provider.reused == 0
    assert month.provider.most_at_once <= RENEWALS_OF_ONE_APPLICATION * len(SHARES)
    assert await failing_now() == 0
    idle = [account for n, account in enumerate(month.provider.accounts) if n % 2]
    for account in idle:
        expected = (
            0 if account.profile.lifetime_s is None else int(DAYS * DAY // account.profile.lifetime_s) - 1
        )
        assert len(account.renewals) >= expected
    print(
        f"{DAYS} days, {count} connections, {month.provider.calls} renewals, {month.seen['used']} uses, "
        f"{len(outages)} outages ({month.provider.refused} refused, {month.seen['refused in an outage']} users "
        f"refused), {time.monotonic() - begun:.0f} s"
    )


async def outage(month: Month) -> None:
    """Ten minutes of 503 mark nothing as needing a person, and two minutes later all is as it was."""
    over_at = month.clock.monotonic() + OUTAGE_S
    month.provider.is_down = True
    await month.until(over_at, least_step_s=10)
    assert ConnectionState.AUTHENTICATION_ERROR.value not in await month.states()
    failing = await failing_now()
    assert failing > 0
    month.provider.is_down = False
    while await failing_now() or len(await month.states()) > 1:
        month.clock.advance(10)
        assert month.clock.monotonic() - over_at <= RECOVERY_S
        await month.sweep()
    month.check()
    assert await month.states() == {ConnectionState.CONNECTED.value: len(month.fleet.ids)}
    slowest = month.clock.monotonic() - over_at
    month.seen["slowest recovery"] = max(month.seen["slowest recovery"], int(slowest))
    print(f"outage: {failing} failing at its end, the last recovered {slowest:.0f} s after it")


async def clock_jumps(month: Month, jump_s: float) -> None:
    """A jump of the wall clock costs each connection one renewal at most, in turn, and nobody a working token."""
    before = [len(account.renewals) for account in month.provider.accounts]
    month.wall_is_right = not month.wall_is_right
    month.clock.jump(jump_s)
    await month.sweep()  # within a second
    for number in range(0, len(month.fleet.ids), 2):
        if (
            month.provider.accounts[number].profile.lifetime_s or 0
        ) < DAY:  # who can tell an old one from a new one?
            await month.use(number)
    await month.sweep()
    spent = [len(a.renewals) - n for a, n in zip(month.provider.accounts, before, strict=True)]
    assert max(spent) <= 1
    # What was sealed by the clock as it is now is not touched again.
    later = month.clock.now() + CLOCK_SKEW
    assert (
        await CredentialRecord.filter(
            sealed_at__gt=later, lifetime_s__not_isnull=True, lifetime_s__lt=DAY
        ).count()
        == 0
    )
    calls = month.provider.calls
    await month.sweep()
    assert month.provider.calls == calls
    print(f"a jump of {jump_s / DAY:+.0f} day: {sum(spent)} renewals of {len(spent)} connections")
