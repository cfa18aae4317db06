"""The customer's Payments page: balances, the list with its view, and live changes to both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from payments_app.db.keyset import Cursor
from payments_app.db.payments import Count, Order
from payments_app.services import formatting, reports, wording
from payments_app.services.catalogues import say
from payments_app.services.changes import Snapshot
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.periods import PERIODS, days_of
from payments_app.services.reports import (
    PAGE_SIZE,
    BalanceLine,
    Row,
)
from payments_app.services.view import NO_GATEWAY, View
from payments_app.state import live
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


class PaymentsState(SessionState):
    """The list as it stands on one tab's screen.

    ``phase`` is ``loading``, ``ready`` or ``error``; ``flashed`` names the rows that just changed
    and ``flash_turn`` alternates, so that a row can flash twice.
    """

    phase: str = "loading"
    error_reference: str = ""
    balances: list[BalanceLine] = []
    rows: list[Row] = []
    count: str = ""
    range_text: str = ""
    has_newer: bool = False
    has_older: bool = False
    news: int = 0
    flashed: list[int] = []
    flash_turn: int = 0
    spoken: str = ""

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
    _found: Count = Count(0, more=False)
    _loaded_at: datetime = datetime.min.replace(tzinfo=UTC)

    @public_event(reads=True)
    async def load(self) -> Any:
        """Show the page: balances and list, then the payment that the address names."""
        who = await self._identity()
        if who is None or who.is_staff:
            return None
        live.watch(
            self.router.session.client_token, who.own_account(), PaymentsState.payments_changed
        )
        await self._show(who, with_balances=True)
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
            await self._show(who, with_balances=True)

    @customer_event(reads=True)
    async def payments_changed(self, payment_ids: list[int]) -> Any:
        """Take in what changed just now; the server sends this to the tabs of the account."""
        who = await self._identity()
        if who is None or self.phase != "ready" or not isinstance(payment_ids, list):
            return None
        found = [live.recent(payment_id, who.own_account()) for payment_id in payment_ids]
        fresh = [snapshot for snapshot in found if snapshot is not None]
        if not fresh:
            return None
        self.balances = list(reports.balance_lines(who, fresh[-1].standings))
        self._take_in(who, fresh)
        return DetailState.refresh([snapshot.payment.reference for snapshot in fresh])

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

    async def _show(self, who: Identity, *, with_balances: bool = False) -> None:
        """Read the page of the list, or say that it cannot be read."""
        portal = current()
        self._loaded_at = portal.clock()
        try:
            if with_balances:
                self.balances = list(await reports.balances(portal, who))
            page = await reports.list_page(portal, who, self._view, self._starts[-1])
        except SQLAlchemyError:
            self.phase, self.error_reference = "error", token_hex(4).upper()
            log.exception("list_failed", error_reference=self.error_reference)
            return
        self.phase, self.news, self.flashed, self.spoken = "ready", 0, [], ""
        self._older, self._found = page.older, page.found
        self._show_view()
        self._show_rows(who, list(page.rows))

    def _show_view(self) -> None:
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
            f"\N{LEFT DOUBLE QUOTATION MARK}{view.search}\N{RIGHT DOUBLE QUOTATION MARK}"
            if view.search
            else "",
            say("from {day}", day=self.since) if view.since else "",
            say("to {day}", day=self.until) if view.until else "",
            wording.STATUSES[view.status] if view.status else "",
            labels.get(view.method, view.method),
        )
        self.filters_text = say(
            "Shown are only: {filters}.", filters=", ".join(filter(None, filters))
        )

    def _show_rows(self, who: Identity, rows: list[Row]) -> None:
        first = (len(self._starts) - 1) * PAGE_SIZE + 1
        self.rows = rows
        self.count = reports.count_text(self._found, who)
        self.has_newer = len(self._starts) > 1
        self.has_older = self._older is not None
        start = formatting.count(first, who.locale)
        end = formatting.count(first + len(rows) - 1, who.locale)
        self.range_text = (
            say("{start} to {end} of {count}", start=start, end=end, count=self.count)
            if rows
            else ""
        )

    def _take_in(self, who: Identity, fresh: Sequence[Snapshot]) -> None:
        """Change rows in place; put those that belong on top of the first page there."""
        rows = list(self.rows)
        on_top = len(self._starts) == 1 and self._view == View()
        for snapshot in fresh:
            payment = snapshot.payment
            row = reports.row_of(current(), who, payment, snapshot.balance)
            place = next((i for i, shown in enumerate(rows) if shown.id == row.id), None)
            is_new = payment.created_at >= self._loaded_at and payment.dated_at >= self._loaded_at
            if place is not None:
                rows[place] = row
            elif on_top:
                rows.insert(0, row)
                self._found = replace(self._found, rows=self._found.rows + is_new)
            elif is_new and not self._view.narrowed:
                self.news += 1
            self.spoken = f"{row.description}, {row.total}: {row.status_label}"
        self._show_rows(who, rows[:PAGE_SIZE])
        self.flashed, self.flash_turn = [one.payment.key for one in fresh], 1 - self.flash_turn
