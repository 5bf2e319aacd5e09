"""The composition root: makes every service once, bottom up. Read it as the dependency graph."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from app import VERSION
from app.access.idempotency import Idempotency
from app.audit.checkpoints import Checkpoints
from app.audit.log import AuditLog
from app.calls.caller import MethodCaller
from app.calls.options import FieldOptions
from app.catalog.catalog import Catalog, load_catalog
from app.connection_tests.execution import RunExecution
from app.connection_tests.runner import TestRunner
from app.connection_tests.runs import TestRuns
from app.connections.acceptance import Acceptance
from app.connections.attempts import Attempts
from app.connections.authorization import Authorizations
from app.connections.authorization_options import OptionsResolver
from app.connections.browser import BrowserFlow
from app.connections.completion import Completion
from app.connections.connections import Connections
from app.connections.outcome_recorder import OutcomeRecorder
from app.connections.owners import ConnectionOwners
from app.connections.polling import Polling
from app.connections.transitions import Transitions
from app.credentials.application_choice import ApplicationChoice
from app.credentials.applications import Applications
from app.credentials.credentials import Credentials
from app.credentials.flows import Destinations, FlowRunner
from app.credentials.opening import Opener
from app.credentials.operator_applications import OperatorApplications
from app.credentials.outside_secrets import OutsideSecrets
from app.credentials.renewal import Renewal
from app.credentials.revocation import Revocations
from app.credentials.schedule import RenewalSchedule
from app.credentials.vault_paths import VaultPaths, grants_of
from app.event_stream.stream import EventStream
from app.foundation.clock import Clock, SystemClock
from app.foundation.database import Database, migrate
from app.foundation.egress import EgressPolicy
from app.foundation.outbound import Outbound
from app.foundation.reachable import reach_redis, reported_wait
from app.foundation.redaction import SecretRegistry
from app.foundation.telemetry import Metrics
from app.foundation.wakeups import Wakeups
from app.members.members import Members
from app.members.rights import Rights
from app.members.sign_in import SignIn
from app.members.tokens import Tokens
from app.settings import Settings, SettingsError
from app.vault.errors import KeyRefusedError
from app.vault.key_file import read_file_keys
from app.vault.key_source import open_keys
from app.vault.keys import KeyRing
from app.vault.resealing import Resealing
from app.vault.rotation import KeyHome, KeyRotation
from app.vault.service_client import ServiceClient, service_outbound
from app.vault.start_up import prepare_key_file
from app.vault.vault import Vault
from app.work.dispatcher import Dispatcher
from app.work.queue import WorkQueue


@dataclass(frozen=True, slots=True)
class Hub:
    """Every service of one hub, ready to use. Doors get it whole; rooms get only what they are handed."""

    settings: Settings
    version: str
    public_url: str
    allowed_origins: tuple[str, ...]
    clock: Clock
    database: Database
    wakeups: Wakeups
    work: WorkQueue
    dispatcher: Dispatcher
    metrics: Metrics
    secrets: SecretRegistry
    outbound: Outbound
    vault: Vault
    rotation: KeyRotation
    resealing: Resealing
    audit: AuditLog
    checkpoints: Checkpoints
    events: EventStream
    idempotency: Idempotency
    catalog: Catalog
    members: Members
    tokens: Tokens
    sign_in: SignIn
    connections: Connections
    applications: Applications
    application_choice: ApplicationChoice
    authorizations: Authorizations
    browser: BrowserFlow
    polling: Polling
    credentials: Credentials
    renewal: Renewal
    revocations: Revocations
    outcome_recorder: OutcomeRecorder
    calls: MethodCaller
    options: FieldOptions
    test_runs: TestRuns
    run_execution: RunExecution

    @property
    def return_origins(self) -> tuple[str, ...]:
        """The origins whose pages may be returned to and notified of results: the hub's own, and the allowed ones."""
        return (self.public_url.removesuffix(self.settings.public_path), *self.allowed_origins)


@asynccontextmanager
async def build_hub(  # noqa: PLR0915 - one paragraph for each part of the dependency graph
    settings: Settings,
    *,
    local_url: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
    keys: KeyRing | None = None,
    catalog: Catalog | None = None,
) -> AsyncIterator[Hub]:
    """Build a hub and close it in reverse.

    ``local_url`` is where this process (or the web process) answers on this machine; the sandbox is called there.
    ``transport`` replaces the network, ``clock`` the time, ``keys`` the key ring and ``catalog`` the shipped one, for
    tests and simulations.

    Raises:
        VaultStartError: a key is missing or wrong (exit code 78).
        DefinitionsInvalidError: a definition breaks a rule.
        SettingsError: an application variable names no integration, or the data folder cannot be made.
        CannotStartError: the database or Redis is away for longer than the hub waits, or refuses it.
    """
    clock = clock or SystemClock()
    local_url = local_url or settings.local_url()
    public_url = settings.public_url or local_url
    public_origin = public_url.removesuffix(settings.public_path)
    catalog = catalog or load_catalog()
    variables = settings.operator_applications([entry.key for entry in catalog.all()])
    operator = OperatorApplications(variables, catalog)
    if operator.faults:
        raise SettingsError(operator.faults)

    if not settings.is_scaled:
        settings.make_data_dir()
    await migrate(settings.database)
    if settings.redis is not None:
        await reach_redis(settings.redis)

    async with AsyncExitStack() as stack:
        # What everything stands on: rows, wake-ups, due work, events.
        database = Database(settings.database, clock)
        await database.open()
        stack.push_async_callback(database.close)
        wakeups = Wakeups(settings.redis, await database.installation_id())
        await wakeups.open()
        stack.push_async_callback(wakeups.close)
        metrics = Metrics()
        work = WorkQueue(database, wakeups)
        await work.open()
        stack.push_async_callback(work.close)
        dispatcher = Dispatcher(database, work, wakeups, metrics)
        events = EventStream(database, wakeups)
        stack.push_async_callback(events.close)
        outbox = events.outbox

        # Keys, what is sealed under them, and the audit that keeps account of both.
        ring, home = (
            (keys, KeyHome())
            if keys is not None
            else await stack.enter_async_context(open_keys(settings.key_source, database))
        )
        audit = AuditLog(database, lambda: vault.system_key("audit/v1"))
        checkpoints = Checkpoints(database, lambda: vault.system_key("audit-checkpoint/v1"))
        vault = Vault(database, ring, audit)
        async with reported_wait("the keys to be checked"):
            await vault.start()
        rotation = KeyRotation(database, ring, audit, home)
        resealing = Resealing(database, ring, audit)
        idempotency = Idempotency(database, lambda: vault.system_key("idempotency/v1"))

        # Who uses the hub, and what they may.
        members = Members(database, audit, outbox)
        tokens = Tokens(
            database, audit, outbox, wakeups, idempotency, lambda: vault.system_key("access-token/v1")
        )
        sign_in = SignIn(database, audit, outbox, wakeups)
        rights = Rights(database)

        # The outside world, real or simulated, and what must never be shown of what goes there.
        secrets = SecretRegistry()
        outbound = Outbound(
            EgressPolicy(settings.egress_allow),
            transport=transport,
            clock=clock,
            authorities=settings.authorities,
        )
        stack.push_async_callback(outbound.aclose)
        sandbox_origin = _sandbox_origin(settings, local_url, public_url)
        destinations = Destinations(sandbox_origin, public_url if settings.sandbox_on else None)
        runner = FlowRunner(outbound, secrets, clock)

        # Credentials: applications, references to secrets kept elsewhere, opening, renewal, revocation.
        choice = ApplicationChoice(database, operator, public_url)
        applications = Applications(database, vault, audit, outbox, catalog, operator, choice)
        outside_secrets = OutsideSecrets(
            settings.operator_secrets(),
            frozenset(settings.secrets_allowed),
            _vault_paths(settings, clock, stack),
        )
        opener = Opener(vault, catalog, applications, choice, outside_secrets, destinations, clock)
        schedule = RenewalSchedule(work)
        transitions = Transitions(audit, outbox, schedule)
        outcome_recorder = OutcomeRecorder(transitions, applications, catalog)
        owners = ConnectionOwners(transitions, outcome_recorder)
        renewal = Renewal(
            database,
            vault,
            wakeups,
            work,
            schedule,
            owners,
            opener,
            outside_secrets=outside_secrets,
            runner=runner,
        )
        stack.push_async_callback(renewal.close)
        revocations = Revocations(database, vault, audit, outbox, work, opener, runner)
        credentials = Credentials(opener, renewal, owners, clock)

        # Authorizations: attempts to authenticate a connection, by browser, form or polling.
        attempts = Attempts(outbox, vault, public_url)
        options = OptionsResolver(choice, opener, (public_origin, *settings.allowed_origins))
        acceptance = Acceptance(vault, transitions, attempts, applications, runner, schedule)
        completion = Completion(
            database,
            vault,
            work,
            transitions,
            attempts,
            opener,
            applications,
            acceptance,
            outside_secrets,
            runner,
            destinations,
        )
        authorizations = Authorizations(
            database, vault, wakeups, idempotency, transitions, attempts, options, completion
        )
        polling = Polling(database, vault, work, attempts, options, completion, rights)
        browser = BrowserFlow(database, vault, attempts, completion, catalog, destinations, rights)

        # Connections, and what they are for: calls, and tests that prove them.
        connections = Connections(
            database,
            vault,
            idempotency,
            events,
            catalog,
            transitions,
            attempts,
            choice,
            revocations,
            renewal,
            schedule,
            settings.egress_allow,
            settings.sandbox_on,
        )
        calls = MethodCaller(outbound, credentials, clock, metrics, secrets)
        run_execution = RunExecution(
            database,
            wakeups,
            outbox,
            work,
            credentials,
            TestRunner(calls, connections, catalog, clock),
            outcome_recorder,
            rights,
            metrics,
        )
        test_runs = TestRuns(database, wakeups, idempotency, connections, run_execution)

        yield Hub(
            settings=settings,
            version=VERSION,
            public_url=public_url,
            allowed_origins=settings.allowed_origins,
            clock=clock,
            database=database,
            wakeups=wakeups,
            work=work,
            dispatcher=dispatcher,
            metrics=metrics,
            secrets=secrets,
            outbound=outbound,
            vault=vault,
            rotation=rotation,
            resealing=resealing,
            audit=audit,
            checkpoints=checkpoints,
            events=events,
            idempotency=idempotency,
            catalog=catalog,
            members=members,
            tokens=tokens,
            sign_in=sign_in,
            connections=connections,
            applications=applications,
            application_choice=choice,
            authorizations=authorizations,
            browser=browser,
            polling=polling,
            credentials=credentials,
            renewal=renewal,
            revocations=revocations,
            outcome_recorder=outcome_recorder,
            calls=calls,
            options=FieldOptions(calls, connections, credentials, clock),
            test_runs=test_runs,
            run_execution=run_execution,
        )


async def make_key_file(settings: Settings) -> bool:
    """Make the key file where the settings look for it; return whether it was made, or was there already.

    Raises:
        KeyRefusedError: the keys come from elsewhere.
        VaultStartError: the file cannot be made or is not acceptable, or stored data needs the key of an older one.
        CannotStartError: the database is away or refuses the hub.
    """
    path = settings.key_path
    if settings.key is not None or settings.key_provider != "file":
        where = (
            "PATCHBAY_KEY" if settings.key is not None else f"{settings.key_provider} (PATCHBAY_KEY_PROVIDER)"
        )
        raise KeyRefusedError(f"The keys of this hub come from {where}: it needs no key file.")
    is_there = path.exists()
    if not settings.is_scaled:
        settings.make_data_dir()
    await migrate(settings.database)
    database = Database(settings.database, SystemClock())
    await database.open()
    try:
        await prepare_key_file(database, path)
    finally:
        await database.close()
    read_file_keys(path, data_folder=settings.data_dir)
    return not is_there


def _vault_paths(settings: Settings, clock: Clock, stack: AsyncExitStack) -> VaultPaths | None:
    """Return the way to the operator's Vault, which has an outbound of its own; None where there is none."""
    if settings.vault_address is None or settings.vault_token_file is None:
        return None
    outbound = service_outbound(clock, settings.vault_ca_file)
    stack.push_async_callback(outbound.aclose)
    vault_service = ServiceClient(outbound, clock, settings.vault_address)
    return VaultPaths(vault_service, settings.vault_token_file, grants_of(settings.vault_allowed))


def _sandbox_origin(settings: Settings, local_url: str, public_url: str) -> str | None:
    """Return where this process reaches the sandbox: itself when embedded, the web processes when scaled."""
    if not settings.sandbox_on:
        return None
    return public_url if settings.is_scaled else f"{local_url}{settings.public_path}"
