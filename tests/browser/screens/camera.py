"""Take pictures of the scenes and compare them."""

import io
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import httpx
from PIL import Image, ImageChops
from playwright.async_api import Browser, BrowserContext, Page, expect

from payments_app.cli.build import ROOT
from payments_app.services.places import LOCALE_COOKIE
from tests.browser.screens.scenes import PEOPLE, Scene
from tests.browser.screens.server import NOW
from tests.support.portal import PortalServer
from tests.support.sandbox import eventually

PICTURES: Final = ROOT / "docs/screenshots"
HEIGHT: Final = 900
Scheme = Literal["light", "dark"]

_DEVICE: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36"
_OPEN_AT_COUNTERS: Final = 2
"""Payments of the demo whose reference expires as soon as the portal runs."""
_GATEWAYS: Final = 5
_SHRINK: Final = 4
_FAINT: Final = 40
"""Of 255: differences in how two Chromiums draw a letter, seen at a quarter of the size."""


class Stage:
    """The portal at its one moment, where each of its people has logged in once.

    Whoever looks again with the same window finds the front end in the browser's cache.
    """

    def __init__(
        self, browser: Browser, url: str, sessions: Mapping[tuple[str, str] | None, Sequence[Any]]
    ) -> None:
        self._browser = browser
        self._url = url
        self._sessions = sessions
        self._windows: dict[tuple[object, ...], BrowserContext] = {}

    async def window(self, scene: Scene, width: int, scheme: Scheme) -> BrowserContext:
        """Return the browser window of the scene's person."""
        key = (scene.login, scene.locale, width, scheme)
        if key not in self._windows:
            context = await self._browser.new_context(
                base_url=self._url,
                viewport={"width": width, "height": HEIGHT},
                color_scheme=scheme,
                reduced_motion="reduce",
                locale="en-US",
                timezone_id="UTC",
            )
            await context.clock.install(time=NOW)
            speaks = {"name": LOCALE_COOKIE, "value": scene.locale, "url": self._url}
            await context.add_cookies([*self._sessions.get(scene.login, ()), speaks])
            self._windows[key] = context
        return self._windows[key]

    async def close(self) -> None:
        """Close all windows."""
        for context in self._windows.values():
            await context.close()


@asynccontextmanager
async def standing_portal(browser: Browser, directory: Path) -> AsyncIterator[Stage]:
    """Run the demo portal at its one moment until the block ends."""
    portal = PortalServer(directory)
    await portal.migrate()
    await portal.run("payments_app.cli.demo", "--today", NOW.date().isoformat())
    await portal.start("tests.browser.screens.server")
    try:
        await eventually(partial(_at_rest, portal.database_path))
        sessions = {person: await _log_in(portal.url, *person) for person in PEOPLE}
        stage = Stage(browser, portal.url, sessions)
        yield stage
        await stage.close()
    finally:
        await portal.stop()


async def _at_rest(database: Path) -> bool:
    """Tell whether what the portal does by itself after its start is done."""
    with closing(sqlite3.connect(database)) as connection:
        count = "select count(*) from gateway_event union all select count(*) from reconciliation"
        return connection.execute(count).fetchall() == [(_OPEN_AT_COUNTERS,), (_GATEWAYS,)]


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
