"""The dialog in which a customer chooses the e-mails to get."""

from typing import Final

from payments_app.domain.errors import AmountError
from payments_app.domain.mail import MailKind
from payments_app.services import mail_choices
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.mail_choices import Choices
from payments_app.state.checkout_words import amount_fault, read_amount, write_amount
from payments_app.state.gate import customer_event
from payments_app.state.session import SessionState

_LONGEST: Final = 40


class NotificationState(SessionState):
    """The choice as it stands in the dialog; ``limit`` is what was typed."""

    is_open: bool = False
    kinds: list[str] = []
    limit: str = ""
    fault: str = ""
    saved: bool = False
    turn: int = 0
    """Changes each time the dialog opens, so that its field begins anew."""

    @customer_event
    async def moved(self, is_open: bool) -> None:
        """Follow the dialog; it opens with what is kept."""
        who = await self._identity()
        self.is_open = is_open is True
        if who is None or not self.is_open:
            return
        kept = await mail_choices.read(current(), who)
        self.kinds = sorted(kept.kinds)
        self.limit = write_amount(kept.low_balance, who.locale) if kept.low_balance else ""
        self.fault, self.saved = "", False
        self.turn += 1

    @customer_event
    async def choose(self, kind: str, wanted: bool) -> None:
        """Turn one kind on or off."""
        if kind in list(MailKind):
            self.kinds = sorted({*self.kinds, kind} if wanted is True else {*self.kinds} - {kind})
            self.saved = False

    @customer_event
    async def type_limit(self, text: str) -> None:
        """Take what is typed as the limit."""
        self.limit, self.fault, self.saved = str(text)[:_LONGEST], "", False

    @customer_event
    async def save(self) -> None:
        """Keep the choice, or say what is wrong with the limit."""
        who = await self._identity()
        if who is None:
            return
        try:
            await mail_choices.save(current(), who, self._choices(who))
        except AmountError as error:
            self.fault = amount_fault(error, who.home_currency, who.locale)
        else:
            self.saved = True

    def _choices(self, who: Identity) -> Choices:
        typed = self.limit.strip()
        limit = read_amount(typed, who.home_currency, who.locale) if typed else None
        return Choices(frozenset(map(MailKind, self.kinds)), limit)
