"""The command that proves the balances."""

from payments_app.cli.verify import verify
from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.domain.payment import PaymentKind
from tests.support.factories import make_account, make_payment


async def test_rule_7_the_command_finds_nothing_in_a_sound_ledger(database: Database) -> None:
    account = await make_account(database)
    await make_payment(database, account, completed=True)
    await make_payment(database, account, completed=True, kind=PaymentKind.CHARGE, amount=-700)
    await make_payment(database, account)
    assert await verify(database) == []


async def test_rule_7_the_command_names_a_balance_that_was_moved_by_hand(
    database: Database,
) -> None:
    account = await make_account(database)
    await make_payment(database, account, completed=True)
    async with database.write() as session:
        await ledger.add_to_balance(session, account.key, "USD", 1)
        await ledger.add_to_balance(session, account.key, "GBP", -5)
    found = sorted(await verify(database))
    assert [line.split(": ")[1] for line in found] == [
        "balance -0.05 GBP, rows sum to 0.00 GBP",
        "balance 25.01 USD, rows sum to 25.00 USD",
    ]
