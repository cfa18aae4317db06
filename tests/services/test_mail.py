"""What is put into the outbox, for whom, and only with its change."""

import pytest
from sqlalchemy import select

from payments_app.db.mail_models import Mail, MailChoice
from payments_app.domain.mail import MailKind
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason
from payments_app.gateways.base import PaymentResult
from payments_app.services import checkout, mail, refunds
from payments_app.services.settlement import settle
from tests.services.conftest import Shop
from tests.support.factories import make_account, make_payment, make_user


async def outbox(shop: Shop) -> list[Mail]:
    async with shop.portal.db.read() as session:
        return list((await session.execute(select(Mail).order_by(Mail.id))).scalars())


async def kinds(shop: Shop) -> list[str]:
    return [row.kind for row in await outbox(shop)]


async def choose(shop: Shop, **choice: object) -> None:
    async with shop.portal.db.write() as session:
        session.add(MailChoice(user_id=shop.who.user_id, **choice))


async def pay(shop: Shop, minor: int = 5000) -> str:
    """Top up and return the payment's reference."""
    started = await shop.start(minor, key=f"key-{minor}")
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    return started.reference


async def test_a_completed_payment_is_told_once_to_everyone_of_the_account(shop: Shop) -> None:
    stranger = await make_account(shop.portal.db)
    await make_user(shop.portal.db, stranger)
    async with shop.portal.db.read() as session:
        account = await session.get_one(type(stranger), shop.who.own_account())
    colleague = await make_user(shop.portal.db, account)
    await make_user(shop.portal.db, account, disabled_at=shop.clock())
    reference = await pay(shop)
    for _ in range(3):
        await checkout.check(shop.portal, shop.who, reference)
    rows = await outbox(shop)
    assert [(row.kind, row.recipient, row.about) for row in rows] == [
        (MailKind.PAYMENT_RECEIVED, shop.who.email, reference),
        (MailKind.PAYMENT_RECEIVED, colleague.email, reference),
    ]
    assert rows[0].data == {"balance": 5000}
    assert rows[0].next_attempt_at == shop.clock()


async def test_an_email_exists_exactly_when_its_change_was_committed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    settled = mail.settled

    async def killed(*arguments: object) -> None:
        await settled(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("killed before the commit")

    monkeypatch.setattr(mail, "settled", killed)
    with pytest.raises(RuntimeError, match="killed"):
        await checkout.check(shop.portal, shop.who, started.reference)
    assert await outbox(shop) == []
    assert await shop.balance() == 0
    monkeypatch.setattr(mail, "settled", settled)
    await checkout.check(shop.portal, shop.who, started.reference)
    assert await kinds(shop) == [MailKind.PAYMENT_RECEIVED]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("declined:insufficient_funds", [MailKind.PAYMENT_FAILED]),
        (Reason.EXPIRED, [MailKind.PAYMENT_FAILED]),
        (Reason.CANCELLED_BY_CUSTOMER, []),
        (Reason.ABANDONED, []),
    ],
)
async def test_a_failure_is_told_unless_the_customer_brought_it_about(
    shop: Shop, reason: str, told: list[MailKind]
) -> None:
    started = await shop.start()
    payment = await shop.payment(started.reference)
    result = PaymentResult(PaymentStatus.CANCELLED, None, reason=reason)
    await settle(shop.portal, payment.key, result, actor="test")
    assert await kinds(shop) == told


async def test_a_refund_is_told(shop: Shop) -> None:
    reference = await pay(shop)
    await refunds.refund(
        shop.portal, reference, Money(2000, "USD"), key="r1", actor="staff", user_id=None
    )
    assert await kinds(shop) == [MailKind.PAYMENT_RECEIVED, MailKind.REFUND]


async def test_what_a_user_has_muted_is_not_sent(shop: Shop) -> None:
    await choose(shop, muted=[MailKind.PAYMENT_RECEIVED])
    reference = await pay(shop)
    await refunds.refund(
        shop.portal, reference, Money(2000, "USD"), key="r1", actor="staff", user_id=None
    )
    assert await kinds(shop) == [MailKind.REFUND]


async def charge(shop: Shop, minor: int, currency: str = "USD") -> None:
    async with shop.portal.db.read() as session:
        account = await session.get_one(
            type(await make_account(shop.portal.db)), shop.who.own_account()
        )
    row = await make_payment(
        shop.portal.db, account, kind=PaymentKind.CHARGE, amount=-minor, currency=currency
    )
    await settle(shop.portal, row.key, PaymentResult(PaymentStatus.COMPLETED, None), actor="test")


async def test_a_low_balance_is_told_when_it_falls_below_the_limit_and_not_again_below(
    shop: Shop,
) -> None:
    await choose(shop, low_balance=2000, muted=[MailKind.PAYMENT_RECEIVED])
    await pay(shop, 5000)
    await charge(shop, 3000)
    assert await kinds(shop) == []
    await charge(shop, 1)
    await charge(shop, 500)
    await charge(shop, 500, "GBP")
    (row,) = await outbox(shop)
    assert row.kind == MailKind.LOW_BALANCE
    assert row.data == {"balance": 1999, "currency": "USD", "limit": 2000}
    await pay(shop, 5001)
    await charge(shop, 6000)
    assert await kinds(shop) == [MailKind.LOW_BALANCE, MailKind.LOW_BALANCE]


async def test_rows_that_staff_booked_are_confirmed_only_when_asked(shop: Shop) -> None:
    account = await make_account(shop.portal.db)
    await make_user(shop.portal.db, account)
    row = await make_payment(shop.portal.db, account)
    await settle(shop.portal, row.key, PaymentResult(PaymentStatus.COMPLETED, None), actor="staff")
    assert await kinds(shop) == []
    for _ in range(2):
        async with shop.portal.db.write() as session:
            await mail.payment_received(session, await session.get_one(type(row), row.key))
    assert await kinds(shop) == [MailKind.PAYMENT_RECEIVED]


async def test_each_invitation_and_reset_is_an_email_of_its_own(shop: Shop) -> None:
    user = await make_user(shop.portal.db)
    async with shop.portal.db.write() as session:
        for _ in range(2):
            await mail.invitation(session, shop.clock(), user, "https://portal.test/join/a")
            await mail.password_reset(session, shop.clock(), user, "https://portal.test/reset/b")
    assert sorted(await kinds(shop)) == [MailKind.INVITATION] * 2 + [MailKind.PASSWORD_RESET] * 2
