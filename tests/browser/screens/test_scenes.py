"""Every page, sheet and dialog is accessible, and looks as when somebody last looked at it."""

from typing import Final

from PIL import Image
from playwright.async_api import Page

from tests.browser.screens.camera import share_that_differs, shoot
from tests.browser.screens.conftest import Look
from tests.support.axe import faults

_TOLERATED: Final = 0.01
_SHOTS: Final = 20
"""A page may still be putting its last parts in place."""


async def test_the_page_looks_as_in_its_picture(page: Page, look: Look) -> None:
    """After a change that is meant, ``make screenshots`` takes the pictures anew."""
    with Image.open(look.picture) as picture:
        then = picture.convert("RGB")
    for _ in range(_SHOTS):
        if (share := share_that_differs(await shoot(page), then)) < _TOLERATED:
            break
    assert share < _TOLERATED


async def test_axe_finds_nothing(page: Page) -> None:
    """The page behind a dialog has a scene of its own."""
    assert await faults(page) == []


def test_a_moved_part_counts_as_a_difference() -> None:
    one = Image.new("RGB", (400, 400), "white")
    other = one.copy()
    other.paste("black", (0, 0, 60, 60))
    assert share_that_differs(one, one) == 0
    assert share_that_differs(one, other) > _TOLERATED
    assert share_that_differs(one, one.resize((400, 390))) == 1
