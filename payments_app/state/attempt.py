"""One payment on screen: the card's confirmation, news from the gateway, and its end.

Whatever the browser reports only makes the state ask.
"""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.languages import later
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import ConfirmCard, Redirect
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import checkout
from payments_app.services.catalogues import say
from payments_app.services.checkout import ASK_AT_MOST_EVERY, Progress, TopUp
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.rates import LOOK_UPS
from payments_app.state.checkout_form import CheckoutForm
from payments_app.state.checkout_views import ASK_EVERY_SECONDS, Stand, stand_of
from payments_app.state.gate import customer_event
from payments_app.state.often import often

UNREACHABLE: Final = later("The payment could not be cancelled just now. Try again in a moment.")
"""What is said when a gateway does not answer to a cancellation."""

_ASK_EVERY: Final = timedelta(seconds=ASK_EVERY_SECONDS)
_NOT_CONFIRMED: Final = later(
    "The card was not confirmed and nothing was charged. "
    "Check the card and press Pay again: it stays one payment."
)


class _CardReport(BaseModel):
    """What the card fields say became of a confirmation: only a hint for the words."""

    model_config = ConfigDict(strict=True)

    status: Annotated[str, StringConstraints(max_length=64)] = ""
    error: Annotated[str, StringConstraints(max_length=64)] = ""


class AttemptState(CheckoutForm):
    """The payment that this tab has on screen."""

    notice: str = ""
    failed: bool = False
    client_secret: str = ""
    leave_url: str = ""
    others: list[Stand] = []
    stand: Stand = Stand()
    stamp: int = 0
    """Changes with every look at the payment, so that the page counts its seconds anew."""

    _sent: TopUp | None = None

    @customer_event
    def secret_taken(self) -> None:
        """Forget the card confirmation that the browser has begun."""
        self.client_secret = ""

    @customer_event
    async def card_ready(self) -> Any:
        """Take up a payment that a reload interrupted: the new card fields know nothing of it."""
        if self.step == "paying" and self.stand.reference and not self.client_secret:
            return AttemptState.card_result({"error": "interrupted"})
        return None

    @customer_event(background=True)
    async def card_result(self, report: dict[str, str]) -> None:
        """Ask the gateway what became of the card; ``report`` only helps to choose the words."""
        try:
            told = _CardReport.model_validate(report)
        except ValidationError:
            told = _CardReport()
        async with self:
            who = await self._identity()
            reference = self.stand.reference
            if who is None or self.step != "paying" or not reference:
                return
            self.client_secret = ""
        progress = await checkout.check(current(), who, reference)
        async with self:
            if self.step != "paying":
                return
            if progress.status is PaymentStatus.PENDING and told.error:
                self._look(progress, who)
                self.step, self.notice = "form", say(_NOT_CONFIRMED)
            else:
                self._show(progress, who)

    @customer_event(reads=True)
    async def refresh(self, references: list[str]) -> None:
        """Follow the payment that is on screen when it is among those that changed."""
        who = await self._identity()
        shown = self.stand.reference
        if who and shown and isinstance(references, list) and shown in references:
            self._keep_up(await checkout.progress(current(), who, shown), who)

    @customer_event(background=True)
    async def tick(self) -> None:
        """Look at the payment that is waited for; now and then ask its gateway."""
        await self._ask(_ASK_EVERY)

    @customer_event(background=True, temporal=True)
    async def check_now(self) -> None:
        """Ask the gateway now, unless it has just been asked."""
        async with self:
            who = await self._identity()
            self.notice = await often(who, self.router.session.client_ip, LOOK_UPS)
            free = not self.notice
        if free:
            await self._ask(ASK_AT_MOST_EVERY)

    @customer_event(background=True, temporal=True)
    async def cancel_payment(self) -> None:
        """Cancel the payment that is on screen."""
        async with self:
            who = await self._identity()
            reference = self.stand.reference
        if who is None or not reference:
            return
        progress = await cancel_attempt(who, reference)
        async with self:
            if progress is None:
                self.notice = say(UNREACHABLE)
            elif self.stand.reference == reference:
                self._keep_up(progress, who)

    @customer_event(background=True, temporal=True)
    async def credit_arrived(self) -> None:
        """Have what arrived of the payment on screen credited as it is."""
        async with self:
            who = await self._identity()
            reference = self.stand.reference
        if who is None or not reference:
            return
        try:
            progress = await checkout.credit_arrived(current(), who, reference)
        except (NotFound, NotAllowed):
            progress = await checkout.progress(current(), who, reference)
        async with self:
            if self.stand.reference == reference:
                self._keep_up(progress, who)

    def _forget(self) -> None:
        """Make room for a new payment."""
        self._renew()
        self._sent = None
        self.step, self.notice, self.stand, self.others = "form", "", Stand(), []
        self.errors, self.card_missing, self.failed = {}, False, False
        self.client_secret = self.leave_url = ""

    def _show(self, progress: Progress, who: Identity) -> None:
        """Lead the customer to the next thing to do, or to the end."""
        self._look(progress, who)
        action = progress.next_action
        if progress.status is PaymentStatus.CANCELLED and self.dialog:
            self._end_attempt()
        elif isinstance(action, ConfirmCard):
            self.step, self.client_secret = "paying", action.client_secret
        elif isinstance(action, Redirect):
            self.step, self.leave_url = "leaving", action.url
        else:
            self.step = "stand"

    def _end_attempt(self) -> None:
        """Keep what was filled in for another attempt, and say why this one ended."""
        words, self.step = self.stand.words, "form"
        self._renew()
        self._sent, self.stand, self.leave_url = None, Stand(), ""
        self.client_secret, self.notice, self.failed = "", words, True

    def _keep_up(self, progress: Progress, who: Identity) -> None:
        """Show news of the payment on screen; the step changes only when it has ended."""
        if progress.status is PaymentStatus.PENDING:
            self._look(progress, who)
        else:
            self._show(progress, who)

    def _look(self, progress: Progress, who: Identity) -> None:
        self.stand = stand_of(progress, who, current().clock())
        self.stamp += 1

    async def _ask(self, at_most_every: timedelta) -> None:
        """Look at the payment on screen, at its gateway when that was not asked lately."""
        async with self:
            who = await self._identity()
            reference = self.stand.reference
        if who is None or not reference:
            return
        portal = current()
        progress = await checkout.progress(portal, who, reference)
        if progress.status is PaymentStatus.PENDING:
            progress = await checkout.check(portal, who, reference, at_most_every=at_most_every)
        async with self:
            if self.stand.reference == reference:
                self._keep_up(progress, who)


async def cancel_attempt(who: Identity, reference: str) -> Progress | None:
    """Cancel an open payment; None when its gateway could not be reached or it is not there."""
    try:
        return await checkout.cancel(current(), who, reference)
    except (GatewayUnavailable, NotFound, NotAllowed):
        return None
