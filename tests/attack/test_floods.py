"""Floods against the running portal: each ends in a clear refusal, and the portal goes on."""

import asyncio

import pytest

from payments_app.services.rates import DOWNLOADS, PAYMENTS
from tests.attack.floods import flood
from tests.attack.sockets import pay, tab
from tests.attack.target import Target
from tests.support.roles import Kind

_MINUTES = 2
"""A flood may fall into two minutes, of which each is free anew."""


@pytest.mark.parametrize("kind", [Kind.CUSTOMER, Kind.VIEWER])
async def test_downloads_above_the_limit_are_told_when_to_come_again(
    unharmed: Target, kind: Kind
) -> None:
    path = {Kind.CUSTOMER: "/exports", Kind.VIEWER: "/staff/exports"}[kind] + "/payments.csv"
    async with unharmed.browser(kind) as http:
        for _ in range(_MINUTES * DOWNLOADS.per_session + 1):
            answer = await http.get(path)
            if answer.status_code != 200:
                break
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_bodies_above_the_limit_are_read_by_no_route(unharmed: Target) -> None:
    paths = ("/auth/login", "/webhooks/card", "/return/X", "/auth/view-as/1", "/nothing", "/ping")
    async with unharmed.browser(Kind.NOBODY) as http:
        for path in paths:
            answer = await http.post(path, content=b"x" * 300_000)
            assert answer.status_code == 413, path


async def test_a_client_that_dawdles_over_its_headers_is_cut_off(unharmed: Target) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", unharmed.portal.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: portal.test\r\nX-Slow: ")
    await writer.drain()
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()


async def test_payments_above_the_limit_are_refused_beside_the_button(standing: Target) -> None:
    async with tab(standing, standing.tokens[Kind.CUSTOMER]) as raw:
        for number in range(_MINUTES * PAYMENTS.per_session + 1):
            await pay(raw, f"{number + 50}.00")
            if raw.shown["step"] == "form":
                break
        assert raw.shown["notice"].startswith("Too many attempts.")
        assert raw.shown["amount"] == f"{number + 50}.00"


async def test_a_flood_of_bad_webhooks_keeps_no_customer_from_paying(standing: Target) -> None:
    async with flood(standing) as refused, tab(standing, standing.victim) as raw:
        await pay(raw, "77.00")
        assert raw.shown["step"] == "leaving"
    assert set(refused) == {400}
