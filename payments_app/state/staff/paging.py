"""Going through a list page by page, for every list of the staff."""

from typing import Any

import reflex as rx

from payments_app.state import desks
from payments_app.state.gate import viewer_event


class Paged(rx.State, mixin=True):
    """A list that shows one page at a time; its state reads the page in ``_turn_page``.

    ``_starts`` holds the cursor of each page up to the one on screen, None for the first.
    """

    has_newer: bool = False
    has_older: bool = False

    _starts: list[Any] = [None]
    _older: Any = None

    @viewer_event
    async def go_older(self) -> None:
        """Show the next page."""
        if desks.has_news(self.router.session.client_token):
            await self._turn_page()  # What came since has moved the end of this page.
        if self._older is not None:
            self._starts = [*self._starts, self._older]
            await self._turn_page()

    @viewer_event
    async def go_newer(self) -> None:
        """Show the page before."""
        if len(self._starts) > 1:
            self._starts = self._starts[:-1]
            await self._turn_page()

    async def _turn_page(self) -> None:
        """Read the page that the last of ``_starts`` begins."""
        raise NotImplementedError

    def _found_page(self, older: Any) -> None:
        """Take in where the page after the one just read begins, None behind the last."""
        self._older = older
        self.has_newer, self.has_older = len(self._starts) > 1, older is not None
