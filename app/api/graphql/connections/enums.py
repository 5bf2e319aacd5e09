"""The connections room's enums in the schema."""

from __future__ import annotations

from enum import StrEnum

from app.api.graphql.describe import describe_enum
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AccessScope, AuthorizationStateName, SetupStepState
from app.credentials.snapshot import Mode, RevocationState

describe_enum(
    ConnectionState,
    "The states of a connection.",
    {
        "DRAFT": "Being set up.",
        "PENDING_AUTHENTICATION": "Configured, without usable credentials.",
        "AUTHENTICATED": "Credentials are sealed; not yet activated.",
        "CONNECTED": "Usable.",
        "DEGRADED": "Usable; the last check failed for a passing reason.",
        "AUTHENTICATION_ERROR": "Credentials refused, expired or revoked: needs a person.",
        "PAUSED": "Paused by a person.",
        "DISCONNECTED": "Credentials destroyed.",
    },
)
describe_enum(
    Mode,
    "Whether a connection talks to the outside world.",
    {
        "LIVE": "It talks to the outside system.",
        "SANDBOX": "It talks to the hub's own simulator and to nothing else.",
    },
    name="ConnectionMode",
)
describe_enum(
    AccessScope,
    "Whose connection it is.",
    {"WORKSPACE": "The whole workspace's.", "CLIENT": "One client's.", "USER": "One person's."},
)
describe_enum(
    SetupStepState,
    "The state of a set-up step.",
    {
        "DONE": "Done.",
        "READY": "Can be done now.",
        "BLOCKED": "Its problems have to be solved first.",
        "OPTIONAL": "Can be done, need not be.",
    },
)
describe_enum(
    AuthorizationStateName,
    "The states of an authorization.",
    {
        "CREATED": "Begun.",
        "AWAITING_USER": "Somebody has to open the link and sign in.",
        "AWAITING_INPUT": "Somebody has to fill in a form or choose.",
        "EXCHANGING": "The hub asks the provider for credentials.",
        "VERIFYING": "The hub checks what it got.",
        "AUTHENTICATED": "Done: the credentials are sealed.",
        "FAILED": "Ended by a fault; its problem says which.",
        "EXPIRED": "Not completed in time.",
        "CANCELLED": "Cancelled by a person.",
    },
)


class Presentation(StrEnum):
    """What the caller does with a launch URL."""

    POPUP = "POPUP"
    REDIRECT = "REDIRECT"
    NONE = "NONE"


describe_enum(
    Presentation,
    "How the sign-in page is shown.",
    {
        "POPUP": "In a window of its own. At the end it notifies the page that opened it and closes itself: by "
        "`postMessage`, to the hub's origin and those of PATCHBAY_ALLOWED_ORIGINS, and on the BroadcastChannel "
        "`patchbay`, it says `{type: 'patchbay.authorization', authorization, connection, state, problem}`.",
        "REDIRECT": "In the same tab, which comes back to `returnTo`.",
        "NONE": "The caller takes care of it.",
    },
    name="AuthorizationPresentation",
)


class ConnectionSort(StrEnum):
    """Orders that an index makes cheap."""

    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    STATE = "STATE"


describe_enum(
    ConnectionSort,
    "What connections are sorted by.",
    {
        "NAME": "The name, ignoring case.",
        "CREATED_AT": "When it was made.",
        "UPDATED_AT": "When it was changed last.",
        "STATE": "The state, by its name.",
    },
)
describe_enum(
    RevocationState,
    "What became of credentials at the provider.",
    {
        "PENDING": "Tried in the background until the provider answers; the hub itself cannot use them any more.",
        "REVOKED": "Everything that was held is dead at the provider.",
        "PARTLY_REVOKED": "What `alive` names lives on there until `expiresAt`, or until it is revoked there.",
        "NOT_OFFERED": "The provider offers no revocation: what `alive` names lives on there.",
        "GAVE_UP": "The provider could not be reached in time: what was held may live on there.",
        "REFUSED": "The provider refused it, or it may not be sent where it would go: `problem` says which.",
    },
)
