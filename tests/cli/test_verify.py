"""The command that proves the balances and the audit log."""

from sqlmodel import update

from payments_app.cli.verify import verify, verify_audit
from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.db.models import PaymentTotal
from payments_app.domain.payment import PaymentKind
from payments_app.services import audit
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from tests.support.factories import make_account, make_payment
from tests.support.tampering import tamper


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
        await ledger.add_to_balances(session, {(account.key, "USD"): 1, (account.key, "GBP"): -5})
    found = sorted(await verify(database))
    assert [line.split(": ")[1] for line in found] == [
        "balance -0.05 GBP, rows sum to 0.00 GBP",
        "balance 25.01 USD, rows sum to 25.00 USD",
    ]


async def test_rule_7_the_command_names_a_total_that_was_written_by_hand(
    database: Database,
) -> None:
    account = await make_account(database)
    await make_payment(database, account, amount=700)
    async with database.write() as session:
        await session.execute(update(PaymentTotal).values(pending=3, pending_amount=-1))
    assert await verify(database) == [
        f"account {account.id}: pending in USD is kept as 3, its payments come to 1",
        f"account {account.id}: pending_amount in USD is kept as -1, its payments come to 700",
    ]


async def test_the_command_says_whether_the_audit_log_is_whole(portal: Portal) -> None:
    async with portal.db.write() as session:
        await audit.record(session, portal.clock(), Actor("anne"), "one", "payment:P1")
    assert await verify_audit(portal.db, None) == []
    assert await verify_audit(portal.db, b"\x01\x02") == ["audit log: no row has the hash 0102"]
    await tamper(portal, "update audit_entry set actor = 'eve'")
    (line,) = await verify_audit(portal.db, None)
    assert line == "audit log: row 1 does not follow from the one before"
