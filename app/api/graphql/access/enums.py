"""The access room's enums in the schema."""

from __future__ import annotations

from app.access.actor import ActorKind
from app.access.policy import Permission, Role
from app.api.graphql.describe import describe_enum

describe_enum(
    ActorKind,
    "What kind of actor it is.",
    {"MEMBER": "A person.", "TOKEN": "An access token.", "SYSTEM": "The hub itself."},
)
describe_enum(
    Role,
    "A member's role in a workspace.",
    {
        "OWNER": "May do everything.",
        "ADMIN": "May do everything but manage members.",
        "EDITOR": "May make, authorize, test and use connections.",
        "OPERATOR": "May look, test connections, refresh their credentials, pause and resume them.",
        "VIEWER": "May look.",
    },
)
describe_enum(
    Permission,
    "What an actor may be allowed to do.",
    {
        "CATALOG_READ": "Read the catalog.",
        "CONNECTIONS_READ": "See connections, authorizations and test runs.",
        "CONNECTIONS_WRITE": "Make, change, activate, disconnect and delete connections.",
        "CONNECTIONS_AUTHORIZE": "Authorize connections.",
        "CONNECTIONS_OPERATE": "Pause and resume connections, and refresh their credentials.",
        "CONNECTIONS_TEST": "Run connection tests.",
        "CONNECTIONS_USE": "Call methods through connections.",
        "APPLICATIONS_READ": "See applications.",
        "APPLICATIONS_WRITE": "Save and delete applications.",
        "EVENTS_READ": "Read the event stream.",
        "AUDIT_READ": "Read the audit log.",
        "WORK_READ": "See how background work stands.",
        "MEMBERS_WRITE": "Manage members.",
        "TOKENS_WRITE": "Make and revoke access tokens.",
    },
)
