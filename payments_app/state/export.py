"""The dialog before a download: how many payments the file holds, and their totals."""

from typing import Final

from payments_app.services import rates, reports
from payments_app.services.context import current
from payments_app.services.reports import TotalLine
from payments_app.services.view import View
from payments_app.services.wording import too_many_attempts
from payments_app.state.gate import customer_event
from payments_app.state.payments import PaymentsState
from payments_app.state.session import SessionState

ALL: Final = "all"
CURRENT: Final = "current"
_ADDRESS: Final = "/exports/payments.csv"


class ExportState(SessionState):
    """What would be downloaded; ``address`` is where the file is."""

    is_open: bool = False
    scope: str = ALL
    rows: str = ""
    totals: list[TotalLine] = []
    address: str = _ADDRESS
    ready: bool = False
    notice: str = ""

    @customer_event(reads=True)
    async def moved(self, is_open: bool) -> None:
        """Follow the dialog; it opens for what is on screen when that is narrowed."""
        self.is_open = is_open is True
        if self.is_open:
            payments = await self.get_state(PaymentsState)
            await self._choose(CURRENT if payments._view.narrowed else ALL, payments._view)

    @customer_event(reads=True)
    async def choose(self, scope: str) -> None:
        """Choose between everything and the view on screen."""
        payments = await self.get_state(PaymentsState)
        await self._choose(CURRENT if scope == CURRENT else ALL, payments._view)

    async def _choose(self, scope: str, on_screen: View) -> None:
        who = await self._identity()
        if who is None:
            return
        view = on_screen if scope == CURRENT else View()
        summary = await reports.summary(current(), who, view)
        self.scope, self.rows, self.totals = scope, summary.rows, list(summary.totals)
        query = f"?view={CURRENT}&{view.query()}".rstrip("&")
        self.address = f"{_ADDRESS}{query}" if scope == CURRENT else _ADDRESS
        wait = await rates.wait_for(
            current(), rates.DOWNLOADS, who.session_id, self.router.session.client_ip
        )
        self.notice = too_many_attempts(wait) if wait else ""
        self.ready = True
