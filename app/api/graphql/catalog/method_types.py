"""What an integration can be asked and what it can announce, as the schema shows it."""

import strawberry

import app.api.graphql.catalog.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.scalars import Json, JsonSchema
from app.catalog.definition import Effect, Method, Trigger


@strawberry.type(name="MethodExample", description="A sample call of a method with its answer.")
class MethodExampleType:
    title: str = strawberry.field(description="What it shows.")
    params: Json = strawberry.field(description="The parameters sent.")
    status: int = strawberry.field(description="The HTTP status answered.")
    body: Json | None = strawberry.field(description="The body answered.")
    outcome: str | None = strawberry.field(description="The problem code, where the answer is a failure.")


@strawberry.type(name="Method", description="Something that an integration can be asked to do.")
class MethodType:
    name: str = strawberry.field(description="Its name.")
    title: str = strawberry.field(description="What it is called.")
    description: str | None = strawberry.field(description="What it does.")
    effect: Effect = strawberry.field(description="What it does to the outside system.")
    is_idempotent: bool = strawberry.field(description="Whether doing it twice is the same as doing it once.")
    params_schema: JsonSchema = strawberry.field(description="Its parameters.")
    result_schema: JsonSchema | None = strawberry.field(
        description="Its result, where the definition describes it."
    )
    required_scopes: list[str] = strawberry.field(description="The scopes that it needs.")
    examples: list[MethodExampleType] = strawberry.field(description="Sample calls.")


@strawberry.type(name="Trigger", description="Something that an integration can announce by webhook.")
class TriggerType:
    name: str = strawberry.field(description="Its name.")
    title: str = strawberry.field(description="What it is called.")
    description: str | None = strawberry.field(description="When it is announced.")
    payload_schema: JsonSchema = strawberry.field(description="What it carries.")
    example: Json | None = strawberry.field(description="A sample payload.")
    required_scopes: list[str] = strawberry.field(description="The scopes that it needs.")


def method_type(method: Method) -> MethodType:
    """Return a method as the schema shows it."""
    return MethodType(
        name=method.name,
        title=method.title,
        description=method.description,
        effect=method.effect,
        is_idempotent=method.idempotent,
        params_schema=JsonSchema(method.params),
        result_schema=None if method.result is None else JsonSchema(method.result),
        required_scopes=list(method.scopes),
        examples=[
            MethodExampleType(
                title=example.title,
                params=Json(example.params),
                status=example.status,
                body=example.body,
                outcome=example.outcome,
            )
            for example in method.examples
        ],
    )


def trigger_type(trigger: Trigger) -> TriggerType:
    """Return a trigger as the schema shows it."""
    return TriggerType(
        name=trigger.name,
        title=trigger.title,
        description=trigger.description,
        payload_schema=JsonSchema(trigger.payload),
        example=trigger.example,
        required_scopes=list(trigger.scopes),
    )
