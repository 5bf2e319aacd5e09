"""What a person has to do next in an authorization, as a union."""

from typing import Annotated, TypeAlias

import strawberry

from app.api.graphql.catalog.support_types import DocLinkType
from app.api.graphql.fields import described, object_type
from app.api.graphql.scalars import Json, JsonSchema, Url
from app.authenticators.steps import (
    AccountChoiceStep,
    CredentialFormStep,
    DeviceCodeStep,
    ExternalActionStep,
    RedirectStep,
    Step,
)
from app.connections.snapshot import AuthorizationSnapshot


@object_type("Open a link in the browser of whoever signs in, and consent.")
class RedirectStepType:
    title: str = described("What to do, in a few words.")
    launch_url: Url | None = described(
        "The hub's own link: it binds the sign-in to the browser that opens it."
    )
    redirect_uri: Url = described("Where the provider sends the browser back; registered there.")
    scopes: list[str] = described("The scopes that are asked for.")


@object_type("Fill in a form and send it with `submitCredentials`.")
class CredentialFormStepType:
    title: str = described("What to do, in a few words.")
    schema: JsonSchema = described("The form.")
    help: str | None = described("Where to find what is asked for.")
    docs: list[DocLinkType] = described("Documentation about it.")
    prefilled: Json = described("Made-up values to try with; set in sandbox mode only.")


@object_type("Enter a code on any device (RFC 8628); the hub keeps asking.")
class DeviceCodeStepType:
    title: str = described("What to do, in a few words.")
    user_code: str = described("The code to enter.")
    verification_url: Url = described("Where to enter it.")
    verification_url_complete: Url | None = described("The same with the code in it.")
    expires_in_seconds: int = described("How long the code was valid when it was given out.")
    interval_seconds: int = described("How often the hub asks.")


@object_type("An account that can be chosen.")
class AccountOptionType:
    id: str = described("What `chooseAccount` takes.")
    label: str = described("What the account is called.")


@object_type("Choose one of several accounts with `chooseAccount`.")
class AccountChoiceStepType:
    title: str = described("What to do, in a few words.")
    options: list[AccountOptionType] = described("The accounts.")


@object_type("A value to take to the provider.")
class CopyValueType:
    label: str = described("What it is called there.")
    value: str = described("The value to copy.")


@object_type("Do something at the provider first.")
class ExternalActionStepType:
    title: str = described("What to do, in a few words.")
    instructions: str = described("How to do it.")
    url: Url | None = described("Where to do it.")
    copy_values: list[CopyValueType] = described("Values to copy there.")


@object_type("Nobody has to do anything: the hub goes on by itself.")
class NoStepType:
    title: str = described("What the hub does.")


AuthorizationStepType: TypeAlias = Annotated[
    RedirectStepType
    | CredentialFormStepType
    | DeviceCodeStepType
    | AccountChoiceStepType
    | ExternalActionStepType
    | NoStepType,
    strawberry.union(
        "AuthorizationStep",
        description="What has to be done next. Members are added: fall back to the authorization's state.",
    ),
]


def authorization_step_type(authorization: AuthorizationSnapshot) -> AuthorizationStepType | None:
    """Return the step of an authorization as it is now."""
    step = authorization.step
    if step is None:
        return None
    if isinstance(step, RedirectStep):
        return RedirectStepType(
            title=step.title,
            launch_url=_url(authorization.launch_url),
            redirect_uri=Url(step.redirect_uri),
            scopes=list(step.scopes),
        )
    return _others(step)


def _others(step: Step) -> AuthorizationStepType:
    match step:
        case CredentialFormStep():
            docs = [DocLinkType(title=link.title, url=Url(link.url)) for link in step.docs]
            return CredentialFormStepType(
                title=step.title,
                schema=JsonSchema(step.schema),
                help=step.help,
                docs=docs,
                prefilled=Json(step.prefilled),
            )
        case DeviceCodeStep():
            return DeviceCodeStepType(
                title=step.title,
                user_code=step.user_code,
                verification_url=Url(step.verification_url),
                verification_url_complete=_url(step.verification_url_complete),
                expires_in_seconds=step.expires_in_s,
                interval_seconds=step.interval_s,
            )
        case AccountChoiceStep():
            options = [AccountOptionType(id=option.id, label=option.label) for option in step.options]
            return AccountChoiceStepType(title=step.title, options=options)
        case ExternalActionStep():
            values = [CopyValueType(label=label, value=value) for label, value in step.copy_values.items()]
            return ExternalActionStepType(
                title=step.title, instructions=step.instructions, url=_url(step.url), copy_values=values
            )
        case _:
            return NoStepType(title="The hub goes on by itself")


def _url(value: str | None) -> Url | None:
    return None if value is None else Url(value)
