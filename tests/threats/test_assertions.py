"""O14: an assertion lives shortly, is for one endpoint and used once; its key is sealed like a token (RFC 7523 3)."""

from __future__ import annotations

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from app.catalog.definition import GrantType
from tests.canary import register, secret
from tests.hubs import CATALOG
from tests.journeys.plans import Plan
from tests.threats.provider import form_of

TOKEN_URL = "https://oauth2.googleapis.com/token"
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = RSAKey.import_key(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
ENTERED = {"email": "robot@example.iam.gserviceaccount.com", "key": PEM, "keyId": "k1"}
register(PEM.splitlines()[3])


class TokenEndpoint:
    """Verifies assertions as RFC 7523 3 says, by a clock that may be ahead of the hub's or behind it."""

    def __init__(self, scene, plan_url=TOKEN_URL, ahead_s=0):
        self.clock = scene.clock
        self.ahead_s = ahead_s
        self.audience = plan_url
        self.headers: list[dict] = []
        self.claims: list[dict] = []
        scene.provider.instead["/token"] = self

    def __call__(self, request):
        assertion = jwt.decode(form_of(request)["assertion"], PUBLIC, algorithms=["RS256"])
        self.headers.append(assertion.header)
        self.claims.append(claims := assertion.claims)
        now = self.clock.now().timestamp() + self.ahead_s
        is_good = (
            claims["aud"] == self.audience
            and claims["iat"] <= now < claims["exp"]
            and [known["jti"] for known in self.claims].count(claims["jti"]) == 1
        )
        if not is_good:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": "Invalid JWT"})
        body = {"access_token": secret("access-"), "token_type": "Bearer", "expires_in": 3600}
        return httpx.Response(200, json=body)


async def entered(scene, integration="brief", **changes):
    """Enter the service account's key; return the journey and how its sign-in stands."""
    journey = await scene.journey(Plan(integration, "main", mode="LIVE"))
    return journey, await journey.submit(ENTERED | changes)


@pytest.mark.threat("O14")
async def test_o14_an_assertion_is_short_lived_for_this_endpoint_and_never_the_same(scene):
    endpoint = TokenEndpoint(scene)
    journey, _ = await entered(scene)
    for _ in range(3):
        await scene.client.verb("refreshCredentials", connectionId=journey.id)
        scene.clock.advance(31)

    assert await journey.state() == ("AUTHENTICATED", None)
    assert len(endpoint.claims) == 4
    for header, claims in zip(endpoint.headers, endpoint.claims, strict=True):
        assert header == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        assert 0 < claims["exp"] - claims["iat"] <= 300
        assert (claims["aud"], claims["iss"]) == (TOKEN_URL, ENTERED["email"])
    assert len({claims["jti"] for claims in endpoint.claims}) == 4
    assert all(len(claims["jti"]) >= 22 for claims in endpoint.claims)  # 128 bits and more in base64url


@pytest.mark.threat("O14")
@pytest.mark.parametrize(
    ("ahead_s", "is_taken"),
    [(-301, False), (-300, False), (-60, False), (-30, True), (0, True), (30, True), (269, True), (270, False),
     (300, False), (301, False)],
)  # fmt: skip
async def test_o14_clocks_may_differ_by_half_a_minute_and_five_minutes_are_a_problem(
    scene, ahead_s, is_taken
):
    TokenEndpoint(scene, ahead_s=ahead_s)
    journey, state = await entered(scene)

    if is_taken:
        assert state["state"] == "AUTHENTICATED"
        return
    assert (state["state"], state["problem"]["code"]) == ("AWAITING_INPUT", "CREDENTIALS_REJECTED")
    assert (await journey.state())[0] == "PENDING_AUTHENTICATION"


@pytest.mark.threat("O14")
async def test_o14_the_key_is_sealed_and_leaves_by_no_door(scene, tmp_path):
    TokenEndpoint(scene)
    journey, state = await entered(scene)
    line = PEM.splitlines()[3]

    assert state["state"] == "AUTHENTICATED"
    assert line not in str(await journey.now())
    assert not any(line in request.content.decode() for request in scene.provider.asked)
    assert not any(line.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.threat("O14")
async def test_o14_a_key_that_cannot_sign_sends_nothing(scene):
    journey = await scene.journey(Plan("brief", "main", mode="LIVE"))

    codes = await scene.client.refused(
        "submitCredentials",
        authorizationId=journey.authorization["id"],
        credentials=ENTERED | {"key": secret("no key ")},
    )

    assert codes == ["INVALID_FIELD"]
    assert scene.provider.asked == []


@pytest.mark.threat("O14")
def test_o14_no_shipped_definition_lets_an_assertion_live_longer():
    for entry in CATALOG.all():
        for method in entry.latest.auth:
            if method.oauth2 and method.oauth2.grant is GrantType.JWT_BEARER:
                assert method.oauth2.assertion.lifetime_s <= 300, entry.key
