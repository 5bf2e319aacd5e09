"""Seals a grant with what is stored with it, in one transaction, by compare-and-swap on the generation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from app.authenticators.base import AccountFound, Grant, grant_to_stored
from app.authenticators.credentials import secret_hints
from app.authenticators.registry import authenticator_for
from app.catalog.definition import AuthMethod
from app.credentials.owner import CredentialOwner
from app.credentials.rows import save_credential
from app.credentials.snapshot import FROM_SIGN_IN, FROM_TEST, NO_CREDENTIAL, CredentialSnapshot
from app.foundation.database import Transaction
from app.vault.vault import Vault


async def seal_grant(
    tx: Transaction,
    vault: Vault,
    owner: CredentialOwner,
    credential: CredentialSnapshot | None,
    method: AuthMethod,
    grant: Grant,
    *,
    application_id: str | None = None,
    scopes: tuple[str, ...] = (),
    fingerprint: str | None = None,
    tested: AccountFound | None = None,
    is_renewal: bool = False,
) -> CredentialSnapshot:
    """Seal ``grant`` as the connection's next generation and save what is stored with it.

    ``tested`` is the account that the default test's answer named: it counts where the grant itself names none.
    A renewal keeps application, scopes and fingerprint, and the refresh token's own end where no new one is stated.
    When they are due is said by :class:`app.credentials.schedule.RenewalSchedule`.

    Raises:
        ConflictError: another generation was sealed meanwhile.
    """
    generation = await vault.put(
        tx,
        owner.credential_ref,
        grant_to_stored(grant),
        expected_generation=(credential.generation or None) if credential else None,
    )
    before = credential or replace(NO_CREDENTIAL, connection_id=owner.id, workspace_id=owner.workspace_id)
    if not is_renewal:
        before = replace(
            before,
            application_id=application_id,
            requested_scopes=scopes,
            fingerprint=fingerprint,
            is_stale=False,
            refresh_expires_at=None,
        )
    sealed = replace(_with_grant(before, method, grant, tx.now), generation=generation)
    if grant.account.id is None and is_renewal:  # the test has said it, and renewing changes no account
        sealed = with_account(sealed, before.account_id, before.account_label, before.account_from)
    elif tested is not None and grant.account.id is None:
        sealed = with_account(sealed, tested.id, tested.label, FROM_TEST)
    await save_credential(tx, sealed, is_new=credential is None)
    return sealed


def _with_grant(
    before: CredentialSnapshot, method: AuthMethod, grant: Grant, now: datetime
) -> CredentialSnapshot:
    return replace(
        before,
        auth_method=method.id,
        sealed_at=now,
        refreshed_at=now,
        lifetime_s=grant.expires_in_s,
        expires_at=_after(now, grant.expires_in_s),
        refresh_expires_at=_after(now, grant.refresh_expires_in_s) or before.refresh_expires_at,
        granted_scopes=grant.granted_scopes,
        account_id=grant.account.id,
        account_label=grant.account.label,
        account_from=FROM_SIGN_IN if grant.account.id else None,
        account=dict(grant.account.kept),
        hints=tuple(
            {"path": ["credentials", name], "hint": hint, "updatedAt": now.isoformat()}
            for name, hint in secret_hints(method, grant).items()
        ),
        can_renew=authenticator_for(method).can_renew(method, grant),
    )


def with_account(
    credential: CredentialSnapshot, id_: str | None, label: str | None, source: str | None
) -> CredentialSnapshot:
    """Return the snapshot with the account that an answer named."""
    return replace(
        credential, account_id=id_, account_label=label, account_from=source if id_ is not None else None
    )


async def save_tested_account(tx: Transaction, credential: CredentialSnapshot, found: AccountFound) -> None:
    """Keep with ``tx`` which account a passed test named, where the sign-in named none."""
    known = (credential.account_id, credential.account_label)
    if found.id is None or credential.account_from == FROM_SIGN_IN or known == (found.id, found.label):
        return
    named = with_account(credential, found.id, found.label, FROM_TEST)
    await save_credential(tx, named, is_new=False)


def _after(now: datetime, seconds: int | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
