"""The event stream's enums in the schema."""

from __future__ import annotations

from app.api.graphql.describe import describe_enum
from app.event_stream.event import EventType, ResetReason

describe_enum(
    EventType,
    "What happened, in the past tense. Types are added, never renamed: ignore one you do not know.",
    {
        "CONNECTION_CREATED": "A connection was made.",
        "CONNECTION_UPDATED": "A connection's name or description changed.",
        "CONNECTION_CONFIG_CHANGED": "A connection's configuration changed.",
        "CONNECTION_ACCESS_CHANGED": "Who may use a connection changed.",
        "CONNECTION_STATE_CHANGED": "A connection came to another state, or its problem changed.",
        "CONNECTION_DELETED": "A connection was deleted.",
        "AUTHORIZATION_BEGUN": "An authorization was begun.",
        "AUTHORIZATION_STATE_CHANGED": "An authorization came to another state.",
        "CREDENTIALS_SEALED": "Credentials were sealed.",
        "CREDENTIALS_RENEWED": "Credentials were renewed.",
        "CREDENTIALS_RENEWAL_FAILED": "Credentials could not be renewed.",
        "CREDENTIALS_RECOVERED": "Credentials that had failed work again.",
        "CREDENTIALS_REVOKED": "Credentials were revoked.",
        "METHOD_CALLED": "A method was called.",
        "CONNECTION_TEST_SAVED": "A connection test was saved.",
        "CONNECTION_TEST_UPDATED": "A saved connection test changed.",
        "CONNECTION_TEST_DELETED": "A saved connection test was deleted.",
        "TEST_RUN_STARTED": "A test run started.",
        "TEST_RUN_STEP_FINISHED": "A step of a test run finished.",
        "TEST_RUN_FINISHED": "A test run finished.",
        "APPLICATION_SAVED": "An application was saved.",
        "APPLICATION_DELETED": "An application was deleted.",
        "APPLICATION_REJECTED": "A provider rejected an application.",
        "WORKSPACE_CREATED": "The workspace was made.",
        "MEMBER_JOINED": "A member joined.",
        "MEMBER_LEFT": "A member left.",
        "TOKEN_CREATED": "An access token was made.",
        "TOKEN_REVOKED": "An access token was revoked.",
        "SIGN_IN_LINK_CREATED": "A one-time sign-in link was made.",
        "SESSION_STARTED": "Somebody signed in.",
        "SESSION_ENDED": "Somebody signed out, or was signed out.",
    },
)
describe_enum(
    ResetReason,
    "Why a stream cannot go on from its follower's position.",
    {
        "CURSOR_EXPIRED": "Events behind the cursor are gone, or it is not of this stream's past.",
        "SLOW_CONSUMER": "The follower read too slowly.",
        "FILTER_NARROWED": "The follower may see less than before.",
    },
)
