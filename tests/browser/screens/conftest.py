"""The portal that stands still, shared by the tests that look at it.

``standing``  that portal, with its people's browser windows.
``scene``     each scene of it, wide and dark, then narrow and light.
``page``      the browser's page when the scene is complete; one visit serves all tests of it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.browser.screens.camera import Scheme, Stage, on_stage, picture_of, standing_portal
from tests.browser.screens.scenes import SCENES, Scene


@dataclass(frozen=True)
class Look:
    """A scene in a window."""

    scene: Scene
    width: int
    scheme: Scheme

    def __str__(self) -> str:
        return self.picture.stem

    @property
    def picture(self) -> Path:
        return picture_of(self.scene, self.width, self.scheme)


_WINDOWS: tuple[tuple[int, Scheme], ...] = ((1440, "dark"), (390, "light"))
LOOKS = [Look(scene, *window) for window, scene in product(_WINDOWS, SCENES)]


@pytest.fixture(scope="session")
async def standing(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    async with standing_portal(browser, tmp_path_factory.mktemp("standing")) as stage:
        yield stage


@pytest.fixture(scope="module", params=LOOKS, ids=str)
def look(request: pytest.FixtureRequest) -> Look:
    chosen: Look = request.param
    return chosen


@pytest.fixture(scope="module")
async def page(standing: Stage, look: Look) -> AsyncIterator[Page]:
    async with on_stage(standing, look.scene, look.width, look.scheme) as page:
        yield page
