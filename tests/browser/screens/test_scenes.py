"""Every page, sheet and dialog is accessible, and looks as when somebody last looked at it."""

from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from playwright.async_api import Page, expect

from tests.browser.screens.camera import Stage, on_stage, share_that_differs, shoot
from tests.browser.screens.conftest import Look
from tests.browser.screens.scenes import SCENES
from tests.browser.scripts import hold_scripts
from tests.support.axe import faults

_TOLERATED: Final = 0.01
_SHOTS: Final = 20
"""A page may still be putting its last parts in place."""
_PLACES: Final = """() => [...document.querySelectorAll(
  ".payments th, .first td, .first > div > *, "
  + "table:not([aria-busy=true]) td, .balances > div:not(.first, [aria-busy]) > *"
)].map((part) => {
  const { x, y, width, height } = part.getBoundingClientRect();
  return [part.textContent, ...[x, y, width, height].map(Math.round)];
})"""


async def test_the_page_looks_as_in_its_picture(
    standing: Stage, page: Page, look: Look, tmp_path: Path
) -> None:
    """After a change that is meant, ``make screenshots`` takes the pictures anew."""
    with Image.open(look.picture) as picture:
        then = picture.convert("RGB")
    share, now = await compared(page, then)
    if share >= _TOLERATED:
        now.save(tmp_path / "first.png")
        # On a busy machine a row that still moved may have been missed for its neighbour.
        async with on_stage(standing, look.scene, look.width, look.scheme) as again:
            share, now = await compared(again, then)
        now.save(tmp_path / "second.png")
    assert share < _TOLERATED, f"see {tmp_path}"


async def compared(page: Page, then: Image.Image) -> tuple[float, Image.Image]:
    """Return how much a page differs from a picture once it stands, and how it looks."""
    for _ in range(_SHOTS):
        now = await shoot(page)
        if (share := share_that_differs(now, then)) < _TOLERATED:
            break
    return share, now


async def test_axe_finds_nothing(page: Page) -> None:
    """The page behind a dialog has a scene of its own."""
    assert await faults(page) == []


@pytest.mark.parametrize("width", [1440, 390])
async def test_the_first_rows_stand_where_the_page_will_have_them(
    standing: Stage, width: int
) -> None:
    scene = next(scene for scene in SCENES if scene.name == "payments")
    page = await (await standing.window(scene, width, "light")).new_page()
    await hold_scripts(page)
    await page.goto(scene.path)
    await expect(page.locator(".first .row-link").first).to_be_visible()
    written = await places(page)
    await page.unroute_all()
    await page.reload()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert len(written) > 300
    assert sorted(written) == sorted(await places(page))
    await page.close()


async def places(page: Page) -> list[list[object]]:
    """Measure the parts of the list and the balances: text, x, y, width and height of each."""
    await page.evaluate("document.fonts.ready")
    found: list[list[object]] = await page.evaluate(_PLACES)
    return found


def test_a_moved_part_counts_as_a_difference() -> None:
    one = Image.new("RGB", (400, 400), "white")
    other = one.copy()
    other.paste("black", (0, 0, 60, 60))
    assert share_that_differs(one, one) == 0
    assert share_that_differs(one, other) > _TOLERATED
    assert share_that_differs(one, one.resize((400, 390))) == 1
