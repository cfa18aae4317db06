"""The demo accounts' payment history: a plausible story, the same for the same day."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason, decline
from payments_app.gateways.registry import GATEWAYS

DAYS: Final = 548
_REFERENCE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BILLING_HOUR: Final = 21
_ODD: Final = 350
_BUSY_DAYS: Final = 14
"""As many as the overview's charts show."""
_OFTEN: Final = 0.6
"""How likely an account tops up on one of those days, without need."""
_CARDS: Final = ("Visa ending 4242", "Visa ending 4242", "Mastercard ending 4444")
_DECLINES: Final = (
    decline("insufficient_funds"),
    decline("generic_decline"),
    decline("expired_card"),
)
_GATEWAYS: Final = {gateway.code: gateway for gateway in GATEWAYS}
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
    fee: tuple[int, int] | None = None
    """What the gateway keeps: ten-thousandths of the amount, and minor units besides."""


PAYPAL: Final = Method("paypal", "PayPal", 3, reference="{letters:.17}", fee=(349, 49))
CARD: Final = Method("card", "Credit Card", 6, reference="pi_3{letters:.22}", fee=(290, 30))
PAYSTACK: Final = Method("paystack", "Pay Stack", 2, fee=(150, 0))
NOWPAYMENTS: Final = Method("nowpayments", "Now Payments", 2)
BANK: Final = Method("bank_transfer", "Bank Transfer", 1, reference="BT-{number:.8}")
GCASH: Final = Method("paynamics", "GCash", 6, channel="gc")
GRABPAY: Final = Method("paynamics", "GrabPay Philippines", 2, channel="grabpay_ph")
PAYMAYA: Final = Method("paynamics", "PayMaya Philippines", 2, channel="paymaya_ph")
SEVEN_ELEVEN: Final = Method("paynamics", "7-Eleven", 0, channel="711_ph")
CEBUANA: Final = Method("paynamics", "Cebuana Lhuillier", 0, channel="cebuana_ph")


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
    open_ones: tuple[tuple[Method, Reason | None], ...]
    """Top-ups that yesterday left Pending; those with a reason are in review."""
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

    def tell(self) -> None:
        """Fill ``rows`` with about 300 payments up to yesterday."""
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
            if days_ago <= _BUSY_DAYS and self.random.random() < _OFTEN:
                self._add_money()
        self._leave_some_pending()

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
            self._add_money()

    def _add_money(self) -> None:
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
        if method.fee is not None:
            share, fixed = method.fee
            row.payment.fee = amount * share // 10_000 + fixed
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
        """End yesterday with open attempts, of which their gateways know no more than we do.

        Their amounts are odd, so that a first try of the portal meets none of the same amount.
        """
        self._begin_day(self.today - timedelta(days=1))
        for method, reason in self.story.open_ones:
            amount = self.random.choice(self.story.top_ups) + _ODD
            row = self._started(method, amount, self.story.currency)
            payment, gateway = row.payment, _GATEWAYS[method.gateway]
            payment.expires_at = self._now + timedelta(seconds=gateway.lifetime_seconds or 0)
            if not gateway.staff_confirmed:
                payment.next_check_at = self._now + timedelta(seconds=gateway.check_delays[0])
            if reason is not None:
                payment.in_review, payment.reason = True, reason
                row.timeline.append((self._now, "in_review", "webhook", {"reason": reason}))
            self._pass(5, 60)

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
