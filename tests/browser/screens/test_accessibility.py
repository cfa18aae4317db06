"""axe finds nothing on any page, sheet or dialog, in light and in dark (WCAG 2.2 AA)."""

from typing import Final

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from tests.browser.screens.camera import Scheme, Stage, on_stage
from tests.browser.screens.scenes import SCENES, Scene

_RULES: Final = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_axe_finds_nothing(
    browser: Browser, standing: Stage, scene: Scene, width: int, scheme: Scheme
) -> None:
    async with on_stage(browser, standing, scene, width, scheme) as page:
        found = await Axe().run(page, options=_RULES)
    told = [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]
    assert told == []
