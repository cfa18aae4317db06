"""The customer's Payments page: balances, the list with its view, and live changes to both."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from secrets import token_hex
from typing import Any, Final

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from payments_app.db.keyset import Cursor
from payments_app.db.payments import Filter, Order
from payments_app.services import formatting, reports, wording
from payments_app.services.catalogues import say
from payments_app.services.changes import Snapshot
from payments_app.services.context import Portal, current
from payments_app.services.identity import Identity
from payments_app.services.list_pages import PAGE_SIZE, range_text
from payments_app.services.periods import PERIODS, days_of
from payments_app.services.reports import BalanceLine, Row
from payments_app.services.view import NO_GATEWAY, View, searched_text
from payments_app.state import desks
from payments_app.state.desks import Desk
from payments_app.state.detail import DetailState
from payments_app.state.gate import customer_event, public_event
from payments_app.state.session import SessionState

log = structlog.get_logger()

ANY: Final = "any"
"""What a choice sends when it does not narrow the list."""
CUSTOM_PERIOD: Final = "custom"


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a menu."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class OwnList:
    """One account's payments, as far as the filter leaves them, and its balances."""

    who: Identity
    chosen: Filter

    @property
    def kind(self) -> Hashable:
        """Alike for all of the account who read the same language and time zone."""
        return self.chosen, self.who.locale, self.who.time_zone

    def matches(self, snapshot: Snapshot) -> bool:
        """Tell whether the filter leaves the payment."""
        return self.chosen.matches(snapshot.payment)

    def row(self, portal: Portal, snapshot: Snapshot) -> Mapping[str, Any]:
        """Write the payment as its customer may see it."""
        return asdict(reports.row_of(portal, self.who, snapshot.payment, snapshot.balance))

    def beside(self, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
        """Return the balances as they are with these changes."""
        lines = reports.balance_lines(self.who, snapshots[-1].standings)
        return {"balances": [asdict(line) for line in lines]}

    async def figures(self, portal: Portal, first: int) -> Mapping[str, Any]:
        """Count the list."""
        count = await reports.count(portal, self.who, self.chosen)
        return {
            "range_text": range_text(self.who.locale, first, count),
            "has_older": count.more or count.rows >= first + PAGE_SIZE,
        }


class PaymentsState(SessionState):
    """The list as one tab loaded it; ``phase`` is ``loading``, ``ready`` or ``error``.

    ``turn`` counts the loads, and ``loaded`` is when the last was, in seconds since 1970. ``patch``
    is never set here: the worker's listener sends it to the tab itself, with the balances as they
    are then, and later news of ``range_text`` too (``desks``).
    """

    phase: str = "loading"
    error_reference: str = ""
    balances: list[BalanceLine] = []
    rows: list[Row] = []
    turn: int = 0
    loaded: int = 0
    patch: dict[str, Any] = {"turn": 0, "last": 0, "changes": [], "balances": []}
    range_text: str = ""
    has_newer: bool = False
    has_older: bool = False

    methods: list[Choice] = []
    search_text: str = ""
    period: str = ANY
    since: str = ""
    until: str = ""
    status: str = ANY
    method: str = ANY
    order: str = Order.NEWEST.value
    narrowed: bool = False
    filters_text: str = ""
    form: int = 0
    """Changes when the filters are cleared, so that the page draws empty fields."""

    _view: View = View()
    _starts: list[Cursor | None] = [None]
    _older: Cursor | None = None

    @public_event(reads=True)
    async def load(self) -> Any:
        """Show the page: balances and list, then the payment that the address names."""
        who = await self._identity()
        if who is None or who.is_staff:
            return None
        await self._show(who)
        return DetailState.open_from_address

    @customer_event(reads=True)
    async def search(self, text: str) -> None:
        """Narrow the list to payments that hold the text."""
        await self._change(search=text)

    @customer_event(reads=True)
    async def choose_period(self, period: str) -> None:
        """Narrow the list to a named period, or show the fields for any other."""
        who = await self._identity()
        if who is None or period not in (ANY, CUSTOM_PERIOD, *PERIODS):
            return
        self.period = period
        if period == CUSTOM_PERIOD:
            return
        today = current().clock().astimezone(formatting.zone_of(who.time_zone)).date()
        since, until = days_of(period, today)
        await self._change(since=since, until=until)

    @customer_event(reads=True)
    async def choose_since(self, day: str) -> None:
        """Set the first day to show."""
        await self._change(since=day or None)

    @customer_event(reads=True)
    async def choose_until(self, day: str) -> None:
        """Set the last day to show."""
        await self._change(until=day or None)

    @customer_event(reads=True)
    async def choose_status(self, status: str) -> None:
        """Narrow the list to one status."""
        await self._change(status=None if status == ANY else status)

    @customer_event(reads=True)
    async def choose_method(self, method: str) -> None:
        """Narrow the list to one method."""
        await self._change(method="" if method == ANY else method)

    @customer_event(reads=True)
    async def sort_by_date(self) -> None:
        """Sort by date, newest first; when it is so already, oldest first."""
        await self._change(order=Order.OLDEST if self.order == Order.NEWEST else Order.NEWEST)

    @customer_event(reads=True)
    async def sort_by_total(self) -> None:
        """Sort by total, highest first; when it is so already, lowest first."""
        await self._change(order=Order.LOWEST if self.order == Order.HIGHEST else Order.HIGHEST)

    @customer_event(reads=True)
    async def choose_order(self, order: str) -> None:
        """Sort as named."""
        await self._change(order=order)

    @customer_event(reads=True)
    async def clear(self) -> None:
        """Show all payments again."""
        self.period = ANY
        self.form += 1
        await self._change(**View().model_dump(exclude={"order"}))

    @customer_event(reads=True)
    async def go_older(self) -> None:
        """Show the next page."""
        if desks.has_news(self.router.session.client_token):
            await self._refresh()  # What came since has moved the end of this page.
        if self._older is not None:
            self._starts = [*self._starts, self._older]
            await self._refresh()

    @customer_event(reads=True)
    async def go_newer(self) -> None:
        """Show the page before."""
        if len(self._starts) > 1:
            self._starts = self._starts[:-1]
            await self._refresh()

    @customer_event(reads=True)
    async def go_first(self) -> None:
        """Show the first page."""
        self._starts = [None]
        await self._refresh()

    @customer_event(reads=True)
    async def try_again(self) -> None:
        """Read everything anew after an error."""
        who = await self._identity()
        if who is not None:
            await self._show(who)

    async def _change(self, **fields: object) -> None:
        """Change the view and show its first page; what makes no view is ignored."""
        try:
            self._view = self._view.changed(**fields)
        except ValidationError:
            return
        self._starts = [None]
        await self._refresh()

    async def _refresh(self) -> None:
        who = await self._identity()
        if who is not None:
            await self._show(who)

    async def _show(self, who: Identity) -> None:
        """Read the page of the list, or say that it cannot be read."""
        portal, first = current(), (len(self._starts) - 1) * PAGE_SIZE + 1
        self.loaded = int(portal.clock().timestamp())
        self.turn += 1
        # From here on changes come as patches, so that none is lost between reading and watching.
        showing = OwnList(who, self._view.filter(who))
        desk = Desk(showing, self.get_full_name(), self.turn, first=first)
        desks.open_desk(self.router.session.client_token, desk)
        try:
            page = await reports.list_page(portal, who, self._view, self._starts[-1])
        except SQLAlchemyError:
            self.phase, self.error_reference = "error", token_hex(4).upper()
            log.exception("list_failed", error_reference=self.error_reference)
            return
        self.phase, self.rows, self.balances = "ready", list(page.rows), list(page.balances)
        self._older = page.older
        self.has_newer, self.has_older = first > 1, page.older is not None
        self.range_text = range_text(who.locale, first, page.found)
        desk.told = {"range_text": self.range_text, "has_older": self.has_older}
        self._show_view(who)

    def _show_view(self, who: Identity) -> None:
        view = self._view
        self.methods = [
            *(Choice(code, say(gateway.label)) for code, gateway in current().gateways.items()),
            Choice(NO_GATEWAY, wording.from_balance()),
        ]
        self.search_text = view.search
        self.since = view.since.isoformat() if view.since else ""
        self.until = view.until.isoformat() if view.until else ""
        self.status = view.status.value if view.status else ANY
        self.method = view.method or ANY
        self.order = view.order.value
        self.narrowed = view.narrowed
        labels = {choice.value: choice.label for choice in self.methods}
        filters = (
            searched_text(view.search, who.locale) if view.search else "",
            say("from {day}", day=self.since) if view.since else "",
            say("to {day}", day=self.until) if view.until else "",
            wording.STATUSES[view.status] if view.status else "",
            labels.get(view.method, view.method),
        )
        self.filters_text = say(
            "Shown are only: {filters}.", filters=", ".join(filter(None, filters))
        )
