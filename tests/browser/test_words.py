"""Customers' pages in other languages, from the login to a paid card."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from payments_app.services.catalogues import catalogue, say, speaking
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password
from tests.support.shop import GOOD_CARD, PASSWORD, Shop, open_shop

NAMES = {"English", "Filipino", "Français", "العربية"}

READ = """() => {
  const seen = [document.title.split(" \\u00b7 ")[0]];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!parent.closest("script, style, noscript, iframe")) seen.push(walker.currentNode.data);
  }
  for (const name of ["aria-label", "placeholder", "title", "alt"])
    // The card processor names its own frames.
    for (const element of document.querySelectorAll(`[${name}]:not(iframe)`))
      seen.push(element.getAttribute(name));
  return seen.map((text) => text.trim()).filter(Boolean);
}"""


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("words"), SWEEP_INTERVAL_SECONDS="0.2") as shop:
        yield shop


def english_of(language: str) -> set[str]:
    """Whole messages that are said otherwise in this language."""
    known = catalogue(language)
    single = {m.id: m.string for m in known if m.id and not m.pluralizable}
    return {text for text, said in single.items() if text != said and "{" not in text}


async def no_english(page: Page, language: str) -> None:
    left = english_of(language) & set(await page.evaluate(READ)) - NAMES
    assert not left


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("fil", "ltr")])
async def test_no_english_is_left_from_the_login_to_a_paid_card(
    shop: Shop, browser: Browser, language: str, direction: str
) -> None:
    account = await make_account(shop.database)
    user = await make_user(shop.database, account, password_hash=hash_password(PASSWORD))
    context = await browser.new_context(base_url=shop.portal.url, locale="en-US")
    page = await context.new_page()
    with speaking(language):
        words = {text: say(text) for text in ("Make Payment", "Credit Card", "Amount", "Done")}
    await page.goto("/login")
    await page.locator(f".languages [lang={language}]").click()
    await expect(page.locator("html")).to_have_attribute("dir", direction)
    await expect(page.locator("body")).to_be_visible()
    await no_english(page, language)

    await page.locator("[name=email]").fill(user.email)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator(".login-button").click()
    # "Magbayad" is also how the name of another button begins.
    await page.get_by_role("button", name=words["Make Payment"], exact=True).first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name=words["Credit Card"]).click()
    await dialog.get_by_role("textbox", name=words["Amount"]).fill("50")
    for kind, text in {"cardNumber": GOOD_CARD, "cardExpiry": "1240", "cardCvc": "123"}.items():
        frame = page.frame_locator(f"iframe[name=stripe-sandbox-{kind}]")
        await frame.locator("input").press_sequentially(text)
    await expect(dialog).to_contain_text("50.00")
    await no_english(page, language)
    await dialog.locator("button[type=submit]").click()
    await dialog.get_by_role("button", name=words["Done"]).click()
    await expect(page.locator(".payments tr.completed")).to_have_count(1)
    await page.locator(".row-link").click()
    await expect(page.get_by_role("dialog").locator(".steps li")).not_to_have_count(0)
    await no_english(page, language)
    await page.goto("/profile")
    await expect(page.locator(".zone-form option")).not_to_have_count(0)
    await no_english(page, language)
    await context.close()
