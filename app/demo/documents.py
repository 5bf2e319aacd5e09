"""The GraphQL documents of the demo: the journey, as a client would write it."""

from __future__ import annotations

from typing import Final

_PROBLEM: Final = "code message remediation { kind text actor }"
_CONNECTION: Final = f"id name status {{ state problem {{ {_PROBLEM} }} }}"
_RUN: Final = f"testRun {{ id verdict durationMs problem {{ {_PROBLEM} }} }}"
_STEP: Final = "step { __typename ... on RedirectStep { launchUrl } ... on CredentialFormStep { prefilled } }"


def _mutation(name: str, kind: str, selection: str) -> str:
    return f"""
mutation Run($input: {kind}!) {{
  {name}(input: $input) {{ {selection} userErrors {{ {_PROBLEM} path }} }}
}}"""


CATALOG: Final = """
query Catalog {
  integrations(first: 20, orderBy: {field: POPULARITY, direction: DESC}) { nodes { name useCases } }
}"""
CREATE: Final = _mutation("createConnection", "CreateConnectionInput", f"connection {{ {_CONNECTION} }}")
BEGIN: Final = _mutation("beginAuthorization", "BeginAuthorizationInput", f"authorization {{ id {_STEP} }}")
SUBMIT: Final = _mutation("submitCredentials", "SubmitCredentialsInput", "authorization { id state }")
AUTH_STATE: Final = f"""
subscription AuthState($connectionId: ID!) {{
  authState(by: {{connectionId: $connectionId}}) {{ seq state problem {{ {_PROBLEM} }} }}
}}"""
TEST: Final = _mutation("testConnection", "TestConnectionInput", _RUN)
PROGRESS: Final = f"""
subscription Progress($runId: ID!) {{
  testProgress(runId: $runId) {{ seq step {{ kind title state message durationMs }} {_RUN} }}
}}"""
ACTIVATE: Final = _mutation(
    "activateConnection", "ActivateConnectionInput", f"connection {{ {_CONNECTION} }}"
)
LIST: Final = f"""
query Connections {{
  connections(first: 50) {{ nodes {{ {_CONNECTION} integration {{ name }} }} }}
}}"""
DELETE: Final = _mutation("deleteConnection", "DeleteConnectionInput", "")
