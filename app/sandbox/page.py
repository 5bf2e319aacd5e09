"""The sandbox's own HTML: small, self-contained pages that ask nothing of the outside and need no script."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from typing import Final
from urllib.parse import SplitResult

from starlette.responses import HTMLResponse

STYLE: Final = """
:root{color-scheme:light dark;--ink:#16202e;--soft:#526072;--line:#d5dce5;--ground:#eef1f5;--card:#fff;
--accent:#1d4ed8;--on-accent:#fff;--note:#fff4d6;--note-ink:#6b4600}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf4;--soft:#a3b0c2;--line:#344154;--ground:#10161f;--card:#19222f;
--accent:#8ab4ff;--on-accent:#0b1730;--note:#3a2f10;--note-ink:#ffdf8a}} *{box-sizing:border-box}
body{margin:0;padding:2rem 1rem;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:2rem;background:var(--card);border:1px solid
var(--line);border-radius:14px} main.wide{max-width:60rem} h1{margin:.75rem 0
.5rem;font-size:1.45rem;line-height:1.25} h2{margin:2rem 0 .25rem;font-size:1.1rem} p{margin:.5rem 0}
.note{display:inline-block;padding:.15rem
.6rem;border-radius:99px;background:var(--note);color:var(--note-ink); font-size:.85rem;font-weight:600}
.soft,small{color:var(--soft)} fieldset{margin:1.25rem 0;padding:.5rem 1rem;border:1px solid
var(--line);border-radius:10px} legend{padding:0 .4rem;font-weight:600}
.choice{display:flex;gap:.75rem;align-items:flex-start;padding:.5rem 0} .choice
input{width:1.15rem;height:1.15rem;margin:.2rem 0 0;accent-color:var(--accent);flex:none} .choice
label{flex:1} .choice small{display:block} code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
.acts{display:flex;gap:.75rem;flex-wrap:wrap;margin-top:1.5rem}
button,.button{flex:1;min-height:2.75rem;padding:.6rem 1.25rem;border:1px solid
var(--line);border-radius:10px;
background:transparent;color:inherit;font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)} :focus-visible{outline:3px
solid var(--accent);outline-offset:2px} table{width:100%;border-collapse:collapse} th,td{padding:.35rem
.5rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top} th{width:30%;font-weight:600}
""".strip()


def sandbox_page(
    title: str, content: Iterable[str], *, status: int = 200, form_to: str = "'none'", wide: bool = False
) -> HTMLResponse:
    """Return a page.

    ``content`` is markup whose values went through :func:`text`; ``form_to`` is CSP's form-action.
    """
    width = " class=wide" if wide else ""
    markup = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>"
        f'<body><main{width}><span class="note">Sandbox</span>{" ".join(content)}</main></body></html>'
    )
    return HTMLResponse(markup, status, _headers(form_to))


def notice_page(title: str, why: str, status: int = 400) -> HTMLResponse:
    """Return a page that says one thing and asks for nothing."""
    return sandbox_page(title, [f"<h1>{text(title)}</h1>", f"<p>{text(why)}</p>"], status=status)


def text(value: object) -> str:
    """Return ``value`` as text that is safe in markup and in quoted attributes."""
    return escape(str(value), quote=True)


def form_origin(address: SplitResult) -> str:
    """Return the CSP source for a form whose answer redirects to ``address``.

    An IPv6 address cannot stand in a source (CSP 2.3.1), so its scheme stands for it.
    """
    if ":" in (address.hostname or ""):
        return f"{address.scheme}:"
    port = f":{address.port}" if address.port is not None else ""
    return f"{address.scheme}://{address.hostname}{port}"


def _headers(form_to: str) -> dict[str, str]:
    policy = (
        f"default-src 'none'; style-src '{_style_hash()}'; form-action {form_to}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


@lru_cache(maxsize=1)
def _style_hash() -> str:
    return "sha256-" + b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
