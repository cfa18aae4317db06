"""What there is to see: each page and dialog, with who sees it and how to get there."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Page

Steps = Callable[[Page], Awaitable[None]]

CUSTOMER: Final = ("maria@brightline.example", "maria-demo")
PESO_CUSTOMER: Final = ("jose@islaconnect.example", "jose-demo")
OWNER: Final = ("owner@northwind.example", "northwind-owner")
PEOPLE: Final = (CUSTOMER, PESO_CUSTOMER, OWNER)


@dataclass(frozen=True)
class Scene:
    """A picture of ``path`` as ``login`` sees it, after ``steps``; ``shows`` is waited for.

    ``empty`` is the portal that nobody has used yet, instead of the one with the demo's data.
    """

    name: str
    path: str
    shows: str
    login: tuple[str, str] | None = CUSTOMER
    steps: Steps | None = None
    locale: str = "en"
    empty: bool = False


def press(name: str, then: str = "") -> Steps:
    """Press the first button of this name, and wait for the dialog with the text ``then``."""

    async def steps(page: Page) -> None:
        await page.get_by_role("button", name=name).first.click()
        if then:
            await page.get_by_role("dialog").get_by_text(then).first.wait_for()

    return steps


def open_row(text: str) -> Steps:
    """Open the sheet of the first payment whose row has this text."""

    async def steps(page: Page) -> None:
        await page.get_by_role("row").filter(has_text=text).first.get_by_role("link").first.click()
        await page.get_by_role("dialog").get_by_text("What happened").wait_for()

    return steps


async def _card(page: Page) -> None:
    await press("Make Payment", "Pay via")(page)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name="Credit Card").click()
    await dialog.get_by_role("textbox", name="Amount").fill("25")
    await dialog.get_by_text(re.compile("balance becomes")).wait_for()
    await _card_fields(page)


async def _card_fields(page: Page) -> None:
    frame = page.frame_locator("iframe[name=stripe-sandbox-cardNumber]")
    await frame.locator("input").wait_for()


def then(*parts: Steps) -> Steps:
    """Do one after the other."""

    async def steps(page: Page) -> None:
        for part in parts:
            await part(page)

    return steps


async def _refund(page: Page) -> None:
    await open_row("PayPal top-up")(page)
    await page.get_by_role("dialog").get_by_role("button", name="Refund").click()
    await page.get_by_role("dialog").get_by_label("Why").wait_for()


async def _two_factor(page: Page) -> None:
    await page.get_by_role("button", name="Set up two-factor").click()
    await page.get_by_alt_text("QR code of the key").wait_for()
    await page.get_by_label("Code that the app shows").scroll_into_view_if_needed()


async def _columns(page: Page) -> None:
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("dialog", name="Columns").wait_for()


async def _pay_in_arabic(page: Page) -> None:
    await page.get_by_role("button", name="إجراء دفعة").first.click()
    await _card_fields(page)


async def _search_in_vain(page: Page) -> None:
    await page.get_by_placeholder("Search payments").fill("nothing like this")
    await page.get_by_role("button", name="Show all payments").wait_for()


async def _account(page: Page) -> None:
    await page.get_by_role("link", name="Brightline Telecom").first.click()
    await page.get_by_role("heading", name="Brightline Telecom").wait_for()


SCENES: Final = (
    Scene("login", "/login", "Log in", None),
    Scene("forgot", "/forgot", "E-mail", None),
    Scene("payments", "/", "Completed"),
    Scene("payment", "/", "Completed", steps=open_row("Completed")),
    Scene("payment-pending", "/", "Completed", steps=open_row("Pending")),
    Scene("no-match", "/", "Completed", steps=_search_in_vain),
    Scene("pay", "/", "Completed", steps=then(press("Make Payment", "Pay via"), _card_fields)),
    Scene("pay-card", "/", "Completed", steps=_card),
    Scene(
        "pay-paynamics",
        "/",
        "Completed",
        PESO_CUSTOMER,
        press("Pay With Paynamics", "Amount"),
    ),
    Scene("balance", "/", "Completed", steps=press("US dollars", "balance")),
    Scene(
        "export", "/", "Completed", steps=press("Download payments as CSV", "Total of Completed")
    ),
    Scene(
        "statement", "/", "Completed", steps=press("Statement of account as PDF", "Opening balance")
    ),
    Scene("profile", "/profile", "Time zone"),
    Scene("reset-expired", "/reset/none", "link", None),
    Scene("not-found", "/nowhere", "Go to your payments", None),
    Scene("payments-arabic", "/", "مكتملة", locale="ar"),
    Scene("pay-arabic", "/", "مكتملة", steps=_pay_in_arabic, locale="ar"),
    Scene("two-factor", "/profile", "Time zone", steps=_two_factor),
    Scene("staff-first-steps", "/staff", "First steps", OWNER, empty=True),
    Scene("staff-overview", "/staff", "Pending by age", OWNER),
    Scene("staff-payments", "/staff/payments", "Completed", OWNER),
    Scene("staff-payment", "/staff/payments", "Completed", OWNER, open_row("Completed")),
    Scene("staff-columns", "/staff/payments", "Completed", OWNER, _columns),
    Scene("staff-refund", "/staff/payments", "Completed", OWNER, _refund),
    Scene(
        "staff-add-payment",
        "/staff/payments",
        "Completed",
        OWNER,
        press("Add payment", "Book a purchase"),
    ),
    Scene("staff-review", "/staff/review", "Less arrived than asked for", OWNER),
    Scene("staff-accounts", "/staff/accounts", "Brightline", OWNER),
    Scene("staff-account", "/staff/accounts", "Brightline", OWNER, _account),
    Scene(
        "staff-new-account",
        "/staff/accounts",
        "Brightline",
        OWNER,
        press("New account", "Home currency"),
    ),
    Scene(
        "staff-invite",
        "/staff/accounts",
        "Brightline",
        OWNER,
        then(_account, press("Invite user", "E-mail")),
    ),
    Scene(
        "staff-erase",
        "/staff/accounts",
        "Brightline",
        OWNER,
        then(_account, press("Erase", "Erase for good")),
    ),
    Scene(
        "staff-gateway",
        "/staff/gateways",
        "PayPal",
        OWNER,
        press("Settings of PayPal", "Save"),
    ),
    Scene("staff-gateways", "/staff/gateways", "PayPal", OWNER),
    Scene("staff-events", "/staff/events", "known already", OWNER),
    Scene("staff-mail", "/staff/mail", "Mail", OWNER),
    Scene("staff-reconciliation", "/staff/reconciliation", "Agrees", OWNER),
    Scene("staff-team", "/staff/team", "Nora Lindt", OWNER),
    Scene("staff-audit", "/staff/audit", "Logged in", OWNER),
)
