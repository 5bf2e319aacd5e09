"""``/docs/problems/{code}``: why a problem comes about, what it looks like, what to do, and who can do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.http.pages import WHO, html_page, page_of
from app.api.http.problem_causes import CAUSES, SAMPLES
from app.catalog.catalog import Catalog
from app.catalog.definition import Definition, Troubleshooting
from app.foundation.problems import FixBy, ProblemCode, problem

_INDEX: Final = "/docs/problems"


def problem_docs_routes(catalog: Catalog) -> list[Route]:
    """Return the pages of all problem codes and their list; what integrations know of a problem is from ``catalog``."""

    async def one(request: Request) -> Response:
        code = request.path_params["code"]
        if code not in ProblemCode.__members__:
            said = ["There is no problem with this code."]
            return html_page("No such problem", said, status=404, link=("../problems", "All problems"))
        found = ProblemCode[code]
        return page_of(found.template.title, _page(found, catalog))

    async def every(request: Request) -> Response:
        del request
        body = "<p>Codes are stable: they are added, never renamed.</p>"
        for group, codes in CAUSES.items():
            body += f"<h2>{escape(group)}</h2>{_links(codes, 'problems/')}"
        return page_of("Problems", body)

    return [Route(_INDEX, every, methods=["GET"]), Route(f"{_INDEX}/{{code}}", one, methods=["GET"])]


def _page(code: ProblemCode, catalog: Catalog) -> str:
    group, codes = next((group, codes) for group, codes in CAUSES.items() if code in codes)
    sample = problem(code, details=None, **dict[str, Any](SAMPLES))
    again = (
        "It passes: trying again later can succeed."
        if code.template.retryable
        else "Trying again alone does not help."
    )
    steps = [
        f"<li><strong>{WHO[step.actor]}</strong>: {escape(step.text)}</li>" for step in sample.remediation
    ]
    return "".join(
        [
            f"<p><code>{code.value}</code></p><h2>Cause</h2><p>{escape(codes[code])}</p>",
            f"<h2>What it looks like</h2><p>For example:</p><blockquote>{escape(sample.message)}</blockquote>",
            f"<h2>What to do</h2><ul>{''.join(steps)}</ul><p>{again}</p>",
            *_of_integrations(code, catalog),
            f"<h2>Others: {escape(group)}</h2>{_links([each for each in codes if each is not code])}",
            '<p><a href="../problems">All problems</a></p>',
        ]
    )


def _of_integrations(code: ProblemCode, catalog: Catalog) -> Iterator[str]:
    """Yield what each integration says about the problem, under an anchor of its key."""
    for entry in catalog.all():
        known = [item for item in entry.latest.troubleshooting if item.code == code.value]
        if known:
            yield f'<h2 id="{escape(entry.key)}">With {escape(entry.latest.name)}</h2>'
            yield from (_trouble(entry.latest, item) for item in known)


def _trouble(definition: Definition, item: Troubleshooting) -> str:
    who = WHO[FixBy(item.who)] if item.who in FixBy.__members__ else item.who
    steps = "".join(f"<li>{escape(step)}</li>" for step in item.steps)
    where = (
        f'<p><a href="{escape(item.url)}" rel="noreferrer">At {escape(definition.name)}</a></p>'
        if item.url
        else ""
    )
    return f"<p>{escape(item.looks_like)}</p><p><strong>{escape(who)}</strong>:</p><ol>{steps}</ol>{where}"


def _links(codes: Iterable[ProblemCode], below: str = "") -> str:
    """Return a list of links, relative to the page that they stand on: the hub may be served under a path."""
    items = [
        f'<li><a href="{below}{code.value}">{escape(code.template.title)}</a> <small>{code.value}</small></li>'
        for code in codes
    ]
    return f"<ul>{''.join(items)}</ul>"
