"""The choices of a form's field, loaded from the connected system."""

import hashlib
from typing import Annotated

import strawberry

from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, resolver, shown
from app.api.graphql.pages import After, First, PageInfoType, page_args, page_info, page_of_all
from app.api.graphql.problems import ProblemType, maybe_problem
from app.api.graphql.scalars import Json
from app.calls.options import Option


@object_type("One choice of a form's field.")
class FieldOptionType:
    value: Json = described("What the field is set to: a text, a number or a truth value.")
    label: str = described("What a person reads.")


@object_type("A page of the choices of a form's field.")
class FieldOptionsType:
    nodes: list[FieldOptionType] = described("The page's choices.")
    page_info: PageInfoType = described("The page's place among the choices.")
    total_count: int = described("How many choices there are under the search.")
    is_complete: bool = described(
        "Whether these are all the choices; false where the provider has more than the hub loads, or did not answer. "
        "Let a person enter a value by hand then."
    )
    problem: ProblemType | None = described("Why there are no choices, or no more; null where all is well.")


@strawberry.type
class OptionQueries:
    @resolver(
        "The choices of a form's field whose schema has `options`: a method of the connected system gives them. They "
        "are kept for a minute. Null where there is no such connection."
    )
    async def connection_options(
        self,
        info: PatchbayInfo,
        connection_id: Annotated[strawberry.ID, strawberry.argument(description="The connection's id.")],
        path: Annotated[
            list[str],
            strawberry.argument(
                description="The field: `config` and its names from the outside in, as in a problem's `path`; or "
                "`methods`, the method's name, `params`, and a parameter's name."
            ),
        ],
        search: Annotated[
            str | None, strawberry.argument(description="Words that value or label must hold.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> FieldOptionsType | None:
        context = info.context
        args = page_args(first, after, None, None)
        found = await context.hub.options.find(context.actor, connection_id, path, search)
        page = page_of_all(found.choices, _cursor, args)
        return FieldOptionsType(
            nodes=[shown(FieldOptionType, option) for option in page.items],
            page_info=page_info(page),
            total_count=len(found.choices),
            is_complete=found.is_complete,
            problem=maybe_problem(found.problem),
        )


def _cursor(option: Option) -> str:
    return hashlib.sha256(f"{type(option.value).__name__}:{option.value}".encode()).hexdigest()[:24]
