"""One build of the front end works on every host, port and scheme."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, WebSocket, expect

from tests.support.portal import PortalServer
from tests.support.sandbox import eventually, free_port
from tests.support.tls import tls_proxy


async def socket_of(page: Page, address: str) -> WebSocket:
    """The event socket that the page at `address` opens, once the server has spoken on it."""
    async with page.expect_websocket() as opened:
        await page.goto(address)
    socket = await opened.value
    await socket.wait_for_event("framereceived")
    return socket


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_plain_http_under_either_name(page: Page, portal: PortalServer, host: str) -> None:
    socket = await socket_of(page, f"http://{host}:{portal.port}/login")
    assert socket.url.startswith(f"ws://{host}:{portal.port}/_event")


async def test_behind_tls_on_another_port(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    portal = PortalServer(tmp_path, PUBLIC_URL=f"https://localhost:{port}")
    await portal.migrate()
    await portal.start()
    context = await browser.new_context(ignore_https_errors=True)
    try:
        async with tls_proxy(port, portal.port, tmp_path):
            page = await context.new_page()
            socket = await socket_of(page, f"https://localhost:{port}/login")
            assert socket.url.startswith(f"wss://localhost:{port}/_event")
            await context.close()
    finally:
        await portal.kill()


async def test_an_address_without_a_page_says_so_and_leads_on(page: Page) -> None:
    heard: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))),
    )
    answer = await page.goto("/no/such/page")
    assert answer is not None
    assert answer.status == 404

    async def served() -> bool:
        return any("delta" in frame for frame in heard)

    await eventually(served)
    await page.get_by_role("link", name="Go to your payments").click()
    await expect(page).to_have_url(re.compile("/login"))
