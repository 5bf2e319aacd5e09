"""The GraphQL documents of the demo: the journey, as a client would write it."""

from __future__ import annotations

from typing import Final

_PROBLEM: Final = "code message remediation { kind text actor }"
_CONNECTION: Final = f"id name status {{ state problem {{ {_PROBLEM} }} }}"
_STEP: Final = """
  __typename
  ... on RedirectStep { launchUrl }
  ... on CredentialFormStep { prefilled }
"""

CATALOG: Final = """
query Catalog {
  integrations(first: 20, orderBy: {field: POPULARITY, direction: DESC}) { nodes { name useCases } }
}"""
CREATE: Final = f"""
mutation Create($input: CreateConnectionInput!) {{
  createConnection(input: $input) {{ connection {{ {_CONNECTION} }} userErrors {{ {_PROBLEM} path }} }}
}}"""
BEGIN: Final = f"""
mutation Begin($input: BeginAuthorizationInput!) {{
  beginAuthorization(input: $input) {{
    authorization {{ id step {{ {_STEP} }} }} userErrors {{ {_PROBLEM} path }}
  }}
}}"""
SUBMIT: Final = f"""
mutation Submit($input: SubmitCredentialsInput!) {{
  submitCredentials(input: $input) {{ authorization {{ id state }} userErrors {{ {_PROBLEM} path }} }}
}}"""
AUTH_STATE: Final = f"""
subscription AuthState($connectionId: ID!) {{
  authState(by: {{connectionId: $connectionId}}) {{ seq state problem {{ {_PROBLEM} }} }}
}}"""
TEST: Final = f"""
mutation Test($input: TestConnectionInput!) {{
  testConnection(input: $input) {{
    testRun {{ id verdict durationMs problem {{ {_PROBLEM} }} }} userErrors {{ {_PROBLEM} path }}
  }}
}}"""
PROGRESS: Final = f"""
subscription Progress($runId: ID!) {{
  testProgress(runId: $runId) {{
    seq
    step {{ kind title state message durationMs }}
    testRun {{ id verdict durationMs problem {{ {_PROBLEM} }} }}
  }}
}}"""
ACTIVATE: Final = f"""
mutation Activate($input: ActivateConnectionInput!) {{
  activateConnection(input: $input) {{ connection {{ {_CONNECTION} }} userErrors {{ {_PROBLEM} path }} }}
}}"""
LIST: Final = f"""
query Connections {{
  connections(first: 50) {{ nodes {{ {_CONNECTION} integration {{ name }} }} }}
}}"""
DELETE: Final = f"""
mutation Delete($input: DeleteConnectionInput!) {{
  deleteConnection(input: $input) {{ userErrors {{ {_PROBLEM} }} }}
}}"""
