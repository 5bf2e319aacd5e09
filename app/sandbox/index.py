"""The sandbox's front page: which integrations are simulated, where, and with which test credentials."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from app.catalog.definition import AuthMethod, Definition
from app.sandbox.application import CLIENT_ID, CLIENT_SECRET, sandbox_credentials
from app.sandbox.page import sandbox_page, text
from app.sandbox.simulations import Simulations


class Index:
    """Lists what is simulated. All credentials on it are made up and open nothing."""

    def __init__(self, simulations: Simulations) -> None:
        self._simulations = simulations

    async def answer(self, request: Request) -> Response:
        """Answer with the page."""
        mount = request.scope.get("root_path", "")
        content = [
            "<h1>Simulated integrations</h1>",
            "<p>Everything here is made up: no real account, no real data.",
            "The outside address <code>https://host/path</code> of an integration is simulated at",
            f"<code>{text(mount)}/integration/host/path</code>, a certain version of it at",
            f"<code>{text(mount)}/integration@version/host/path</code>.</p>",
            f"<p>Sign-ins take client id <code>{CLIENT_ID}</code>,",
            f"client secret <code>{CLIENT_SECRET}</code>",
            "and any redirect URI with https or on this machine.</p>",
            "<p>Faults are switched on with <code>POST</code>, shown with <code>GET</code>",
            f"and set back with <code>DELETE</code> at <code>{text(mount)}/_switches/integration</code>.</p>",
        ]
        for definition in self._simulations.latest():
            content += _section(definition, mount)
        return sandbox_page("Sandbox", content, wide=True)


def _section(definition: Definition, mount: str) -> Iterator[str]:
    host = next((entry for entry in definition.http.hosts if entry[0] not in "{*"), "any-host")
    base = f"{mount}/{definition.integration}/{host}"
    switches = f"{mount}/_switches/{definition.integration}"
    yield f"<h2>{text(definition.name)} <small>{text(definition.version)}</small></h2>"
    yield f'<p class=soft><code>{text(base)}</code> · <a href="{text(switches)}">switches</a></p>'
    yield "<table><tbody>"
    for method in definition.auth:
        yield f"<tr><th scope=row>{text(method.title)}</th><td>{''.join(_credentials(method))}</td></tr>"
    yield "</tbody></table>"


def _credentials(method: AuthMethod) -> Iterator[str]:
    if method.oauth2 is not None or method.oauth1 is not None:
        yield "Sign in at the consent page. "
    for name, value in sandbox_credentials(method).items():
        yield f"{text(name)} <code>{text(value)}</code><br>"
