"""The staff's Payments page: all customers' payments, narrowed by what the address says."""

from collections.abc import Iterable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

import reflex as rx
import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from payments_app.db.keyset import Cursor
from payments_app.domain.payment import PaymentStatus
from payments_app.services import formatting, reports, staff_payments, wording
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.staff_payments import PAGE_SIZE, Figure, Option, StaffRow
from payments_app.services.staff_view import StaffView
from payments_app.services.view import NO_GATEWAY
from payments_app.state import desks
from payments_app.state.desks import Desk
from payments_app.state.gate import viewer_event
from payments_app.state.session import SessionState
from payments_app.state.staff.detail import DEEDS, StaffDetailState
from payments_app.state.staff.events import EVENTS_PAGE

log = structlog.get_logger()

OPEN: Final = "open"
ASK: Final = "ask"
EVENTS: Final = "events"
PAYMENTS_PAGE: Final = "/staff/payments"
_EXPORT: Final = "/staff/exports/payments.csv"


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on; ``field`` and ``value`` take it off again."""

    field: str
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, and whether it is chosen."""

    value: str
    label: str
    chosen: bool


class StaffPaymentsState(SessionState):
    """The list as one tab loaded it; ``turn`` counts the loads.

    ``patch`` is never set here: the worker's listener sends it to the tab itself (``desks``).
    """

    phase: str = "loading"
    error_reference: str = ""
    rows: list[StaffRow] = []
    turn: int = 0
    patch: dict[str, Any] = {"turn": 0, "last": 0, "changes": []}
    loaded: int = 0
    count: str = ""
    range_text: str = ""
    is_first: bool = True
    has_newer: bool = False
    has_older: bool = False
    figures: list[Figure] = []

    order: str = StaffView().order.value
    search_text: str = ""
    since: str = ""
    until: str = ""
    least: str = ""
    most: str = ""
    statuses: list[Choice] = []
    methods: list[Choice] = []
    currencies: list[Choice] = []
    accounts: list[Choice] = []
    chips: list[Chip] = []
    narrowed: bool = False
    filters_text: str = ""
    address: str = PAYMENTS_PAGE
    export_address: str = _EXPORT
    amount_fault: str = ""
    form: int = 0
    """Changes when the address was not reached by typing, so that fields show what it says."""

    hidden: str = rx.LocalStorage("", name="staff-payments-hidden", sync=True)
    """The columns that this browser's user has put away, between commas."""

    _view: StaffView = StaffView()
    _starts: list[Cursor | None] = [None]
    _older: Cursor | None = None
    _account_search: str = ""
    _typed: bool = False

    @viewer_event
    async def load(self) -> None:
        """Show what the address says; the same address again keeps the page and reads it anew."""
        who = await self._identity()
        if who is None:
            return
        view = StaffView.from_query(self.router.url.query)
        if view != self._view:
            self._view, self._starts = view, [None]
        if not self._typed:
            self.form += 1
        self._typed = False
        await self._show(who)

    @viewer_event
    async def refresh(self) -> None:
        """Read the first page anew, with what is new on it."""
        self._starts = [None]
        await self._reread()

    @viewer_event
    async def search(self, text: str) -> Any:
        """Narrow the list to payments that hold the text."""
        self._typed = True
        return self._go(replace=True, search=text)

    @viewer_event
    async def toggle(self, field: str, value: str) -> Any:
        """Put one value of a filter in, or take it out."""
        try:
            return self._to(self._view.toggled(field, value))
        except (ValidationError, KeyError, TypeError):
            return None

    @viewer_event
    async def remove(self, field: str, value: str) -> Any:
        """Take a filter off, as its chip says."""
        if field in ("status", "method", "currency", "account"):
            return await self.toggle(field, value)
        empty = StaffView()
        return self._go(**{field: getattr(empty, field)}) if hasattr(empty, field) else None

    @viewer_event
    async def choose_since(self, day: str) -> Any:
        """Set the first day to show."""
        return self._go(since=day or None)

    @viewer_event
    async def choose_until(self, day: str) -> Any:
        """Set the last day to show."""
        return self._go(until=day or None)

    @viewer_event
    async def choose_least(self, amount: str) -> Any:
        """Set the smallest total to show, signed, in a currency's main unit."""
        return self._go_amount(least=amount)

    @viewer_event
    async def choose_most(self, amount: str) -> Any:
        """Set the largest total to show, signed, in a currency's main unit."""
        return self._go_amount(most=amount)

    @viewer_event
    async def sort(self, order: str) -> Any:
        """Sort as named."""
        return self._go(order=order)

    @viewer_event
    async def clear(self) -> Any:
        """Show all payments again, sorted as before."""
        return self._to(StaffView(order=self._view.order))

    @viewer_event
    async def search_accounts(self, text: str) -> None:
        """Narrow the choice of accounts."""
        who = await self._identity()
        if who is not None and isinstance(text, str):
            self._account_search = text[:100]
            await self._show_accounts(who)

    @viewer_event
    async def go_older(self) -> None:
        """Show the next page."""
        if self._older is not None:
            self._starts = [*self._starts, self._older]
            await self._reread()

    @viewer_event
    async def go_newer(self) -> None:
        """Show the page before."""
        if len(self._starts) > 1:
            self._starts = self._starts[:-1]
            await self._reread()

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

    def _go(self, *, replace: bool = False, **fields: object) -> Any:
        """Lead to the address of the changed view; what makes no view changes nothing."""
        try:
            return self._to(self._view.changed(**fields), replace=replace)
        except ValidationError:
            return None

    def _go_amount(self, **amount: str) -> Any:
        self._typed, self.amount_fault = True, ""
        try:
            fields = {name: text.strip() or None for name, text in amount.items()}
            return self._to(self._view.changed(**fields))
        except (ValidationError, AttributeError):
            self.amount_fault = "Write a plain amount, such as -12.50 or 1000."
            return None

    def _to(self, view: StaffView, *, replace: bool = False) -> Any:
        query = view.query()
        return rx.redirect(f"{PAYMENTS_PAGE}?{query}" if query else PAYMENTS_PAGE, replace=replace)

    async def _reread(self) -> None:
        who = await self._identity()
        if who is not None:
            await self._show(who)

    async def _show(self, who: Identity) -> None:
        """Read the page of the list, or say that it cannot be read."""
        portal, view = current(), self._view
        self.loaded = int(portal.clock().timestamp())
        self.turn += 1
        # From here on changes come as patches, so that none is lost between reading and watching.
        desk = Desk(who, view.filter(who), self.get_full_name(), self.turn)
        desks.open_desk(self.router.session.client_token, desk)
        try:
            page = await staff_payments.list_page(portal, who, view, self._starts[-1])
            desk.shown = {row.id for row in page.rows}
            figures = await staff_payments.totals(portal, who, view)
            await self._show_choices(who)
        except SQLAlchemyError:
            self.phase, self.error_reference = "error", token_hex(4).upper()
            log.exception("staff_list_failed", error_reference=self.error_reference)
            return
        self.phase, self.rows, self.figures = "ready", list(page.rows), list(figures)
        self._older = page.older
        first = (len(self._starts) - 1) * PAGE_SIZE + 1
        self.count = reports.count_text(page.found, who)
        self.is_first = len(self._starts) == 1
        self.has_newer, self.has_older = not self.is_first, page.older is not None
        start = formatting.count(first, who.locale)
        end = formatting.count(first + len(page.rows) - 1, who.locale)
        self.range_text = f"{start} to {end} of {self.count}" if page.rows else ""

    async def _show_choices(self, who: Identity) -> None:
        portal, view = current(), self._view
        self.order, self.search_text = view.order.value, view.search
        self.since = view.since.isoformat() if view.since else ""
        self.until = view.until.isoformat() if view.until else ""
        self.least = "" if view.least is None else f"{view.least:f}"
        self.most = "" if view.most is None else f"{view.most:f}"
        self.amount_fault = ""
        self.statuses = _choices(
            (Option(status.value, wording.STATUSES[status]) for status in PaymentStatus),
            view.status,
        )
        methods = [Option(code, gateway.label) for code, gateway in portal.gateways.items()]
        methods.append(Option(NO_GATEWAY, wording.FROM_BALANCE))
        self.methods = _choices(methods, view.method)
        codes = await staff_payments.currency_options(portal, who)
        self.currencies = _choices((Option(code, code) for code in codes), view.currency)
        await self._show_accounts(who)
        self.chips = list(self._chips_of(view))
        self.narrowed = view.narrowed
        self.filters_text = f"Shown are only: {', '.join(chip.label for chip in self.chips)}."
        query = view.query()
        self.address = f"{PAYMENTS_PAGE}?{query}" if query else PAYMENTS_PAGE
        self.export_address = f"{_EXPORT}?{query}" if query else _EXPORT

    async def _show_accounts(self, who: Identity) -> None:
        chosen = self._view.account
        found = await staff_payments.account_options(current(), who, self._account_search, chosen)
        self.accounts = _choices(found, map(str, chosen))

    def _chips_of(self, view: StaffView) -> Iterable[Chip]:
        if view.search:
            quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{view.search}\N{RIGHT DOUBLE QUOTATION MARK}"
            yield Chip("search", "", quoted)
        groups = {
            "status": self.statuses,
            "method": self.methods,
            "currency": self.currencies,
            "account": self.accounts,
        }
        for field, choices in groups.items():
            for choice in choices:
                if choice.chosen:
                    yield Chip(field, choice.value, choice.label)
        words = {"since": "from", "until": "to", "least": "at least", "most": "at most"}
        for field, word in words.items():
            value = getattr(self, field)
            if value:
                yield Chip(field, "", f"{word} {value}")


def _choices(options: Iterable[Option], chosen: Iterable[str]) -> list[Choice]:
    kept = set(chosen)
    return [Choice(one.value, one.label, one.value in kept) for one in options]
