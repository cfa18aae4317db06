"""Pages whose scripts do not come, as on a slow line."""

import re
from typing import Final

from playwright.async_api import Page, Route

SCRIPTS: Final = re.compile(r"/assets/.*\.js$")


async def hold_scripts(page: Page) -> None:
    """Let no script of the portal come, from the next page on; ``unroute_all`` lets them again."""

    async def hold(route: Route) -> None:
        await route.abort()

    await page.route(SCRIPTS, hold)
