"""What an integration can be asked and what it can announce, as the schema shows it."""

import app.api.graphql.catalog.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.fields import described, object_type, shown
from app.api.graphql.scalars import Json, JsonSchema
from app.catalog.definition import Effect, Method, Trigger


@object_type("A sample call of a method with its answer.")
class MethodExampleType:
    title: str = described("What it shows.")
    params: Json = described("The parameters sent.")
    status: int = described("The HTTP status answered.")
    body: Json | None = described("The body answered.")
    outcome: str | None = described("The problem code, where the answer is a failure.")


@object_type("Something that an integration can be asked to do.")
class MethodType:
    name: str = described("Its name.")
    title: str = described("What it is called.")
    description: str | None = described("What it does.")
    effect: Effect = described("What it does to the outside system.")
    is_idempotent: bool = described("Whether doing it twice is the same as doing it once.")
    params_schema: JsonSchema = described("Its parameters.")
    result_schema: JsonSchema | None = described("Its result, where the definition describes it.")
    required_scopes: list[str] = described("The scopes that it needs.")
    examples: list[MethodExampleType] = described("Sample calls.")


@object_type("Something that an integration can announce by webhook.")
class TriggerType:
    name: str = described("Its name.")
    title: str = described("What it is called.")
    description: str | None = described("When it is announced.")
    payload_schema: JsonSchema = described("What it carries.")
    example: Json | None = described("A sample payload.")
    required_scopes: list[str] = described("The scopes that it needs.")


def method_type(method: Method) -> MethodType:
    return shown(
        MethodType,
        method,
        is_idempotent=method.idempotent,
        params_schema=method.params,
        result_schema=method.result,
        required_scopes=method.scopes,
        examples=[shown(MethodExampleType, example) for example in method.examples],
    )


def trigger_type(trigger: Trigger) -> TriggerType:
    return shown(TriggerType, trigger, payload_schema=trigger.payload, required_scopes=trigger.scopes)
