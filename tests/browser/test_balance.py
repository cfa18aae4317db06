"""From a balance to the payments behind it."""

from playwright.async_api import Page, expect

from tests.support.portal import PortalServer


async def test_a_balance_opens_to_its_payments(page: Page, portal: PortalServer) -> None:
    login = {"email": "maria@brightline.example", "password": "maria-demo"}
    await page.request.post("/auth/login", data=login, headers={"Origin": portal.url})
    await page.goto("/")
    await page.get_by_role("button", name="US dollars").click()
    story = page.get_by_role("dialog", name="Why is my balance this?")
    await story.get_by_text("Show the newest payments behind it").click()
    newest = story.get_by_role("table", name="The newest payments behind it").get_by_role("row")
    label = await newest.first.get_by_role("rowheader").inner_text()
    await newest.first.get_by_role("link").click()
    await expect(story).to_have_count(0)
    sheet = page.get_by_role("dialog")
    await expect(sheet).to_contain_text("What happened")
    await expect(sheet).to_contain_text(label)
