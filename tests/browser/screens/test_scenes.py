"""Every page, sheet and dialog is accessible, and looks as when somebody last looked at it."""

from typing import Final

import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Page

from tests.browser.screens.camera import share_that_differs, shoot
from tests.browser.screens.conftest import LOOKS, Look

_RULES: Final = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
_DIALOG: Final = "[role=dialog], [role=alertdialog]"
_TOLERATED: Final = 0.01
STILLS: Final = [look for look in LOOKS if look.scene.still]


@pytest.mark.parametrize("look", STILLS, ids=str, indirect=True, scope="module")
async def test_the_page_looks_as_in_its_picture(page: Page, look: Look) -> None:
    """After a change that is meant, ``make screenshots`` takes the pictures anew."""
    now = await shoot(page)
    with Image.open(look.picture) as then:
        assert share_that_differs(now, then.convert("RGB")) < _TOLERATED


async def test_axe_finds_nothing(page: Page) -> None:
    """The page behind a dialog has a scene of its own."""
    dialogs = await page.locator(_DIALOG).count()
    found = await Axe().run(page, context=_DIALOG if dialogs else None, options=_RULES)
    told = [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]
    assert told == []


def test_a_moved_part_counts_as_a_difference() -> None:
    one = Image.new("RGB", (400, 400), "white")
    other = one.copy()
    other.paste("black", (0, 0, 60, 60))
    assert share_that_differs(one, one) == 0
    assert share_that_differs(one, other) > _TOLERATED
    assert share_that_differs(one, one.resize((400, 390))) == 1
