"""One payment in full, in the sheet that the address ``/?payment=REFERENCE`` opens."""

from typing import Any, Final

import reflex as rx

from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.languages import later
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import checkout, reports
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.rates import LOOK_UPS
from payments_app.services.reports import Detail
from payments_app.state.checkout_views import seconds_since, seconds_until
from payments_app.state.gate import customer_event
from payments_app.state.often import often
from payments_app.state.session import SessionState

_LIST: Final = "/"
_NO_ANSWER: Final = later("The payment provider does not answer just now. Try again in a moment.")
_STILL_PENDING: Final = later("Nothing new yet. This page changes by itself when there is.")


class DetailState(SessionState):
    """The open sheet. ``found`` is false when the address names no payment of the account."""

    is_open: bool = False
    reference: str = ""
    found: bool = False
    detail: Detail | None = None
    busy: bool = False
    asks_to_cancel: bool = False
    notice: str = ""
    asked: int = -1
    """How many seconds ago the gateway was asked, -1 for never."""
    next_check: int = 0
    stamp: int = 0
    """Changes with every look at the payment, so that the page counts its seconds anew."""

    @customer_event(reads=True)
    async def open_from_address(self) -> None:
        """Open the payment that the address names; without one, close."""
        reference = self.router.url.query_parameters.get("payment", "")
        if reference != self.reference:
            self.asks_to_cancel, self.busy, self.notice = False, False, ""
        self.reference = reference
        if reference:
            await self._read()
        self.is_open = bool(reference)

    @customer_event(reads=True)
    async def moved(self, is_open: bool) -> Any:
        """Close when the customer presses Escape or beside the sheet."""
        return None if is_open is True else self._leave()

    @customer_event(reads=True)
    async def refresh(self, references: list[str]) -> None:
        """Read the payment anew when it is among those that changed."""
        if self.is_open and isinstance(references, list) and self.reference in references:
            await self._read()

    @customer_event(background=True, temporal=True)
    async def check(self) -> None:
        """Ask the gateway how the payment stands."""
        async with self:
            who, reference = await self._identity(), self.reference
            if who is None or self.busy or not reference:
                return
            self.notice = await often(who, self.router.session.client_ip, LOOK_UPS)
            if self.notice:
                return
            self.busy = True
        try:
            progress = await checkout.check(
                current(), who, reference, at_most_every=checkout.ASK_AT_MOST_EVERY
            )
            notice = say(_STILL_PENDING) if progress.next_check_at else ""
        except NotFound:
            notice = ""
        await self._finish(reference, notice)

    @customer_event
    async def ask_to_cancel(self, asks: bool) -> None:
        """Show or hide the question whether the payment is to be cancelled."""
        self.asks_to_cancel = asks is True

    @customer_event(background=True, temporal=True)
    async def cancel(self) -> None:
        """Give the payment up, at its gateway first."""
        async with self:
            who, reference = await self._identity(), self.reference
            if who is None or self.busy or not self.asks_to_cancel:
                return
            self.busy, self.asks_to_cancel, self.notice = True, False, ""
        try:
            await checkout.cancel(current(), who, reference)
            notice = ""
        except GatewayUnavailable:
            notice = say(_NO_ANSWER)
        except (NotFound, NotAllowed):
            notice = say("This payment cannot be cancelled.")
        await self._finish(reference, notice)

    async def _finish(self, reference: str, notice: str) -> None:
        async with self:
            self.busy = False
            if self.reference == reference:
                self.notice = notice
                await self._read()

    async def _read(self) -> None:
        who = await self._identity()
        if who is None:
            return
        try:
            self.detail = await reports.detail(current(), who, self.reference)
            self.found = True
            now = current().clock()
            self.asked = seconds_since(self.detail.checked_at, now)
            self.next_check = seconds_until(self.detail.next_check_at, now)
            self.stamp += 1
        except NotFound:
            self.detail, self.found = None, False

    def _leave(self) -> Any:
        self.is_open, self.reference = False, ""
        return rx.redirect(_LIST, replace=True)
