"""``/docs/problems/{code}``: what each stable problem code means and what to do about it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.api.http.links import below
from app.api.http.pages import html_page
from app.foundation.problems import FixBy, ProblemCode

_WHO = {
    FixBy.USER: "You",
    FixBy.WORKSPACE_ADMIN: "An administrator of the workspace",
    FixBy.PROVIDER_ADMIN: "An administrator at the provider",
    FixBy.OPERATOR: "The operator of this hub",
    FixBy.NOBODY: "Nobody",
}


def problem_docs_routes() -> list[Route]:
    """Return the pages of all problem codes and their list."""

    async def one(request: Request) -> Response:
        code = request.path_params["code"]
        if code not in ProblemCode.__members__:
            return html_page(
                "No such problem",
                ["There is no problem with this code."],
                status=404,
                link=(below(request, "/docs/problems"), "All codes"),
            )
        template = ProblemCode[code].template
        again = (
            "It passes: trying again later can succeed."
            if template.retryable
            else "Trying again alone does not help."
        )
        steps = [f"{_WHO[step.actor]}: {_plain(step.text)}" for step in template.remediation]
        return html_page(template.title, [code, _plain(template.message), again, "What to do:"], steps)

    async def every(request: Request) -> Response:
        del request
        return html_page(
            "Problem codes",
            ["Codes are stable: they are added, never renamed."],
            [f"{c.value}: {c.template.title}" for c in ProblemCode],
        )

    return [
        Route("/docs/problems", every, methods=["GET"]),
        Route("/docs/problems/{code}", one, methods=["GET"]),
    ]


def _plain(text: str) -> str:
    return text.replace("{", "[").replace("}", "]")
