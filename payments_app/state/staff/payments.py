"""The staff's Payments page: all customers' payments, narrowed by what the address says."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

import reflex as rx
import structlog
from sqlalchemy.exc import SQLAlchemyError

from payments_app.db.payments import Count
from payments_app.db.staff_payments import StaffFilter
from payments_app.services import staff_payments
from payments_app.services.changes import Snapshot
from payments_app.services.context import Portal, current
from payments_app.services.identity import Identity
from payments_app.services.list_pages import PAGE_SIZE, range_text
from payments_app.services.staff_payments import Figure, StaffRow, Sums
from payments_app.state import desks
from payments_app.state.desks import Desk
from payments_app.state.gate import viewer_event
from payments_app.state.session import SessionState
from payments_app.state.staff.detail import DEEDS, PARAMETER, StaffDetailState
from payments_app.state.staff.events import EVENTS_PAGE
from payments_app.state.staff.filters import Filtered
from payments_app.state.staff.paging import Paged

log = structlog.get_logger()

OPEN: Final = "open"
ASK: Final = "ask"
EVENTS: Final = "events"


@dataclass(frozen=True, slots=True)
class StaffList:
    """All customers' payments, as far as the filter leaves them."""

    who: Identity
    chosen: StaffFilter

    @property
    def kind(self) -> Hashable:
        """Alike for everyone who reads the same language and time zone."""
        return self.chosen, self.who.locale, self.who.time_zone

    def matches(self, snapshot: Snapshot) -> bool:
        """Tell whether the filter leaves the payment."""
        return self.chosen.matches(snapshot.entry)

    def row(self, portal: Portal, snapshot: Snapshot) -> Mapping[str, Any]:
        """Write the payment with what only staff may see."""
        who = self.who
        return asdict(staff_payments.row_of(portal, snapshot.entry, who.locale, who.time_zone))

    def beside(self, _snapshots: Sequence[Snapshot]) -> dict[str, Any]:
        """Return nothing: where totals are not kept, they take longer than a change may wait."""
        return {}

    async def figures(self, portal: Portal, first: int) -> Mapping[str, Any]:
        """Sum the list up and count it."""
        sums = await staff_payments.sums(portal, self.who, self.chosen)
        return {
            "figures": [asdict(figure) for figure in sums.figures],
            "range_text": range_text(self.who.locale, first, sums.found),
            "adding_up": False,
        }


class StaffPaymentsState(Filtered, Paged, SessionState):
    """The list as one tab loaded it; ``turn`` counts the loads.

    ``patch`` is never set here: the worker's listener sends it to the tab itself, and later news of
    ``figures`` and ``range_text`` too (``desks``).
    """

    phase: str = "loading"
    error_reference: str = ""
    rows: list[StaffRow] = []
    turn: int = 0
    patch: dict[str, Any] = {"turn": 0, "last": 0, "changes": []}
    loaded: int = 0
    range_text: str = ""
    figures: list[Figure] = []
    adding_up: bool = False
    """Whether the page is to ask for the figures."""

    hidden: str = rx.LocalStorage("", name="staff-payments-hidden", sync=True)
    """The columns that this browser's user has put away, between commas."""

    @viewer_event
    async def load(self) -> Any:
        """Show what the address says; the same address again keeps the page and reads it anew.

        The address may name a payment, which is opened too.
        """
        who = await self._identity()
        if who is None:
            return None
        if self._take_view():
            self._starts = [None]
        await self._show(who)
        named = self.router.url.query_parameters.get(PARAMETER)
        return StaffDetailState.open(named) if named else None

    @viewer_event
    async def go_first(self) -> None:
        """Show the first page, with what is new on it."""
        self._starts = [None]
        await self._turn_page()

    @viewer_event
    async def try_again(self) -> None:
        """Read the page anew."""
        await self._turn_page()

    @viewer_event
    async def toggle_column(self, key: str) -> None:
        """Show a column, or put it away; this browser remembers it."""
        kept = [one for one in self.hidden.split(",") if one]
        kept = [one for one in kept if one != key] if key in kept else [*kept, str(key)[:20]]
        self.hidden = ",".join(kept)

    @viewer_event
    async def act(self, deed: str, reference: str) -> Any:
        """Do what a row's menu offers: open the payment, with a dialog or a question at once."""
        if deed == EVENTS:
            return rx.redirect(f"{EVENTS_PAGE}?search={quote(reference)}")
        opened = StaffDetailState.open(reference)
        if deed == ASK:
            return [opened, StaffDetailState.ask]
        return [opened, StaffDetailState.choose(deed)] if deed in DEEDS else opened

    async def _turn_page(self) -> None:
        who = await self._identity()
        if who is not None:
            await self._show(who)

    async def _show(self, who: Identity) -> None:
        """Read the page of the list, or say that it cannot be read."""
        portal, view = current(), self._view
        self.loaded = int(portal.clock().timestamp())
        self.turn += 1
        # From here on changes come as patches, so that none is lost between reading and watching.
        showing = StaffList(who, view.filter(who))
        desk = Desk(showing, self.get_full_name(), self.turn, first=self._first)
        desks.open_desk(self.router.session.client_token, desk)
        try:
            page = await staff_payments.list_page(portal, who, view, self._starts[-1])
            desk.shown = {row.id for row in page.rows}
            await self._show_choices(who)
        except SQLAlchemyError:
            self.phase, self.error_reference = "error", token_hex(4).upper()
            log.exception("staff_list_failed", error_reference=self.error_reference)
            return
        self.phase, self.rows = "ready", list(page.rows)
        self._found_page(page.older)
        so_far = Count(self._first - 1 + len(page.rows), more=page.older is not None)
        self._show_sums(who, page.sums or Sums((), so_far))
        self.adding_up = page.sums is None

    @viewer_event(background=True)
    async def add_up(self) -> None:
        """Show what the list holds, where that takes longer than to show its page."""
        async with self:
            who, turn, view = await self._identity(), self.turn, self._view
        if who is None:
            return
        sums = await staff_payments.sums(current(), who, view.filter(who))
        async with self:
            if turn == self.turn:
                self._show_sums(who, sums)

    def _show_sums(self, who: Identity, sums: Sums) -> None:
        self.figures, self.adding_up = list(sums.figures), False
        self.range_text = range_text(who.locale, self._first, sums.found)

    @property
    def _first(self) -> int:
        """The number of the first payment of the page, from 1."""
        return (len(self._starts) - 1) * PAGE_SIZE + 1
