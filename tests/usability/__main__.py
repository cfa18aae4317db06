"""Do a new customer's first jobs on the demo, and count: ``python -m tests.usability [URL]``.

It needs a portal that ``make run`` started. Clicks and keys are what a hand does; seconds are the
portal's own, from the first click to the answer on screen, without thinking. What a person needs is
estimated by the Keystroke-Level Model (Card, Moran and Newell, 1980).
"""

import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Download, Locator, Page, async_playwright, expect

from tests.browser import chromium

PAYER: Final = ("priya@harbourcloud.example", "priya-demo")
WONDERER: Final = ("jose@islaconnect.example", "jose-demo")
DEFAULT_URL: Final = "http://localhost:3000"
WIDTH, HEIGHT = 1440, 900

POINT, PRESS, KEY, THINK = 1.1, 0.2, 0.28, 1.35
"""Seconds for pointing at something, a click, a key, and making up one's mind before a click."""


@dataclass
class Hand:
    """One hand on one page, which counts what it does."""

    page: Page
    clicks: int = 0
    keys: int = 0

    async def click(self, target: Locator) -> None:
        """Point at something and click it."""
        self.clicks += 1
        await target.click()

    async def type(self, target: Locator, text: str) -> None:
        """Click into a field and type."""
        await self.click(target)
        self.keys += len(text)
        await target.press_sequentially(text)

    async def go_on(self, target: Locator, text: str) -> None:
        """Type into the field that has the focus already, or reach it with the tabulator."""
        self.keys += 1 + len(text)
        await target.press_sequentially(text)

    async def pick_day(self, field: Locator, day: str) -> None:
        """Click into a date field and type the day; its form depends on the browser's language."""
        await self.click(field)
        self.keys += len(day) - 2
        await field.fill(day)

    @property
    def person(self) -> float:
        """Seconds that a person needs, by the model."""
        return self.clicks * (THINK + POINT + PRESS) + self.keys * KEY


Job = Callable[[Hand], Awaitable[str]]


async def find_the_balance(hand: Hand) -> str:
    """Find the balance."""
    region = hand.page.get_by_role("region", name="Balance")
    await expect(region).to_contain_text("£")
    return "stands above the list, in the home currency first"


async def pay_by_card(hand: Hand) -> str:
    """Pay 25 pounds by card."""
    page = hand.page
    await hand.click(page.get_by_role("button", name="Make Payment").first)
    dialog = page.get_by_role("dialog", name="Payment", exact=True)
    method = dialog.get_by_role("radio", name="Credit Card")
    await expect(method).to_be_visible()
    if not await method.is_checked():
        await hand.click(method)
    fields = {"cardNumber": "4242424242424242", "cardExpiry": "1240", "cardCvc": "123"}
    for number, (kind, text) in enumerate(fields.items()):
        field = page.frame_locator(f"iframe[name=stripe-sandbox-{kind}]").locator("input")
        await (hand.go_on if number else hand.type)(field, text)
    await hand.type(dialog.get_by_role("textbox", name="Amount"), "25")
    await hand.click(dialog.get_by_role("button", name="Pay £25.00", exact=True))
    await expect(dialog).to_contain_text("£25.00 is paid")
    return "the dialog says that it is paid, and the new balance"


async def see_why_it_was_cancelled(hand: Hand) -> str:
    """See why last week's payment was cancelled."""
    page = hand.page
    row = page.get_by_role("row").filter(has_text="Cancelled").first
    await hand.click(row.get_by_role("link"))
    sheet = page.get_by_role("dialog")
    await expect(sheet).to_contain_text(
        re.compile("expired|ran out|not paid|in time", re.IGNORECASE)
    )
    return "the row opens a sheet whose first lines say it"


async def download_march(hand: Hand) -> str:
    """Download March as CSV."""
    page = hand.page
    await hand.click(page.get_by_role("combobox", name="Date range"))
    await hand.click(page.get_by_role("option", name="Other days"))
    year = time.localtime().tm_year - (time.localtime().tm_mon <= 3)
    for label, day in (("From", f"{year}-03-01"), ("To", f"{year}-03-31")):
        await hand.pick_day(page.get_by_label(label, exact=True), day)
    await expect(page.get_by_role("table", name="Payments")).to_contain_text(
        re.compile(rf"Mar.* {year}")
    )
    await hand.click(page.get_by_role("button", name="Download payments as CSV"))
    name, lines = await saved(hand, page.get_by_role("dialog").get_by_role("link", name="Download"))
    months = {line.split(",")[0][:7].strip('"') for line in lines[1:] if line}
    assert months == {f"{year}-03"}, months
    return f"{name}, {len(lines) - 1} payments, all of March {year}"


async def get_a_receipt(hand: Hand) -> str:
    """Get a receipt."""
    page = hand.page
    row = page.get_by_role("row").filter(has_text="Completed").first
    await hand.click(row.get_by_role("link"))
    link = page.get_by_role("dialog").get_by_role("link", name="Receipt as PDF")
    hand.clicks += 1
    answer = await page.request.get(await link.get_attribute("href") or "")
    assert (await answer.body()).startswith(b"%PDF")
    return "the row's sheet leads to the PDF"


async def saved(hand: Hand, link: Locator) -> tuple[str, list[str]]:
    """Click a download; return the file's name and lines."""
    async with hand.page.expect_download() as waiting:
        await hand.click(link)
    download: Download = await waiting.value
    text = (await asyncio.to_thread(Path(await download.path()).read_bytes)).decode("utf-8-sig")
    return download.suggested_filename, text.splitlines()


JOBS: Final[tuple[tuple[Job, tuple[str, str]], ...]] = (
    (find_the_balance, PAYER),
    (pay_by_card, PAYER),
    (see_why_it_was_cancelled, WONDERER),
    (download_march, PAYER),
    (get_a_receipt, PAYER),
)


async def do(browser: Browser, url: str, job: Job, login: tuple[str, str]) -> str:
    """Log in, do one job and return its line of the table."""
    context = await browser.new_context(
        base_url=url, viewport={"width": WIDTH, "height": HEIGHT}, locale="en-US"
    )
    email, password = login
    form = {"email": email, "password": password}
    answer = await context.request.post("/auth/login", data=form, headers={"origin": url})
    assert answer.ok, await answer.text()
    page = await context.new_page()
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    started = time.monotonic()
    await page.goto("/")
    await expect(page.get_by_role("region", name="Balance")).to_contain_text(re.compile(r"\d"))
    if job is not find_the_balance:
        started = time.monotonic()
    hand = Hand(page)
    found = await job(hand)
    seconds = time.monotonic() - started
    await context.close()
    title = (job.__doc__ or "").rstrip(".")
    person = f"{hand.person:.0f} s" if hand.clicks else "at a glance"
    return f"| {title} | {hand.clicks} | {hand.keys} | {seconds:.1f} s | {person} | {found} |"


async def main(url: str) -> None:
    """Do every job and print the table."""
    async with async_playwright() as playwright:
        found = chromium.find(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=found, args=chromium.FLAGS)
        print("| Job | Clicks | Keys | Portal | Person | Where the answer is |")
        print("| --- | --- | --- | --- | --- | --- |")
        for job, login in JOBS:
            print(await do(browser, url, job, login), flush=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else DEFAULT_URL))
