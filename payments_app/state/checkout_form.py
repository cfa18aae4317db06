"""The form of the Make Payment dialogs: what is chosen and typed, and what is wrong with it."""

import uuid
from typing import Annotated, Final

from pydantic import StringConstraints, TypeAdapter, ValidationError

from payments_app.domain.errors import AmountError, InvalidRequest
from payments_app.domain.languages import later
from payments_app.domain.money import Money
from payments_app.services import offers
from payments_app.services.catalogues import Told
from payments_app.services.checkout import TopUp
from payments_app.services.context import current
from payments_app.services.formatting import money
from payments_app.services.identity import Identity
from payments_app.services.offers import Offer
from payments_app.state.checkout_views import (
    ChannelGroup,
    OfferView,
    QuickAmount,
    channel_groups,
    offer_view,
    quick_amounts,
)
from payments_app.state.checkout_words import (
    amount_fault,
    currency_symbol,
    field_fault,
    preview_of,
    read_amount,
    takes_words,
)
from payments_app.state.gate import customer_event, public_event
from payments_app.state.session import SessionState

PAYMENT: Final = "payment"
"""The dialog for all offers that have none of their own; those dialogs go by the offer's code."""

_MISSING: Final = Told(
    {
        "gateway": later("Choose how to pay."),
        "channel": later("Choose how to pay."),
        "currency": later("Choose a currency."),
    }
)
_text: Final = TypeAdapter(Annotated[str, StringConstraints(strict=True, max_length=64)])


def clean(value: object) -> str:
    """Return a short text that the browser sent; anything else counts as empty."""
    try:
        return _text.validate_python(value)
    except ValidationError:
        return ""


class CheckoutForm(SessionState):
    """What the customer fills in. ``step`` is ``form`` while it may be changed."""

    dialog: str = ""
    title: str = ""
    step: str = "form"
    offers: list[OfferView] = []
    own_dialogs: list[OfferView] = []
    gateway: str = ""
    collects_card: bool = False
    card_script: str = ""
    card_key: str = ""
    channel: str = ""
    groups: list[ChannelGroup] = []
    currencies: list[str] = []
    currency: str = ""
    symbol: str = ""
    amount: str = ""
    quick: list[QuickAmount] = []
    errors: dict[str, str] = {}
    card_missing: bool = False
    preview: str = ""
    takes: str = ""
    """Which currencies the chosen way to pay takes, where others can be paid elsewhere."""
    total: str = ""
    attempt: int = 0
    """Counts the attempts of this tab, so that a press meant for an earlier one does nothing."""

    _card_complete: bool = False
    _key: str = ""

    @public_event(reads=True)
    async def load(self) -> None:
        """Fill in what can be paid with; the page's buttons follow from it."""
        who = await self._identity()
        if who is not None and not who.is_staff:
            await self._load_offers(who)

    @customer_event
    async def choose_gateway(self, code: str) -> None:
        """Choose how to pay."""
        if self.step == "form" and self.dialog == PAYMENT:
            self.gateway, self.channel = clean(code), ""
            await self._follow("gateway")

    @customer_event
    async def choose_channel(self, code: str) -> None:
        """Choose the channel within the way to pay."""
        if self.step == "form":
            self.channel = clean(code)
            await self._follow("channel")

    @customer_event
    async def choose_currency(self, code: str) -> None:
        """Choose the currency."""
        if self.step == "form":
            self.currency = clean(code)
            await self._follow("currency")

    @customer_event
    async def type_amount(self, text: str) -> None:
        """Take the amount as typed."""
        if self.step == "form":
            self.amount = clean(text)
            await self._follow("amount")

    @customer_event
    def card_changed(self, complete: bool) -> None:
        """Note whether the card fields are filled in; their content never comes here."""
        self._card_complete = complete is True

    async def _load_offers(self, who: Identity) -> None:
        offered = await offers.offers(current(), who)
        self.offers = [offer_view(offer) for offer in offered if not offer.checkout_title]
        self.own_dialogs = [offer_view(offer) for offer in offered if offer.checkout_title]

    def _renew(self) -> None:
        """Begin a new attempt: whatever is paid from here on is another payment."""
        self._key = uuid.uuid4().hex
        self.attempt += 1

    async def _follow(self, changed: str) -> None:
        """Bring the choices and the preview up to date with what was changed."""
        who = await self._identity()
        if who is None:
            return
        self.errors = {name: words for name, words in self.errors.items() if name != changed}
        offered = await offers.offers(current(), who)
        own = {offer.code: offer for offer in offered if offer.checkout_title}
        chosen = next((offer for offer in offered if offer.code == self.gateway), None)
        open_here = [chosen] if chosen else [o for o in offered if o.code not in own]
        self._set_choices(chosen, list(dict.fromkeys(c for o in open_here for c in o.currencies)))
        everywhere = {code for offer in offered for code in offer.currencies}
        usual = {"USD", "GBP", who.home_currency} & everywhere
        self.takes = takes_words(chosen, usual, who.locale)
        self.symbol = currency_symbol(self.currency, who.locale)
        self.quick = quick_amounts(self.currency, who.locale)
        await self._quote(who)

    def _set_choices(self, chosen: Offer | None, currencies: list[str]) -> None:
        collects_card = chosen is not None and chosen.collects_card
        if collects_card != self.collects_card:
            self._card_complete = False
        self.collects_card = collects_card
        scripts = current().gateway(chosen.code).browser_scripts() if chosen else {}
        self.card_script = scripts.get("js_url", "")
        self.card_key = scripts.get("publishable_key", "")
        self.groups = channel_groups(chosen.channels) if chosen else []
        self.currencies = currencies
        if self.currency not in currencies:
            self.currency = currencies[0] if currencies else ""

    async def _quote(self, who: Identity) -> Money | None:
        """Show what the payment costs; returns its amount, None when it cannot be taken."""
        self.preview = self.total = ""
        if not self.amount or not self.currency:
            return None
        try:
            amount = read_amount(self.amount, self.currency, who.locale)
            if not self.gateway or (self.groups and not self.channel):
                self.total = money(amount, who.locale)
                return None
            quote = await offers.quote(current(), who, self.gateway, amount, self.channel or None)
        except AmountError as error:
            self._complain("amount", amount_fault(error, self.currency, who.locale))
            return None
        except InvalidRequest as error:
            self._complain(error.field, field_fault(error))
            return None
        self.errors = {name: words for name, words in self.errors.items() if name != "amount"}
        self.total = money(quote.pay, who.locale)
        self.preview = preview_of(quote, who.locale)
        return quote.credit

    def _complain(self, name: str, words: str) -> None:
        self.errors = {**self.errors, name: words}

    async def _order(self, who: Identity) -> TopUp | None:
        """Return what is to be paid, or None after saying beside each field what is wrong."""
        self.errors = {}
        amount = await self._quote(who)
        needed = {"gateway": self.gateway, "currency": self.currency}
        if self.groups:
            needed["channel"] = self.channel
        for name, value in needed.items():
            if not value:
                self._complain(name, _MISSING[name])
        if not self.amount:
            self._complain("amount", amount_fault(AmountError("empty"), self.currency, who.locale))
        self.card_missing = self.collects_card and not self._card_complete
        if amount is None or self.errors or self.card_missing:
            return None
        return TopUp(self.gateway, amount, self._key, self.channel or None)
