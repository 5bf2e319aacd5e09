"""The consent page: who asks for what, in whose stead the sandbox answers, and what can be ticked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.responses import Response

from app.catalog.definition import AuthMethod, Definition, Scope
from app.sandbox.accounts import accounts_of
from app.sandbox.authorization_request import AuthorizationRequest
from app.sandbox.page import form_origin, sandbox_page, text


def consent_page(request: AuthorizationRequest) -> Response:
    """Return the page; its form posts to its own address, query included."""
    name = request.definition.name
    title = f"Allow access to {name}?"
    host = request.address.hostname or ""
    content = [
        f"<h1>{text(title)}</h1>",
        f"<p>This is a simulation of <strong>{text(name)}</strong> {text(request.definition.version)}.",
        "No real account is involved, and nothing is sent to the real one.</p>",
        f'<p class="soft">You will return to <code>{text(host)}</code>.</p>',
        '<form method="post">',
        *account_choice(request.definition, request.method),
        *scope_choice(request.method, request.scopes),
        '<div class="acts"><button class="main" name="decision" value="allow">Allow</button>',
        '<button name="decision" value="deny">Deny</button></div></form>',
    ]
    return sandbox_page(title, content, form_to=f"'self' {form_origin(request.address)}")


def account_choice(definition: Definition, method: AuthMethod) -> Iterator[str]:
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


def scope_choice(method: AuthMethod, scopes: Sequence[str]) -> Iterator[str]:
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
