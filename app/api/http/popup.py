"""The last page of a sign-in in a window of its own: it notifies the page that opened it, and closes itself.

What it says goes to the hub's own origin and to the allowed ones, and names the authorization and its result, no more:
``{type: "patchbay.authorization", authorization, connection, state, problem}``. It goes by ``postMessage`` to the
opener, and by a ``BroadcastChannel`` for pages of the hub's origin, which hear it also where a provider's
Cross-Origin-Opener-Policy has cut the window off from its opener.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Final

from starlette.responses import Response

from app.api.http.pages import markup_of, page_of
from app.connections.snapshot import AuthorizationSnapshot

MESSAGE: Final = "patchbay.authorization"
CHANNEL: Final = "patchbay"
_SCRIPT: Final = f"""
const result = document.querySelector("[data-result]").dataset;
const message = JSON.parse(result.result);
new BroadcastChannel("{CHANNEL}").postMessage(message);
if (window.opener) for (const origin of JSON.parse(result.origins)) window.opener.postMessage(message, origin);
if (window.opener || ["AUTHENTICATED", "AWAITING_INPUT"].includes(message.state)) window.close();
"""
_DIGEST: Final = "sha256-" + b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
OPENER_POLICY: Final = "unsafe-none"
"""Of every page of a sign-in: any other would cut the window off, and it would look closed before it is."""


def popup_page(
    title: str,
    paragraphs: Sequence[str],
    items: Sequence[str] = (),
    *,
    authorization: AuthorizationSnapshot,
    origins: Sequence[str],
    status: int = 200,
    link: tuple[str, str] | None = None,
) -> Response:
    """Return the page; what it says stands there to read where the window cannot close.

    ``origins`` are those that may be notified; a browser delivers a message to none but the opener's own.
    """
    fault = authorization.problem
    result = {
        "type": MESSAGE,
        "authorization": authorization.id,
        "connection": authorization.connection_id,
        "state": authorization.state.value,
        "problem": fault.code.value if fault else None,
    }
    body = (
        f'<div data-result="{escape(json.dumps(result))}" data-origins="{escape(json.dumps(list(origins)))}">'
        f"{markup_of(paragraphs, items, link=link)}</div><script>{_SCRIPT}</script>"
    )
    return page_of(title, body, status=status, script_digest=_DIGEST, opener_policy=OPENER_POLICY)


def still_page(
    title: str,
    paragraphs: Sequence[str],
    items: Sequence[str] = (),
    *,
    status: int = 200,
    link: tuple[str, str] | None = None,
    onward: str | None = None,
) -> Response:
    """Return a page of a sign-in that has no result for its opener, and does not cut the window off from it."""
    body = markup_of(paragraphs, items, link=link, onward=onward)
    return page_of(title, body, status=status, onward=onward, opener_policy=OPENER_POLICY)
