"""Open pages that follow what happens elsewhere: side by side, and after their network was cut."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from payments_app.db.models import Account, Payment, User
from payments_app.domain.payment import Role
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support import elsewhere
from tests.support.cable import Cable
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password
from tests.support.shop import PASSWORD, Shop, open_shop

TABLE = ".payments tbody tr"
STAFF_TABLE = ".dense tbody tr"


@dataclass
class Street:
    """A portal behind a cable, and a second process that works on the same rows."""

    shop: Shop
    cable: Cable
    browser: Browser
    password_hash: str

    @asynccontextmanager
    async def visitor(self, user: User, locale: str = "en-US") -> AsyncIterator[BrowserContext]:
        """Log a user in, in a fresh browser context."""
        context = await self.browser.new_context(base_url=self.cable.url, locale=locale)
        answer = await context.request.post(
            "/auth/login",
            data={"email": user.email, "password": PASSWORD},
            headers={"Origin": self.cable.url},
        )
        assert answer.ok, await answer.text()
        try:
            yield context
        finally:
            await context.close()

    async def user(self, account: Account | None = None, **columns: object) -> User:
        return await make_user(
            self.shop.database, account, password_hash=self.password_hash, **columns
        )

    @property
    def elsewhere(self) -> Portal:
        """The portal as another process has it, whose changes no feed tells."""
        return Portal(Settings(_env_file=None), self.shop.database, {})

    async def arrive(self, account: Account, **columns: object) -> Payment:
        """Let a payment come about in the other process."""
        return await elsewhere.arrive(self.elsewhere, account, **columns)

    async def complete(self, payment: Payment) -> None:
        """Let it be paid there."""
        await elsewhere.complete(self.elsewhere, payment, actor="test")


@pytest.fixture(scope="module")
async def street(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[Street]:
    cable = Cable()
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    async with open_shop(tmp_path_factory.mktemp("live"), PUBLIC_URL=cable.url) as shop:
        cable.target = shop.portal.port
        await cable.mend()
        yield Street(shop, cable, browser, password_hash)
        await cable.cut()


async def open_page(context: BrowserContext, path: str, rows: str) -> Page:
    """Open a page, wait for its rows, and mark it so that a reload would show."""
    page = await context.new_page()
    await page.goto(path)
    await expect(page.locator(rows).first).to_be_visible()
    await expect(page.locator(f"{rows}.skeleton")).to_have_count(0)
    await page.evaluate("window.loadedOnce = true")
    return page


def row(page: Page, rows: str, text: str) -> Locator:
    return page.locator(rows).filter(has_text=text)


async def was_never_reloaded(page: Page) -> bool:
    return await page.evaluate("window.loadedOnce") is True


async def test_two_tabs_of_a_customer_move_in_place_each_in_its_language(street: Street) -> None:
    account = await make_account(street.shop.database)
    english, french = await street.user(account), await street.user(account, locale="fr")
    payment = await street.arrive(account, description="Waits")
    async with street.visitor(english) as here, street.visitor(french, "fr-FR") as there:
        tabs = {
            "Completed": await open_page(here, f"/?payment={payment.reference}", TABLE),
            "Effectué": await open_page(there, "/", TABLE),
        }
        await street.complete(payment)
        for word, page in tabs.items():
            changed = row(page, TABLE, "Waits")
            await expect(changed).to_contain_text(word)
            await expect(changed).to_have_class(re.compile("completed flash-"))
            await expect(page.locator(TABLE)).to_have_count(1)
        await expect(tabs["Completed"].locator(".balances")).to_contain_text("$25.00")
        await expect(tabs["Effectué"].locator(".balances")).to_contain_text("25,00\u00a0$US")
        await expect(tabs["Completed"].get_by_role("dialog")).to_contain_text("Completed")

        # Another one on top, and its count; below, a pill that does not move the rows.
        await tabs["Effectué"].evaluate("document.body.style.paddingBottom = '2000px'")
        await tabs["Effectué"].evaluate("window.scrollTo(0, 40)")
        before = await row(tabs["Effectué"], TABLE, "Waits").bounding_box()
        await tabs["Completed"].keyboard.press("Escape")
        # The sheet gives the focus back to its row; while it is there, nothing may move the row.
        await expect(tabs["Completed"].locator(".row-link")).to_be_focused()
        await tabs["Completed"].evaluate("document.activeElement.blur()")
        await street.arrive(account, description="Came later")
        await expect(tabs["Completed"].locator(TABLE).first).to_contain_text("Came later")
        await expect(tabs["Completed"].get_by_text("1 to 2 of 2")).to_be_visible()
        pill = tabs["Effectué"].locator(".news")
        await expect(pill).to_be_visible()
        assert await row(tabs["Effectué"], TABLE, "Waits").bounding_box() == before
        await pill.click()
        await expect(tabs["Effectué"].locator(TABLE).first).to_contain_text("Came later")
        for page in tabs.values():
            assert await was_never_reloaded(page)


@pytest.mark.parametrize("staff", [True, False], ids=["staff", "customer"])
async def test_a_reconnect_heals_what_was_missed(street: Street, staff: bool) -> None:
    account = await make_account(street.shop.database)
    user = await street.user(role=Role.FINANCE) if staff else await street.user(account)
    payment = await street.arrive(account, description="Paid while away")
    path, rows = (f"/staff/payments?account={account.id}", STAFF_TABLE) if staff else ("/", TABLE)
    async with street.visitor(user) as context:
        page = await open_page(context, path, rows)
        mark = page.locator(".section-actions .live" if staff else ".bar .live")
        await expect(mark).to_contain_text("Live")
        await street.cable.cut()
        await expect(mark).to_have_text("Reconnecting", timeout=15_000)
        await street.complete(payment)
        await street.arrive(account, description="Came while away")
        await expect(row(page, rows, "Paid while away")).to_contain_text("Pending")
        await expect(row(page, rows, "Came while away")).to_have_count(0)
        await street.cable.mend()
        await expect(row(page, rows, "Paid while away")).to_contain_text(
            "Completed", timeout=15_000
        )
        await expect(row(page, rows, "Came while away")).to_be_visible()
        await expect(mark).to_contain_text("Live")
        # What happens from here on shows as before.
        await street.arrive(account, description="Came after")
        await expect(row(page, rows, "Came after")).to_be_visible()
        assert await was_never_reloaded(page)
