"""The Content Security Policy in Chromium: nothing of ours breaks it, nothing foreign passes it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Page, Route, TimeoutError, expect

from payments_app.cli.demo import DEMO_LOGINS
from payments_app.payments_app import app
from tests.support.portal import PortalServer

REPORT = """addEventListener("securitypolicyviolation", (event) => reportViolation(
    `${location.pathname}: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"""
VALUES = {"token": "none", "reference": "NONE", "account": "1"}
LEAVES = re.compile(r"^(Log out|Leave|View as customer|Sign out.*|Disable.*|.*CSV.*)$")
OPENS_WITHIN_MS = (700, 4000)
"""The first is enough on a machine that has time; a walk that it was not enough for is repeated."""
LABELLED = """[...document.querySelectorAll("button:enabled")]
    .filter((button) => button.checkVisibility())
    .map((button) => [(button.getAttribute("aria-label") || button.innerText).trim(), button])"""
LABELS = f"() => {LABELLED}.map(([label]) => label)"
BUTTON = f"(wanted) => {LABELLED}.find(([label]) => label === wanted)?.[1]"
OPENED = "[role=dialog], [role=alertdialog], [role=menu], [role=listbox]"


def pages() -> list[str]:
    """The address of every page that the app has, with something in the place of its arguments."""
    routes = (route.replace("index", "") for route in app._unevaluated_pages)
    return sorted(
        "/" + re.sub(r"\[(\w+)\]", lambda found: VALUES[found[1]], route)
        for route in routes
        if route != "404"
    )


@asynccontextmanager
async def watched(
    browser: Browser, portal: PortalServer, role: str
) -> AsyncIterator[BrowserContext]:
    """A browser in which someone of this role is logged in; fails when a policy was violated."""
    violations: list[str] = []
    context = await browser.new_context(base_url=portal.url, reduced_motion="reduce")
    await context.expose_function("reportViolation", lambda told: violations.append(told))
    await context.add_init_script(REPORT)
    login = next(login for login in DEMO_LOGINS if login.role == role)
    answer = await context.request.post(
        "/auth/login",
        data={"email": login.email, "password": login.password},
        headers={"Origin": portal.url},
    )
    assert answer.ok
    try:
        yield context
    finally:
        await context.close()
    assert violations == []


async def ready(page: Page) -> None:
    """Wait until the page has come to life and has what it shows."""
    await expect(page.locator("button").first).to_be_visible()
    await expect(page.locator(".skeleton, .rt-Skeleton, [aria-busy=true]")).to_have_count(0)


def chosen(labels: list[str]) -> list[str]:
    """Return one label of each kind: rows have the same buttons, with their own references."""
    kinds = {re.sub(r"\W*[A-Z0-9]{8,}", "", label): label for label in reversed(labels)}
    return [label for label in reversed(kinds.values()) if label and not LEAVES.match(label)]


async def press(page: Page, label: str) -> bool:
    """Press the button of this label, unless it is gone with what was pressed before."""
    button = (await page.evaluate_handle(BUTTON, label)).as_element()
    if button is None:
        return False
    with suppress(Error):  # what was pressed before covers it, or takes it away just now
        await button.click(timeout=1000)
    return True


async def close(page: Page, within: int) -> int:
    """Close what has opened, or opens soon; returns how many did."""
    with suppress(TimeoutError):
        await page.locator(OPENED).first.wait_for(timeout=within)
        await page.keyboard.press("Escape")
        await expect(page.locator(OPENED)).to_have_count(0)
        return 1
    return 0


async def open_everything(page: Page, within: int) -> int:
    """Press each button of the page that opens something, and close it; returns how many did."""
    opened, address = 0, page.url
    for label in chosen(await page.evaluate(LABELS)):
        if page.url != address:  # what was pressed before led away
            await page.goto(address)
            await ready(page)
        if await press(page, label):
            opened += await close(page, within)
    return opened


@pytest.mark.parametrize(
    ("role", "below", "fewest"), [("customer", r"/(?!staff)", 6), ("owner", "/staff", 20)]
)
async def test_every_page_and_dialog_runs_without_a_violation(
    browser: Browser, portal: PortalServer, role: str, below: str, fewest: int
) -> None:
    async with watched(browser, portal, role) as context:
        page = await context.new_page()
        for within in OPENS_WITHIN_MS:
            opened = 0
            for address in filter(re.compile(below).match, pages()):
                await page.goto(address)
                await ready(page)
                opened += await open_everything(page, within)
            if opened >= fewest:
                break
    assert opened >= fewest


@pytest.mark.parametrize(
    "smuggled",
    [
        "<script>window.owned = 1</script>",
        "<img src=x onerror='window.owned = 1'>",
        "<script src='data:text/javascript,window.owned=1'></script>",
        "<iframe srcdoc='<script>parent.owned = 1</script>'></iframe>",
    ],
)
async def test_a_smuggled_script_does_not_run(page: Page, smuggled: str) -> None:
    async def smuggle(route: Route) -> None:
        answer = await route.fetch()
        body = (await answer.text()).replace("</body>", f"{smuggled}<i id=end></i></body>")
        await route.fulfill(response=answer, body=body)

    blocked: list[str] = []
    await page.context.expose_function("reportViolation", lambda told: blocked.append(told))
    await page.add_init_script(REPORT)
    await page.route("**/login", smuggle)
    await page.goto("/login")
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert await page.evaluate("window.owned") is None
    assert blocked


async def test_nothing_is_evaluated_and_no_other_site_is_asked(page: Page) -> None:
    """The script comes from the portal's own address, as one of its packages would."""
    script = """
        const said = (call) => { try { call(); return "ran" } catch { return "refused" } };
        window.said = [said(() => eval("1")), said(() => new Function("1")())];
        const { dataset } = document.documentElement;
        fetch("https://evil.test/").catch(() => { dataset.asked = "refused" });"""
    await page.route(
        "**/extra.js", lambda route: route.fulfill(content_type="text/javascript", body=script)
    )
    await page.goto("/login")
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    await page.evaluate(
        """() => document.head.append(
            Object.assign(document.createElement("script"), { src: "/extra.js" }))"""
    )
    await expect(page.locator("html[data-asked=refused]")).to_be_attached()
    assert await page.evaluate("window.said") == ["refused", "refused"]
