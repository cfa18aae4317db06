"""A customer who has no mouse."""

from dataclasses import dataclass
from typing import Final

from playwright.async_api import Locator, Page

_FAR: Final = 80
_HAS_FOCUS: Final = "element => element === element.ownerDocument.activeElement"


@dataclass
class Keyboard:
    """Moves over ``page`` by Tab and the arrow keys only; fails when something is out of reach."""

    page: Page

    async def reach(self, target: Locator, key: str = "Tab") -> None:
        """Press ``key`` until ``target`` has the focus."""
        await target.wait_for()
        for _ in range(_FAR):
            if await target.evaluate(_HAS_FOCUS):
                return
            await self.page.keyboard.press(key)
        raise AssertionError(f"{target} cannot be reached by {key}")

    async def press(self, target: Locator) -> None:
        """Reach a button or a link, and press it."""
        await self.reach(target)
        await self.page.keyboard.press("Enter")

    async def write(self, target: Locator, text: str) -> None:
        """Reach a field and type into it."""
        await self.reach(target)
        await self.page.keyboard.type(text)

    async def choose(self, radios: Locator, name: str) -> None:
        """Reach a group of radios and go to the one of this name by the arrow keys."""
        await radios.first.wait_for()
        for _ in range(_FAR):
            if await radios.evaluate_all(f"all => all.some({_HAS_FOCUS})"):
                break
            await self.page.keyboard.press("Tab")
        await self.reach(radios.and_(self.page.get_by_role("radio", name=name)), "ArrowDown")
        await self.page.keyboard.press("Space")
