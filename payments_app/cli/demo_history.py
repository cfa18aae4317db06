"""The demo accounts' payment history: a plausible story, the same for the same day."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason, decline

DAYS: Final = 548
_REFERENCE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BILLING_HOUR: Final = 21
_ODD: Final = 350
_CARDS: Final = ("Visa ending 4242", "Visa ending 4242", "Mastercard ending 4444")
_DECLINES: Final = (
    decline("insufficient_funds"),
    decline("generic_decline"),
    decline("expired_card"),
)
_GIVEN_UP: Final = (Reason.CANCELLED_BY_CUSTOMER, Reason.EXPIRED, Reason.ABANDONED)


@dataclass(frozen=True)
class Method:
    """A way to top up, chosen ``weight`` times as often as one of weight 1."""

    gateway: str
    label: str
    weight: int
    channel: str | None = None
    reference: str = "{number}"
    """How the gateway numbers its payments."""


PAYPAL: Final = Method("paypal", "PayPal", 3, reference="{letters:.17}")
CARD: Final = Method("card", "Credit Card", 6, reference="pi_3{letters:.22}")
PAYSTACK: Final = Method("paystack", "Pay Stack", 2)
NOWPAYMENTS: Final = Method("nowpayments", "Now Payments", 2)
BANK: Final = Method("bank_transfer", "Bank Transfer", 1, reference="BT-{number:.8}")
GCASH: Final = Method("paynamics", "GCash", 6, channel="gc")
GRABPAY: Final = Method("paynamics", "GrabPay Philippines", 2, channel="grabpay_ph")
PAYMAYA: Final = Method("paynamics", "PayMaya Philippines", 2, channel="paymaya_ph")


@dataclass(frozen=True)
class Story:
    """What an account's history is made of. Prices and top-ups are minor units of ``currency``."""

    currency: str
    methods: tuple[Method, ...]
    package: int
    minutes: tuple[int, int]
    did: int
    top_ups: tuple[int, ...]
    dialling_code: str
    other_currency: tuple[str, int] | None = None


@dataclass
class Row:
    """A payment to store, the row that it takes back, and its timeline (time, code, by whom)."""

    payment: Payment
    parent: "Row | None" = None
    timeline: list[tuple[datetime, str, str, dict[str, Any]]] = field(default_factory=list)


class History:
    """Tells a story day by day; ``rows`` are in order of time, balances never fall below zero."""

    def __init__(self, story: Story, emails: tuple[str, ...], today: date) -> None:
        self.story = story
        self.emails = emails
        self.today = today
        self.random = random.Random(f"{story.currency} {emails}")  # noqa: S311 - no secret
        self.balances: Counter[str] = Counter()
        self.rows: list[Row] = []
        self._now = datetime.min.replace(tzinfo=UTC)

    def tell(self) -> list[Row]:
        """Return about 300 rows up to yesterday."""
        for days_ago in range(DAYS, 0, -1):
            self._begin_day(self.today - timedelta(days=days_ago))
            if days_ago in (400, 90) and self.story.other_currency:
                currency, amount = self.story.other_currency
                self._top_up(CARD, amount, currency)
            if days_ago in (210, 45):
                self._take_back(PaymentKind.REFUND)
            if days_ago == 120:
                self._take_back(PaymentKind.CHARGEBACK)
            for description, price in self._purchases():
                self._cover(price)
                self._charge(description, price)
        self._leave_some_pending()
        return self.rows

    def _begin_day(self, day: date) -> None:
        self._now = datetime.combine(day, time(8), UTC)
        self._pass(0, 300)

    def _pass(self, least: int, most: int) -> None:
        """Let some minutes go by."""
        self._now += timedelta(seconds=self.random.randint(least * 60, most * 60))

    def _purchases(self) -> Iterator[tuple[str, int]]:
        story, day = self.story, self._now
        if day.day == 1:
            yield f"Monthly Package, {day:%B}", story.package
        if day.weekday() == 0:
            minutes = self.random.randint(*story.minutes)
            yield f"Outbound minutes, week {day.isocalendar().week}", minutes
        if self.random.random() < 0.17:
            number = self.random.randint(2_000_000, 9_999_999)
            yield f"DID Pack ({story.dialling_code}{number})", story.did

    def _cover(self, price: int) -> None:
        while self.balances[self.story.currency] < price:
            methods = self.story.methods
            method = self.random.choices(methods, [method.weight for method in methods])[0]
            amount = self.random.choice(self.story.top_ups)
            if self.random.random() < 0.22:
                self._failed_top_up(method, amount)
            self._top_up(method, amount, self.story.currency)

    def _charge(self, description: str, price: int) -> None:
        self._now = max(self._now, self._now.replace(hour=_BILLING_HOUR, minute=0))
        self._pass(1, 20)
        row = self._row("C", PaymentKind.CHARGE, -price, self.story.currency, description)
        self._complete(row, "platform")

    def _top_up(self, method: Method, amount: int, currency: str) -> Row:
        row = self._started(method, amount, currency)
        row.payment.fee = amount * 29 // 1000 + 30 if method.gateway != BANK.gateway else None
        self._pass(1, 9)
        self._complete(row, "owner" if method.gateway == BANK.gateway else "webhook")
        self._pass(1, 30)
        return row

    def _failed_top_up(self, method: Method, amount: int) -> None:
        row = self._started(method, amount, self.story.currency)
        by_card = method.gateway == CARD.gateway
        reason = self.random.choice(_DECLINES + _GIVEN_UP if by_card else _GIVEN_UP)
        self._pass(1, 6)
        row.payment.status = PaymentStatus.CANCELLED
        row.payment.reason = reason
        actor = "customer" if reason is Reason.CANCELLED_BY_CUSTOMER else "sweep"
        row.timeline.append((self._now, "cancelled", actor, {"reason": reason}))
        self._pass(1, 6)

    def _take_back(self, kind: PaymentKind) -> None:
        """Give back, or lose to a chargeback, the latest card top-up in the home currency."""
        parent = next(
            row
            for row in reversed(self.rows)
            if row.payment.gateway == CARD.gateway
            and row.payment.status is PaymentStatus.COMPLETED
            and row.payment.currency == self.story.currency
        )
        self._cover(parent.payment.amount)
        paid = parent.payment
        prefix, actor = ("R", "owner") if kind is PaymentKind.REFUND else ("D", "webhook")
        description = f"{kind.value.capitalize()} of {paid.reference}"
        row = self._row(prefix, kind, -paid.amount, paid.currency, description)
        row.parent = parent
        row.payment.gateway, row.payment.method_detail = paid.gateway, paid.method_detail
        row.payment.charge_amount, row.payment.charge_currency = paid.amount, paid.currency
        row.payment.gateway_reference = f"{prefix.lower()}e_3{self._letters(22)}"
        if kind is PaymentKind.CHARGEBACK:
            row.payment.reason = Reason.DISPUTED
        self._pass(1, 9)
        self._complete(row, actor)

    def _leave_some_pending(self) -> None:
        """End yesterday with open attempts. The sweep leaves them: no gateway knows them.

        Their amounts are odd, so that a first try of the portal meets none of the same amount.
        """
        self._begin_day(self.today - timedelta(days=1))
        usual, currency = self.story.top_ups, self.story.currency
        for method in self.story.methods[:3]:
            self._started(method, self.random.choice(usual) + _ODD, currency)
            self._pass(5, 60)
        transfer = self._started(BANK, usual[-1] + _ODD, currency)
        short = self._started(NOWPAYMENTS, usual[0] + _ODD, currency)
        for row, reason in (
            (transfer, Reason.AWAITING_CONFIRMATION),
            (short, Reason.PARTIALLY_PAID),
        ):
            row.payment.in_review, row.payment.reason = True, reason
            row.timeline.append((self._now, "in_review", "webhook", {"reason": reason}))

    def _started(self, method: Method, amount: int, currency: str) -> Row:
        row = self._row("P", PaymentKind.TOP_UP, amount, currency, f"{method.label} top-up")
        payment = row.payment
        payment.gateway, payment.channel = method.gateway, method.channel
        payment.charge_amount, payment.charge_currency = amount, currency
        payment.gateway_reference = method.reference.format(
            letters=self._letters(22), number=str(self.random.randint(10**9, 10**10 - 1))
        )
        if method.gateway == CARD.gateway:
            payment.method_detail = self.random.choice(_CARDS)
        payment.idempotency_key = f"demo-{payment.reference}"
        who = self.random.choice(self.emails)
        row.timeline.append((self._now, "created", who, {"gateway": method.gateway}))
        return row

    def _row(
        self, prefix: str, kind: PaymentKind, amount: int, currency: str, description: str
    ) -> Row:
        payment = Payment(
            reference=prefix + self._letters(14),
            account_id=0,  # known when the account is stored
            kind=kind,
            status=PaymentStatus.PENDING,
            amount=amount,
            currency=currency,
            description=description,
            created_at=self._now,
            dated_at=self._now,
        )
        row = Row(payment)
        self.rows.append(row)
        return row

    def _complete(self, row: Row, actor: str) -> None:
        payment = row.payment
        payment.status = PaymentStatus.COMPLETED
        payment.completed_at = payment.dated_at = self._now
        self.balances[payment.currency] += payment.amount
        balance = self.balances[payment.currency]
        row.timeline.append((self._now, "completed", actor, {"balance": balance}))

    def _letters(self, count: int) -> str:
        return "".join(self.random.choices(_REFERENCE_LETTERS, k=count))
