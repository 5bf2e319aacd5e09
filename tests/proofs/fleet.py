"""Connections by the thousand, and the provider they belong to, in this process: no sockets, no consent pages."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

from app.authenticators.base import Grant
from app.catalog.catalog import Catalog
from app.catalog.definition import Definition, RenewalBy, Rotation
from app.catalog.entry import IntegrationEntry
from app.connections.lifecycle import ConnectionState
from app.connections.models import ConnectionRecord
from app.connections.rows import credential_owner
from app.credentials.application_rows import application_id
from app.credentials.schedule import RenewalSchedule
from app.credentials.sealing import seal_grant
from app.credentials.snapshot import Mode
from app.foundation.clock import Clock
from app.foundation.database import Transaction
from app.foundation.secret import Secret
from app.hub import Hub, build_hub
from tests.factories.definitions import make_definition, make_oauth2, make_renewal
from tests.hubs import ORIGIN, owner, settings_for, test_keys

CLIENT_ID = "client-of-the-fleet"
CLIENT_SECRET = "secret-of-the-fleet"
TOKEN_URL = "https://auth.acme.example/token"
_CHUNK = 50


@dataclass(frozen=True)
class Profile:
    """How one kind of provider gives tokens: their life (None: endless) and what renews them."""

    name: str
    lifetime_s: int | None
    by: RenewalBy = RenewalBy.REFRESH_TOKEN
    rotation: Rotation = Rotation.SINGLE_USE


@dataclass
class Account:
    """What the provider knows of one grant. Instants are monotonic seconds: no wall clock moves them."""

    number: int
    profile: Profile
    access: str = ""
    refresh: str = ""
    expires_at: float | None = None
    used_up: set[str] = field(default_factory=set)
    is_revoked: bool = False
    renewals: list[float] = field(default_factory=list)


class Provider(httpx.AsyncBaseTransport):
    """Token endpoint and API of all profiles. A refresh token that comes twice revokes its whole family."""

    def __init__(self, clock: Clock, latency_s: float = 0.0) -> None:
        self.accounts: list[Account] = []
        self.calls = 0
        self.refused = 0
        self.reused = 0
        self.at_once = 0
        self.most_at_once = 0
        self.is_down = False
        self._clock = clock
        self._latency_s = latency_s
        self._by_token: dict[str, Account] = {}
        self._numbers = itertools.count(1)

    def open_account(self, profile: Profile, age_s: float = 0.0) -> tuple[Account, Grant]:
        """Make an account and its first grant, as if it had been given ``age_s`` ago."""
        account = Account(len(self.accounts), profile)
        self.accounts.append(account)
        self._give(account, -age_s)
        values = {"accessToken": Secret(account.access)}
        if profile.by is RenewalBy.REFRESH_TOKEN:
            values["refreshToken"] = Secret(account.refresh)
        return account, Grant(values=values, expires_in_s=profile.lifetime_s)

    def left_s(self, account: Account) -> float:
        """Return for how long the account's newest token can still be used."""
        return float("inf") if account.expires_at is None else account.expires_at - self._clock.monotonic()

    def left_of(self, access_token: str) -> float:
        """Return for how long a token can still be used; less than nothing once it was replaced or revoked."""
        account = self._by_token[access_token]
        is_good = account.access == access_token and not account.is_revoked
        return self.left_s(account) if is_good else float("-inf")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self._latency_s)
            return self._answer(request)
        finally:
            self.at_once -= 1

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            self.refused += 1
            return httpx.Response(503, json={"error": "temporarily_unavailable"})
        if request.url.path != "/token":
            token = request.headers["authorization"].removeprefix("Bearer ")
            return httpx.Response(200 if self.left_of(token) > 0 else 401, json={"id": 1})
        self.calls += 1
        form = {name: value for name, (value,) in parse_qs(request.content.decode()).items()}
        token = form.get("refresh_token") or form["fb_exchange_token"]
        account = self._by_token[token]
        if token in account.used_up:
            self.reused += 1
            account.is_revoked = True
        if account.is_revoked:
            return httpx.Response(400, json={"error": "invalid_grant"})
        account.renewals.append(self._clock.monotonic())
        self._give(account, 0.0)
        return httpx.Response(200, content=self._token_answer(account), headers=_JSON)

    def _give(self, account: Account, since_s: float) -> None:
        number = next(self._numbers)
        if account.refresh and account.profile.rotation is Rotation.SINGLE_USE:
            account.used_up.add(account.refresh)
        for old in (account.access, account.refresh):
            if old not in account.used_up:
                self._by_token.pop(old, None)
        account.access = f"access-{account.number:06}-{number:09}-0123456789"
        if account.profile.by is RenewalBy.REFRESH_TOKEN:
            account.refresh = f"refresh-{account.number:06}-{number:09}-0123456789"
        if account.profile.lifetime_s is not None:
            account.expires_at = self._clock.monotonic() + since_s + account.profile.lifetime_s
        self._by_token[account.access] = self._by_token[account.refresh] = account

    @staticmethod
    def _token_answer(account: Account) -> bytes:
        answer: dict[str, Any] = {"access_token": account.access, "token_type": "Bearer"}
        if account.profile.lifetime_s is not None:
            answer["expires_in"] = account.profile.lifetime_s
        if account.refresh:
            answer["refresh_token"] = account.refresh
        return json.dumps(answer).encode()


class Fleet:
    """Connected connections, one per account of the provider, with everything but the consent of a person."""

    def __init__(self, hub: Hub, provider: Provider, workspace_id: str) -> None:
        self.hub = hub
        self.provider = provider
        self.workspace_id = workspace_id
        self.ids: list[str] = []

    async def launch(self, profiles: Sequence[Profile], ages_s: Sequence[float] | None = None) -> None:
        """Connect one account per profile; ``ages_s`` says how old each token is by now."""
        ages = ages_s or [0.0] * len(profiles)
        for start in range(0, len(profiles), _CHUNK):
            async with self.hub.database.transaction() as tx:
                for profile, age_s in zip(profiles[start : start + _CHUNK], ages[start:], strict=False):
                    await self._connect(tx, profile, age_s)

    async def _connect(self, tx: Transaction, profile: Profile, age_s: float) -> None:
        account, grant = self.provider.open_account(profile, age_s)
        row = ConnectionRecord(
            id=f"conn_{account.number:026}",  # the jitter of what is due depends on it: the same in every run
            workspace_id=self.workspace_id,
            owner_key=self.workspace_id,
            name=f"Connection {account.number}",
            name_key=f"connection {account.number}",
            integration=profile.name,
            version="1.0.0",
            mode=Mode.LIVE.value,
            state=ConnectionState.CONNECTED.value,
            state_since=tx.now,
            ever_connected=True,
            created_at=tx.now,
            created_by="mem_fleet",
            created_by_label="Fleet",
            updated_at=tx.now,
        )
        await row.save(force_create=True)
        sealed = Transaction(tx.now - timedelta(seconds=age_s), tx.rows)
        definition = self.hub.catalog.definition(profile.name, "1.0.0")
        credential = await seal_grant(
            sealed,
            self.hub.vault,
            credential_owner(row),
            None,
            definition.auth[0],
            grant,
            application_id=application_id(self.workspace_id, profile.name, Mode.LIVE),
            scopes=(),
        )
        await RenewalSchedule(self.hub.work).sealed(sealed, [credential])
        self.ids.append(row.id)


def definition_of(profile: Profile) -> Definition:
    """Return the definition of a provider of this kind."""
    renewal = make_renewal(profile.by, rotation=profile.rotation)
    if profile.by is RenewalBy.EXCHANGE:
        own = {"grant_type": "fb_exchange_token", "fb_exchange_token": "{credentials.accessToken}"}
        renewal = replace(renewal, params=own)
    oauth = make_oauth2(renewal=renewal, token_url=TOKEN_URL)
    return make_definition(oauth, integration=profile.name, name=profile.name)


@asynccontextmanager
async def fleet_at_sea(
    database_url: str,
    folder: Path,
    profiles: Sequence[Profile],
    clock: Clock,
    *,
    latency_s: float = 0.0,
    redis_url: str | None = None,
) -> AsyncIterator[Fleet]:
    """Yield a hub whose catalog is these profiles, with their applications saved; nothing is connected yet."""
    provider = Provider(clock, latency_s)
    catalog = Catalog([IntegrationEntry(profile.name, (definition_of(profile),)) for profile in profiles])
    settings = settings_for(database_url, folder, redis_url)
    async with build_hub(
        settings,
        local_url=ORIGIN,
        transport=provider,
        clock=clock,
        keys=test_keys(),
        catalog=catalog,
    ) as hub:
        await hub.members.ensure_owner()
        with hub.database.bind():
            actor = await owner(hub)
            for profile in profiles:
                await hub.applications.save(
                    actor, integration=profile.name, client_id=CLIENT_ID, client_secret=Secret(CLIENT_SECRET)
                )
            yield Fleet(hub, provider, actor.workspace_id)


_JSON = {"content-type": "application/json"}
