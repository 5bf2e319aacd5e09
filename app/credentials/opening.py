"""Credentials ready for use: fresh, opened for an audited purpose, with the facts and the destination they go with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.access.actor import Actor
from app.authenticators.base import NO_GRANT, ApplicationFacts, Facts, Grant, grant_from_stored
from app.authenticators.control import spoilt
from app.authenticators.endpoints import endpoints_of
from app.authenticators.registry import authenticator_for
from app.catalog.catalog import Catalog
from app.catalog.definition import AuthMethod, Control, Definition
from app.catalog.hosts import fixed_hosts
from app.credentials.application_choice import ApplicationChoice
from app.credentials.applications import Applications
from app.credentials.flows import Destinations
from app.credentials.lasting import ended_access, has_ended
from app.credentials.origins import uncovered
from app.credentials.outside_secrets import OutsideSecrets
from app.credentials.owner import CredentialOwner
from app.credentials.placed import placed_names
from app.credentials.snapshot import CredentialSnapshot, Mode
from app.foundation.clock import Clock
from app.foundation.errors import NotAllowedNowError, NotFoundError, outside_error
from app.foundation.ids import new_token
from app.foundation.messages import Binding, Destination, OutRequest
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.vault.errors import CredentialUnreadableError
from app.vault.vault import RevealPurpose, Vault

_CALLS = frozenset(
    {RevealPurpose.CALL_READ, RevealPurpose.CALL_WRITE, RevealPurpose.CALL_DESTRUCTIVE, RevealPurpose.TEST}
)


@dataclass(frozen=True, slots=True)
class OpenCredentials:
    """A connection's credentials, open for one purpose, with all that goes with them.

    ``references`` are the values of the grant that name an outside secret; ``grant`` holds what they stand for.
    ``control`` says that they are not the credentials, but what a control call bears in their place; ``concealed`` are
    then the true ones, which an answer may hold all the same.
    """

    owner: CredentialOwner
    definition: Definition
    method: AuthMethod
    facts: Facts = field(repr=False)
    grant: Grant = field(repr=False)
    references: Mapping[str, Secret] = field(repr=False)
    generation: int
    sealed_at: datetime | None
    account_label: str | None
    destination: Destination
    control: Control | None = None
    concealed: Grant | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    @property
    def can_renew(self) -> bool:
        """Whether newer ones can be had without a person."""
        return authenticator_for(self.method).can_renew(self.method, self.grant)

    def ended(self, now: datetime) -> Problem | None:
        """Return the problem of access that has run out for good, where it has: a refusal of it says no more."""
        if not has_ended(self.expires_at, now, can_renew=self.can_renew):
            return None
        return ended_access(self.definition, self.method, self.expires_at)

    def apply(self, request: OutRequest) -> OutRequest:
        """Return the request with the credentials in place and marked for redaction."""
        authenticator = authenticator_for(self.method)
        if self.concealed is None:
            return authenticator.apply(self.facts, self.grant, request)
        true = authenticator.apply(self.facts, self.concealed, request)
        sent = (
            request if self.control is Control.NONE else authenticator.apply(self.facts, self.grant, request)
        )
        return replace(sent, secrets=(*sent.secrets, *true.secrets))

    def for_control(self, control: Control) -> OpenCredentials:
        """Return what a control call bears in their place: made-up credentials, or none; nothing is revealed for it."""
        grant = spoilt(self.method, self.grant, self.facts.random) if control is Control.SPOILT else NO_GRANT
        return replace(self, grant=grant, references={}, control=control, concealed=self.grant)


class UnreadableCredentialsError(CredentialUnreadableError):
    """What is sealed for a connection does not open; ``generation`` says which credentials cannot be used."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        super().__init__()


class Opener:
    """Assembles what an authenticator works with. Nothing here renews, and nothing is called outside."""

    def __init__(
        self,
        vault: Vault,
        catalog: Catalog,
        applications: Applications,
        choice: ApplicationChoice,
        outside_secrets: OutsideSecrets,
        destinations: Destinations,
        clock: Clock,
    ) -> None:
        self._vault = vault
        self._catalog = catalog
        self._applications = applications
        self._choice = choice
        self._outside_secrets = outside_secrets
        self._destinations = destinations
        self._clock = clock

    def definition_of(self, owner: CredentialOwner) -> Definition:
        """Return the definition that a connection pins.

        Raises:
            NotAllowedNowError: the catalog does not have it any more.
        """
        definition = self._catalog.definition(owner.integration, owner.version)
        if definition is None:
            raise NotAllowedNowError(problem(ProblemCode.UNKNOWN_INTEGRATION))
        return definition

    def method_of(self, owner: CredentialOwner, auth_method: str) -> AuthMethod:
        """Return an auth method of a connection's definition.

        Raises:
            NotAllowedNowError: the definition or the method is gone.
        """
        method = self.definition_of(owner).auth_method(auth_method)
        if method is None:
            raise NotAllowedNowError(problem(ProblemCode.UNKNOWN_AUTH_METHOD))
        return method

    def destination(self, owner: CredentialOwner, facts: Facts) -> Destination:
        """Return where requests of a connection may go, and where those that bear its application's secrets may."""
        destination = self._destinations.of(facts.definition, owner.mode, facts.config)
        application = facts.application
        if application is None:
            return destination
        hosts = fixed_hosts(facts.definition.http.hosts)
        binding = Binding(application.name, application.secrets, application.origins, hosts)
        return replace(destination, binding=binding)

    async def facts(
        self,
        actor: Actor,
        owner: CredentialOwner,
        method: AuthMethod,
        application_id: str | None,
        purpose: RevealPurpose,
        names: frozenset[str] | None = None,
    ) -> Facts:
        """Return the facts an authenticator needs; never inside a transaction.

        Secrets of the configuration and of the application are revealed for ``purpose``, and audited with it; with
        ``names`` only those that are named (``config.key``, ``application.clientSecret``).

        Raises:
            ApplicationRejectedError: the application is gone, or not for the addresses of the configuration.
        """
        facts = Facts(
            definition=self.definition_of(owner),
            method=method,
            now=self._clock.now(),
            random=new_token,
            config=await self._config(actor, owner, purpose, names),
        )
        if application_id is None:
            return facts
        facts = replace(facts, redirect_uri=self._choice.redirect_uri(application_id))
        if names is not None and not any(name.startswith("application.") for name in names):
            return facts
        try:
            application = await self._applications.facts(actor, application_id, purpose, names)
        except NotFoundError:
            raise facts.error(ProblemCode.APPLICATION_MISSING) from None
        if owner.mode is Mode.LIVE:
            _require_bound(facts, application)
        return replace(facts, application=application)

    async def open(
        self,
        actor: Actor,
        owner: CredentialOwner,
        credential: CredentialSnapshot,
        purpose: RevealPurpose,
        *,
        generation: int | None = None,
    ) -> OpenCredentials:
        """Open sealed credentials with all that goes with them; a call opens only what it places.

        With ``generation`` only that one will do.

        Raises:
            NotFoundError: nothing is sealed there.
            NotAllowedNowError: the definition, the auth method or an outside secret is gone.
            ConflictError: another generation is sealed.
            UnreadableCredentialsError: what is sealed does not open.
        """
        method = self.method_of(owner, credential.auth_method)
        names = placed_names(self.definition_of(owner), method) if purpose in _CALLS else None
        try:
            facts = await self.facts(actor, owner, method, credential.application_id, purpose, names)
            revealed = await self._vault.reveal(
                actor, owner.credential_ref, purpose=purpose, generation=generation, connection_id=owner.id
            )
        except CredentialUnreadableError:
            raise UnreadableCredentialsError(credential.generation) from None
        stored = grant_from_stored(revealed.value)
        return OpenCredentials(
            owner=owner,
            definition=facts.definition,
            method=method,
            facts=facts.knowing(credential.account),
            grant=await self._outside_secrets.to_use(owner.workspace_id, stored),
            references=self._outside_secrets.references(stored),
            generation=revealed.generation,
            sealed_at=credential.sealed_at,
            account_label=credential.account_label,
            destination=self.destination(owner, facts),
            expires_at=credential.expires_at,
        )

    async def _config(
        self, actor: Actor, owner: CredentialOwner, purpose: RevealPurpose, names: frozenset[str] | None
    ) -> dict[str, Any]:
        config = dict(owner.config)
        for name in owner.secret_fields:
            if names is None or f"config.{name}" in names:
                revealed = await self._vault.reveal(
                    actor, owner.config_ref(name), purpose=purpose, connection_id=owner.id
                )
                config[name] = revealed.value["value"]
        return config


def _require_bound(facts: Facts, application: ApplicationFacts) -> None:
    """Refuse an application at addresses that it was not saved for, a public one too: codes and tokens go there."""
    origin = uncovered(endpoints_of(facts.definition, facts.method, facts.config), application.origins)
    if origin is not None:
        code = ProblemCode.APPLICATION_NOT_FOR_ADDRESS
        raise outside_error(problem(code, application=application.name, origin=origin))
