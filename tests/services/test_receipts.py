"""Receipts: what they say, for whom, and what they never say."""

from dataclasses import replace

import pytest

from payments_app.db.models import Account
from payments_app.domain.errors import NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.services import changes, checkout, receipts, refunds, reports
from payments_app.services.catalogues import speaking
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.view import View
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.pdf import text_of


@pytest.fixture
async def account(portal: Portal) -> Account:
    return await make_account(portal.db, name="Acme Telecom")


@pytest.fixture
async def who(portal: Portal, account: Account) -> Identity:
    user = await make_user(portal.db, account, locale="en_US", time_zone="Asia/Manila")
    return identity_of(user, account)


async def test_a_receipt_names_number_parties_method_reference_and_balance(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    addressed = shop.portal.settings.model_copy(update={"portal_address": "1 Quay St|Belfast"})
    portal = replace(shop.portal, settings=addressed)
    text = text_of(await receipts.receipt_pdf(portal, shop.who, started.reference))
    for fact in (
        "Receipt",
        started.reference,
        f"till-{started.reference}",
        "Till",
        "Northwind Voice",
        "1 Quay St",
        "Belfast",
        shop.who.account_name,
        shop.who.name,
        "$50.00",
        "Balance after it",
        "Jul 1, 2026",
    ):
        assert fact in text


async def test_a_refund_has_a_receipt_that_names_what_it_takes_back(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    back = await refunds.refund(
        shop.portal, started.reference, Money(2000, "USD"), key="r", actor="staff", user_id=None
    )
    found = await receipts.read(shop.portal, shop.who, back)
    facts = dict(found.facts)
    assert found.title == "Receipt of refund"
    assert (facts["Amount"], facts["Balance after it"]) == ("\u2212$20.00", "$30.00")
    assert facts["Payment taken back"] == started.reference


async def test_a_surcharge_is_shown_as_the_fee_and_the_gateways_own_fee_never(
    portal: Portal, account: Account, who: Identity
) -> None:
    payment = await make_payment(
        portal.db, account, completed=True, amount=5000, fee=77, charge_amount=5150,
        charge_currency="USD",
    )  # fmt: skip
    facts = dict((await receipts.read(portal, who, payment.reference)).facts)
    assert (facts["You paid"], facts["Fee"], facts["Amount"]) == ("$51.50", "$1.50", "$50.00")
    assert "$0.77" not in facts.values()


async def test_a_private_note_is_never_in_it_and_text_is_only_text(
    portal: Portal, account: Account, who: Identity
) -> None:
    payment = await make_payment(
        portal.db,
        account,
        completed=True,
        private_note="SECRET",
        description="**bold** <b>tag</b>\r\nnext \x07line",
    )
    text = text_of(await receipts.receipt_pdf(portal, who, payment.reference))
    assert "SECRET" not in text
    assert "**bold** <b>tag</b> next line" in text


@pytest.mark.parametrize(
    ("currency", "locale", "shown"),
    [
        ("PHP", "fil", "₱1,234.50"),
        ("GBP", "en_GB", "£1,234.50"),
        ("EUR", "fr", "1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}€"),
        ("NGN", "en_NG", "₦1,234.50"),
    ],
)
async def test_signs_of_currencies_and_accents_are_drawn(
    portal: Portal, account: Account, currency: str, locale: str, shown: str
) -> None:
    user = await make_user(portal.db, account, locale=locale)
    payment = await make_payment(
        portal.db, account, completed=True, amount=123450, currency=currency,
        description="Reçu d'été, ñandú",
    )  # fmt: skip
    who = identity_of(user, account)
    text = text_of(await receipts.receipt_pdf(portal, who, payment.reference))
    # The narrow spaces of French are drawn, and read back, as plain ones.
    assert shown in text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")
    assert "Reçu d'été, ñandú" in text


async def test_rule_9_a_receipt_is_for_the_own_account_or_staff(
    portal: Portal, account: Account, who: Identity
) -> None:
    payment = await make_payment(portal.db, account, completed=True)
    other = await make_account(portal.db)
    stranger = identity_of(await make_user(portal.db, other), other)
    with pytest.raises(NotFound):
        await receipts.read(portal, stranger, payment.reference)
    staff = identity_of(await make_user(portal.db))
    assert (await receipts.read(portal, staff, payment.reference)).issued_to == ["Acme Telecom"]


@pytest.mark.parametrize("status", [PaymentStatus.PENDING, PaymentStatus.CANCELLED])
async def test_only_completed_payments_have_receipts(
    portal: Portal, account: Account, who: Identity, status: PaymentStatus
) -> None:
    payment = await make_payment(portal.db, account, status=status, reason="expired")
    with pytest.raises(NotFound):
        await receipts.read(portal, who, payment.reference)


async def test_the_list_shows_the_balance_that_each_completed_payment_left(shop: Shop) -> None:
    first, second = await shop.start(5000, "a"), await shop.start(2500, "b")
    await shop.start(700, "c")
    for started in (first, second):
        shop.clock.forward(minutes=1)
        shop.till.pay(started.reference)
        await checkout.check(shop.portal, shop.who, started.reference)
    page = await reports.list_page(shop.portal, shop.who, View(), None)
    assert {row.reference: row.balance for row in page.rows if row.balance} == {
        first.reference: "$50.00",
        second.reference: "$75.00",
    }
    payment = await shop.payment(second.reference)
    reading = await changes.read(shop.portal, [payment.key], accounts=[payment.account_id])
    assert reading.snapshots[0].balance == 7500


async def test_an_arabic_receipt_keeps_figures_and_references_whole(
    portal: Portal, account: Account
) -> None:
    user = await make_user(portal.db, account, locale="ar", time_zone="Asia/Dubai")
    payment = await make_payment(portal.db, account, completed=True, amount=123456, currency="USD")
    with speaking("ar"):
        text = text_of(
            await receipts.receipt_pdf(portal, identity_of(user, account), payment.reference)
        )
    assert "1,234.56 US$" in text
    assert payment.reference in text
    assert "1 / 1" in text
    assert any("\u0600" <= letter <= "\u06ff" for letter in text)
    assert "Receipt" not in text
