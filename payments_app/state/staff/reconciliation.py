"""The staff's page of reconciliation."""

from datetime import date
from typing import Final

from payments_app.domain.errors import NotFound
from payments_app.domain.payment import Role
from payments_app.services import reconciliation, reconciliation_view
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.reconciliation_view import ResultCard, WrongBalance
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.session import SessionState
from payments_app.state.topics import watch_topic

RECONCILIATION_PAGE: Final = "/staff/reconciliation"


class ReconciliationState(SessionState):
    """The comparisons on one tab's screen."""

    phase: str = "loading"
    results: list[ResultCard] = []
    wrong: list[WrongBalance] = []
    balances_checked: bool = False
    day: str = ""
    last_day: str = ""
    can_act: bool = False
    busy: bool = False
    notice: str = ""

    @viewer_event
    async def load(self) -> None:
        """Show the latest comparisons."""
        who = await self._identity()
        if who is None:
            return
        self.can_act, self.notice = who.may(Role.FINANCE), ""
        self.day = self.last_day = reconciliation.latest_day(current().clock()).isoformat()
        self.balances_checked, self.wrong = False, []
        token = self.router.session.client_token
        watch_topic(token, reconciliation.TOPIC, ReconciliationState.results_changed)
        await self._show(who)

    @viewer_event
    async def results_changed(self) -> None:
        """Read everything anew; the server sends this when something was compared or pulled in."""
        who = await self._identity()
        if who is not None and self.router.url.path.rstrip("/") == RECONCILIATION_PAGE:
            await self._show(who)

    @viewer_event
    async def check_balances(self) -> None:
        """Recompute every balance from its rows."""
        who = await self._identity()
        if who is not None:
            self.wrong = list(await reconciliation_view.balances_checked(current(), who))
            self.balances_checked = True

    @finance_event
    async def choose_day(self, day: str) -> None:
        """Choose the UTC day to compare."""
        if _day_of(day) is not None:
            self.day = day

    @finance_event(background=True, temporal=True)
    async def compare(self) -> None:
        """Compare the chosen day at every gateway."""
        async with self:
            who, day = await self._identity(), _day_of(self.day)
            address = self._address()
            if who is None or day is None or self.busy:
                return
            self.busy, self.notice = True, ""
        try:
            await reconciliation.reconcile_by(current(), who, day, address=address)
        finally:
            async with self:
                self.busy = False
                await self._show(who)

    @finance_event(background=True, temporal=True)
    async def pull_in(self, difference_id: int) -> None:
        """Bring our books in line with one difference, or show the doubt to review."""
        async with self:
            who = await self._identity()
            address = self._address()
            if who is None or self.busy or not isinstance(difference_id, int):
                return
            self.busy, self.notice = True, ""
        notice = ""
        try:
            await reconciliation.pull_in(current(), who, difference_id, address)
        except NotFound:
            notice = say("That difference is not there any more.")
        finally:
            async with self:
                self.busy, self.notice = False, notice
                await self._show(who)

    async def _show(self, who: Identity) -> None:
        self.results = list(await reconciliation_view.results(current(), who))
        self.phase = "ready"


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None
