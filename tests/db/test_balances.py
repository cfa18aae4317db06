"""Balances as people see them."""

from payments_app.db import balances
from payments_app.db.balances import Standing
from payments_app.db.engine import Database
from payments_app.domain.payment import PaymentKind, PaymentStatus
from tests.support.factories import make_account, make_payment

PENDING, COMPLETED, CANCELLED = PaymentStatus


async def test_what_is_pending_stands_beside_the_balance(database: Database) -> None:
    account, other = await make_account(database), await make_account(database)
    await make_payment(database, account, completed=True, amount=5000)
    await make_payment(database, account, completed=True, kind=PaymentKind.CHARGE, amount=-1250)
    await make_payment(database, account, amount=700)
    await make_payment(database, account, amount=90, currency="EUR")
    await make_payment(database, account, completed=True, amount=300, currency="GBP")
    await make_payment(database, other, completed=True, amount=1)
    async with database.read(account=account.key) as session:
        found = await balances.standings(session, account.key)
    assert found == [
        Standing("EUR", 0, 90, {PENDING: 1}),
        Standing("GBP", 300, 0, {COMPLETED: 1}),
        Standing("USD", 3750, 700, {PENDING: 1, COMPLETED: 2}),
    ]
    assert [found[2].rows(status) for status in (None, *PaymentStatus)] == [3, 1, 2, 0]


def test_what_was_only_ever_cancelled_is_no_balance() -> None:
    assert Standing("USD", 0, 0, {CANCELLED: 2}).is_empty
    assert not Standing("USD", 0, 0, {CANCELLED: 2, PENDING: 2}).is_empty
    assert not Standing("USD", 0, 0, {COMPLETED: 2}).is_empty
