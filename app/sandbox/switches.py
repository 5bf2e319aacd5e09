"""Faults on demand: how the simulated outside misbehaves, per integration and optionally per account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from app.foundation.ids import new_token
from app.foundation.plain_data import from_data, to_data
from app.foundation.shapes import Shape
from app.sandbox.state import SandboxState

MAX_DELAY_S: Final = 30.0
_KEPT_S: Final = 7 * 86_400
_EPOCH_KEPT_S: Final = 400 * 86_400


def _property(description: str, kind: str = "boolean", **rules: object) -> Mapping[str, Any]:
    return {"type": [kind, "null"], **rules, "description": description}


SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "account": _property(
            "Only for this account (its id), or for what was entered for this auth method.",
            "string",
            maxLength=200,
        ),
        "expireTokens": _property("Act: all access tokens and device codes issued so far have expired."),
        "revokeGrants": _property("Act: all tokens issued so far are revoked."),
        "tokenLifetimeSeconds": _property(
            "How long access tokens live that are issued from now on.",
            "integer",
            minimum=1,
            maximum=31_536_000,
        ),
        "rejectCredentials": _property("Calls are answered as with wrong credentials."),
        "refuseRefresh": _property("Refresh tokens are refused with invalid_grant."),
        "tokenEndpointDown": _property("The token endpoint answers 503."),
        "dropTokenAnswer": _property(
            "The token endpoint does its work, then the connection breaks: outcome unknown."
        ),
        "retryAfterSeconds": _property(
            "Calls are answered with 429 and this Retry-After.", "integer", minimum=0, maximum=86_400
        ),
        "serverError": _property("Calls are answered with 500."),
        "dropConnection": _property("The connection breaks in the middle of the answer."),
        "delaySeconds": _property(
            "Every answer of a method or token endpoint comes this much later.",
            "number",
            minimum=0,
            maximum=MAX_DELAY_S,
        ),
        "answers": _property(
            "By method name, the title of the example that answers whatever the parameters.",
            "object",
            maxProperties=100,
            additionalProperties={"type": "string", "maxLength": 200},
        ),
        "times": _property(
            "After this many faulty answers the faults are over (delays are not counted).",
            "integer",
            minimum=1,
            maximum=1_000_000,
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Switches:
    """How the outside misbehaves; the defaults are "not at all". Field by field as in ``SCHEMA``."""

    token_lifetime_s: int | None = field(default=None, metadata={"key": "tokenLifetimeSeconds"})
    reject_credentials: bool = False
    refuse_refresh: bool = False
    token_endpoint_down: bool = False
    drop_token_answer: bool = False
    retry_after_s: int | None = field(default=None, metadata={"key": "retryAfterSeconds"})
    server_error: bool = False
    drop_connection: bool = False
    delay_s: float = field(default=0.0, metadata={"key": "delaySeconds"})
    answers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    counter: str = ""

    def calm(self) -> Switches:
        """Return these switches with the faults over: what is left is slowness and the tokens' lifetime."""
        return Switches(token_lifetime_s=self.token_lifetime_s, delay_s=self.delay_s)


CALM: Final = Switches()


class Switchboard:
    """Sets and reads the switches of one sandbox; also usable without its HTTP door.

    An account's own switches stand in the place of its integration's, not beside them.
    """

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._shape = Shape(SCHEMA)

    async def set(self, integration: str, switches: Switches, account: str | None = None) -> None:
        """Set all switches at once; ``times`` starts counting afresh."""
        delay_s = min(max(switches.delay_s, 0.0), MAX_DELAY_S)
        fresh = replace(switches, delay_s=delay_s, counter=new_token(128))
        key, text = _key("switch", integration, account), orjson.dumps(to_data(fresh)).decode()
        await self._state.put(key, text, _KEPT_S)

    async def change(self, integration: str, change: Mapping[str, Any]) -> list[str]:
        """Carry out a change as ``SCHEMA`` describes it: what it does not name stays, null is the default.

        Returns:
            The places in ``change`` that are not valid; with any, nothing has happened.
        """
        faults = [".".join(found.path) or "body" for found in self._shape.faults(change)]
        if faults:
            return faults
        account = change.get("account")
        if change.get("expireTokens"):
            await self.expire_tokens(integration, account)
        if change.get("revokeGrants"):
            await self.revoke_grants(integration, account)
        defaults = to_json(CALM)
        named = {
            name: defaults[name] if value is None else value
            for name, value in change.items()
            if name in defaults
        }
        if named:
            present = to_json(await self.own(integration, account))
            await self.set(integration, from_data(Switches, {**present, **named}), account)
        return []

    async def own(self, integration: str, account: str | None = None) -> Switches:
        """Return the switches of exactly this integration or account."""
        (text,) = await self._state.read([_key("switch", integration, account)])
        return _read(text)

    async def of(self, integration: str, account: str | None) -> Switches:
        """Return the switches that hold for a request, with the faults gone where ``times`` is used up."""
        keys = [_key("switch", integration, account), _key("switch", integration, None)]
        texts = await self._state.read(keys)
        switches = _read(next((found for found in texts if found is not None), None))
        if switches.times is None:
            return switches
        (done,) = await self._state.read([_key("faults", switches.counter, None)])
        return switches.calm() if int(done or 0) >= switches.times else switches

    async def struck(self, switches: Switches) -> bool:
        """Count one faulty answer; False where ``times`` was used up meanwhile: do not give it."""
        if switches.times is None:
            return True
        return await self._state.count(_key("faults", switches.counter, None), _KEPT_S) <= switches.times

    async def clear(self, integration: str, account: str | None = None) -> None:
        """Set the switches back; tokens once expired or revoked stay so."""
        await self._state.remove(_key("switch", integration, account))

    async def expire_tokens(self, integration: str, account: str | None = None) -> None:
        """Expire all access tokens issued so far."""
        await self._state.count(_key("expired", integration, account), _EPOCH_KEPT_S)

    async def revoke_grants(self, integration: str, account: str | None = None) -> None:
        """Revoke all codes, access tokens and refresh tokens issued so far."""
        await self._state.count(_key("revoked", integration, account), _EPOCH_KEPT_S)

    async def epochs(self, integration: str, account: str) -> tuple[int, int]:
        """Return how often tokens of this account were expired, and revoked: by itself or with all others."""
        subjects = (None, account)
        keys = [_key(word, integration, subject) for word in ("expired", "revoked") for subject in subjects]
        numbers = [int(text or 0) for text in await self._state.read(keys)]
        return numbers[0] + numbers[1], numbers[2] + numbers[3]


def to_json(switches: Switches) -> dict[str, Any]:
    """Return the switches under the names of ``SCHEMA``."""
    return {name: value for name, value in to_data(switches).items() if name != "counter"}


def _read(text: str | None) -> Switches:
    return CALM if text is None else from_data(Switches, orjson.loads(text))


def _key(word: str, subject: str, account: str | None) -> str:
    return f"{word}:{subject}" if account is None else f"{word}:{subject}:{account}"
