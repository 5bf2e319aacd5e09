"""Who may do what, in one table: the fields of the schema's roots, the types of nodes, fields with a rule of their own.

A row names the scopes that a token needs, and marks with ``+`` the roles whose members are let through. ``anybody``
needs no credentials, ``-`` needs credentials and no scope. What is refused is answered FORBIDDEN (or PERMISSION_DENIED
in ``userErrors``); a row with ``null`` behind it is answered null.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.access.policy import Permission, Role

ROLES = (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.OPERATOR, Role.VIEWER)
TABLE = """
operation                            scopes of a token                         OWNER ADMIN EDITOR OPERATOR VIEWER
Query.viewer                         anybody                                     +     +     +       +       +
Query.hub                            -                                           +     +     +       +       +
Query.node                           -                                           +     +     +       +       +
Query.nodes                          -                                           +     +     +       +       +
Query.integrations                   catalog:read                                +     +     +       +       +
Query.integrations(isConnected)      catalog:read connections:read               +     +     +       +       +
Query.integration                    catalog:read                                +     +     +       +       +
Query.integration(key)               catalog:read                                +     +     +       +       +
Query.validateConfig                 catalog:read                                +     +     +       +       +
Query.connections                    connections:read                            +     +     +       +       +
Query.connection                     connections:read                            +     +     +       +       +
Query.connection(name)               connections:read                            +     +     +       +       +
Query.authorization                  connections:read                            +     +     +       +       +
Query.connectionOptions              connections:read connections:use            +     +     +       .       .
Query.testRun                        connections:read                            +     +     +       +       +
Query.applications                   applications:read                           +     +     +       +       +
Query.application                    applications:read                           +     +     +       +       +
Query.events                         events:read                                 +     +     +       +       +
Query.auditLog                       audit:read                                  +     +     .       .       .
Query.backgroundWork                 work:read                                   +     +     .       .       .
Viewer.tokens                        tokens:write                                +     +     .       .       .     null

Node.Integration                     catalog:read                                +     +     +       +       +
Node.IntegrationVersion              catalog:read                                +     +     +       +       +
Node.Connection                      connections:read                            +     +     +       +       +
Node.Authorization                   connections:read                            +     +     +       +       +
Node.Revocation                      connections:read                            +     +     +       +       +
Node.TestRun                         connections:read                            +     +     +       +       +
Node.Application                     applications:read                           +     +     +       +       +
Node.Event                           events:read                                 +     +     +       +       +
Node.AccessToken                     tokens:write                                +     +     .       .       .
Node.Workspace                       -                                           +     +     +       +       +
Node.AuditEntry                      audit:read                                  +     +     .       .       .

Mutation.createConnection            connections:write                           +     +     +       .       .
Mutation.updateConnection            connections:write                           +     +     +       .       .
Mutation.updateConnectionConfig      connections:write                           +     +     +       .       .
Mutation.activateConnection          connections:write                           +     +     +       .       .
Mutation.pauseConnection             connections:operate                         +     +     +       +       .
Mutation.resumeConnection            connections:operate                         +     +     +       +       .
Mutation.disconnect                  connections:write                           +     +     +       .       .
Mutation.deleteConnection            connections:write                           +     +     +       .       .
Mutation.refreshCredentials          connections:operate                         +     +     +       +       .
Mutation.beginAuthorization          connections:authorize                       +     +     +       .       .
Mutation.reauthorize                 connections:authorize                       +     +     +       .       .
Mutation.submitCredentials           connections:authorize                       +     +     +       .       .
Mutation.chooseAccount               connections:authorize                       +     +     +       .       .
Mutation.completeAuthorization       connections:authorize                       +     +     +       .       .
Mutation.cancelAuthorization         connections:authorize                       +     +     +       .       .
Mutation.testConnection              connections:test connections:read           +     +     +       +       .
Mutation.cancelTestRun               connections:test connections:read           +     +     +       +       .
Mutation.saveApplication             applications:write                          +     +     .       .       .
Mutation.deleteApplication           applications:write                          +     +     .       .       .
Mutation.createToken                 tokens:write                                +     +     .       .       .
Mutation.revokeToken                 tokens:write                                +     +     .       .       .

Subscription.connectionStatus        connections:read                            +     +     +       +       +
Subscription.authState               connections:read                            +     +     +       +       +
Subscription.testProgress            connections:read                            +     +     +       +       +
Subscription.events                  events:read                                 +     +     +       +       +
"""


@dataclass(frozen=True)
class Row:
    """One line. ``scopes`` None: nobody has to be signed in."""

    operation: str
    scopes: frozenset[Permission] | None
    roles: frozenset[Role]
    is_null: bool

    @property
    def parent(self) -> str:
        return self.operation.split(".")[0]

    @property
    def field(self) -> str:
        return self.operation.split(".")[1].split("(")[0]


def _row(line: str) -> Row:
    operation, rest = line.split(maxsplit=1)
    words = rest.split()
    marks = [word for word in words if word in {"+", "."}]
    scopes = [word for word in words if ":" in word]
    assert len(marks) == len(ROLES), line
    needed = None if "anybody" in words else frozenset(map(Permission, scopes))
    roles = frozenset(role for role, mark in zip(ROLES, marks, strict=True) if mark == "+")
    return Row(operation, needed, roles, is_null="null" in words)


ROWS = tuple(_row(line) for line in TABLE.splitlines()[2:] if line.strip())
