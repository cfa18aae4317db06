"""One payment in full for staff, in a sheet over whatever page they are on, with its actions."""

from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlencode

import reflex as rx

from payments_app.domain.errors import (
    AmountError,
    IllegalTransition,
    InvalidRequest,
    NotAllowed,
    NotFound,
)
from payments_app.domain.languages import later
from payments_app.domain.money import Money, parse_amount
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable
from payments_app.services import formatting, review, staff_detail
from payments_app.services.catalogues import Told, say
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.rates import LOOK_UPS
from payments_app.services.review import Decision
from payments_app.services.staff_detail import StaffDetail
from payments_app.services.staff_refunds import RefundOrder, ask_for_refund
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.often import often
from payments_app.state.session import SessionState

PARAMETER: Final = "payment"
"""What names the open payment in an address."""
APPROVE: Final = "approve"
CANCEL: Final = "cancel"
CREDIT: Final = "credit"
CLOSE: Final = "close"
REFUND: Final = "refund"
DEEDS: Final = (APPROVE, CANCEL, CREDIT, CLOSE, REFUND)
WITH_AMOUNT: Final = (CREDIT, REFUND)

_NO_ANSWER: Final = later("The provider does not answer just now. Nothing was changed; try again.")
_NOT_ANY_MORE: Final = later("The payment has changed meanwhile, so this is not possible any more.")
_SECOND: Final = later(
    "It is above the limit: a second person finds it under Review and has to approve."
)
_FAULTS: Final = Told(
    {
        ("reason", "required"): later("Say why."),
        ("reason", "too_long"): later("That is too long."),
        ("amount", "more_than_left"): later("That is more than what is left."),
        ("amount", "more_than_arrived"): later("That is more than what arrived."),
        ("amount", "nothing_arrived"): later("Nothing arrived that could be credited."),
        ("amount", "other_currency"): later("Type an amount in the currency of the payment."),
    }
)
_NOT_POSSIBLE: Final = later("That is not possible for this payment.")
_BAD_AMOUNT: Final = later("Type an amount, such as 12.50.")


class StaffDetailState(SessionState):
    """The open sheet. ``deed`` is the action whose dialog is open, empty for none."""

    is_open: bool = False
    reference: str = ""
    found: bool = False
    detail: StaffDetail | None = None
    busy: bool = False
    deed: str = ""
    amount_text: str = ""
    reason_fault: str = ""
    amount_fault: str = ""
    notice: str = ""
    _key: str = ""
    _page: str = ""

    @viewer_event
    async def page_loaded(self) -> None:
        """Close the sheet when it led to another page, or the browser's back button did."""
        page = self.router.url.path
        if page != self._page:
            self._page, self.is_open = page, False

    @viewer_event
    async def open(self, reference: str) -> None:
        """Open the sheet of a payment, whatever account it is of."""
        if not isinstance(reference, str):
            return
        self.reference, self.deed, self.notice, self.busy = reference, "", "", False
        await self._read()
        self.is_open = True

    @viewer_event
    async def moved(self, is_open: bool) -> Any:
        """Close when Escape is pressed, or the mouse beside the sheet; an address that names the
        payment names it no more."""
        self.is_open = is_open is True
        url = self.router.url
        if self.is_open or PARAMETER not in url.query_parameters:
            return None
        rest = {name: text for name, text in url.query_parameters.items() if name != PARAMETER}
        address = f"{url.path}?{urlencode(rest, safe=',')}" if rest else url.path
        return rx.redirect(address, replace=True)

    @viewer_event
    async def refresh(self, references: list[str]) -> None:
        """Read the payment anew when it is among those that changed."""
        if self.is_open and isinstance(references, list) and self.reference in references:
            await self._read()

    @finance_event
    async def choose(self, deed: str) -> None:
        """Open the dialog of an action, with the amount that is known filled in."""
        if deed not in DEEDS or self.detail is None:
            return
        self.deed, self.reason_fault, self.amount_fault = deed, "", ""
        self._key = token_hex(16)
        who = await self._identity()
        typed = {CREDIT: self.detail.arrived, REFUND: self.detail.left}.get(deed, "")
        mark = formatting.decimal_mark(who.locale) if who else "."
        self.amount_text = typed.replace(".", mark)

    @finance_event
    async def dismiss(self, is_open: bool) -> None:
        """Close the dialog of an action without doing it."""
        if is_open is not True and not self.busy:
            self.deed = ""

    @finance_event(background=True, temporal=True)
    async def confirm(self, form: dict[str, Any]) -> None:
        """Do what the open dialog asks, with its amount and its reason."""
        async with self:
            who, deed, reference = await self._identity(), self.deed, self.reference
            if who is None or self.busy or self.detail is None or deed not in DEEDS:
                return
            self.busy, self.reason_fault, self.amount_fault, self.notice = True, "", "", ""
            amount_text, key = str(form.get("amount") or ""), self._key
            currency = self.detail.charge_currency
        decision = Decision(who, reference, str(form.get("reason") or ""), self._address())
        fault, notice = ("", ""), ""
        try:
            amount = _amount(amount_text, currency, who) if deed in WITH_AMOUNT else None
            notice = await _do(deed, decision, amount, key)
        except AmountError:
            fault = ("amount", say(_BAD_AMOUNT))
        except InvalidRequest as error:
            words = below_limit(error, who) or _FAULTS.get((error.field, error.code))
            fault = ("reason" if deed == APPROVE else error.field, words or _NOT_POSSIBLE)
        except (GatewayUnavailable, GatewayRejected):
            notice = say(_NO_ANSWER)
        except (IllegalTransition, NotAllowed, NotFound):
            notice = say(_NOT_ANY_MORE)
        async with self:
            self.busy = False
            self.reason_fault = fault[1] if fault[0] == "reason" else ""
            self.amount_fault = fault[1] if fault[0] != "reason" else ""
            if not fault[1]:
                self.deed, self.notice = "", notice
            await self._read()

    @finance_event(background=True, temporal=True)
    async def ask(self) -> None:
        """Ask the gateway how the payment stands."""
        async with self:
            who, reference = await self._identity(), self.reference
            if who is None or self.busy or not reference:
                return
            self.notice = await often(who, self._address(), LOOK_UPS)
            if self.notice:
                return
            self.busy = True
        try:
            outcome = await review.ask(current(), who, reference)
            notice = (
                _NO_ANSWER
                if outcome is None
                else say("The provider was asked: {outcome}.", outcome=outcome)
            )
        except (InvalidRequest, NotFound, NotAllowed):
            notice = say(_NOT_POSSIBLE)
        async with self:
            self.busy, self.notice = False, notice
            await self._read()

    @finance_event(temporal=True)
    async def assign(self, to_me: bool) -> None:
        """Take the payment, or give it back to whoever wants it."""
        who = await self._identity()
        if who is None:
            return
        user_id = who.user_id if to_me is True else None
        await review.assign(current(), who, self.reference, user_id, self._address())
        await self._read()

    async def _read(self) -> None:
        who = await self._identity()
        if who is None:
            return
        try:
            self.detail = await staff_detail.detail(current(), who, self.reference)
            self.found = True
        except (NotFound, NotAllowed):
            self.detail, self.found = None, False


def below_limit(error: InvalidRequest, who: Identity) -> str:
    """Say that a purchase goes below the account's debit limit, if that is what is wrong."""
    if error.code != "below_debit_limit":
        return ""
    left = Money(int(error.details["left"]), str(error.details["currency"]))
    return say(
        "This purchase goes below the account's debit limit: {amount} can be spent. The "
        "limit is set on its page.",
        amount=formatting.money(left, who.locale),
    )


def _amount(text: str, currency: str, who: Identity) -> Money:
    return parse_amount(
        text, currency, formatting.decimal_mark(who.locale), formatting.group_mark(who.locale)
    )


async def _do(deed: str, decision: Decision, amount: Money | None, key: str) -> str:
    """Do one of the deeds and return what is to be said of it."""
    portal = current()
    if amount is None:
        acts = {APPROVE: review.approve, CANCEL: review.cancel, CLOSE: review.close}
        await acts[deed](portal, decision)
        return ""
    if deed == CREDIT:
        await review.credit(portal, decision, amount)
        return ""
    made = await ask_for_refund(portal, RefundOrder(decision, amount, key))
    return "" if made else say(_SECOND)
