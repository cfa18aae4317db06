"""The staff's workspace in Chromium, beside a customer who pays: what changes shows by itself."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from payments_app.db.models import Account, Payment
from payments_app.domain.payment import Role
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support import elsewhere
from tests.support.factories import make_account, make_payment, make_user
from tests.support.logins import hash_password
from tests.support.shop import GOOD_CARD, PASSWORD, Shop, open_shop, visit

LIST = "/staff/payments"


@dataclass
class Desk:
    """One member of finance at the browser, and a second process that works on the same rows."""

    shop: Shop
    page: Page
    account: Account

    @property
    def elsewhere(self) -> Portal:
        """The portal as another process has it, whose changes no feed tells."""
        return Portal(Settings(_env_file=None), self.shop.database, {})

    def rows(self, text: str = "") -> Locator:
        """The rows of the list that hold the text."""
        return self.page.locator(".dense tbody tr").filter(has_text=text)

    async def open(self, path: str = LIST) -> None:
        await self.page.goto(path)
        await expect(self.page.locator(".dense tbody tr.skeleton")).to_have_count(0)
        await expect(self.page.get_by_text("updated")).to_be_visible()
        await self.page.evaluate("window.loadedOnce = true")

    async def stays(self) -> None:
        """Fail when the page was loaded anew since it was opened."""
        assert await self.page.evaluate("window.loadedOnce") is True

    async def arrive(self, **columns: object) -> Payment:
        """Let a payment come about in the other process."""
        return await elsewhere.arrive(self.elsewhere, self.account, **columns)

    async def complete(self, payment: Payment) -> None:
        """Let it be paid there."""
        await elsewhere.complete(self.elsewhere, payment, actor="test")


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("staff"), SWEEP_INTERVAL_SECONDS="0.2") as shop:
        yield shop


@pytest.fixture(scope="module")
async def cookies(shop: Shop, browser: Browser) -> list[dict[str, object]]:
    """The session of one member of finance, who logs in once for all tests."""
    stored = await asyncio.to_thread(hash_password, PASSWORD)
    user = await make_user(shop.database, role=Role.FINANCE, password_hash=stored)
    context = await browser.new_context(base_url=shop.portal.url)
    answer = await context.request.post(
        "/auth/login",
        data={"email": user.email, "password": PASSWORD},
        headers={"Origin": shop.portal.url},
    )
    assert answer.ok, await answer.text()
    found = [dict(cookie) for cookie in await context.cookies()]
    await context.close()
    return found


@pytest.fixture
async def desk(
    shop: Shop, browser: Browser, cookies: list[dict[str, object]]
) -> AsyncIterator[Desk]:
    context = await browser.new_context(base_url=shop.portal.url, locale="en-US")
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    desk = Desk(shop, await context.new_page(), await make_account(shop.database))

    yield desk
    await context.close()


async def test_a_customer_pays_and_the_staffs_row_changes_in_place(
    desk: Desk, browser: Browser
) -> None:
    async with visit(desk.shop, browser) as customer:
        await desk.open(f"{LIST}?account={customer.account.id}")
        await customer.page.goto("/")
        await customer.open("Credit Card", "50")
        await customer.type_card(GOOD_CARD)
        await customer.button("Pay $50.00").click()
        await expect(desk.rows(customer.account.name)).to_contain_text("Completed")
        await expect(desk.rows()).to_have_count(1)
        await expect(desk.page.locator(".stats")).to_contain_text("$50.00")
        await expect(desk.page.get_by_text("1 to 1 of 1")).to_be_visible()
        await expect(customer.dialog).to_contain_text("$50.00 is paid")

        # The other way: what staff do moves the customer's open page.
        await customer.button("Done").click()
        await desk.rows().get_by_role("button", name=re.compile("Actions for")).click()
        await desk.page.get_by_role("menuitem", name="Refund").click()
        dialog = desk.page.get_by_role("dialog", name="Refund")
        await dialog.get_by_label("Amount").fill("20")
        await dialog.get_by_label("Why").fill("Paid twice")
        await dialog.get_by_role("button", name="Refund").click()
        await expect(customer.page.get_by_role("region", name="Balance")).to_contain_text("$30.00")
        await expect(desk.rows()).to_have_count(2)
        await expect(desk.page.locator(".stats")).to_contain_text("$30.00")
        await desk.stays()


async def test_a_status_changes_with_one_flash_and_filters_hold(desk: Desk) -> None:
    first = await desk.arrive(description="Waits")
    await desk.open(f"{LIST}?account={desk.account.id}&status=pending")
    await expect(desk.rows()).to_have_count(1)
    await desk.arrive(description="Was paid at once", completed=True)
    await desk.arrive(description="Waits too")
    await expect(desk.rows("Waits too")).to_be_visible()
    await expect(desk.rows("Was paid at once")).to_have_count(0)
    await desk.complete(first)
    await expect(desk.page.locator("tr.completed.leaving[class*=flash]")).to_have_count(1)
    await expect(desk.rows()).to_have_count(1)
    await desk.stays()


async def test_whoever_reads_below_gets_a_pill_instead_of_moving_rows(desk: Desk) -> None:
    for number in range(30):
        await make_payment(desk.shop.database, desk.account, description=f"Old {number}")
    await desk.open(f"{LIST}?account={desk.account.id}")
    await desk.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    last = desk.rows().last
    before = await last.bounding_box()
    await desk.arrive(description="Just came")
    pill = desk.page.get_by_role("button", name="1 new payment")
    await expect(pill).to_be_visible()
    await expect(desk.rows("Just came")).to_have_count(0)
    after = await last.bounding_box()
    assert before
    assert after
    assert abs(after["y"] - before["y"]) < 1
    await pill.click()
    await expect(desk.rows().first).to_contain_text("Just came")
    await desk.stays()


async def choose(page: Page, filter_name: str, *values: str) -> None:
    """Tick values of a filter and close its list."""
    await page.get_by_role("button", name=re.compile(f"^{filter_name}")).click()
    for value in values:
        await page.get_by_role("checkbox", name=value).click()
    await page.keyboard.press("Escape")


async def test_filters_stand_in_the_address_and_come_back_with_it(desk: Desk) -> None:
    page = desk.page
    await desk.arrive(description="Open one")
    await desk.arrive(description="Open by card", gateway="card")
    await desk.arrive(description="Done one", completed=True)
    await desk.open(f"{LIST}?account={desk.account.id}")
    await choose(page, "Status", "Pending")
    await expect(page).to_have_url(re.compile("status=pending"))
    await expect(desk.rows()).to_have_count(2)
    await choose(page, "Method", "Credit Card")
    await expect(page).to_have_url(
        re.compile("method=card.*status=pending|status=pending.*method=card")
    )
    await expect(desk.rows()).to_have_count(1)
    await page.reload()
    await expect(desk.rows("Open by card")).to_be_visible()
    await expect(desk.rows()).to_have_count(1)
    await page.go_back()
    await expect(page).not_to_have_url(re.compile("method="))
    await expect(desk.rows()).to_have_count(2)
    await page.go_back()
    await expect(page).not_to_have_url(re.compile("status="))
    await expect(desk.rows()).to_have_count(3)
    await page.go_forward()
    await expect(desk.rows()).to_have_count(2)


async def test_a_list_is_added_up_behind_its_page(desk: Desk) -> None:
    page, stats = desk.page, desk.page.locator(".stats")
    for _ in range(51):
        await make_payment(desk.shop.database, desk.account, completed=True, gateway="card")
    await desk.open(f"{LIST}?account={desk.account.id}&method=card")
    await expect(stats).to_contain_text("completed, 51 payments")
    await expect(page.get_by_text("1 to 50 of 51", exact=True)).to_be_visible()
    await choose(page, "Status", "Completed")
    await expect(page).to_have_url(re.compile("status=completed"))
    await expect(stats).to_contain_text("completed, 51 payments")
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_text("51 to 51 of 51", exact=True)).to_be_visible()
    await expect(stats).to_contain_text("completed, 51 payments")


async def test_columns_and_views_are_kept(desk: Desk) -> None:
    page, fee = desk.page, desk.page.get_by_role("columnheader", name="Fee")
    await desk.arrive(description="Open one")
    await desk.arrive(description="Done one", completed=True)
    await desk.open(f"{LIST}?account={desk.account.id}&status=pending")
    await choose(page, "Columns", "Fee")
    await expect(fee).to_have_count(0)
    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("textbox", name="Save this view as").fill("Mine")
    await page.get_by_role("button", name="Save", exact=True).click()
    mine = page.get_by_role("button", name="Mine", exact=True)
    await expect(mine).to_be_visible()

    # Both survive a new page: the columns in the browser, the view in the database.
    await desk.open()
    await expect(fee).to_have_count(0)
    await choose(page, "Columns", "Fee")
    await expect(fee).to_have_count(1)
    await page.get_by_role("button", name="Views").click()
    await mine.click()
    await expect(page).to_have_url(re.compile(rf"account={desk.account.id}"))
    await expect(fee).to_have_count(0)
    await expect(desk.rows()).to_have_count(1)
    await page.get_by_role("button", name="Views").click()
    await page.get_by_role("button", name="Delete Mine").click()
    await expect(mine).to_have_count(0)


async def test_a_rows_menu_is_worked_by_keyboard(desk: Desk) -> None:
    page = desk.page
    payment = await desk.arrive(description="By hand")
    await desk.open(f"{LIST}?account={desk.account.id}")
    button = desk.rows().get_by_role("button", name=f"Actions for {payment.reference}")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Open")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Open")).to_be_focused()
    await page.keyboard.type("Cancel")
    await expect(page.get_by_role("menuitem", name="Cancel")).to_be_focused()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Cancel")
    await dialog.get_by_label("Why").fill("Asked to by the customer")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(desk.rows()).to_contain_text("Cancelled")
