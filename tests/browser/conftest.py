"""Fixtures of the browser tests, which use Playwright's async API on the session's event loop.

``browser``  one headless Chromium, shared by the tests of a worker.
``portal``   one real portal with the demo data, shared likewise: `portal.url`, `portal.port`,
             `portal.database_url`, `portal.database_path`, `portal.log_path`,
             ``await portal.restart()``, ``await portal.kill()``, ``await portal.stop()``.
``page``     a page in a fresh context (no cookies) whose relative addresses lead to the portal.

A test is ``async def test_x(page: Page, portal: PortalServer)``.
"""

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser import chromium
from tests.support.portal import PortalServer

expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as one that needs a browser."""
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("/conftest.py")):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        executable = chromium.find(playwright.chromium.executable_path)
        if executable is None:
            if os.environ.get("CI") == "true":
                pytest.fail("no Chromium was found, and CI=true does not allow to skip")
            pytest.skip("no Chromium was found")
        browser = await playwright.chromium.launch(
            executable_path=executable, headless=True, args=chromium.FLAGS
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PortalServer]:
    portal = PortalServer(tmp_path_factory.mktemp("portal"))
    await portal.prepare()
    await portal.start()
    yield portal
    await portal.stop()


@pytest.fixture
async def page(browser: Browser, portal: PortalServer) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=portal.url)
    yield await context.new_page()
    await context.close()
