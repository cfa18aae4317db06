"""Take pictures of the scenes and compare them."""

import asyncio
import io
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import httpx
from PIL import Image, ImageChops
from playwright.async_api import Browser, BrowserContext, Page, expect

from payments_app.cli.build import ROOT
from payments_app.db.engine import Database
from payments_app.services.places import LOCALE_COOKIE
from tests.browser.screens.scenes import OWNER, PEOPLE, Scene
from tests.browser.screens.server import NOW
from tests.support.factories import make_user
from tests.support.logins import hash_password
from tests.support.portal import PortalServer
from tests.support.sandbox import eventually

PICTURES: Final = ROOT / "docs/screenshots"
HEIGHT: Final = 900
Scheme = Literal["light", "dark"]

_DEVICE: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36"
_AT_REST: Final = {
    # Payments of the demo whose reference expires as soon as the portal runs; two users are told.
    "select count(*) from gateway_event": 2,
    "select count(*) from mail where sent_at is not null": 4,
    "select count(*) from reconciliation": 5,
    "select count(distinct gateway) from gateway_minute": 5,
    # Each Pending payment says when its gateway was asked.
    f"select count(*) from payment where next_check_at <= '{NOW:%Y-%m-%d %H:%M:%S.%f}'": 0,
}
"""What there is once everything is done that the portal with the demo does by itself."""
_SHRINK: Final = 4
_FAINT: Final = 40
"""Of 255: differences in how two Chromiums draw a letter, seen at a quarter of the size."""


_MEASURED: Final = """() => {
    const say = (selector, text) =>
        document.querySelectorAll(selector).forEach((one) => (one.textContent = text));
    say(".ops-card .totals td:nth-child(2)", "12");
    say(".ops-card .totals td:nth-child(4)", "130 ms");
    document.querySelectorAll(".ops-card .fact").forEach((fact) => {
        const [name, value] = fact.children;
        if (name.textContent === "Last answer") value.textContent = "Mar 2, 2026, 9:30 AM";
    });
    document.querySelectorAll(".ops-card .copy-text").forEach((one) => {
        one.textContent = one.textContent.replace(location.origin, "https://pay.northwind.example");
    });
}"""
"""Writes over what differs with the machine: the gateways' answers, and the portal's port."""


@dataclass(frozen=True)
class House:
    """A portal of the pictures: its address, and the login cookies of its people."""

    url: str
    sessions: Mapping[tuple[str, str] | None, Sequence[Any]]


class Stage:
    """The portals at their one moment, where each of their people has logged in once.

    Whoever looks again with the same window finds the front end in the browser's cache.
    """

    def __init__(self, browser: Browser, demo: House, empty: House) -> None:
        self._browser = browser
        self._demo = demo
        self._empty = empty
        self._windows: dict[tuple[object, ...], BrowserContext] = {}

    async def window(self, scene: Scene, width: int, scheme: Scheme) -> BrowserContext:
        """Return the browser window of the scene's person."""
        key = (scene.empty, scene.login, scene.locale, width, scheme)
        house = self._empty if scene.empty else self._demo
        if key not in self._windows:
            context = await self._browser.new_context(
                base_url=house.url,
                viewport={"width": width, "height": HEIGHT},
                color_scheme=scheme,
                reduced_motion="reduce",
                locale="en-US",
                timezone_id="UTC",
            )
            await context.clock.install(time=NOW)
            speaks = {"name": LOCALE_COOKIE, "value": scene.locale, "url": house.url}
            await context.add_cookies([*house.sessions.get(scene.login, ()), speaks])
            self._windows[key] = context
        return self._windows[key]

    async def close(self) -> None:
        """Close all windows."""
        for context in self._windows.values():
            await context.close()


@asynccontextmanager
async def standing_portal(browser: Browser, directory: Path) -> AsyncIterator[Stage]:
    """Run the portals at their one moment until the block ends."""
    async with (
        _running(directory / "demo", _demo) as demo,
        _running(directory / "empty", _owner) as empty,
    ):
        await eventually(partial(_at_rest, demo.database_path))
        stage = Stage(browser, await _visited(demo, *PEOPLE), await _visited(empty, OWNER))
        yield stage
        await stage.close()


@asynccontextmanager
async def _running(
    directory: Path, fill: Callable[[PortalServer], Awaitable[None]]
) -> AsyncIterator[PortalServer]:
    await asyncio.to_thread(directory.mkdir)
    portal = PortalServer(directory)
    await portal.migrate()
    await fill(portal)
    await portal.start("tests.browser.screens.server")
    try:
        yield portal
    finally:
        await portal.stop()


async def _demo(portal: PortalServer) -> None:
    await portal.run("payments_app.cli.demo", "--today", NOW.date().isoformat())


async def _owner(portal: PortalServer) -> None:
    """Make the owner who has just installed a portal."""
    email, password = OWNER
    stored = await asyncio.to_thread(hash_password, password)
    database = Database(portal.database_url)
    await make_user(database, email=email, name="Nora Lindt", password_hash=stored)
    await database.close()


async def _visited(portal: PortalServer, *people: tuple[str, str]) -> House:
    return House(portal.url, {person: await _log_in(portal.url, *person) for person in people})


async def _at_rest(database: Path) -> bool:
    """Tell whether what the portal does by itself after its start is done."""
    with closing(sqlite3.connect(database)) as connection:
        return all(
            connection.execute(query).fetchone() == (count,) for query, count in _AT_REST.items()
        )


async def _log_in(url: str, email: str, password: str) -> Sequence[Any]:
    async with httpx.AsyncClient(headers={"User-Agent": _DEVICE, "Origin": url}) as client:
        answer = await client.post(
            f"{url}/auth/login", json={"email": email, "password": password}, timeout=30
        )
        answer.raise_for_status()
        cookies = client.cookies.items()
        return [{"name": name, "value": value, "url": url} for name, value in cookies]


def picture_of(scene: Scene, width: int, scheme: Scheme) -> Path:
    """Where the committed picture is."""
    return PICTURES / f"{scene.name}-{width}-{scheme}.webp"


@asynccontextmanager
async def on_stage(stage: Stage, scene: Scene, width: int, scheme: Scheme) -> AsyncIterator[Page]:
    """Bring a page to where the scene is complete."""
    context = await stage.window(scene, width, scheme)
    page = await context.new_page()
    await page.goto(scene.path)
    await page.get_by_role("heading", level=1).first.wait_for()
    await page.get_by_text(scene.shows).locator("visible=true").first.wait_for()
    waiting = page.locator("[aria-busy=true], .rt-Skeleton").locator("visible=true")
    await expect(waiting).to_have_count(0)
    if scene.steps:
        await scene.steps(page)
        await expect(waiting).to_have_count(0)
    await page.evaluate("document.fonts.ready")
    yield page
    await page.close()


async def shoot(page: Page) -> Image.Image:
    """Take the picture of what the window shows."""
    await page.evaluate(_MEASURED)
    data = await page.screenshot(animations="disabled", caret="hide")
    return Image.open(io.BytesIO(data)).convert("RGB")


def share_that_differs(one: Image.Image, other: Image.Image) -> float:
    """Return the share of the picture, 0 to 1, that a person would call different."""
    if one.size != other.size:
        return 1.0
    small = (one.width // _SHRINK, one.height // _SHRINK)
    pair = (image.resize(small, Image.Resampling.BOX) for image in (one, other))
    difference = ImageChops.difference(*pair).convert("L")
    changed = sum(difference.histogram()[_FAINT:])
    return changed / (small[0] * small[1])
