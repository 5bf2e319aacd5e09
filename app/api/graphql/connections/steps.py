"""What a person has to do next in an authorization, as a union."""

from typing import Annotated, TypeAlias

import strawberry

from app.api.graphql.catalog.support_types import DocLinkType
from app.api.graphql.fields import described, object_type, shown
from app.api.graphql.scalars import Json, JsonSchema, Url
from app.authenticators.steps import (
    AccountChoiceStep,
    CredentialFormStep,
    DeviceCodeStep,
    ExternalActionStep,
    RedirectStep,
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
    match step:
        case RedirectStep():
            return shown(RedirectStepType, step, launch_url=authorization.launch_url)
        case CredentialFormStep():
            return shown(CredentialFormStepType, step, docs=[shown(DocLinkType, link) for link in step.docs])
        case DeviceCodeStep():
            return shown(
                DeviceCodeStepType,
                step,
                expires_in_seconds=step.expires_in_s,
                interval_seconds=step.interval_s,
            )
        case AccountChoiceStep():
            options = [shown(AccountOptionType, option) for option in step.options]
            return shown(AccountChoiceStepType, step, options=options)
        case ExternalActionStep():
            values = [CopyValueType(label=label, value=value) for label, value in step.copy_values.items()]
            return shown(ExternalActionStepType, step, copy_values=values)
        case _:
            return NoStepType(title="The hub goes on by itself")
