"""A hub of small in-memory rooms with the verbs that the GraphQL door calls, so that the door is tested alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from app.access.actor import Actor, ActorKind, Channel
from app.access.policy import ALL_PERMISSIONS, Permission, Role, require
from app.api.http.cookies import SESSION
from app.authenticators.steps import CredentialFormStep, RedirectStep
from app.catalog.catalog import Catalog, load_catalog
from app.connection_tests.steps import (
    RunKind,
    RunState,
    RunStepState,
    StepKind,
    TestProgress,
    TestRunSnapshot,
    TestStepSnapshot,
    Verdict,
)
from app.connections.connections import Deleted, Edited
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import (
    PARTS,
    AccessScope,
    AuthorizationSnapshot,
    AuthorizationStateName,
    ConnectionSnapshot,
    SetupStep,
    SetupStepKey,
    SetupStepState,
)
from app.credentials.snapshot import ApplicationSnapshot, ApplicationSource, Mode, SecretInfo
from app.event_stream.event import (
    EVERYTHING,
    Event,
    EventActor,
    EventBatch,
    EventFilter,
    EventSlice,
    EventSubject,
    EventType,
    ResetReason,
    StreamReset,
)
from app.foundation.clock import SystemClock
from app.foundation.errors import ConflictError, InvalidInputError, NotFoundError
from app.foundation.ids import new_id
from app.foundation.pages import Page
from app.foundation.problems import ProblemCode, problem
from app.foundation.telemetry import Metrics

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WORKSPACE = "wks_01j00000000000000000000000"
OTHER_WORKSPACE = "wks_01j00000000000000000000001"
PUBLIC_URL = "http://hub.test"
TOKEN = "pbt_" + "t" * 43
VIEWER_TOKEN = "pbt_" + "v" * 43
OTHER_TOKEN = "pbt_" + "o" * 43
SESSION_TOKEN = "s" * 43
BEARER = {"authorization": f"Bearer {TOKEN}"}
COOKIE = {"cookie": f"{SESSION}={SESSION_TOKEN}"}


def make_connection(workspace_id=WORKSPACE, **changes: Any) -> ConnectionSnapshot:
    made = ConnectionSnapshot(
        id=new_id("conn"),
        workspace_id=workspace_id,
        name="Team chat",
        name_key="team chat",
        description="",
        integration="generic-http",
        version="1.0.0",
        mode=Mode.LIVE,
        state=ConnectionState.CONNECTED,
        state_since=NOW,
        problem=None,
        config={"baseUrl": "https://chat.test"},
        config_secret_hints=[
            {"path": ["config", "apiKey"], "hint": "…4f2a", "updatedAt": NOW.isoformat(), "generation": 1},
        ],
        scope=AccessScope.WORKSPACE,
        ever_connected=True,
        tested_generation=1,
        tested_config_revision=1,
        tested_at=NOW,
        config_revision=1,
        revision=1,
        created_at=NOW,
        created_by_label="Olive Owner",
        updated_at=NOW,
        auth=None,
    )
    return replace(made, **changes)


@dataclass
class FakeEvents:
    """Events in a list; followers wake when it grows."""

    events: list[Event] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    following: int = 0

    def add(self, type_: EventType, connection_id: str | None = None, workspace_id=WORKSPACE) -> Event:
        event = Event(
            id=new_id("evt"),
            workspace_id=workspace_id,
            position=len(self.events) + 1,
            type=type_,
            occurred_at=NOW,
            subject=EventSubject("connection", connection_id or "none"),
            actor=EventActor(ActorKind.MEMBER, "mem_1", "Olive Owner"),
            correlation_id="req_1",
            connection_id=connection_id,
            data={"n": len(self.events) + 1},
        )
        self.events.append(event)
        self.changed.set()
        return event

    async def position(self, workspace_id: str) -> int:
        return len(self.events)

    async def read(
        self,
        workspace_id: str,
        after: int | None,
        limit: int = 200,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the verb's own word
    ):
        if after is not None and after > len(self.events):
            reset = StreamReset(workspace_id, ResetReason.CURSOR_EXPIRED, 0, len(self.events))
            return EventSlice(workspace_id, (), len(self.events), False, reset)
        found = [e for e in self.events if e.position > (after or 0) and filter.matches(e)]
        found = [e for e in found if e.workspace_id == workspace_id]
        page = found[:limit]
        place = page[-1].position if len(found) > limit else len(self.events)
        return EventSlice(workspace_id, tuple(page), place, len(found) > limit)

    async def page(
        self,
        actor: Actor,
        after: int | None,
        limit: int = 200,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the verb's own word
    ):
        require(actor, Permission.EVENTS_READ)
        return await self.read(actor.workspace_id, after, limit, filter)

    def subscribe(
        self,
        actor: Actor,
        after: int | None,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the verb's own word
        *,
        guard=None,
    ):
        require(actor, Permission.EVENTS_READ)
        return self.follow(actor.workspace_id, after, filter, guard=guard)

    async def follow(
        self,
        workspace_id: str,
        after: int | None,
        filter: EventFilter = EVERYTHING,  # noqa: A002 - the verb's own word
        *,
        guard=None,
    ):
        at = len(self.events) if after is None else after
        self.following += 1
        try:
            while True:
                self.changed.clear()
                page = await self.read(workspace_id, at, 200, filter)
                if page.reset:
                    yield page.reset
                    return
                at = page.position
                if page.events:
                    yield EventBatch(workspace_id, page.events, page.position, page.has_more)
                await self.changed.wait()
        finally:
            self.following -= 1


@dataclass
class FakeConnections:
    events: FakeEvents
    rows: dict[str, ConnectionSnapshot] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    fault: Exception | None = None
    delay_s: float = 0.0
    cancelled: int = 0

    def put(self, snapshot: ConnectionSnapshot) -> ConnectionSnapshot:
        self.rows[snapshot.id] = snapshot
        return snapshot

    def _mine(self, actor: Actor) -> list[ConnectionSnapshot]:
        require(actor, Permission.CONNECTIONS_READ)
        return sorted(
            (row for row in self.rows.values() if row.workspace_id == actor.workspace_id),
            key=lambda row: row.name,
        )

    async def get(self, actor: Actor, connection_id: str) -> ConnectionSnapshot:
        found = (await self.many(actor, [connection_id])).get(connection_id)
        if found is None:
            raise NotFoundError
        return found

    async def many(
        self, actor: Actor, ids: Sequence[str], parts: Collection[str] = PARTS
    ) -> dict[str, ConnectionSnapshot]:
        self.calls.append(("many", tuple(ids)))
        return {row.id: row for row in self._mine(actor) if row.id in ids}

    async def find(self, actor: Actor, name: str) -> ConnectionSnapshot | None:
        return next((row for row in self._mine(actor) if row.name.casefold() == name.casefold()), None)

    async def page(self, actor: Actor, query, page, parts: Collection[str] = PARTS) -> Page:
        if self.fault:
            raise self.fault
        if self.delay_s:
            try:
                await asyncio.sleep(self.delay_s)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        rows = [row for row in self._mine(actor) if not query.states or row.state in query.states]
        start = next((i + 1 for i, row in enumerate(rows) if row.id == page.after), 0)
        size = page.first or page.last or 20
        found = rows[start : start + size]
        total = len(rows) if page.with_total else None
        cursors = tuple(row.id for row in found) if page.with_cursors else ()
        return Page(tuple(found), cursors, start + size < len(rows), start > 0, total)

    def subscribe(self, actor: Actor, after: int, *, guard=None):
        require(actor, Permission.CONNECTIONS_READ)
        return self.events.follow(actor.workspace_id, after, guard=guard)

    async def connected_integrations(self, actor: Actor) -> frozenset[str]:
        return frozenset(row.integration for row in self._mine(actor))

    async def next_steps(self, actor: Actor, snapshot: ConnectionSnapshot) -> tuple[SetupStep, ...]:
        fault = problem(ProblemCode.TEST_NOT_PASSED, details={"unmetSteps": ["TEST"]})
        return (
            SetupStep(SetupStepKey.TEST, "Test", "Run it.", SetupStepState.READY, (fault,), "testConnection"),
        )

    def missing_scopes(self, actor: Actor, snapshot: ConnectionSnapshot) -> tuple[str, ...]:
        return ()

    def validate_config(self, actor: Actor, integration: str, version: str | None, config: Any):
        return (problem(ProblemCode.MISSING_FIELD, "config", "baseUrl", label="Base URL"),)

    async def create(self, actor: Actor, **asked: Any) -> Edited:
        require(actor, Permission.CONNECTIONS_WRITE)
        self.calls.append(("create", asked))
        if self.fault:
            raise self.fault
        if not asked["name"]:
            raise InvalidInputError([problem(ProblemCode.MISSING_FIELD, "name", label="The name")])
        made = self.put(make_connection(name=asked["name"], state=ConnectionState.DRAFT))
        event = self.events.add(EventType.CONNECTION_CREATED, made.id)
        return Edited(made, (), event.position)

    async def update(
        self, actor: Actor, connection_id: str, *, expected_revision=None, **asked: Any
    ) -> Edited:
        row = await self.get(actor, connection_id)
        if expected_revision not in {None, row.revision}:
            raise ConflictError(
                problem(ProblemCode.CONFLICT, "expectedRevision", details={"currentRevision": row.revision})
            )
        row = self.put(replace(row, revision=row.revision + 1, name=asked["name"] or row.name))
        return Edited(row, (), self.events.add(EventType.CONNECTION_UPDATED, row.id).position)

    async def update_config(
        self, actor: Actor, connection_id: str, config: Any, *, expected_revision=None
    ) -> Edited:
        row = self.put(replace(await self.get(actor, connection_id), config=dict(config)))
        return Edited(row, (problem(ProblemCode.MISSING_FIELD, "config", "baseUrl", label="Base URL"),), 3)

    async def _verb(self, actor: Actor, connection_id: str, **asked: Any) -> Edited:
        require(actor, Permission.CONNECTIONS_WRITE)
        self.calls.append(("verb", asked))
        return Edited(await self.get(actor, connection_id), (), 4)

    activate = pause = resume = disconnect = _verb

    async def delete(self, actor: Actor, connection_id: str, *, expected_revision=None) -> Deleted:
        row = await self.get(actor, connection_id)
        del self.rows[row.id]
        return Deleted(row.id, row.name, self.events.add(EventType.CONNECTION_DELETED, row.id).position)

    async def refresh_credentials(self, actor: Actor, connection_id: str) -> Edited:
        return Edited(await self.get(actor, connection_id), (), 4)


@dataclass
class FakeAuthorizations:
    rows: dict[str, list[AuthorizationSnapshot]] = field(default_factory=dict)
    received: list[Any] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def begun(self, connection_id: str, *, final: bool = True) -> AuthorizationSnapshot:
        first = AuthorizationSnapshot(
            id=new_id("auth"),
            workspace_id=WORKSPACE,
            connection_id=connection_id,
            auth_method="oauth",
            state=AuthorizationStateName.AWAITING_USER,
            seq=1,
            step=RedirectStep(
                "Sign in", "https://acme.test/authorize", "http://hub.test/oauth/return/app_1", ("a",)
            ),
            problem=None,
            scopes=("a",),
            return_to=None,
            presentation="POPUP",
            at=NOW,
            created_at=NOW,
            expires_at=NOW,
            launch_url="http://hub.test/oauth/start/auth_1",
        )
        last = replace(first, seq=2, state=AuthorizationStateName.AUTHENTICATED, step=None)
        self.rows[first.id] = [first, last] if final else [first]
        return first

    async def begin(self, actor: Actor, connection_id: str, **asked: Any) -> AuthorizationSnapshot:
        require(actor, Permission.CONNECTIONS_AUTHORIZE)
        self.received.append(asked)
        return self.begun(connection_id)

    async def reauthorize(self, actor: Actor, connection_id: str, **asked: Any) -> AuthorizationSnapshot:
        return await self.begin(actor, connection_id, **asked)

    async def many(self, actor: Actor, ids: Sequence[str]) -> dict[str, AuthorizationSnapshot]:
        require(actor, Permission.CONNECTIONS_READ)
        found = [self.rows[id_][-1] for id_ in ids if id_ in self.rows]
        return {row.id: row for row in found if row.workspace_id == actor.workspace_id}

    async def submit_credentials(self, actor: Actor, authorization_id: str, credentials: Any):
        self.received.append(credentials)
        return await self.get(actor, authorization_id)

    async def choose_account(self, actor: Actor, authorization_id: str, account_id: str):
        return await self.get(actor, authorization_id)

    async def complete(self, actor: Actor, authorization_id: str, callback_url: str, browser: Any):
        self.received.append((callback_url, browser))
        return await self.get(actor, authorization_id)

    async def cancel(self, actor: Actor, authorization_id: str):
        return replace(await self.get(actor, authorization_id), state=AuthorizationStateName.CANCELLED)

    async def get(self, actor: Actor, authorization_id: str) -> AuthorizationSnapshot:
        require(actor, Permission.CONNECTIONS_READ)
        rows = self.rows.get(authorization_id)
        if rows is None or rows[0].workspace_id != actor.workspace_id:
            raise NotFoundError
        form = CredentialFormStep("Enter the key", {"type": "object"}, "Where to find it")
        return replace(rows[0], step=form)

    async def states(
        self, actor: Actor, *, authorization_id=None, connection_id=None, after_seq=0, guard=None
    ):
        await self.get(actor, authorization_id or "")
        for state in self.rows[authorization_id]:
            if state.seq > after_seq:
                yield state
        if not self.rows[authorization_id][-1].is_final:
            await self.released.wait()


@dataclass
class FakeApplications:
    rows: dict[str, ApplicationSnapshot] = field(default_factory=dict)
    secrets: list[Any] = field(default_factory=list)

    async def save(self, actor: Actor, *, client_secret=None, **asked: Any) -> ApplicationSnapshot:
        require(actor, Permission.APPLICATIONS_WRITE)
        self.secrets.append(client_secret)
        saved = ApplicationSnapshot(
            id=new_id("app"),
            workspace_id=actor.workspace_id,
            integration=asked["integration"],
            mode=asked["mode"],
            source=ApplicationSource.WORKSPACE,
            name=asked.get("name") or "Default",
            origins=tuple(asked.get("origins") or ()),
            client_id=asked["client_id"],
            fields=asked["fields"] or {},
            secret=SecretInfo(("clientSecret",), client_secret is not None, None, NOW),
            redirect_uri=f"{PUBLIC_URL}/oauth/return/app_1",
            problem=None,
            revision=1,
            created_at=NOW,
            updated_at=NOW,
        )
        self.rows[saved.id] = saved
        return saved

    async def many(self, actor: Actor, ids: Sequence[str]) -> dict[str, ApplicationSnapshot]:
        require(actor, Permission.APPLICATIONS_READ)
        found = [self.rows[id_] for id_ in ids if id_ in self.rows]
        return {row.id: row for row in found if row.workspace_id == actor.workspace_id}

    async def all(self, actor: Actor, integration=None, mode=None) -> list[ApplicationSnapshot]:
        return [row for row in self.rows.values() if row.workspace_id == actor.workspace_id]

    async def dependents(self, actor: Actor, application_id: str) -> list[str]:
        return []

    async def delete(self, actor: Actor, application_id: str) -> str:
        if application_id not in await self.many(actor, [application_id]):
            raise NotFoundError
        return self.rows.pop(application_id).integration

    async def redirect_uri_for(self, actor: Actor, integration: str, mode: Mode, name=None) -> str:
        return f"{PUBLIC_URL}/oauth/return/{integration}-{mode.value}"


def make_run(connection_id: str, workspace_id=WORKSPACE, **changes: Any) -> TestRunSnapshot:
    step = TestStepSnapshot(
        0, 1, StepKind.CONFIGURATION, "Check", RunStepState.PASSED, NOW, 3, "fine", {"fields": 1}, None, None
    )
    made = TestRunSnapshot(
        id=new_id("run"),
        workspace_id=workspace_id,
        connection_id=connection_id,
        kind=RunKind.DEFAULT,
        state=RunState.FINISHED,
        verdict=Verdict.PASSED,
        problem=None,
        steps=(step,),
        seq=2,
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        duration_ms=12,
        deadline_at=NOW,
    )
    return replace(made, **changes)


@dataclass
class FakeTestRuns:
    rows: dict[str, TestRunSnapshot] = field(default_factory=dict)
    waited: list[int] = field(default_factory=list)

    def put(self, run: TestRunSnapshot) -> TestRunSnapshot:
        self.rows[run.id] = run
        return run

    async def start(
        self, actor: Actor, connection_id: str, *, idempotency_key=None, wait_ms=0
    ) -> TestRunSnapshot:
        require(actor, Permission.CONNECTIONS_TEST)
        self.waited += [wait_ms] if wait_ms else []
        return self.put(make_run(connection_id))

    async def get(self, actor: Actor, run_id: str) -> TestRunSnapshot:
        require(actor, Permission.CONNECTIONS_READ)
        found = self.rows.get(run_id)
        if found is None or found.workspace_id != actor.workspace_id:
            raise NotFoundError
        return found

    async def latest(self, actor: Actor, connection_ids: Sequence[str]) -> dict[str, TestRunSnapshot]:
        return {r.connection_id: r for r in self.rows.values() if r.connection_id in connection_ids}

    async def cancel(self, actor: Actor, run_id: str) -> TestRunSnapshot:
        return replace(await self.get(actor, run_id), state=RunState.CANCELLED)

    async def many(self, actor: Actor, run_ids: Sequence[str]) -> dict[str, TestRunSnapshot]:
        require(actor, Permission.CONNECTIONS_READ)
        found = [self.rows[id_] for id_ in run_ids if id_ in self.rows]
        return {run.id: run for run in found if run.workspace_id == actor.workspace_id}

    async def progress(
        self, actor: Actor, run_id: str, after_seq: int = 0, *, guard=None
    ) -> AsyncIterator[TestProgress]:
        run = await self.get(actor, run_id)
        for step in run.steps:
            if step.seq > after_seq:
                yield TestProgress(run, step, step.seq, False)
        yield TestProgress(run, None, run.seq, True)


@dataclass
class FakeAudit:
    rows: list[Any] = field(default_factory=list)

    async def entries(self, actor: Actor, wanted: Any, page: Any) -> Page[Any]:
        require(actor, Permission.AUDIT_READ)
        found = [r for r in self.rows if r.workspace_id == actor.workspace_id]
        if wanted.ids is not None:
            found = [r for r in found if r.id in wanted.ids]
        return Page(tuple(found), tuple(r.id for r in found), False, False, len(found))


@dataclass
class FakeWork:
    rows: list[Any] = field(default_factory=list)

    async def overview(self, actor: Actor) -> list[Any]:
        require(actor, Permission.WORK_READ)
        return self.rows


def make_actor(
    workspace_id=WORKSPACE, role=Role.OWNER, permissions=ALL_PERMISSIONS, session_id="tok_1"
) -> Actor:
    return Actor(
        workspace_id=workspace_id,
        kind=ActorKind.TOKEN,
        id=session_id,
        label="CI token",
        role=role,
        permissions=permissions,
        via=Channel.GRAPHQL,
        request_id="req_1",
        session_id=session_id,
    )


@dataclass
class FakeAccess:
    """Tokens and sessions: who they are, and who is still valid."""

    valid: set[str] = field(default_factory=lambda: {"tok_1", "tok_2", "tok_3", "ses_1"})
    asked: int = 0

    async def authenticate_token(self, token: str):
        known = {
            TOKEN: ("tok_1", WORKSPACE, Role.OWNER, ALL_PERMISSIONS),
            VIEWER_TOKEN: ("tok_2", WORKSPACE, Role.VIEWER, frozenset({Permission.CATALOG_READ})),
            OTHER_TOKEN: ("tok_3", OTHER_WORKSPACE, Role.OWNER, ALL_PERMISSIONS),
        }
        if token not in known or known[token][0] not in self.valid:
            return None
        id_, workspace_id, role, permissions = known[token]
        return SimpleNamespace(
            id=id_,
            workspace_id=workspace_id,
            member_id="mem_1",
            label="CI",
            role=role,
            permissions=permissions,
        )

    async def authenticate_session(self, token: str):
        if token != SESSION_TOKEN or "ses_1" not in self.valid:
            return None
        return SimpleNamespace(
            id="ses_1",
            workspace_id=WORKSPACE,
            member_id="mem_1",
            label="Olive",
            role=Role.OWNER,
            permissions=ALL_PERMISSIONS,
        )

    async def still_valid(self, session_id: str) -> bool:
        self.asked += 1
        return session_id in self.valid


async def _system_key(purpose: str) -> bytes:
    return purpose.encode().ljust(32, b"k")


def load_test_catalog() -> Catalog:
    return load_catalog()


def make_hub(catalog: Catalog, **changes: Any) -> SimpleNamespace:
    events = FakeEvents()
    connections = FakeConnections(events)
    access = FakeAccess()
    hub = SimpleNamespace(
        settings=SimpleNamespace(sandbox_on=True, event_retention_days=7, streams_per_workspace=200),
        version="0.1.0",
        public_url=PUBLIC_URL,
        allowed_origins=(),
        clock=SystemClock(),
        metrics=Metrics(),
        catalog=catalog,
        events=events,
        connections=connections,
        authorizations=FakeAuthorizations(),
        applications=FakeApplications(),
        application_choice=FakeApplications(),
        test_runs=FakeTestRuns(),
        audit=FakeAudit(),
        work=FakeWork(),
        access=access,
        tokens=SimpleNamespace(authenticate=access.authenticate_token),
        sign_in=SimpleNamespace(authenticate=access.authenticate_session, still_valid=access.still_valid),
        vault=SimpleNamespace(system_key=_system_key),
    )
    for name, value in changes.items():
        setattr(hub, name, value)
    return hub
