# ruff: noqa: E501 - the draft is YAML, whose lines are as they are
"""A small complete definition as text, and what the loader says once a line of it was changed."""

from __future__ import annotations

from app.catalog.faults import DefinitionFault
from app.catalog.loader import load_text

DRAFT = """\
format: patchbay/1
integration: acme
version: 1.1.0
name: Acme
summary: Orders of the Acme shop.
stage: AVAILABLE
categories: [commerce]
useCases: [Read orders]
config:
  type: object
  properties:
    shop: {title: Shop, type: string, touchesAuthentication: true, pattern: '^[a-z0-9-]+$', examples: [acme]}
    base: {title: Base, type: string, touchesAuthentication: true, format: uri, pattern: '^https://[a-z0-9.-]+(/[a-z0-9/]*)?$', examples: ["https://x.example"]}
    how: {title: How, type: string, enum: [basic, post]}
    scopes: {title: Scopes, type: string}
    start: {title: Start, type: string, pattern: '^/([a-z][a-z/]*)?$'}
    header: {title: Header, type: string, pattern: '^X-[A-Za-z]+$'}
    list: {title: List, type: string, options: {method: orders.list, pick: "orders[].{value: id, label: name}"}}
http:
  baseUrl: https://api.acme.example
  hosts: [api.acme.example, "*.acme.example", "{config.base}"]
  headers: {X-Team: "{account.team}"}
  success: "body.ok == `true`"
  problems:
    - {when: "body.error == 'no_scope'", code: MISSING_SCOPE, details: {missing: body.needed}}
auth:
  - id: oauth
    kind: oauth2
    title: Sign in
    prepare: Register {redirectUri} there.
    application: {type: object, properties: {tenant: {title: Tenant, type: string}, hook: {title: Hook key, type: string, secret: true}}}
    authorizeUrl: https://{config.shop}.acme.example/authorize
    tokenUrl: https://api.acme.example/token
    revokeUrl: https://api.acme.example/revoke
    clientAuth: basic
    scopes: [{name: orders, label: Read orders}]
    callback: {shopId: {pattern: '^[0-9]+$', keep: shopId}}
    token:
      success: "body.ok == `true`"
      refreshToken: refresh_token
      expiresIn: expires_in
      account: {id: team.id, label: team.name}
      keep: {team: team.id}
      example: {ok: true, access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 60, team: {id: t1, name: Team}}
    afterToken:
      - {method: me.get, items: "[@]", id: id, label: name, keep: {me: id}}
    renewal: {by: refresh_token}
  - id: key
    kind: api_key
    title: Key
    credentials:
      type: object
      required: [key]
      properties:
        key: {title: Key, type: string, secret: true, examples: [sandbox-key]}
    place: {in: header, name: X-Key, value: "{credentials.key}"}
methods:
  me.get:
    title: Who am I
    effect: READ
    http: {method: GET, path: /me}
    params: {type: object}
    result: {type: object, required: [id]}
    examples:
      - {title: Me, response: {body: {ok: true, id: u1, name: Ada}}}
      - {title: No scope, response: {body: {ok: false, error: no_scope, needed: orders}}, outcome: MISSING_SCOPE}
  orders.list:
    title: List orders
    effect: READ
    http: {method: GET, path: /orders}
    params: {type: object, properties: {cursor: {type: string, in: query}}}
    scopes: [orders]
    pagination: {style: cursor, send: cursor, next: next}
    examples:
      - {title: One, response: {body: {ok: true, orders: [{id: o1, name: First}]}}}
  orders.change:
    title: Change an order
    effect: WRITE
    http: {method: POST, path: "/orders/{params.id}"}
    params:
      type: object
      required: [id]
      properties:
        id: {type: string, in: path}
        note: {type: string, in: body, maxLength: 9}
    examples:
      - title: Changed
        params: {id: o1, note: Hello}
        response: {body: {ok: true, note: Hello}}
        echo: {note: note}
triggers:
  order.placed: {title: An order was placed, payload: {type: object}, example: {id: o1}, scopes: [orders]}
webhooks:
  signature: {scheme: hmac, secret: application.hook, header: X-Signature}
  eventId: body.id
test:
  method: me.get
  verifies: The key works.
  expect: ["body.ok == `true`"]
troubleshooting:
  - {code: MISSING_SCOPE, looksLike: It fails., do: [Add it.], who: USER}
upgrade:
  - {from: 1.0.x, config: [{rename: {from: store, to: shop}}], scopesAdded: [orders]}
changelog:
  - {version: 1.1.0, date: "2026-11-20", impact: MINOR, summary: More.}
  - {version: 1.0.0, date: "2026-11-01", impact: MAJOR, summary: First.}
"""


def faults_of(text: str) -> tuple[DefinitionFault, ...]:
    """Return what the loader says about a text."""
    return load_text(text.encode(), "acme/1.1.0.yaml").faults


def changed(old: str, new: str) -> str:
    """Return the draft with ``old``, which must stand in it once, replaced by ``new``."""
    assert DRAFT.count(old) == 1, (old, DRAFT.count(old))
    return DRAFT.replace(old, new)


def line_of(text: str, part: str) -> int:
    """Return the line, counted from 1, in which ``part`` first stands."""
    return text[: text.index(part)].count("\n") + 1
