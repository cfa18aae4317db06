"""A payment from the press of Pay to its end, in the dialogs and on the result page.

``step`` is where the customer is: ``form`` (filling in), ``paying`` (locked, on its way),
``question`` (another attempt of the same amount is open), ``leaving`` (to the gateway's page) or
``stand`` (how the payment stands). Whatever the browser reports only makes the state ask.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import reflex as rx

from payments_app.domain.errors import (
    AmountError,
    IdempotencyConflict,
    InvalidRequest,
    NotFound,
    TooManyAttempts,
)
from payments_app.domain.languages import later
from payments_app.domain.payment import PaymentStatus
from payments_app.services import checkout, rates
from payments_app.services.catalogues import say
from payments_app.services.checkout import TopUp
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.rates import PAYMENTS
from payments_app.services.wording import too_many_attempts
from payments_app.state.attempt import UNREACHABLE, AttemptState, cancel_attempt
from payments_app.state.checkout_form import PAYMENT, clean
from payments_app.state.checkout_views import Stand, stand_of
from payments_app.state.checkout_words import not_answering, write_amount
from payments_app.state.gate import customer_event, public_event

PAYMENTS_PAGE: Final = "/"
UNKNOWN: Final = "unknown"
"""Status of a payment that the page's address names and that is not there."""

_CANCELLED: Final = later("Your earlier payment is cancelled. Press Pay to make the new one.")
_REFUSED: Final = later("This payment could not be started. Nothing was charged. Try again.")


@dataclass(frozen=True, slots=True)
class _Order:
    """A claimed press of Pay. ``replaces`` is an open attempt of other parameters, to be ended."""

    who: Identity
    top_up: TopUp
    replaces: str
    address: str


class CheckoutState(AttemptState):
    """One customer's payment in one tab."""

    @customer_event
    async def open_dialog(self, name: str) -> None:
        """Open the Payment dialog, or the one of the offer with this code."""
        who = await self._identity()
        if who is not None and self.step != "paying":
            await self._open(who, clean(name))

    @customer_event(background=True)
    async def close_dialog(self) -> None:
        """Close the dialog; an attempt that was left unconfirmed is given up."""
        async with self:
            who = await self._identity()
            if who is None or self.step == "paying":
                return
            unfinished = self.stand.reference if self.step == "form" else ""
            self.dialog = ""
            self._forget()
        if unfinished:
            await cancel_attempt(who, unfinished)

    @customer_event
    async def dialog_moved(self, is_open: bool) -> Any:
        """Close the dialog when the customer presses Escape or beside it."""
        return None if is_open is True else CheckoutState.close_dialog

    @customer_event(background=True, temporal=True)
    async def pay(self, attempt: int) -> None:
        """Pay what the form says, unless another attempt of the same amount is still open."""
        async with self:
            order = await self._claim(attempt, "form")
        if order is None:
            return
        if order.replaces and not await self._give_up(order.who, order.replaces, "paying"):
            return
        others = await checkout.open_attempts(current(), order.who, order.top_up.amount)
        async with self:
            asked = [other for other in others if other.reference != self.stand.reference]
            if asked:
                now = current().clock()
                self.others = [stand_of(other, order.who, now) for other in asked]
                self.step = "question"
        if not asked:
            await self._start(order)

    @customer_event(background=True, temporal=True)
    async def pay_anyway(self, attempt: int) -> None:
        """Pay although other attempts of the same amount are open."""
        async with self:
            order = await self._claim(attempt, "question")
        if order is not None:
            await self._start(order)

    @customer_event(background=True, temporal=True)
    async def cancel_other(self, reference: str) -> None:
        """Cancel another open attempt and come back to the form."""
        async with self:
            who = await self._identity()
            if who is None or self.step != "question":
                return
            self.step = "paying"
        if await self._give_up(who, clean(reference), "form"):
            async with self:
                self.notice = say(_CANCELLED)

    @customer_event
    def back_to_form(self) -> None:
        """Leave the question unanswered."""
        if self.step == "question":
            self.step, self.others = "form", []

    @public_event(reads=True)
    async def load_result(self) -> Any:
        """Show the payment, then ask its gateway; ``stand.status`` is ``unknown`` for none."""
        who = await self._identity()
        if who is None or who.is_staff:
            return None
        self.dialog = self.notice = self.leave_url = ""
        self.step = "stand"
        try:
            reference = clean(self.router.url.path.rpartition("/")[2])
            progress = await checkout.progress(current(), who, reference)
        except NotFound:
            self.stand = Stand(status=UNKNOWN)
            return None
        self._look(progress, who)
        return AttemptState.check_now

    @customer_event
    async def try_again(self, reference: str) -> Any:
        """Open the form for another attempt, filled in like this one that was cancelled."""
        who = await self._identity()
        if who is None or self.step == "paying":
            return None
        try:
            earlier = await checkout.progress(current(), who, clean(reference))
        except NotFound:
            return None
        if earlier.status is not PaymentStatus.CANCELLED:
            return None
        await self._open(who, earlier.gateway)
        if any(o.code == earlier.gateway for o in (*self.offers, *self.own_dialogs)):
            self.gateway, self.channel = earlier.gateway, earlier.channel or ""
        self.currency = earlier.amount.currency
        self.amount = write_amount(earlier.amount, who.locale)
        await self._follow("")
        return rx.redirect(PAYMENTS_PAGE)

    async def _open(self, who: Identity, name: str) -> None:
        await self._load_offers(who)
        own = next((offer for offer in self.own_dialogs if offer.code == name), None)
        self.dialog = own.code if own else PAYMENT
        self.title = say("{gateway} Checkout", gateway=own.label) if own else say("Payment")
        usual = next((offer.code for offer in self.offers if offer.last_used), "")
        self.gateway = own.code if own else usual
        self.channel = self.amount = self.currency = ""
        self._forget()
        await self._follow("")

    async def _claim(self, attempt: int, step: str) -> _Order | None:
        """Lock the form for one press of Pay; None when there is nothing to send."""
        who = await self._identity()
        if who is None or self.step != step or attempt != self.attempt:
            return None
        order = await self._order(who)
        if order is None:
            self.step = "form"
            return None
        replaces = ""
        if self._sent is not None and self._sent != order:
            replaces = self.stand.reference
            self._renew()
            order = replace(order, idempotency_key=self._key)
        self._sent = order
        self.step, self.notice, self.others, self.failed = "paying", "", [], False
        return _Order(who, order, replaces, self.router.session.client_ip)

    async def _give_up(self, who: Identity, reference: str, then: str) -> bool:
        """Cancel an earlier attempt, and take the step ``then``.

        False when it turned out to be paid, or its gateway could not be reached.
        """
        progress = await cancel_attempt(who, reference)
        async with self:
            if progress is None:
                self.step, self.notice = "form", say(UNREACHABLE)
                return False
            if progress.status is PaymentStatus.COMPLETED:
                self._show(progress, who)
                return False
            self.step, self.stand = then, Stand()
        return True

    async def _start(self, order: _Order) -> None:
        progress = None
        stale = False
        words = say(_REFUSED)
        try:
            await rates.spend(current(), PAYMENTS, order.who.session_id, order.address)
            progress = await checkout.start(current(), order.who, order.top_up, order.address)
        except TooManyAttempts as error:
            words = too_many_attempts(error.retry_after)
        except (AmountError, InvalidRequest, IdempotencyConflict) as error:
            # The offer or its limits have changed since the form was checked.
            stale = True
            if isinstance(error, InvalidRequest) and error.code == "not_answering":
                words = not_answering(str(error.details["label"]))
        finally:
            async with self:
                if progress is not None:
                    self._show(progress, order.who)
                else:
                    self.step, self.notice = "form", words
                if stale:
                    self._renew()
