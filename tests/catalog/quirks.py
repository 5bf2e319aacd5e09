# ruff: noqa: E501 - the samples are YAML, whose lines are as they are
"""How the format says what is peculiar about well-known providers: one auth method each, in the draft's frame."""

from __future__ import annotations

FRAME = """\
format: patchbay/1
integration: acme
version: 1.0.0
name: Acme
summary: A provider with habits of its own.
stage: EXPERIMENTAL
categories: [custom]
useCases: [Show a habit]
config:
  type: object
  properties:
    tenant: {{title: Tenant, type: string, pattern: '^[a-z0-9.-]+$', default: common}}
    shop: {{title: Shop, type: string, touchesAuthentication: true, pattern: '^[a-z0-9][a-z0-9-]*$', examples: [acme]}}
    region: {{title: Region, type: string, touchesAuthentication: true, pattern: '^[a-z0-9-]+$', examples: [eu-west-1]}}
http:
  baseUrl: {base}
  hosts: {hosts}
  {http}
auth:
  - id: main
    title: Main
{auth}
methods:
  me:
    title: Me
    effect: READ
    http: {{method: GET, path: /me}}
    params: {{type: object}}
    examples:
      - {{title: Me, response: {{body: {{id: u1, name: Ada, items: [{{id: s1, name: Site, url: 'https://x'}}]}}}}}}
test: {{method: me, verifies: It works., expect: ["status == `200`"]}}
changelog:
  - {{version: 1.0.0, date: "2026-11-20", impact: MAJOR, summary: First.}}
"""

TOKEN = "{access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 3600, scope: a b}"

QUIRKS: dict[str, dict[str, str]] = {
    "google: offline access and consent": {
        "hosts": "[www.googleapis.com, accounts.google.com, oauth2.googleapis.com]",
        "base": "https://www.googleapis.com",
        "auth": """
kind: oauth2
authorizeUrl: https://accounts.google.com/o/oauth2/v2/auth
tokenUrl: https://oauth2.googleapis.com/token
revokeUrl: https://oauth2.googleapis.com/revoke
issuer: https://accounts.google.com
authorizeParams: {access_type: offline, prompt: consent, include_granted_scopes: "true"}
scopes: [{name: "https://www.googleapis.com/auth/calendar.readonly", label: See calendars, required: true}]
token: {refreshToken: refresh_token, expiresIn: expires_in, refreshExpiresIn: refresh_token_expires_in, granted: scope, example: {access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 3599, refresh_token_expires_in: 604799, scope: a}}""",
    },
    "google: a service account signs its own assertion": {
        "hosts": "[www.googleapis.com, oauth2.googleapis.com]",
        "base": "https://www.googleapis.com",
        "auth": """
kind: oauth2
grant: jwt_bearer
tokenUrl: https://oauth2.googleapis.com/token
clientAuth: none
credentials: {type: object, properties: {email: {title: Account, type: string}, key: {title: Key, type: string, secret: true, examples: [sandbox-key]}, keyId: {title: Key id, type: string}}}
assertion: {algorithm: RS256, key: "{credentials.key}", keyId: "{credentials.keyId}", lifetimeSeconds: 3600, claims: {iss: "{credentials.email}", aud: "https://oauth2.googleapis.com/token", scope: "https://www.googleapis.com/auth/calendar"}}
token: {expiresIn: expires_in, example: {access_token: sandbox-a, expires_in: 3599, token_type: Bearer}}""",
    },
    "microsoft: tenants, offline_access, error numbers": {
        "hosts": "[graph.microsoft.com, login.microsoftonline.com]",
        "base": "https://graph.microsoft.com/v1.0",
        "auth": f"""
kind: oauth2
authorizeUrl: "https://login.microsoftonline.com/{{config.tenant}}/oauth2/v2.0/authorize"
tokenUrl: "https://login.microsoftonline.com/{{config.tenant}}/oauth2/v2.0/token"
clientAuth: post
authorizeParams: {{prompt: select_account}}
scopes: [{{name: offline_access, label: Stay connected, required: true}}]
callback: {{admin_consent: {{pattern: '^(?i:true|false)$', required: false}}, tenant: {{pattern: '^[0-9a-f-]{{36}}$', keep: tenantId, required: false}}}}
problems:
  - {{when: "contains(body.error_codes, `65001`) || contains(body.error_codes, `90094`)", code: ADMIN_CONSENT_REQUIRED}}
  - {{when: "contains(body.error_codes, `50173`)", code: REAUTHENTICATION_REQUIRED}}
token: {{refreshToken: refresh_token, expiresIn: expires_in, granted: scope, example: {TOKEN}}}""",
    },
    "microsoft: the application itself, with a certificate": {
        "hosts": "[graph.microsoft.com, login.microsoftonline.com]",
        "base": "https://graph.microsoft.com/v1.0",
        "auth": """
kind: oauth2
grant: client_credentials
tokenUrl: "https://login.microsoftonline.com/{config.tenant}/oauth2/v2.0/token"
clientAuth: private_key_jwt
application: {type: object, properties: {privateKey: {title: Private key, type: string, secret: true}, thumbprint: {title: Thumbprint, type: string}}}
scopes: [{name: "https://graph.microsoft.com/.default", label: What the administrator granted, required: true}]
token: {expiresIn: expires_in, example: {access_token: sandbox-a, expires_in: 3599}}""",
    },
    "x: pkce and basic": {
        "hosts": "[api.x.com, x.com]",
        "base": "https://api.x.com/2",
        "auth": f"""
kind: oauth2
authorizeUrl: https://x.com/i/oauth2/authorize
tokenUrl: https://api.x.com/2/oauth2/token
revokeUrl: https://api.x.com/2/oauth2/revoke
clientAuth: basic
scopes: [{{name: offline.access, label: Stay connected, required: true}}]
token: {{refreshToken: refresh_token, expiresIn: expires_in, defaultExpiresIn: 7200, granted: scope, example: {TOKEN}}}
renewal: {{by: refresh_token, rotation: single_use}}""",
    },
    "reddit: permanent duration and a user agent": {
        "hosts": "[oauth.reddit.com, www.reddit.com]",
        "base": "https://oauth.reddit.com",
        "http": 'headers: {User-Agent: "linux:patchbay:1.0"}',
        "auth": f"""
kind: oauth2
authorizeUrl: https://www.reddit.com/api/v1/authorize
tokenUrl: https://www.reddit.com/api/v1/access_token
clientAuth: basic
authorizeParams: {{duration: permanent}}
tokenHeaders: {{User-Agent: "linux:patchbay:1.0"}}
scopeSeparator: ","
token: {{refreshToken: refresh_token, expiresIn: expires_in, example: {TOKEN}}}""",
    },
    "tiktok: client_key, commas, another renewal address, errors in a 200": {
        "hosts": "[open.tiktokapis.com, www.tiktok.com]",
        "base": "https://open.tiktokapis.com",
        "http": "success: \"body.error.code == null || body.error.code == 'ok'\"",
        "auth": """
kind: oauth2
authorizeUrl: https://www.tiktok.com/v2/auth/authorize/
tokenUrl: https://open.tiktokapis.com/v2/oauth/token/
clientAuth: post
names: {client_id: client_key}
scopeSeparator: ","
token: {success: "body.error == null", accessToken: data.access_token, refreshToken: data.refresh_token, expiresIn: data.expires_in, account: {id: data.open_id}, errorDescription: data.description, example: {data: {access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 86400, open_id: o1}}}
renewal: {by: refresh_token, url: "https://open.tiktokapis.com/v2/oauth/refresh/", rotation: single_use}""",
    },
    "facebook: exchange instead of renewal, errors as objects": {
        "hosts": "[graph.facebook.com, www.facebook.com]",
        "base": "https://graph.facebook.com/v20.0",
        "http": "problems: [{when: 'body.error.code == `190`', code: CREDENTIALS_REJECTED}]",
        "auth": """
kind: oauth2
authorizeUrl: https://www.facebook.com/v20.0/dialog/oauth
tokenUrl: https://graph.facebook.com/v20.0/oauth/access_token
revokeUrl: https://graph.facebook.com/v20.0/me/permissions
revokeMethod: DELETE
revokeWith: bearer
clientAuth: post
scopeSeparator: ","
token: {expiresIn: expires_in, error: error.code, errorDescription: error.message, example: {access_token: sandbox-a, expires_in: 5183944}}
problems: [{when: "body.error.code == `190`", code: REAUTHENTICATION_REQUIRED}]
renewal: {by: exchange, atOnce: true, params: {grant_type: fb_exchange_token, fb_exchange_token: "{credentials.accessToken}", client_id: "{application.clientId}", client_secret: "{application.clientSecret}"}}""",
    },
    "linkedin: pkce off, no refresh token": {
        "hosts": "[api.linkedin.com, www.linkedin.com]",
        "base": "https://api.linkedin.com",
        "auth": """
kind: oauth2
authorizeUrl: https://www.linkedin.com/oauth/v2/authorization
tokenUrl: https://www.linkedin.com/oauth/v2/accessToken
pkce: "off"
pkceReason: Web applications that send code_verifier are refused.
clientAuth: post
token: {expiresIn: expires_in, defaultExpiresIn: 5184000, example: {access_token: sandbox-a, expires_in: 5184000}}
renewal: {by: none}""",
    },
    "pinterest: basic and commas": {
        "hosts": "[api.pinterest.com, www.pinterest.com]",
        "base": "https://api.pinterest.com/v5",
        "auth": f"""
kind: oauth2
authorizeUrl: https://www.pinterest.com/oauth/
tokenUrl: https://api.pinterest.com/v5/oauth/token
clientAuth: basic
scopeSeparator: ","
token: {{refreshToken: refresh_token, expiresIn: expires_in, example: {TOKEN}}}""",
    },
    "quickbooks: the company comes with the return": {
        "hosts": "[quickbooks.api.intuit.com, appcenter.intuit.com, oauth.platform.intuit.com, developer.api.intuit.com]",
        "base": '"https://quickbooks.api.intuit.com/v3/company/{account.realmId}"',
        "auth": """
kind: oauth2
authorizeUrl: https://appcenter.intuit.com/connect/oauth2
tokenUrl: https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer
revokeUrl: https://developer.api.intuit.com/v2/oauth2/tokens/revoke
revokeBody: json
clientAuth: basic
callback: {realmId: {pattern: '^[0-9]{10,19}$', keep: realmId}}
token: {refreshToken: refresh_token, expiresIn: expires_in, refreshExpiresIn: x_refresh_token_expires_in, refreshExpiresInToo: [x_refresh_token_hard_expires_in], example: {access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 3600, x_refresh_token_expires_in: 8726400, x_refresh_token_hard_expires_in: 157680000}}
renewal: {by: refresh_token, rotation: single_use, graceSeconds: 86400}""",
    },
    "shopify: a host per shop, a signed return, an own header": {
        "hosts": '["*.myshopify.com"]',
        "base": '"https://{config.shop}.myshopify.com/admin/api/2026-01"',
        "auth": """
kind: oauth2
authorizeUrl: "https://{config.shop}.myshopify.com/admin/oauth/authorize"
tokenUrl: "https://{config.shop}.myshopify.com/admin/oauth/access_token"
clientAuth: post
body: json
scopeSeparator: ","
tokenParams: {expiring: "1"}
callback: {shop: {pattern: '^[a-zA-Z0-9][a-zA-Z0-9-]*\\.myshopify\\.com$', keep: shop}, hmac: {pattern: '^[0-9a-f]{64}$'}, host: {pattern: '^[A-Za-z0-9+/=_-]+$', required: false}}
callbackHmac: hmac
token: {refreshToken: refresh_token, expiresIn: expires_in, granted: scope, grantedSeparator: ",", example: {access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 3600, scope: "read_products,write_orders"}}
place: {in: header, name: X-Shopify-Access-Token, value: "{credentials.accessToken}"}""",
    },
    "notion: basic with a json body": {
        "hosts": "[api.notion.com]",
        "base": "https://api.notion.com/v1",
        "http": "headers: {Notion-Version: '2022-06-28'}",
        "auth": """
kind: oauth2
authorizeUrl: https://api.notion.com/v1/oauth/authorize
tokenUrl: https://api.notion.com/v1/oauth/token
clientAuth: basic
body: json
authorizeParams: {owner: user}
tokenHeaders: {Notion-Version: "2022-06-28"}
token: {account: {id: workspace_id, label: workspace_name}, keep: {botId: bot_id}, example: {access_token: sandbox-a, workspace_id: w1, workspace_name: Acme, bot_id: b1}}""",
    },
    "zoho: the return names the data centre": {
        "hosts": "[accounts.zoho.com, accounts.zoho.eu, accounts.zoho.in, www.zohoapis.com, www.zohoapis.eu, www.zohoapis.in]",
        "base": '"{+account.apiDomain}/crm/v6"',
        "auth": """
kind: oauth2
authorizeUrl: https://accounts.zoho.com/oauth/v2/auth
tokenUrl: "{+account.accounts}/oauth/v2/token"
revokeUrl: "{+account.accounts}/oauth/v2/token/revoke"
clientAuth: post
scopeSeparator: ","
authorizeParams: {access_type: offline, prompt: consent}
callback: {accounts-server: {pattern: '^https://accounts\\.zoho\\.(com|eu|in)$', keep: accounts}, location: {pattern: '^[a-z]{2}$', required: false}}
token: {success: "body.error == null", refreshToken: refresh_token, expiresIn: expires_in, keep: {apiDomain: api_domain}, example: {access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 3600, api_domain: "https://www.zohoapis.eu"}}
place: {in: header, name: Authorization, value: "Zoho-oauthtoken {credentials.accessToken}"}""",
    },
    "box: refresh tokens work once": {
        "hosts": "[api.box.com, account.box.com]",
        "base": "https://api.box.com/2.0",
        "auth": f"""
kind: oauth2
authorizeUrl: https://account.box.com/api/oauth2/authorize
tokenUrl: https://api.box.com/oauth2/token
revokeUrl: https://api.box.com/oauth2/revoke
clientAuth: post
token: {{refreshToken: refresh_token, expiresIn: expires_in, example: {TOKEN}}}
renewal: {{by: refresh_token, rotation: single_use}}""",
    },
    "atlassian: an audience, a reuse window, a site to choose": {
        "hosts": "[api.atlassian.com, auth.atlassian.com]",
        "base": "https://api.atlassian.com",
        "auth": f"""
kind: oauth2
authorizeUrl: https://auth.atlassian.com/authorize
tokenUrl: https://auth.atlassian.com/oauth/token
audience: api.atlassian.com
clientAuth: post
body: json
authorizeParams: {{prompt: consent}}
token: {{refreshToken: refresh_token, expiresIn: expires_in, example: {TOKEN}}}
renewal: {{by: refresh_token, rotation: single_use, graceSeconds: 600}}
afterToken: [{{method: me, items: items, id: id, label: name, keep: {{cloudId: id}}, choose: true}}]""",
    },
    "dropbox: offline by another parameter": {
        "hosts": "[api.dropboxapi.com, www.dropbox.com]",
        "base": "https://api.dropboxapi.com/2",
        "auth": f"""
kind: oauth2
authorizeUrl: https://www.dropbox.com/oauth2/authorize
tokenUrl: https://api.dropboxapi.com/oauth2/token
revokeUrl: https://api.dropboxapi.com/2/auth/token/revoke
revokeWith: bearer
authorizeParams: {{token_access_type: offline}}
token: {{refreshToken: refresh_token, expiresIn: expires_in, example: {TOKEN}}}""",
    },
    "slack: bot and person in one consent": {
        "hosts": "[slack.com]",
        "base": "https://slack.com/api",
        "auth": """
kind: oauth2
authorizeUrl: https://slack.com/oauth/v2/authorize
tokenUrl: https://slack.com/api/oauth.v2.access
scopeSeparator: ","
scopes: [{name: "chat:write", label: Write as the app}, {name: "chat:write", label: Write as you, param: user_scope}]
token: {success: "body.ok == `true`", refreshToken: refresh_token, expiresIn: expires_in, expiresInToo: [authed_user.expires_in], secrets: {userToken: authed_user.access_token, userRefreshToken: authed_user.refresh_token}, example: {ok: true, access_token: sandbox-bot, refresh_token: sandbox-r, expires_in: 43200, authed_user: {access_token: sandbox-user, refresh_token: sandbox-ur, expires_in: 43200}}}
place: [{in: header, name: Authorization, value: "Bearer {credentials.accessToken}"}, {in: header, name: X-Own-User, value: "{credentials.userToken}"}]""",
    },
    "a device without a browser": {
        "hosts": "[api.acme.example]",
        "base": "https://api.acme.example",
        "auth": f"""
kind: oauth2
grant: device_code
deviceUrl: https://api.acme.example/device
tokenUrl: https://api.acme.example/token
clientAuth: none
token: {{refreshToken: refresh_token, expiresIn: expires_in, example: {TOKEN}}}""",
    },
    "tumblr: oauth 1.0a": {
        "hosts": "[api.tumblr.com, www.tumblr.com]",
        "base": "https://api.tumblr.com/v2",
        "auth": """
kind: oauth1
requestUrl: https://www.tumblr.com/oauth/request_token
authorizeUrl: https://www.tumblr.com/oauth/authorize
accessUrl: https://www.tumblr.com/oauth/access_token
signature: HMAC-SHA1
example: {oauth_token: sandbox-token, oauth_token_secret: sandbox-token-secret}""",
    },
    "two steps: a login gives a session that is renewed by another login": {
        "hosts": "[api.acme.example]",
        "base": "https://api.acme.example",
        "http": "expiry: \"body.error == 'session_expired'\"",
        "auth": """
kind: custom
credentials: {type: object, properties: {user: {title: User, type: string, examples: [sandbox-user]}, password: {title: Password, type: string, secret: true, examples: [sandbox-password]}}}
login:
  url: https://api.acme.example/login
  headers: {X-Tenant: "{config.tenant}"}
  body: {user: "{credentials.user}", password: "{credentials.password}"}
  token: {accessToken: session.id, expiresIn: session.ttl, keep: {node: session.node}, example: {session: {id: sandbox-session, ttl: 900, node: n1}}}
  renewal: {by: login}
place: {in: cookie, name: SID, value: "{credentials.accessToken}"}""",
    },
    "several fields in several places": {
        "hosts": "[api.acme.example]",
        "base": "https://api.acme.example",
        "auth": """
kind: custom
credentials: {type: object, properties: {key: {title: Key, type: string, secret: true, examples: [sandbox-key]}, app: {title: App, type: string, examples: [sandbox-app]}}}
place: [{in: query, name: api_key, value: "{credentials.key}"}, {in: header, name: X-App, value: "{credentials.app}"}]""",
    },
    "aws: each request is signed": {
        "hosts": '["*.amazonaws.com"]',
        "base": '"https://s3.{config.region}.amazonaws.com"',
        "auth": """
kind: custom
credentials: {type: object, properties: {id: {title: Access key id, type: string, examples: [sandbox-id]}, secret: {title: Secret access key, type: string, secret: true, examples: [sandbox-secret]}}}
sign: {scheme: aws4, service: s3, region: "{config.region}", accessKeyId: "{credentials.id}", secretAccessKey: "{credentials.secret}"}""",
    },
    "github: an app whose tokens run out, errors in a 200": {
        "hosts": "[api.github.com, github.com]",
        "base": "https://api.github.com",
        "auth": """
kind: oauth2
authorizeUrl: https://github.com/login/oauth/authorize
tokenUrl: https://github.com/login/oauth/access_token
tokenHeaders: {Accept: application/json}
clientAuth: post
token: {success: "body.error == null", refreshToken: refresh_token, expiresIn: expires_in, refreshExpiresIn: refresh_token_expires_in, granted: scope, grantedSeparator: ",", example: {access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 28800, refresh_token_expires_in: 15811200, scope: "repo,user"}}
problems:
  - {when: "body.error == 'incorrect_client_credentials'", code: APPLICATION_REJECTED}
  - {when: "body.error == 'bad_refresh_token'", code: REAUTHENTICATION_REQUIRED}
renewal: {by: refresh_token, rotation: single_use}""",
    },
    "threads: exchange at another address than the first token's": {
        "hosts": "[graph.threads.net, threads.net]",
        "base": "https://graph.threads.net/v1.0",
        "http": "problems: [{when: 'body.error.code == `190`', code: CREDENTIALS_REJECTED}]",
        "auth": """
kind: oauth2
authorizeUrl: https://threads.net/oauth/authorize
tokenUrl: https://graph.threads.net/oauth/access_token
clientAuth: post
scopeSeparator: ","
token: {expiresIn: expires_in, error: error.code, errorDescription: error.message, account: {id: user_id}, example: {access_token: sandbox-a, user_id: u1, expires_in: 5183944}}
problems: [{when: "body.error.code == `190`", code: REAUTHENTICATION_REQUIRED}]
renewal: {by: exchange, atOnce: true, url: https://graph.threads.net/access_token, params: {grant_type: th_exchange_token, access_token: "{credentials.accessToken}", client_secret: "{application.clientSecret}"}}""",
    },
    "tumblr: oauth 2, offline by a scope": {
        "hosts": "[api.tumblr.com, www.tumblr.com]",
        "base": "https://api.tumblr.com/v2",
        "auth": f"""
kind: oauth2
authorizeUrl: https://www.tumblr.com/oauth2/authorize
tokenUrl: https://api.tumblr.com/v2/oauth2/token
clientAuth: post
scopes: [{{name: offline_access, label: Stay connected, required: true}}]
token: {{refreshToken: refresh_token, expiresIn: expires_in, granted: scope, example: {TOKEN}}}
renewal: {{by: refresh_token, rotation: single_use}}""",
    },
    "stripe apps: the secret as the user name of basic": {
        "hosts": "[api.stripe.com, marketplace.stripe.com]",
        "base": "https://api.stripe.com/v1",
        "auth": """
kind: oauth2
authorizeUrl: https://marketplace.stripe.com/oauth/v2/authorize
tokenUrl: https://api.stripe.com/v1/oauth/token
clientAuth: basic_secret
token: {refreshToken: refresh_token, defaultExpiresIn: 3600, account: {id: stripe_user_id}, keep: {livemode: livemode}, example: {access_token: sandbox-a, refresh_token: sandbox-r, stripe_user_id: acct_1, livemode: "false"}}
renewal: {by: refresh_token, rotation: single_use}""",
    },
    "hubspot: refresh tokens that stay, errors by status": {
        "hosts": "[api.hubapi.com, app.hubspot.com]",
        "base": "https://api.hubapi.com",
        "auth": f"""
kind: oauth2
authorizeUrl: https://app.hubspot.com/oauth/authorize
tokenUrl: https://api.hubapi.com/oauth/v1/token
clientAuth: post
token: {{refreshToken: refresh_token, expiresIn: expires_in, error: status, errorDescription: message, example: {TOKEN}}}
problems: [{{when: "contains(['BAD_REFRESH_TOKEN', 'BAD_HUB'], body.status)", code: REAUTHENTICATION_REQUIRED}}, {{when: "body.status == 'BAD_CLIENT_SECRET'", code: APPLICATION_REJECTED}}]
renewal: {{by: refresh_token, rotation: reusable}}""",
    },
    "zoom: basic, refresh tokens work once": {
        "hosts": "[api.zoom.us, zoom.us]",
        "base": "https://api.zoom.us/v2",
        "auth": f"""
kind: oauth2
authorizeUrl: https://zoom.us/oauth/authorize
tokenUrl: https://zoom.us/oauth/token
revokeUrl: https://zoom.us/oauth/revoke
clientAuth: basic
token: {{errorDescription: reason, refreshToken: refresh_token, expiresIn: expires_in, granted: scope, example: {TOKEN}}}
renewal: {{by: refresh_token, rotation: single_use}}""",
    },
    "asana: the person comes with the token": {
        "hosts": "[app.asana.com]",
        "base": "https://app.asana.com/api/1.0",
        "auth": """
kind: oauth2
authorizeUrl: https://app.asana.com/-/oauth_authorize
tokenUrl: https://app.asana.com/-/oauth_token
revokeUrl: https://app.asana.com/-/oauth_revoke
clientAuth: post
token: {refreshToken: refresh_token, expiresIn: expires_in, account: {id: data.gid, label: data.name}, example: {access_token: sandbox-a, refresh_token: sandbox-r, expires_in: 3600, data: {gid: "1", name: Ada}}}
renewal: {by: refresh_token, rotation: reusable}""",
    },
}


def document_of(quirk: dict[str, str]) -> str:
    """Return the whole definition that shows a quirk."""
    auth = "\n".join(f"    {line}" for line in quirk["auth"].strip().splitlines())
    return FRAME.format(
        base=quirk["base"], hosts=quirk["hosts"], http=quirk.get("http", "headers: {}"), auth=auth
    )
