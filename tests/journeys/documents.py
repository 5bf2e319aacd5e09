"""The GraphQL documents of the journeys, as a client would write them."""

from __future__ import annotations

_PROBLEM = "code message path retryable remediation { kind text actor } docsUrl"
_PROVIDER = "... on ProviderProblem { providerStatus providerCode }"
CONNECTION_FIELDS = f"""
id name integrationKey pinnedVersion mode config revision isTested
status {{ state since problem {{ {_PROBLEM} }} }}
nextSteps {{ key state mutation problems {{ code }} }}
auth {{
  method requestedScopes grantedScopes missingScopes canRenew expiresAt refreshedAt account {{ id label }}
}}
lastTestRun {{ id state verdict steps {{ kind state }} }}
"""
_STEP = """
__typename
... on RedirectStep { launchUrl redirectUri scopes }
... on CredentialFormStep { schema prefilled }
... on AccountChoiceStep { options { id label } }
... on DeviceCodeStep { userCode verificationUrl verificationUrlComplete intervalSeconds }
"""
_AUTHORIZATION = f"id state seq isFinal step {{ {_STEP} }} problem {{ {_PROBLEM} {_PROVIDER} }}"
_RUN = f"""
id state verdict seq durationMs problem {{ {_PROBLEM} {_PROVIDER} }}
steps {{ kind state title message durationMs evidence problem {{ {_PROBLEM} }} exchange {{ asCurl }} }}
"""

CONNECTION = f"query Connection($id: ID!) {{ connection(by: {{id: $id}}) {{ {CONNECTION_FIELDS} }} }}"
CONNECTIONS = (
    "query Connections { connections(first: 100) { totalCount nodes { id name status { state } } } }"
)
TEST_RUN = f"query TestRun($id: ID!) {{ testRun(id: $id) {{ {_RUN} }} }}"
AUTHORIZATION = f"query Authorization($id: ID!) {{ authorization(id: $id) {{ {_AUTHORIZATION} }} }}"
EVENTS = """
query Events($after: EventCursor, $connections: [ID!]) {
  events(after: $after, first: 100, filter: {connectionIds: $connections}) {
    cursor hasMore reset { reason } events { id cursor type connectionId data actor { kind label } }
  }
}"""

AUTH_STATE = f"""
subscription AuthState($by: AuthStateBy!, $afterSeq: Int) {{
  authState(by: $by, afterSeq: $afterSeq) {{
    seq state at isFinal step {{ {_STEP} }} problem {{ {_PROBLEM} }} authorization {{ id }}
  }}
}}"""
PROGRESS = f"""
subscription Progress($runId: ID!, $afterSeq: Int) {{
  testProgress(runId: $runId, afterSeq: $afterSeq) {{
    seq isFinal step {{ kind state message durationMs }} testRun {{ {_RUN} }}
  }}
}}"""
STATUS = """
subscription Status($filter: ConnectionFilter) {
  connectionStatus(filter: $filter) { connectionId matches status { state problem { code } } asOf }
}"""
FOLLOW_EVENTS = """
subscription FollowEvents($after: EventCursor, $filter: EventFilter) {
  events(after: $after, filter: $filter) {
    __typename
    ... on EventBatch { cursor hasMorePast events { id cursor type connectionId data } }
    ... on StreamCheckpoint { cursor }
    ... on StreamReset { reason latest }
  }
}"""


def _verb(name: str, selection: str) -> str:
    input_type = f"{name[0].upper()}{name[1:]}Input"
    return (
        f"mutation Verb($input: {input_type}!) {{ {name}(input: $input) "
        f"{{ {selection} userErrors {{ {_PROBLEM} {_PROVIDER} }} }} }}"
    )


_ON_CONNECTIONS = (
    "createConnection",
    "updateConnection",
    "updateConnectionConfig",
    "activateConnection",
    "pauseConnection",
    "resumeConnection",
    "refreshCredentials",
    "disconnect",
)
_ON_AUTHORIZATIONS = (
    "beginAuthorization",
    "reauthorize",
    "submitCredentials",
    "chooseAccount",
    "cancelAuthorization",
)
VERBS = {
    **{name: _verb(name, f"connection {{ {CONNECTION_FIELDS} }} asOf") for name in _ON_CONNECTIONS},
    **{name: _verb(name, f"authorization {{ {_AUTHORIZATION} }}") for name in _ON_AUTHORIZATIONS},
    "testConnection": _verb("testConnection", f"testRun {{ {_RUN} }}"),
    "deleteConnection": _verb("deleteConnection", "deletedConnectionId name asOf"),
    "saveApplication": _verb(
        "saveApplication", "application { id name origins redirectUri clientId revision }"
    ),
}
