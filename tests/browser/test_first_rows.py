"""The customer's page before its scripts have come: the rows that the server wrote."""

import asyncio
import re

from playwright.async_api import Browser, Page, Route, expect

from tests.browser.scripts import SCRIPTS, hold_scripts
from tests.support.portal import PortalServer

MARIA = {"email": "maria@brightline.example", "password": "maria-demo"}
ROWS = "table:not([aria-busy=true]) .row-link"


async def log_in(page: Page, portal: PortalServer) -> None:
    await page.request.post("/auth/login", data=MARIA, headers={"Origin": portal.url})


async def test_the_page_is_never_kept_and_has_the_policy_of_pages(
    page: Page, portal: PortalServer
) -> None:
    await log_in(page, portal)
    answer = await page.goto("/")
    assert answer
    headers = await answer.all_headers()
    assert headers["cache-control"] == "no-store"
    assert "script-src 'self' 'sha256-" in headers["content-security-policy"]
    await expect(page.locator(ROWS).first).to_be_visible()


async def test_a_button_pressed_before_the_scripts_have_come_is_not_lost(
    page: Page, portal: PortalServer
) -> None:
    await log_in(page, portal)
    come = asyncio.Event()

    async def wait(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route(SCRIPTS, wait)
    await page.goto("/", wait_until="commit")
    await page.get_by_role("button", name="Make Payment").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    come.set()
    await expect(page.get_by_role("dialog", name="Payment")).to_be_visible()


async def test_a_row_can_be_opened_before_the_scripts_have_come(
    page: Page, portal: PortalServer
) -> None:
    await log_in(page, portal)
    await hold_scripts(page)
    await page.goto("/")
    link = page.locator(".first .row-link").nth(1)
    reference = str(await link.get_attribute("href")).partition("=")[2]
    await page.unroute_all()
    await link.click()
    await expect(page.get_by_role("dialog")).to_contain_text(reference)


async def test_a_tab_that_shows_other_payments_does_not_begin_with_the_newest(
    page: Page, portal: PortalServer
) -> None:
    await log_in(page, portal)
    await page.goto("/")
    await expect(page.locator(ROWS).first).to_be_visible()
    await page.get_by_role("button", name="Date / Time").click()
    await expect(page.locator("th[aria-sort=ascending]")).to_be_visible()
    await hold_scripts(page)
    await page.reload()
    await expect(page.locator(".first .figure").first).to_be_visible()
    await expect(page.locator(".first .row-link").first).to_be_hidden()
    await expect(page.locator(".payments .rt-Skeleton").first).to_be_visible()
    await page.unroute_all()
    await page.reload()
    await page.get_by_role("button", name="Date / Time").click()
    await expect(page.locator("th[aria-sort=descending]")).to_be_visible()
    await hold_scripts(page)
    await page.reload()
    await expect(page.locator(".first .row-link").first).to_be_visible()


async def test_another_language_has_its_rows_as_soon_as_its_words(
    browser: Browser, portal: PortalServer
) -> None:
    context = await browser.new_context(base_url=portal.url)
    page = await context.new_page()
    await log_in(page, portal)
    await context.add_cookies([{"name": "locale", "value": "fr", "url": portal.url}])
    await page.route_web_socket(re.compile("/_event"), lambda _: None)
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Paiements")).to_be_visible()
    await expect(page.locator(".first .row-link").first).to_be_visible()
    await expect(page.locator(".first .figure").first).to_contain_text(",")
    await context.close()
