"""Small HTML pages: no outside request, everything escaped, no script but one whose digest the policy names."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.api.http.headers import NOT_STORED
from app.foundation.errors import PatchbayError
from app.foundation.problems import FixBy, Remediation

WHO: Final = {
    FixBy.USER: "You",
    FixBy.WORKSPACE_ADMIN: "An administrator of the workspace",
    FixBy.PROVIDER_ADMIN: "An administrator at the provider",
    FixBy.OPERATOR: "The operator of this hub",
    FixBy.NOBODY: "Nobody",
}
"""Who can do what a remediation says."""
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--line:#d0d7de;--accent:#0b62c4;--soft:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--line:#30363d;--accent:#6cb2ff;
--soft:#161b22}}
body{margin:0;background:var(--soft);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:38rem;margin:10vh auto;padding:2rem;background:var(--paper);border:1px solid var(--line);
border-radius:12px}
h1{font-size:1.4rem;margin:0 0 .75rem}h2{font-size:1.1rem;margin:1.5rem 0 .25rem}a{color:var(--accent)}
ul,ol{padding-left:1.2rem}blockquote{margin:.5rem 0;padding:.25rem .75rem;border-left:3px solid var(--line)}
code{background:var(--soft);padding:.1rem .3rem;border-radius:4px}small{opacity:.75}
"""


def addressed(step: Remediation) -> str:
    """Return what to do, with who can do it where that is somebody else than the reader."""
    return step.text if step.actor in {FixBy.USER, FixBy.NOBODY} else f"{WHO[step.actor]}: {step.text}"


def html_page(
    title: str,
    paragraphs: Sequence[str],
    items: Sequence[str] = (),
    *,
    status: int = 200,
    link: tuple[str, str] | None = None,
    onward: str | None = None,
) -> Response:
    """Return a page; every text is escaped. ``link`` is (address, words); a browser goes on to ``onward`` at once."""
    return page_of(
        title, markup_of(paragraphs, items, link=link, onward=onward), status=status, onward=onward
    )


def markup_of(
    paragraphs: Sequence[str],
    items: Sequence[str] = (),
    *,
    link: tuple[str, str] | None = None,
    onward: str | None = None,
) -> str:
    """Return markup of paragraphs, a list and a link, all of them escaped."""
    body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    if items:
        body += "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in items) + "</ul>"
    if link is not None:
        body += f'<p><a href="{escape(link[0], quote=True)}" rel="noreferrer">{escape(link[1])}</a></p>'
    if onward is not None:
        body += f'<p><a href="{escape(onward, quote=True)}" rel="noreferrer">Go on</a></p>'
    return body


def page_of(
    title: str,
    body: str,
    *,
    status: int = 200,
    onward: str | None = None,
    script_digest: str | None = None,
    opener_policy: str = "same-origin",
) -> Response:
    """Return a page around markup whose values are escaped already.

    ``script_digest`` (``sha256-...``) lets that one script of the markup run. ``opener_policy`` is the page's
    Cross-Origin-Opener-Policy.
    """
    refresh = (
        "" if onward is None else f'<meta http-equiv="refresh" content="0;url={escape(onward, quote=True)}">'
    )
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Patchbay</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{refresh}<style>{_STYLE}</style></head>'
        f'<body><main><h1>{escape(title)}</h1><div role="status">{body}</div></main></body></html>'
    )
    script = "" if script_digest is None else f"script-src '{script_digest}'; "
    headers = {
        **NOT_STORED,
        "Content-Security-Policy": f"default-src 'none'; {script}style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": opener_policy,
    }
    return HTMLResponse(html, status_code=status, headers=headers)


async def storage_is_away(request: Request, fault: Exception) -> Response:
    """Answer what a door could not do because the hub's database is away or busy: 503, and when to come again."""
    del request
    problems = fault.problems if isinstance(fault, PatchbayError) else ()
    items = [step.text for problem in problems for step in problem.remediation]
    title, said = "The hub cannot do this at the moment", [problem.message for problem in problems]
    response = html_page(title, said, items, status=503)
    waits = [problem.retry_after_s for problem in problems if problem.retry_after_s is not None]
    response.headers["retry-after"] = str(ceil(max(waits, default=5.0)))
    return response
