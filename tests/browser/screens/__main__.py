"""Write the pictures of every page anew: ``make screenshots``."""

import asyncio
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright

from tests.browser import chromium
from tests.browser.screens.camera import (
    PICTURES,
    Scheme,
    Stage,
    on_stage,
    picture_of,
    shoot,
    standing_portal,
)
from tests.browser.screens.scenes import SCENES, Scene

_WIDTHS: Final = (1440, 390)
_MORE: Final = {"payments": (1024, 768), "staff-payments": (1024, 768)}
_SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
_QUALITY: Final = 80


async def main(names: list[str]) -> None:
    """Take the named scenes, or all, at every width in both themes."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium.find(playwright.chromium.executable_path),
                args=chromium.FLAGS,
            )
            async with standing_portal(browser, Path(directory)) as stage:
                for scene in SCENES:
                    if not names or scene.name in names:
                        await _take(stage, scene)
            await browser.close()


async def _take(stage: Stage, scene: Scene) -> None:
    for width, scheme in product((*_WIDTHS, *_MORE.get(scene.name, ())), _SCHEMES):
        async with on_stage(stage, scene, width, scheme) as page:
            picture = await shoot(page)
        target = picture_of(scene, width, scheme)
        picture.save(target, quality=_QUALITY, method=6)
        print(target.name, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
