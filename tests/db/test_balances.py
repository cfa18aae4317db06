"""Balances as people see them."""

from payments_app.db import balances
from payments_app.db.balances import Standing
from payments_app.db.engine import Database
from payments_app.domain.payment import PaymentKind
from tests.support.factories import make_account, make_payment


async def test_what_is_pending_stands_beside_the_balance(database: Database) -> None:
    account, other = await make_account(database), await make_account(database)
    await make_payment(database, account, completed=True, amount=5000)
    await make_payment(database, account, completed=True, kind=PaymentKind.CHARGE, amount=-1250)
    await make_payment(database, account, amount=700)
    await make_payment(database, account, amount=90, currency="EUR")
    await make_payment(database, account, completed=True, amount=300, currency="GBP")
    await make_payment(database, other, completed=True, amount=1)
    async with database.read() as session:
        assert await balances.standings(session, account.key) == [
            Standing("EUR", 0, 90),
            Standing("GBP", 300, 0),
            Standing("USD", 3750, 700),
        ]
