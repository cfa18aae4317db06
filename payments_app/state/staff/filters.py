"""What narrows the staff's list of payments: the view in the address, and the ways to change it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import reflex as rx
from pydantic import ValidationError

from payments_app.domain.payment import PaymentStatus
from payments_app.services import staff_payments, wording
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.staff_payments import Option
from payments_app.services.staff_view import StaffView
from payments_app.services.view import NO_GATEWAY, searched_text
from payments_app.state.gate import viewer_event
from payments_app.state.session import SessionState

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


class Filtered(SessionState, mixin=True):
    """The filters of a list; every change leads to the address that says it."""

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

    _view: StaffView = StaffView()
    _account_search: str = ""
    _typed: bool = False

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
            self.amount_fault = say("Write a plain amount, such as -12.50 or 1000.")
            return None

    def _to(self, view: StaffView, *, replace: bool = False) -> Any:
        return rx.redirect(address_of(view.query()), replace=replace)

    def _take_view(self) -> bool:
        """Take the view from the address; tell whether it is another one than before."""
        view = StaffView.from_query(self.router.url.query)
        is_other = view != self._view
        self._view = view
        if not self._typed:
            self.form += 1
        self._typed = False
        return is_other

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
        methods = [Option(code, say(gateway.label)) for code, gateway in portal.gateways.items()]
        methods.append(Option(NO_GATEWAY, wording.from_balance()))
        self.methods = _choices(methods, view.method)
        codes = await staff_payments.currency_options(portal, who)
        self.currencies = _choices((Option(code, code) for code in codes), view.currency)
        await self._show_accounts(who)
        self.chips = list(self._chips_of(view, who))
        self.narrowed = view.narrowed
        self.filters_text = say(
            "Shown are only: {filters}.", filters=", ".join(chip.label for chip in self.chips)
        )
        query = view.query()
        self.address = address_of(query)
        self.export_address = f"{_EXPORT}?{query}" if query else _EXPORT

    async def _show_accounts(self, who: Identity) -> None:
        chosen = self._view.account
        found = await staff_payments.account_options(current(), who, self._account_search, chosen)
        self.accounts = _choices(found, map(str, chosen))

    def _chips_of(self, view: StaffView, who: Identity) -> Iterable[Chip]:
        if view.search:
            yield Chip("search", "", searched_text(view.search, who.locale))
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
        if self.since:
            yield Chip("since", "", say("from {day}", day=self.since))
        if self.until:
            yield Chip("until", "", say("to {day}", day=self.until))
        if self.least:
            yield Chip("least", "", say("at least {value}", value=self.least))
        if self.most:
            yield Chip("most", "", say("at most {value}", value=self.most))


def address_of(query: str) -> str:
    """Return the address of the list that the query narrows."""
    return f"{PAYMENTS_PAGE}?{query}" if query else PAYMENTS_PAGE


def _choices(options: Iterable[Option], chosen: Iterable[str]) -> list[Choice]:
    kept = set(chosen)
    return [Choice(one.value, one.label, one.value in kept) for one in options]
