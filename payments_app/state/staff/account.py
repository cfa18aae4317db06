"""One account's page: what its customer sees, its limits and notes."""

from typing import Any, Final

from payments_app.domain.errors import AmountError, InvalidRequest, NotFound
from payments_app.domain.languages import later
from payments_app.domain.money import Money, parse_amount
from payments_app.services import directory, formatting
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.directory import Limits, Profile
from payments_app.services.identity import Identity
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.payments import Choice
from payments_app.state.session import SessionState
from payments_app.state.topics import watch_topic

_AMOUNT: Final = later("Enter an amount, or 0 for none.")
_NOTE: Final = later("Write a note of up to 2,000 characters.")
_SAVED: Final = later("The limits are saved.")


class AccountState(SessionState):
    """``phase`` is ``loading``, ``ready`` or ``missing``; ``form`` changes to draw fields anew."""

    phase: str = "loading"
    profile: Profile | None = None
    form: int = 0
    errors: dict[str, str] = {}
    notice: str = ""
    all_currencies: list[str] = []
    all_methods: list[Choice] = []
    currencies: list[str] = []
    methods: list[str] = []
    asks_to_disable: bool = False

    @viewer_event
    async def load(self) -> None:
        """Show the account that the address names."""
        watch_topic(self.router.session.client_token, directory.TOPIC, AccountState.refresh)
        self.phase, self.profile, self.errors, self.notice = "loading", None, {}, ""
        self.asks_to_disable = False
        portal = current()
        self.all_currencies = list(directory.home_currencies(portal))
        offered = [gateway for gateway in portal.gateways.values() if gateway.offered]
        self.all_methods = [Choice(gateway.code, say(gateway.label)) for gateway in offered]
        await self._show()
        self._fill_form()

    @viewer_event
    async def refresh(self) -> None:
        """Take in what is new; what is being typed stays."""
        if self.profile is not None:
            await self._show()

    @finance_event
    def toggle_currency(self, code: str, on: bool) -> None:
        """Allow a currency, or not."""
        self.currencies = _toggled(self.currencies, self.all_currencies, code, on)

    @finance_event
    def toggle_method(self, code: str, on: bool) -> None:
        """Allow a way to pay, or not."""
        known = [choice.value for choice in self.all_methods]
        self.methods = _toggled(self.methods, known, code, on)

    @finance_event(temporal=True)
    async def save_limits(self, form: dict[str, Any]) -> None:
        """Set the limits as the form says."""
        who = await self._identity()
        if who is None or self.profile is None or not isinstance(form, dict):
            return
        self.errors, self.notice = {}, ""
        amounts = {
            field: self._amount(who, field, form.get(field))
            for field in ("minimum_payment", "debit_limit")
        }
        minimum, debit = amounts["minimum_payment"], amounts["debit_limit"]
        if minimum is None or debit is None:
            return
        limits = Limits(
            minimum,
            debit,
            _all_or(self.currencies, self.all_currencies),
            _all_or(self.methods, [choice.value for choice in self.all_methods]),
        )
        address = self.router.session.client_ip
        await directory.set_limits(current(), who, self.profile.id, limits, address)
        self.notice = say(_SAVED)
        await self._show()

    @finance_event(temporal=True)
    async def add_note(self, form: dict[str, Any]) -> None:
        """Write a note down."""
        who = await self._identity()
        if who is None or self.profile is None or not isinstance(form, dict):
            return
        address = self.router.session.client_ip
        try:
            text = str(form.get("note", ""))
            await directory.add_note(current(), who, self.profile.id, text, address)
        except InvalidRequest:
            self.errors = {"note": say(_NOTE)}
            return
        self.errors = {}
        self.form += 1
        await self._show()

    @finance_event
    def ask_to_disable(self, asks: bool) -> None:
        """Show or hide the question whether the account is to be disabled."""
        self.asks_to_disable = asks is True

    @finance_event(temporal=True)
    async def disable(self) -> None:
        """Keep all users of the account out, after the question."""
        if self.asks_to_disable:
            await self._set_disabled(True)

    @finance_event(temporal=True)
    async def enable(self) -> None:
        """Let the users of the account in again."""
        await self._set_disabled(False)

    async def _set_disabled(self, disabled: bool) -> None:
        who = await self._identity()
        if who is None or self.profile is None:
            return
        self.asks_to_disable = False
        address = self.router.session.client_ip
        await directory.set_disabled(current(), who, self.profile.id, disabled, address)
        await self._show()

    def _amount(self, who: Identity, field: str, typed: object) -> Money | None:
        currency = self.profile.home_currency if self.profile else ""
        if str(typed or "0").strip(" 0.,") == "":
            return Money(0, currency)
        try:
            return parse_amount(
                str(typed),
                currency,
                decimal_mark=formatting.decimal_mark(who.locale),
                group_mark=formatting.group_mark(who.locale),
            )
        except AmountError:
            self.errors = self.errors | {field: say(_AMOUNT)}
            return None

    async def _show(self) -> None:
        who = await self._identity()
        number = self.router.url.path.rstrip("/").rpartition("/")[2]
        if who is None:
            return
        try:
            wanted = int(number) if number.isdecimal() and len(number) < 19 else 0
            self.profile = await directory.profile(current(), who, wanted)
            self.phase = "ready"
        except NotFound:
            self.phase, self.profile = "missing", None

    def _fill_form(self) -> None:
        self.form += 1
        if self.profile is not None:
            self.currencies = list(self.profile.currencies) or self.all_currencies
            self.methods = list(self.profile.methods) or [one.value for one in self.all_methods]


def _toggled(chosen: list[str], known: list[str], code: str, on: bool) -> list[str]:
    wanted = {*chosen, code} if on is True else {*chosen} - {code}
    return [one for one in known if one in wanted]


def _all_or(chosen: list[str], known: list[str]) -> frozenset[str] | None:
    """Everything is stored as no limit, so that what is added later is allowed too."""
    return None if set(chosen) >= set(known) else frozenset(chosen)
