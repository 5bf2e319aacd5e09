"""The consent page: who asks for what, in whose stead the sandbox answers, and what the person decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

from starlette.responses import Response

from app.catalog.definition import AuthMethod, Definition, Scope
from app.sandbox.accounts import Account, accounts_of
from app.sandbox.inbound import Pairs, first_values
from app.sandbox.page import form_origin, sandbox_page, text


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person allowed, in which account; None is a refusal."""

    account: Account | None
    scopes: tuple[str, ...] = ()


def read_decision(
    definition: Definition, method: AuthMethod, scopes: Sequence[str], form: Pairs
) -> Decision | None:
    """Return the decision on a request for ``scopes``, or None where no button was pressed."""
    given = first_values(form)
    if given.get("decision") == "deny":
        return Decision(None)
    if given.get("decision") != "allow":
        return None
    accounts = accounts_of(definition, method)
    account = next((one for one in accounts if str(one.number) == given.get("account")), accounts[0])
    ticked = {value for name, value in form if name == "scope"}
    return Decision(account, tuple(scope for scope in scopes if scope in ticked))


def returning_page(
    definition: Definition, method: AuthMethod, address: SplitResult, scopes: Sequence[str] | None = None
) -> Response:
    """Return the page of a request that is answered at ``address``."""
    note = f'<p class="soft">You will return to <code>{text(address.hostname or "")}</code>.</p>'
    return consent_page(definition, method, scopes, note, form_to=f"'self' {form_origin(address)}")


def consent_page(
    definition: Definition,
    method: AuthMethod,
    scopes: Sequence[str] | None,
    note: str,
    form_to: str = "'self'",
) -> Response:
    """Return the page; its form posts to its own address, query included.

    ``note`` is markup inside the form. Without ``scopes`` there are no permissions to speak of.
    """
    title = f"Allow access to {definition.name}?"
    content = [
        f"<h1>{text(title)}</h1>",
        *simulation_note(definition),
        '<form method="post">',
        note,
        *_account_choice(definition, method),
        *(() if scopes is None else _scope_choice(method, scopes)),
        '<div class="acts"><button class="main" name="decision" value="allow">Allow</button>',
        '<button name="decision" value="deny">Deny</button></div></form>',
    ]
    return sandbox_page(title, content, form_to=form_to)


def simulation_note(definition: Definition) -> Iterator[str]:
    """Yield the words that nothing here is real."""
    yield f"<p>This is a simulation of <strong>{text(definition.name)}</strong> {text(definition.version)}."
    yield "No real account is involved, and nothing is sent to the real one.</p>"


def _account_choice(definition: Definition, method: AuthMethod) -> Iterator[str]:
    """Yield the choice of an account, or nothing where there is but one."""
    accounts = accounts_of(definition, method)
    if len(accounts) == 1:
        return
    yield "<fieldset><legend>Account</legend>"
    for account in accounts:
        checked = " checked" if account.number == 1 else ""
        field = f"a{account.number}"
        yield (
            f'<div class="choice"><input type="radio" name="account" id="{field}" value="{account.number}"'
            f'{checked}><label for="{field}">{text(account.label)}'
            f"<small><code>{text(account.id)}</code></small></label></div>"
        )
    yield "</fieldset>"


def _scope_choice(method: AuthMethod, scopes: Sequence[str]) -> Iterator[str]:
    """Yield the permissions that are asked for, each with a tick that can be taken away."""
    if not scopes:
        yield "<p>The application asks for no particular permission.</p>"
        return
    known = {scope.name: scope for scope in method.scopes}
    yield "<fieldset><legend>Permissions</legend>"
    for number, name in enumerate(scopes):
        yield (
            f'<div class="choice"><input type="checkbox" name="scope" id="s{number}" '
            f'value="{text(name)}" checked>'
            f'<label for="s{number}">{_scope_words(name, known.get(name))}</label></div>'
        )
    yield '</fieldset><p class="soft">Take a tick away to try a partial consent.</p>'


def _scope_words(name: str, scope: Scope | None) -> str:
    if scope is None:
        return f"<code>{text(name)}</code>"
    need = "required by the integration, " if scope.required else ""
    return f"{text(scope.label)}<small>{need}<code>{text(name)}</code></small>"
