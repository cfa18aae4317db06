"""Logins in Chromium: links by e-mail, a second factor, sessions that end, staff who look in."""

import asyncio
import re
from collections.abc import AsyncIterator

import pyotp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from payments_app.db.engine import Database
from payments_app.db.models import Account, User
from payments_app.domain.payment import Role
from tests.support.factories import make_account, make_payment, make_user
from tests.support.logins import hash_password
from tests.support.portal import PortalServer

pytestmark = pytest.mark.browser

PASSWORD, NEW = "an engine of brass", "punched cards and thread"


@pytest.fixture(scope="module")
async def own_portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PortalServer]:
    """A portal without demo data, so that one login is the only one."""
    portal = PortalServer(tmp_path_factory.mktemp("access"))
    await portal.migrate()
    await portal.start()
    yield portal
    await portal.stop()


@pytest.fixture
async def rows(own_portal: PortalServer) -> AsyncIterator[Database]:
    database = Database(own_portal.database_url)
    yield database
    await database.close()


async def person(rows: Database, account: Account | None, **columns: object) -> User:
    stored = await asyncio.to_thread(hash_password, PASSWORD)
    return await make_user(rows, account, password_hash=stored, **columns)


async def enter(page: Page, user: User, password: str = PASSWORD) -> None:
    """Fill in the login form and send it."""
    await page.get_by_label("E-mail").fill(user.email)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Log in").click()


async def context_of(browser: Browser, portal: PortalServer) -> BrowserContext:
    return await browser.new_context(base_url=portal.url)


async def test_a_shared_address_survives_the_login_and_ended_sessions_leave_their_page(
    browser: Browser, own_portal: PortalServer, rows: Database
) -> None:
    account = await make_account(rows)
    user = await person(rows, account)
    payment = await make_payment(rows, account, description="Shared with a colleague")
    here, there = await context_of(browser, own_portal), await context_of(browser, own_portal)
    try:
        far = await there.new_page()
        await far.goto(f"/?payment={payment.reference}")
        await expect(far).to_have_url(re.compile("/login"))
        await enter(far, user)
        await expect(far.get_by_role("dialog")).to_contain_text(payment.reference)

        page = await here.new_page()
        await page.goto("/login?next=/profile")
        await enter(page, user)
        await page.get_by_role("button", name="Sign out everywhere else").click()
        await expect(page.get_by_role("button", name="Sign out everywhere else")).to_have_count(0)
        await expect(far).to_have_url(re.compile("/login"))
    finally:
        await here.close()
        await there.close()


async def test_a_second_factor_is_set_up_and_asked_for(
    browser: Browser, own_portal: PortalServer, rows: Database
) -> None:
    user = await person(rows, await make_account(rows))
    context = await context_of(browser, own_portal)
    try:
        page = await context.new_page()
        await page.goto("/login?next=/profile")
        await enter(page, user)
        await page.get_by_role("button", name="Set up two-factor").click()
        await expect(page.get_by_role("img", name="QR code")).to_be_visible()
        secret = await page.locator(".key-text .copy-text").inner_text()
        enrolment = page.locator("form").filter(has_text="Scan this with")
        await enrolment.get_by_label("Present password").fill(PASSWORD)
        await page.get_by_label("Code that the app shows").fill(pyotp.TOTP(secret).now())
        await page.get_by_role("button", name="Turn on").click()
        kept = await page.locator(".codes code").first.inner_text()
        await context.clear_cookies()
        await page.goto("/login?next=/profile")
        await enter(page, user)
        code = page.get_by_label(re.compile("Code of your authenticator"))
        await code.fill("000000")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.locator(".login .fault")).to_contain_text("not right")
        await code.fill(kept)
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_text("9 recovery codes are left")).to_be_visible()
    finally:
        await context.close()


async def test_staff_invite_a_customer_and_look_in_without_changing_anything(
    browser: Browser, own_portal: PortalServer, rows: Database
) -> None:
    owner = await person(rows, None, role=Role.OWNER)
    account = await make_account(rows, name="Analytical Engines")
    context, guest = await context_of(browser, own_portal), await context_of(browser, own_portal)
    email = "guest@example.com"
    try:
        page = await context.new_page()
        await page.goto(f"/login?next=/staff/accounts/{account.id}")
        await enter(page, owner)
        await page.get_by_role("button", name="Invite user").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name").fill("Ada")
        await dialog.get_by_label("E-mail").fill(email)
        await dialog.get_by_role("button", name="Invite").click()
        link = await dialog.get_by_text("/invite/").inner_text()
        await dialog.get_by_role("button", name="Done").click()
        await expect(page.get_by_role("row", name=re.compile(email))).to_contain_text("Invited")

        visitor = await guest.new_page()
        await visitor.goto(link.strip())
        await visitor.get_by_label("Password", exact=True).fill(NEW)
        await visitor.get_by_label("Password again").fill(NEW)
        await visitor.get_by_role("button", name="Set password").click()
        await expect(visitor.get_by_text("Your password is set")).to_be_visible()
        # The staff's tab follows by itself.
        await expect(page.get_by_role("row", name=re.compile(email))).to_contain_text("Active")

        await page.get_by_role("button", name="View as customer").click()
        await expect(page.get_by_text("Nothing can be changed")).to_be_visible()
        await expect(page.get_by_role("heading", name="Payments", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="Make Payment")).to_have_count(0)
        await page.get_by_role("button", name="Leave").click()
        await expect(page.get_by_role("heading", name="Analytical Engines")).to_be_visible()
        await page.goto("/staff/audit")
        await expect(page.get_by_text("View as customer ended")).to_be_visible()
        await expect(page.get_by_text("Intact")).to_be_visible()
    finally:
        await context.close()
        await guest.close()
