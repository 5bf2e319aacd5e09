"""Slack's official client, pointed at the sandbox, works as it does against Slack."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from app.foundation.clock import SystemClock
from app.sandbox.application import CLIENT_ID, CLIENT_SECRET, sandbox_credentials
from app.sandbox.state import MemoryState
from app.sandbox.switches import Switchboard, Switches
from tests.sandbox.outside import REDIRECT, mounted, outside
from tests.sandbox.server import serving
from tests.sandbox.shipped import CATALOG

SLACK = CATALOG.definition("slack")
TOKEN = sandbox_credentials(SLACK.auth_method("bot-token"))["token"]
CHANNEL = "C0SANDBOX01"
APPLICATION = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture
def state():
    return MemoryState(SystemClock())


@pytest.fixture
async def origin(state):
    async with serving(mounted(CATALOG, SystemClock(), state)) as address:
        yield address


@pytest.fixture
def base_url(origin):
    return f"{origin}/sandbox/slack/slack.com/api/"


async def test_the_async_client_calls_with_the_right_token(base_url):
    client = AsyncWebClient(TOKEN, base_url=base_url)
    who = await client.auth_test()
    assert who["ok"] is True
    assert who["team_id"] == "T0SANDBOX01"
    sent = await client.chat_postMessage(channel=CHANNEL, text="Grüße & <b>more</b>")
    assert sent["message"]["text"] == "Grüße & <b>more</b>"
    assert sent["channel"] == CHANNEL


async def test_the_sync_client_calls_with_the_right_token(base_url):
    client = WebClient(TOKEN, base_url=base_url)
    who = await asyncio.to_thread(client.auth_test)
    assert who["user_id"] == "U0SANDBOX02"
    channels = await asyncio.to_thread(client.conversations_list, limit=50, exclude_archived=True)
    assert [channel["id"] for channel in channels["channels"]][:1] == [CHANNEL]
    person = await asyncio.to_thread(client.users_info, user="U0SANDBOX01")
    assert person["user"]["id"] == "U0SANDBOX01"
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "Hi"}}]
    sent = await asyncio.to_thread(client.chat_postMessage, channel=CHANNEL, text="Hi", blocks=blocks)
    assert sent["ok"] is True


async def test_a_wrong_token_is_slacks_own_error(base_url):
    with pytest.raises(SlackApiError) as refused:
        await AsyncWebClient("xoxb-wrong", base_url=base_url).auth_test()
    assert refused.value.response.status_code == 200
    assert refused.value.response["error"] == "invalid_auth"
    with pytest.raises(SlackApiError) as refused:
        await asyncio.to_thread(WebClient("xoxb-wrong", base_url=base_url).auth_test)
    assert refused.value.response["error"] == "invalid_auth"


async def test_a_missing_channel_is_slacks_own_error(base_url):
    with pytest.raises(SlackApiError) as refused:
        await AsyncWebClient(TOKEN, base_url=base_url).chat_postMessage(channel="C0UNKNOWN00", text="Hello")
    assert refused.value.response["error"] == "channel_not_found"


async def test_a_rate_limit_is_told_with_retry_after(base_url, state):
    await Switchboard(state).set("slack", Switches(retry_after_s=3))
    with pytest.raises(SlackApiError) as refused:
        await AsyncWebClient(TOKEN, base_url=base_url).auth_test()
    assert refused.value.response.status_code == 429
    assert refused.value.response["error"] == "ratelimited"
    headers = {name.lower(): value for name, value in refused.value.response.headers.items()}
    assert headers["retry-after"] == "3"


async def signed_in(client, state, scope):
    """Return the token answer that the official client gets for a consent."""
    driver = outside(CATALOG, SystemClock(), state, integration="slack")
    no_pkce = {"code_challenge": None, "code_challenge_method": None}
    async with driver.http:
        returned = await driver.consent("https://slack.com/oauth/v2/authorize", scope=scope, **no_pkce)
    return await asyncio.to_thread(
        client.oauth_v2_access, **APPLICATION, code=returned["code"], redirect_uri=REDIRECT
    )


async def test_the_client_exchanges_a_code_and_rotates_its_tokens(base_url, state):
    client = WebClient(base_url=base_url)
    first = await signed_in(client, state, "chat:write,channels:read")
    assert first["access_token"].startswith("xoxb-")
    assert first["scope"] == "chat:write,channels:read"
    assert (await AsyncWebClient(first["access_token"], base_url=base_url).auth_test())["ok"] is True
    rotate = {**APPLICATION, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await asyncio.to_thread(client.oauth_v2_access, **rotate)
    assert second["refresh_token"] != first["refresh_token"]
    with pytest.raises(SlackApiError) as refused:
        await asyncio.to_thread(client.oauth_v2_access, **rotate)
    assert refused.value.response["error"] == "invalid_refresh_token"
    with pytest.raises(SlackApiError) as refused:
        await AsyncWebClient(second["access_token"], base_url=base_url).auth_test()
    assert refused.value.response["error"] == "invalid_auth"


async def test_the_client_is_told_a_wrong_application(base_url):
    wrong = {**APPLICATION, "client_secret": "wrong", "code": "x", "redirect_uri": REDIRECT}
    with pytest.raises(SlackApiError) as refused:
        await asyncio.to_thread(WebClient(base_url=base_url).oauth_v2_access, **wrong)
    assert refused.value.response["error"] == "bad_client_secret"


async def test_the_client_revokes_its_token(base_url, state):
    body = await signed_in(WebClient(base_url=base_url), state, "chat:write")
    client = AsyncWebClient(body["access_token"], base_url=base_url)
    with pytest.raises(SlackApiError) as refused:
        await client.conversations_list()
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "channels:read"
    assert (await client.auth_revoke())["ok"] is True
    with pytest.raises(SlackApiError) as refused:
        await client.auth_test()
    assert refused.value.response["error"] == "invalid_auth"
