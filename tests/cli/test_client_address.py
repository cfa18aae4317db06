"""Whose address the portal sees behind proxies: the browser's, and never one that it claims."""

import httpx
import pytest
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from payments_app.api.guards import client_address
from payments_app.cli.serve import with_client_address
from payments_app.settings import Settings

PROXIES = "10.0.0.7, 10.1.0.0/16"
BROWSER, CLAIMED = "203.0.113.9", "198.51.100.1"


async def seen(peer: str, *forwarded: str, proxies: str = PROXIES) -> str:
    """Return the address that routes see when ``peer`` connects and sends these headers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(client_address(Request(scope)))(scope, receive, send)

    trusted = Settings(_env_file=None, trusted_proxies=proxies).trusted_proxies
    transport = httpx.ASGITransport(with_client_address(app, trusted), client=(peer, 4000))
    headers = [("X-Forwarded-For", value) for value in forwarded]
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        return (await client.get("/", headers=headers)).text


async def test_by_default_no_claim_is_believed() -> None:
    assert await seen("127.0.0.1", CLAIMED, proxies="") == "127.0.0.1"


async def test_who_is_no_proxy_of_ours_cannot_choose_an_address() -> None:
    assert await seen(BROWSER, CLAIMED) == BROWSER


@pytest.mark.parametrize(
    "forwarded",
    [
        (BROWSER,),
        (f"{CLAIMED}, {BROWSER}",),
        (CLAIMED, BROWSER),
        (f"10.1.2.3, {BROWSER}",),
        (f"{CLAIMED}, {BROWSER}, 10.1.2.3",),
    ],
)
async def test_behind_our_proxies_the_last_address_before_them_counts(
    forwarded: tuple[str, ...],
) -> None:
    assert await seen("10.0.0.7", *forwarded) == BROWSER


async def test_a_proxy_that_forwards_nothing_is_seen_itself() -> None:
    assert await seen("10.0.0.7") == "10.0.0.7"


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "::/0", "caddy", "10.0.0.1/8"])
def test_settings_that_would_believe_anyone_or_no_address_are_refused(proxies: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, trusted_proxies=proxies)
