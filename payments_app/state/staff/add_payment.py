"""The dialog with which staff add a payment by hand."""

import re
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

from payments_app.domain.errors import AmountError, InvalidRequest, NotAllowed, UnknownCurrency
from payments_app.domain.languages import later
from payments_app.domain.money import Money, parse_amount
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.services import formatting, manual, review_queue
from payments_app.services.catalogues import Told, say
from payments_app.services.context import current
from payments_app.services.formatting import MINUS
from payments_app.services.identity import Identity
from payments_app.services.manual import Entry
from payments_app.state.gate import finance_event
from payments_app.state.session import SessionState
from payments_app.state.staff.detail import StaffDetailState, below_limit

_NUMBER: Final = re.compile(r"\((\d{1,18})\)\s*$")
_MINUS_SIGNS: Final = ("-", MINUS)
_SECOND: Final = later(
    "It is above the limit: a second person finds it under Review and has to approve."
)
_FAULTS: Final = Told(
    {
        ("account", "unknown"): later("Choose an account from the list."),
        ("total", "zero"): later("Enter a total other than zero."),
        ("total", "not_negative"): later(
            "A purchase takes from the balance: put a minus before it."
        ),
        ("total", "not_positive"): later("A top-up adds to the balance: leave the minus out."),
        ("text", "too_long"): later("That is too long."),
        ("fee", "negative"): later("Enter a fee without a minus."),
        ("currency", "unknown"): later("Enter a currency's three letters, such as USD."),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, beside which field."""

    field: str = ""
    text: str = ""


class AddPaymentState(SessionState):
    """The dialog. ``accounts`` are suggestions for what is typed, each with its number."""

    is_open: bool = False
    busy: bool = False
    account: str = ""
    accounts: list[str] = []
    fault: Fault = Fault()
    notice: str = ""
    _key: str = ""

    @finance_event
    async def open_dialog(self, account_id: int, name: str) -> None:
        """Open an empty dialog, for an account that is known already or for any."""
        self.account = f"{name} ({int(account_id)})" if account_id else ""
        self.fault, self.notice, self.busy, self._key = Fault(), "", False, token_hex(16)
        await self._suggest(self.account)
        self.is_open = True

    @finance_event
    async def moved(self, is_open: bool) -> None:
        """Close without adding anything."""
        if is_open is not True and not self.busy:
            self.is_open = False

    @finance_event
    async def search(self, text: str) -> None:
        """Suggest accounts whose name holds what was typed."""
        await self._suggest(str(text)[:100])

    @finance_event(temporal=True)
    async def add(self, form: dict[str, Any]) -> Any:
        """Add the payment, or say beside which field something is wrong; what was typed stays."""
        who = await self._identity()
        if who is None:
            return None
        self.fault, self.notice = Fault(), ""
        typed = {name: str(value or "").strip() for name, value in form.items()}
        try:
            entry = _entry(typed, who, self._key)
            made = await manual.add(current(), who, entry, self._address())
        except InvalidRequest as error:
            words = below_limit(error, who) or _FAULTS.get((error.field, error.code))
            self.fault = Fault(error.field, words or say("Enter an amount, such as 12.50."))
            return None
        except NotAllowed:
            return None
        if made is None:
            self.notice, self._key = say(_SECOND), token_hex(16)
            return None
        self.is_open = False
        return StaffDetailState.open(made)

    async def _suggest(self, text: str) -> None:
        who = await self._identity()
        if who is not None:
            found = await review_queue.account_choices(
                current(), who, _NUMBER.sub("", text).strip()
            )
            self.accounts = [f"{name} ({number})" for number, name in found]


def _entry(typed: dict[str, str], who: Identity, key: str) -> Entry:
    """Read the form; raises InvalidRequest with the field that is wrong."""
    account = _NUMBER.search(typed.get("account", ""))
    if account is None:
        raise InvalidRequest("account", "unknown")
    currency = typed.get("currency", "").upper()
    total = typed.get("total", "")
    negative = total.startswith(_MINUS_SIGNS)
    amount = _read("total", total[negative:].strip(), currency, who).minor
    fee = typed.get("fee", "")
    return Entry(
        account_id=int(account[1]),
        text=typed.get("text", ""),
        amount=-amount if negative else amount,
        currency=currency,
        kind=PaymentKind(typed.get("kind") or PaymentKind.CHARGE),
        status=PaymentStatus(typed.get("status") or PaymentStatus.COMPLETED),
        key=key,
        fee=_read("fee", fee, currency, who).minor if fee else None,
        confirm_by_email=bool(typed.get("email")),
    )


def _read(field: str, text: str, currency: str, who: Identity) -> Money:
    try:
        return parse_amount(
            text, currency, formatting.decimal_mark(who.locale), formatting.group_mark(who.locale)
        )
    except AmountError as error:
        raise InvalidRequest(field, error.code) from error
    except UnknownCurrency:
        raise InvalidRequest("currency", "unknown") from None
