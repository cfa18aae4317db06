"""The Make Payment dialogs and the result page, over the whole event pipeline."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import reflex as rx
from sqlmodel import col, select

from payments_app.db.models import Account, Payment
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import (
    Channel,
    ConfirmCard,
    PaymentRequest,
    PaymentResult,
    ShowInstructions,
)
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import context
from payments_app.services.context import Portal
from payments_app.services.settlement import settle
from payments_app.settings import GatewaySettings
from payments_app.state.checkout import UNKNOWN, CheckoutState
from payments_app.state.checkout_form import PAYMENT
from payments_app.state.checkout_views import Line
from tests.support.clock import Clock
from tests.support.factories import make_account, make_payment, make_user
from tests.support.gateway import Till
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


class Counter(Till):
    """A till with a dialog of its own and one currency."""

    code = "counter"
    label = "Counter"
    all_currencies = frozenset({"PHP"})
    checkout_title = "Counter Checkout"
    channels = (Channel("shop", "Corner Shop", "Over the counter"),)

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        await super().create_payment(request)
        told = ShowInstructions("7128", "Pay at the till.", (("Biller", "42"),), request.expires_at)
        self.set(request.reference, next_action=told)
        return self.results[request.reference]


class Reader(Till):
    """A till that takes cards."""

    code = "reader"
    label = "Reader"
    collects_card = True

    async def create_payment(self, request: PaymentRequest) -> PaymentResult:
        await super().create_payment(request)
        self.set(request.reference, next_action=None)
        secret = ConfirmCard(f"{request.reference}_secret")
        return replace(self.results[request.reference], next_action=secret)

    def browser_scripts(self) -> dict[str, str]:
        return {"js_url": "https://reader.test/v3.js", "publishable_key": "pk_reader"}


class Abroad(Till):
    """A till that takes dollars only, and charges pounds in dollars where it has a rate."""

    code = "abroad"
    label = "Abroad"
    all_currencies = frozenset({"USD"})


class Tab:
    """A customer's tab: sends events with the session's cookie and looks at the state."""

    def __init__(self, pipeline: Pipeline, portal: Portal, session: str, account: Account) -> None:
        self.pipeline, self.portal = pipeline, portal
        self.session, self.account = session, account

    async def send(self, event: rx.event.EventSpec | str, path: str = "/", **payload: Any) -> Any:
        await self.pipeline.send(event, session=self.session, path=path, **payload)
        return await self.state()

    async def state(self) -> Any:
        return await self.pipeline.state(CheckoutState)

    async def fill(self, gateway: str = "till", amount: str = "50") -> Any:
        await self.send(CheckoutState.open_dialog(PAYMENT))
        await self.send(CheckoutState.choose_gateway(gateway))
        return await self.send(CheckoutState.type_amount(amount))

    async def pay(self) -> Any:
        return await self.send(CheckoutState.pay((await self.state()).attempt))

    async def payments(self) -> list[Payment]:
        async with self.portal.db.read() as session:
            query = select(Payment).where(col(Payment.account_id) == self.account.id)
            return list((await session.execute(query.order_by(col(Payment.id)))).scalars())


@pytest.fixture
async def till() -> AsyncIterator[Till]:
    till = Till(GatewaySettings(surcharge_percent="2", minimum={"USD": "5.00"}))
    yield till
    await till.aclose()


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader()
    yield reader
    await reader.aclose()


@pytest.fixture
async def counter() -> AsyncIterator[Counter]:
    counter = Counter()
    yield counter
    await counter.aclose()


async def open_tab(pipeline: Pipeline, portal: Portal, *gateways: Till, locale: str = "en") -> Tab:
    """Log a new customer in at a portal with these gateways."""
    equipped = replace(portal, gateways={gateway.code: gateway for gateway in gateways})
    context.install(equipped)
    account = await make_account(portal.db)
    user = await make_user(portal.db, account, locale=locale)
    return Tab(pipeline, equipped, await log_in_as(equipped, user), account)


@pytest.fixture
async def tab(
    pipeline: Pipeline, portal: Portal, till: Till, reader: Reader, counter: Counter
) -> Tab:
    return await open_tab(pipeline, portal, till, reader, counter)


async def test_offers_with_their_own_dialog_stand_apart(tab: Tab) -> None:
    state = await tab.send(CheckoutState.load())
    assert [offer.label for offer in state.offers] == ["Till", "Reader"]
    assert [offer.label for offer in state.own_dialogs] == ["Counter"]


async def test_the_payment_dialog(tab: Tab) -> None:
    state = await tab.send(CheckoutState.open_dialog(PAYMENT))
    assert (state.title, state.gateway, state.currency) == ("Payment", "", "USD")
    assert set(state.currencies) == {"USD", "GBP", "JPY"}
    state = await tab.send(CheckoutState.choose_gateway("reader"))
    assert state.collects_card
    assert (state.card_script, state.card_key) == ("https://reader.test/v3.js", "pk_reader")


async def test_a_dialog_of_its_own(tab: Tab, counter: Counter) -> None:
    state = await tab.send(CheckoutState.open_dialog("counter"))
    assert (state.title, state.currencies) == ("Counter Checkout", ["PHP"])
    assert [group.name for group in state.groups] == ["Over the counter"]
    await tab.pay()
    assert set((await tab.state()).errors) == {"channel", "amount"}
    await tab.send(CheckoutState.choose_channel("shop"))
    await tab.send(CheckoutState.type_amount("1,500"))
    state = await tab.pay()
    assert (state.step, state.stand.pay_reference) == ("stand", "7128")
    assert state.stand.lines == [Line("Biller", "42")]
    assert state.stand.until.startswith("Jul 1, 2026, 3:00")
    (payment,) = await tab.payments()
    assert (payment.channel, payment.amount, payment.currency) == ("shop", 150000, "PHP")
    state = await tab.send(CheckoutState.load_result(), path=f"/pay/{payment.reference}")
    assert (state.stand.pay_reference, state.stand.lines) == ("7128", [Line("Biller", "42")])


async def test_the_preview_tells_the_surcharge(tab: Tab) -> None:
    state = await tab.fill(amount="50")
    assert state.total == "$51.00"
    assert state.preview == "You pay $51.00, $50.00 is credited. Your balance becomes $50.00."


async def test_a_currency_that_the_method_does_not_take_is_explained(
    pipeline: Pipeline, portal: Portal, reader: Reader
) -> None:
    abroad = Abroad()
    tab = await open_tab(pipeline, portal, reader, abroad)
    state = await tab.send(CheckoutState.open_dialog(PAYMENT))
    assert state.takes == ""
    state = await tab.send(CheckoutState.choose_gateway("abroad"))
    assert state.takes == "Abroad takes USD, not GBP."
    assert state.currencies == ["USD"]
    state = await tab.send(CheckoutState.choose_gateway("reader"))
    assert state.takes == ""
    await abroad.aclose()


@pytest.mark.parametrize(
    ("locale", "typed", "total"),
    [
        ("fr", "1 234,56", "1\u202f234,56\u00a0$US"),
        ("fr", "1\u202f234,56", "1\u202f234,56\u00a0$US"),
        ("ar", "\u0661\u066c\u0662\u0663\u0664\u066b\u0665\u0666", "1,234.56\u00a0US$"),
        ("ar", "1,234.56", "1,234.56\u00a0US$"),
        ("fil", "1,234.56", "$1,234.56"),
    ],
)
async def test_amounts_are_typed_as_the_readers_language_writes_them(
    pipeline: Pipeline, portal: Portal, locale: str, typed: str, total: str
) -> None:
    plain = Till()
    tab = await open_tab(pipeline, portal, plain, locale=locale)
    state = await tab.fill("till", typed)
    assert state.errors == {}
    assert total in state.total
    assert total in state.preview
    await tab.pay()
    assert [payment.amount for payment in await tab.payments()] == [123456]
    await plain.aclose()


async def test_the_preview_tells_the_rate_of_the_settlement_currency(
    pipeline: Pipeline, portal: Portal, reader: Reader
) -> None:
    rates = {"settlement_currency": "USD", "settlement_rates": {"GBP": "1.27345"}}
    abroad = Abroad(GatewaySettings(**rates))
    tab = await open_tab(pipeline, portal, reader, abroad)
    await tab.fill("abroad", "10.01")
    state = await tab.send(CheckoutState.choose_currency("GBP"))
    assert (state.takes, state.total) == ("", "$12.75")
    assert state.preview == (
        "You pay $12.75, £10.01 is credited: 1 GBP costs 1.27345 USD. Your balance becomes £10.01."
    )
    await tab.pay()
    (payment,) = await tab.payments()
    assert (payment.amount, payment.currency) == (1001, "GBP")
    assert (payment.charge_amount, payment.charge_currency) == (1275, "USD")
    await abroad.aclose()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("abc", "Enter an amount in digits."),
        ("1e5", "Enter an amount in digits."),
        ("0", "Enter an amount above zero."),
        ("-5", "Enter an amount above zero."),
        ("5.001", "Use at most 2 decimals."),
        ("4.99", "The least is $5.00."),
        ("9" * 17, "This amount is too large."),
        ("9" * 70, ""),
        ("", ""),
    ],
)
async def test_a_typed_amount_is_complained_about(tab: Tab, typed: str, words: str) -> None:
    state = await tab.fill(amount=typed)
    assert state.errors.get("amount", "") == words
    assert (state.total, state.preview) == ("", "")


async def test_nothing_is_sent_while_fields_are_missing(tab: Tab) -> None:
    await tab.send(CheckoutState.open_dialog(PAYMENT))
    state = await tab.pay()
    assert state.errors == {"gateway": "Choose how to pay.", "amount": "Enter an amount."}
    await tab.fill("reader")
    state = await tab.pay()
    assert state.card_missing
    assert state.step == "form"
    assert await tab.payments() == []


async def test_paying_leads_to_the_gateways_page(tab: Tab, till: Till) -> None:
    await tab.fill()
    state = await tab.pay()
    (payment,) = await tab.payments()
    assert state.step == "leaving"
    assert state.leave_url == f"https://till.test/{payment.reference}"
    assert (payment.amount, payment.charge_amount) == (5000, 5100)


async def test_a_press_meant_for_an_earlier_attempt_does_nothing(tab: Tab) -> None:
    state = await tab.fill()
    press = CheckoutState.pay(state.attempt)
    await tab.send(press)
    await tab.send(press)
    assert len(await tab.payments()) == 1
    await tab.fill()
    await tab.send(press)
    assert len(await tab.payments()) == 1


async def test_the_key_lasts_until_the_attempt_has_ended(tab: Tab, till: Till) -> None:
    state = await tab.fill()
    key = state._key
    await tab.send(CheckoutState.choose_currency("GBP"))
    await tab.pay()
    (payment,) = await tab.payments()
    assert payment.idempotency_key == key
    till.set(payment.reference, status=PaymentStatus.CANCELLED, reason="declined:expired_card")
    state = await tab.send(CheckoutState.tick())
    assert (state.step, state.failed) == ("form", True)
    assert state.notice == (
        "Your bank declined the card: it has expired. Nothing was charged. "
        "Try another card or ask your bank."
    )
    assert (state.amount, state.gateway, state.currency) == ("50", "till", "GBP")
    assert state._key != key


async def test_a_gateway_that_does_not_answer_leaves_it_pending(tab: Tab, till: Till) -> None:
    await tab.fill()
    till.fault = GatewayUnavailable("down")
    state = await tab.pay()
    assert (state.step, state.stand.status) == ("stand", "pending")
    state = await tab.send(CheckoutState.cancel_payment())
    (payment,) = await tab.payments()
    assert payment.status is PaymentStatus.CANCELLED
    assert state.step == "form"


async def press_with_card(tab: Tab) -> Payment:
    """Fill in the form for a card and press Pay; returns the payment."""
    await tab.fill("reader")
    await tab.send(CheckoutState.card_changed(True))
    state = await tab.pay()
    (payment,) = await tab.payments()
    assert (state.step, state.client_secret) == ("paying", f"{payment.reference}_secret")
    state = await tab.send(CheckoutState.secret_taken())
    assert state.client_secret == ""
    return payment


async def test_a_card_is_confirmed_in_the_browser(tab: Tab, reader: Reader) -> None:
    payment = await press_with_card(tab)
    reader.pay(payment.reference)
    state = await tab.send(CheckoutState.card_result({"status": "succeeded", "error": ""}))
    assert (state.step, state.stand.status, state.stand.balance) == ("stand", "completed", "$50.00")


@pytest.mark.parametrize("report", [{"status": "succeeded"}, {"status": 7}, [], None])
async def test_what_the_card_fields_report_proves_nothing(tab: Tab, report: object) -> None:
    await press_with_card(tab)
    state = await tab.send(CheckoutState.get_full_name() + ".card_result", report=report)
    name = CheckoutState.card_result.state.get_full_name() + ".card_result"
    state = await tab.send(name, report=report)
    assert state.stand.status == "pending"
    (payment,) = await tab.payments()
    assert payment.status is PaymentStatus.PENDING


async def test_an_unconfirmed_card_stays_one_payment(tab: Tab, reader: Reader) -> None:
    payment = await press_with_card(tab)
    state = await tab.send(CheckoutState.card_result({"status": "", "error": "incomplete_cvc"}))
    assert state.step == "form"
    assert "it stays one payment" in state.notice
    state = await tab.pay()
    assert (state.step, state.client_secret) == ("paying", f"{payment.reference}_secret")
    assert len(await tab.payments()) == 1
    assert reader.created == [payment.reference]


async def test_card_fields_that_are_new_take_an_interrupted_payment_up(tab: Tab) -> None:
    payment = await press_with_card(tab)
    state = await tab.send(CheckoutState.card_ready())
    assert (state.step, state.stand.reference) == ("form", payment.reference)


async def test_another_amount_replaces_an_unconfirmed_card(tab: Tab, reader: Reader) -> None:
    payment = await press_with_card(tab)
    await tab.send(CheckoutState.card_ready())
    await tab.send(CheckoutState.type_amount("60"))
    state = await tab.pay()
    first, second = await tab.payments()
    assert (first.reference, first.status) == (payment.reference, PaymentStatus.CANCELLED)
    assert reader.results[first.reference].status is PaymentStatus.CANCELLED
    assert (second.amount, second.status) == (6000, PaymentStatus.PENDING)
    assert state.client_secret == f"{second.reference}_secret"


async def test_a_replaced_card_that_was_paid_after_all_is_shown(tab: Tab, reader: Reader) -> None:
    payment = await press_with_card(tab)
    await tab.send(CheckoutState.card_ready())
    await tab.send(CheckoutState.type_amount("60"))
    reader.pay(payment.reference)
    state = await tab.pay()
    assert (state.stand.status, state.stand.amount) == ("completed", "$50.00")
    assert len(await tab.payments()) == 1


async def test_closing_gives_an_unconfirmed_card_up(tab: Tab) -> None:
    await press_with_card(tab)
    state = await tab.send(CheckoutState.close_dialog())
    assert state.dialog == PAYMENT, "a payment on its way keeps its dialog"
    await tab.send(CheckoutState.card_ready())
    state = await tab.send(CheckoutState.dialog_moved(False))
    (payment,) = await tab.payments()
    assert (state.dialog, payment.status) == ("", PaymentStatus.CANCELLED)


async def ask_again(tab: Tab) -> Any:
    """Leave a payment open and start another of the same amount."""
    await tab.fill()
    await tab.pay()
    await tab.send(CheckoutState.close_dialog())
    await tab.fill()
    return await tab.pay()


async def test_a_second_attempt_is_asked_about(tab: Tab, clock: Clock) -> None:
    await tab.fill()
    await tab.pay()
    clock.forward(minutes=2)
    await tab.fill()
    state = await tab.pay()
    (payment,) = await tab.payments()
    (other,) = state.others
    assert (state.step, other.reference) == ("question", payment.reference)
    assert (other.gateway, other.amount, other.age) == ("Till", "$50.00", "2 minutes ago")
    assert other.link == f"https://till.test/{payment.reference}"
    state = await tab.send(CheckoutState.back_to_form())
    assert (state.step, state.amount) == ("form", "50")


async def test_paying_again_starts_a_second_payment(tab: Tab) -> None:
    state = await ask_again(tab)
    state = await tab.send(CheckoutState.pay_anyway(state.attempt))
    assert state.step == "leaving"
    assert len(await tab.payments()) == 2


async def test_cancelling_the_open_attempt_voids_it_first(tab: Tab, till: Till) -> None:
    state = await ask_again(tab)
    state = await tab.send(CheckoutState.cancel_other(state.others[0].reference))
    (payment,) = await tab.payments()
    assert till.results[payment.reference].status is PaymentStatus.CANCELLED
    assert payment.status is PaymentStatus.CANCELLED
    assert (state.step, state.notice[:34]) == ("form", "Your earlier payment is cancelled.")
    assert (await tab.pay()).step == "leaving"


async def test_an_attempt_that_cannot_be_cancelled_now_stays_open(tab: Tab, till: Till) -> None:
    state = await ask_again(tab)
    till.fault = GatewayUnavailable("down")
    state = await tab.send(CheckoutState.cancel_other(state.others[0].reference))
    (payment,) = await tab.payments()
    assert payment.status is PaymentStatus.PENDING
    assert "could not be cancelled" in state.notice


async def test_another_accounts_attempt_cannot_be_cancelled(tab: Tab, portal: Portal) -> None:
    foreign = await make_payment(portal.db, await make_account(portal.db))
    await ask_again(tab)
    await tab.send(CheckoutState.cancel_other(foreign.reference))
    async with portal.db.read() as session:
        kept = await session.get_one(Payment, foreign.id)
    assert kept.status is PaymentStatus.PENDING


async def test_the_result_page_asks_the_gateway(tab: Tab, till: Till) -> None:
    await tab.fill()
    await tab.pay()
    (payment,) = await tab.payments()
    till.pay(payment.reference)
    state = await tab.send(CheckoutState.load_result(), path=f"/pay/{payment.reference}")
    assert (state.stand.status, state.stand.balance, state.dialog) == ("completed", "$50.00", "")


@pytest.mark.parametrize("webhook_first", [True, False])
async def test_a_return_before_or_after_the_webhook_and_again_credits_once(
    tab: Tab, till: Till, webhook_first: bool
) -> None:
    await tab.fill()
    await tab.pay()
    (payment,) = await tab.payments()
    path = f"/pay/{payment.reference}"
    till.pay(payment.reference)
    paid = till.results[payment.reference]
    if webhook_first:
        await settle(tab.portal, payment.key, paid, actor="webhook")
        await tab.send(CheckoutState.load_result(), path=path)
    else:
        await tab.send(CheckoutState.load_result(), path=path)
        await settle(tab.portal, payment.key, paid, actor="webhook")
    state = await tab.send(CheckoutState.load_result(), path=path)
    assert (state.stand.status, state.stand.balance) == ("completed", "$50.00")


async def test_the_result_page_shows_no_other_accounts_payment(tab: Tab, portal: Portal) -> None:
    foreign = await make_payment(portal.db, await make_account(portal.db))
    state = await tab.send(CheckoutState.load_result(), path=f"/pay/{foreign.reference}")
    assert (state.stand.status, state.stand.reference) == (UNKNOWN, "")
    assert "$25.00" not in tab.pipeline.said()


async def test_trying_again_keeps_what_is_known(tab: Tab, till: Till) -> None:
    await tab.fill(amount="12.5")
    await tab.pay()
    (payment,) = await tab.payments()
    till.set(payment.reference, status=PaymentStatus.CANCELLED, reason="expired")
    state = await tab.send(CheckoutState.load_result(), path=f"/pay/{payment.reference}")
    assert state.stand.words == "The time to pay ran out. Nothing was charged."
    state = await tab.send(CheckoutState.try_again(payment.reference))
    assert (state.dialog, state.gateway, state.amount) == (PAYMENT, "till", "12.50")
    assert tab.pipeline.redirects()[-1] == "/"
    await tab.pay()
    assert len(await tab.payments()) == 2


async def test_trying_again_from_the_list_keeps_the_channel(tab: Tab) -> None:
    cancelled = await make_payment(
        tab.portal.db,
        tab.account,
        status=PaymentStatus.CANCELLED,
        reason="expired",
        gateway="counter",
        channel="shop",
        amount=1250,
        currency="PHP",
    )
    state = await tab.send(CheckoutState.try_again(cancelled.reference))
    assert (state.dialog, state.gateway, state.channel) == ("counter", "counter", "shop")
    assert (state.amount, state.currency) == ("12.50", "PHP")


@pytest.mark.parametrize("status", [PaymentStatus.PENDING, PaymentStatus.COMPLETED])
async def test_only_what_was_cancelled_is_tried_again(tab: Tab, status: PaymentStatus) -> None:
    payment = await make_payment(tab.portal.db, tab.account, status=status, gateway="till")
    state = await tab.send(CheckoutState.try_again(payment.reference))
    assert state.dialog == ""


async def test_another_accounts_payment_is_not_tried_again(tab: Tab, portal: Portal) -> None:
    foreign = await make_payment(
        portal.db,
        await make_account(portal.db),
        status=PaymentStatus.CANCELLED,
        reason="expired",
        gateway="till",
    )
    state = await tab.send(CheckoutState.try_again(foreign.reference))
    assert (state.dialog, state.amount) == ("", "")


async def test_the_method_used_last_comes_first_and_is_chosen(tab: Tab) -> None:
    state = await tab.send(CheckoutState.open_dialog(PAYMENT))
    before = [offer.code for offer in state.offers]
    assert state.gateway == ""
    await make_payment(tab.portal.db, tab.account, completed=True, gateway=before[0])
    await make_payment(tab.portal.db, tab.account, completed=True, gateway=before[-1])
    await make_payment(tab.portal.db, tab.account, gateway=before[0])
    state = await tab.send(CheckoutState.open_dialog(PAYMENT))
    assert [offer.code for offer in state.offers] == [before[-1], *before[:-1]]
    assert state.gateway == before[-1]


async def test_the_gateway_is_not_asked_at_every_tick(tab: Tab, till: Till, clock: Clock) -> None:
    await tab.fill()
    await tab.pay()
    (payment,) = await tab.payments()
    state = await tab.send(CheckoutState.check_now())
    assert state.stand.asked == 0
    till.pay(payment.reference)
    clock.forward(seconds=4)
    await tab.send(CheckoutState.tick())
    state = await tab.send(CheckoutState.check_now())
    assert (state.stand.status, state.stand.asked) == ("pending", 4)
    clock.forward(seconds=7)
    state = await tab.send(CheckoutState.tick())
    assert state.stand.status == "completed"


async def test_news_of_the_payment_on_screen_are_followed(tab: Tab, till: Till) -> None:
    await tab.fill()
    await tab.pay()
    (payment,) = await tab.payments()
    till.pay(payment.reference)
    path = f"/pay/{payment.reference}"
    await tab.pipeline.send(
        CheckoutState.load_result(), session=tab.session, path=path, token="another tab"
    )
    assert (await tab.state()).step == "leaving"
    await tab.send(CheckoutState.refresh(["somebody else's"]))
    assert (await tab.state()).step == "leaving"
    state = await tab.send(CheckoutState.refresh(["another", payment.reference]))
    assert (state.step, state.stand.status) == ("stand", "completed")
