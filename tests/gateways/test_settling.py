"""Gateways whose messages need care, from the checkout to the balance, with real webhooks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from sqlmodel import col, select

from payments_app.db import ledger
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason
from payments_app.gateways.base import ConfirmCard, Redirect, ShowInstructions
from payments_app.gateways.registry import connect
from payments_app.sandbox.app import issued_settings
from payments_app.services import checkout, webhooks
from payments_app.services.checkout import Progress, TopUp
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from tests.support.clock import Clock
from tests.support.factories import identity_of, make_account, make_user
from tests.support.sandbox import RunningSandbox

PENDING, COMPLETED, CANCELLED = PaymentStatus
CRYPTO, PESOS, BANK = "nowpayments", "paynamics", "bank_transfer"
PAYPAL, CARD = "paypal", "card"


@dataclass
class Counter:
    """A portal on the sandbox's gateways, and a customer in front of it."""

    portal: Portal
    sandbox: RunningSandbox
    who: Identity
    handled: int = 0

    async def start(self, gateway: str, amount: Money, channel: str | None = None) -> Progress:
        """Start a top-up."""
        return await checkout.start(
            self.portal, self.who, TopUp(gateway, amount, f"{gateway}-key", channel)
        )

    async def press(self, progress: Progress, button: str) -> None:
        """Press a button on the provider's page."""
        payment = await self.payment(progress)
        page = {
            CRYPTO: "nowpayments/payment",
            PESOS: "paynamics/pay",
            PAYPAL: "paypal/checkoutnow",
        }[str(payment.gateway)]
        answer = await self.sandbox.http.post(f"/{page}/{payment.gateway_reference}/{button}")
        assert answer.status_code == 303

    async def hear(self, count: int) -> None:
        """Wait for so many webhooks in all, and handle those that are new."""
        deliveries = await self.sandbox.receiver.wait_for(count)
        for each in deliveries[self.handled :]:
            await webhooks.receive(
                self.portal, each.path.rpartition("/")[2], each.headers, each.body
            )
            await webhooks.handle_due(self.portal)
        self.handled = len(deliveries)

    async def hear_until(self, look: Callable[[], Awaitable[bool]]) -> None:
        """Handle webhooks one by one until something has come about."""
        while not await look():
            await self.hear(self.handled + 1)

    async def taken_back(self, status: PaymentStatus) -> bool:
        """Tell whether there is a chargeback of this status."""
        query = select(Payment).where(
            col(Payment.kind) == PaymentKind.CHARGEBACK, col(Payment.status) == status
        )
        async with self.portal.db.read() as session:
            return len((await session.execute(query)).all()) == 1

    async def payment(self, progress: Progress) -> Payment:
        """Read the row."""
        async with self.portal.db.read() as session:
            found = await ledger.find_payment(session, reference=progress.reference)
        assert found is not None
        return found

    async def balance(self, currency: str) -> int:
        """Return the balance, having checked every balance against its rows."""
        async with self.portal.db.read() as session:
            assert await ledger.wrong_balances(session) == []
            return await ledger.balance_of(session, self.who.own_account(), currency)


@pytest.fixture
async def counter(portal: Portal, clock: Clock, sandbox: RunningSandbox) -> AsyncIterator[Counter]:
    clock.now = datetime.now(UTC)  # the sandbox's
    account = await make_account(portal.db)
    user = await make_user(portal.db, account)
    settings = portal.settings.model_copy(update={"public_url": sandbox.receiver.url})
    gateways = connect(issued_settings(sandbox.origin))
    yield Counter(
        replace(portal, gateways=gateways, settings=settings),
        sandbox,
        identity_of(user, account),
    )
    for gateway in gateways.values():
        await gateway.aclose()


async def test_coins_that_came_are_credited_at_the_price(counter: Counter) -> None:
    started = await counter.start(CRYPTO, Money(2500, "USD"))
    assert isinstance(started.next_action, Redirect)
    await counter.press(started, "all")
    await counter.hear(3)
    payment = await counter.payment(started)
    assert (payment.status, payment.method_detail) == (COMPLETED, "USDTTRC20")
    assert await counter.balance("USD") == 2500


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ("part", Reason.PARTIALLY_PAID),
        ("much", Reason.OVERPAID),
        ("coin", Reason.WRONG_ASSET),
    ],
)
async def test_other_sums_wait_for_staff(counter: Counter, button: str, reason: Reason) -> None:
    started = await counter.start(CRYPTO, Money(2500, "USD"))
    await counter.press(started, button)
    await counter.hear(3)
    payment = await counter.payment(started)
    assert (payment.status, payment.reason, payment.in_review) == (PENDING, reason, True)
    assert await counter.balance("USD") == 0


async def test_the_rest_completes_what_was_paid_in_part(counter: Counter) -> None:
    started = await counter.start(CRYPTO, Money(2500, "USD"))
    await counter.press(started, "part")
    await counter.hear(3)
    await counter.press(started, "rest")
    await counter.hear(5)
    payment = await counter.payment(started)
    assert (payment.status, payment.in_review) == (COMPLETED, False)
    assert await counter.balance("USD") == 2500


async def test_a_second_deposit_is_never_credited(counter: Counter) -> None:
    started = await counter.start(CRYPTO, Money(2500, "USD"))
    await counter.press(started, "all")
    await counter.press(started, "again")
    await counter.hear(6)
    assert (await counter.payment(started)).status is COMPLETED
    assert await counter.balance("USD") == 2500


async def test_coins_after_the_time_was_over_are_credited(counter: Counter) -> None:
    started = await counter.start(CRYPTO, Money(2500, "GBP"))
    await checkout.cancel(counter.portal, counter.who, started.reference)
    assert (await counter.payment(started)).status is CANCELLED
    await counter.press(started, "late")
    await counter.hear(4)
    assert (await counter.payment(started)).status is COMPLETED
    assert await counter.balance("GBP") == 2500


@pytest.mark.parametrize("channel", ["gc", "711_ph"])
async def test_pesos_by_page_and_at_the_counter(counter: Counter, channel: str) -> None:
    started = await counter.start(PESOS, Money(150_000, "PHP"), channel)
    over_the_counter = isinstance(started.next_action, ShowInstructions)
    assert over_the_counter == (channel == "711_ph")
    again = await checkout.progress(counter.portal, counter.who, started.reference)
    assert again.next_action == started.next_action
    await counter.press(started, "counter" if over_the_counter else "approve")
    await counter.hear(1)
    assert (await counter.payment(started)).status is COMPLETED
    assert await counter.balance("PHP") == 150_000


async def test_pesos_are_voided_at_the_gateway_before_here(counter: Counter) -> None:
    started = await counter.start(PESOS, Money(150_000, "PHP"), "gc")
    await checkout.cancel(counter.portal, counter.who, started.reference)
    payment = await counter.payment(started)
    assert (payment.status, payment.reason) == (CANCELLED, Reason.CANCELLED_BY_CUSTOMER)
    answer = await counter.sandbox.http.post(f"/paynamics/pay/{started.reference}/approve")
    assert answer.status_code == 409
    await counter.hear(1)
    assert await counter.balance("PHP") == 0


async def test_a_transfer_waits_for_staff(counter: Counter) -> None:
    started = await counter.start(BANK, Money(5000, "GBP"))
    assert isinstance(started.next_action, ShowInstructions)
    await checkout.check(counter.portal, counter.who, started.reference)
    payment = await counter.payment(started)
    assert (payment.status, payment.in_review) == (PENDING, True)
    assert payment.reason == Reason.AWAITING_CONFIRMATION


@pytest.mark.parametrize(
    ("end", "status", "balance"), [("lose", COMPLETED, 0), ("win", CANCELLED, 5000)]
)
async def test_a_paypal_dispute_holds_then_debits_or_releases(
    counter: Counter, end: str, status: PaymentStatus, balance: int
) -> None:
    started = await counter.start(PAYPAL, Money(5000, "USD"))
    await counter.press(started, "approve")

    async def paid() -> bool:
        return (await counter.payment(started)).status is COMPLETED

    await counter.hear_until(paid)
    await counter.press(started, "dispute")
    await counter.hear_until(lambda: counter.taken_back(PENDING))
    assert await counter.balance("USD") == 5000
    await counter.press(started, end)
    await counter.hear_until(lambda: counter.taken_back(status))
    assert await counter.balance("USD") == balance


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
@pytest.mark.parametrize(
    ("evidence", "status", "balance"),
    [("losing_evidence", COMPLETED, 0), ("winning_evidence", CANCELLED, 5000)],
)
async def test_a_card_dispute_holds_then_debits_or_releases(
    counter: Counter, evidence: str, status: PaymentStatus, balance: int
) -> None:
    started = await counter.start(CARD, Money(5000, "USD"))
    assert isinstance(started.next_action, ConfirmCard)
    keys = issued_settings(counter.sandbox.origin)
    intent = (await counter.payment(started)).gateway_reference
    card = {"number": "4000000000000259", "exp_month": "12", "exp_year": "40", "cvc": "123"}
    body = {f"payment_method_data[card][{name}]": text for name, text in card.items()} | {
        "payment_method_data[type]": "card",
        "client_secret": started.next_action.client_secret,
        "key": keys["STRIPE_PUBLISHABLE_KEY"],
    }
    http = counter.sandbox.http
    answer = await http.post(f"/stripe/v1/payment_intents/{intent}/confirm", data=body)
    assert answer.status_code == 200
    await counter.hear_until(lambda: counter.taken_back(PENDING))
    assert await counter.balance("USD") == 5000
    secret = keys["STRIPE_SECRET_KEY"]
    (dispute,) = (await http.get("/stripe/v1/disputes", auth=(secret, ""))).json()["data"]
    told = {"evidence[uncategorized_text]": evidence}
    await http.post(f"/stripe/v1/disputes/{dispute['id']}", data=told, auth=(secret, ""))
    await counter.hear_until(lambda: counter.taken_back(status))
    assert await counter.balance("USD") == balance
