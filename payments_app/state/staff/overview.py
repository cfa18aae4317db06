"""The staff's overview: figures and charts, counted once for all of a worker's tabs."""

from secrets import token_hex
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from payments_app.services import overview
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.overview import Bar, Days, Overview, Received, Today
from payments_app.state import live
from payments_app.state.gate import viewer_event
from payments_app.state.session import SessionState

log = structlog.get_logger()

OVERVIEW_PAGE: Final = "/staff"

_days = Days()
_taken_in: dict[int, int] = {}
"""The newest timeline entry of each payment that the counted days already hold."""
_made: dict[str, Overview] = {}
"""What was made of them, by locale, until the next change."""


class OverviewState(SessionState):
    """What the page shows; ``turn`` counts its news."""

    phase: str = "loading"
    error_reference: str = ""
    today: list[Today] = []
    received: list[Received] = []
    success: list[Bar] = []
    pending: list[Bar] = []
    turn: int = 0

    @viewer_event
    async def load(self) -> None:
        """Count everything, and show it from now on live."""
        who = await self._identity()
        if who is None:
            return
        live.watch(self.router.session.client_token, OverviewState.payments_changed)
        _days.clear()
        _made.clear()
        await self._show(who)

    @viewer_event
    async def payments_changed(self, payment_ids: list[int]) -> None:
        """Take in what changed just now; the server sends this to the open overviews."""
        who = await self._identity()
        here = self.router.url.path.rstrip("/") == OVERVIEW_PAGE
        if who is None or not here or not isinstance(payment_ids, list):
            return
        entries = [snapshot.entry for snapshot in live.recent(payment_ids)]
        fresh = [e for e in entries if _taken_in.get(e.payment.key) != e.last_entry]
        if fresh:
            _taken_in.clear()
            _taken_in.update({e.payment.key: e.last_entry for e in entries})
            _days.forget(e.payment for e in fresh)
            _made.clear()
        await self._show(who)

    async def _show(self, who: Identity) -> None:
        try:
            if who.locale not in _made:
                _made[who.locale] = await overview.overview(current(), who, _days)
        except SQLAlchemyError:
            self.phase, self.error_reference = "error", token_hex(4).upper()
            log.exception("overview_failed", error_reference=self.error_reference)
            return
        made = _made[who.locale]
        self.phase, self.turn = "ready", self.turn + 1
        self.today, self.received = list(made.today), list(made.received)
        self.success, self.pending = list(made.success), list(made.pending)
