"""What axe has to say about a page (WCAG 2.2 AA)."""

from typing import Final, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_RULES: Final = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
_DIALOG: Final = "[role=dialog], [role=alertdialog]"
_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


async def faults(page: Page) -> list[str]:
    """Return what axe finds, of a dialog alone where one is open."""
    dialogs = await page.locator(_DIALOG).count()
    found = await Axe().run(page, context=_DIALOG if dialogs else None, options=_RULES)
    return [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]


async def faults_in_both_themes(page: Page) -> list[str]:
    """Return what axe finds in light and in dark."""
    told = []
    for scheme in _SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        told += await faults(page)
    return told
