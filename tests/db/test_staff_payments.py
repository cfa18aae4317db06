"""The staff's filter says the same of a row in the database and of one in memory."""

import random
from datetime import timedelta
from typing import Any

import pytest

from payments_app.db import payments, staff_payments
from payments_app.db.engine import Database
from payments_app.db.payments import Order
from payments_app.db.staff_payments import StaffFilter
from payments_app.domain.payment import PaymentKind, PaymentStatus
from tests.support.factories import WHEN, make_account, make_payment, make_user

FIELDS: dict[str, list[Any]] = {
    "search": ["top", "ACME", "50%", "_", "anna@", "gift"],
    "since": [WHEN, WHEN + timedelta(days=1)],
    "until": [WHEN + timedelta(days=1), WHEN + timedelta(days=2)],
    "statuses": [
        (PaymentStatus.PENDING,),
        (PaymentStatus.PENDING, PaymentStatus.COMPLETED),
    ],
    "gateways": [("till",), ("", "till")],
    "currencies": [("USD",), ("JPY", "KWD")],
    "accounts": [(1,), (1, 2)],
    "least": [-1000, 5_000, 25_000],
    "most": [0, 25_000, 500_000],
}


@pytest.fixture
async def filled(database: Database) -> Database:
    chance = random.Random(7)
    accounts = [
        await make_account(database, name=name, home_currency=currency)
        for name, currency in (("Acme 50%", "USD"), ("Brio_x", "JPY"), ("Cedar", "KWD"))
    ]
    for account in accounts:
        user = await make_user(database, account)
        for number in range(12):
            charge = chance.random() < 0.3
            await make_payment(
                database,
                account,
                completed=chance.random() < 0.5,
                user_id=user.id,
                kind=PaymentKind.CHARGE if charge else PaymentKind.TOP_UP,
                amount=chance.choice((1, 5, 250, 2500, 50_000)) * (-1 if charge else 1),
                description=chance.choice(("Top-up", "DID Pack")),
                private_note=chance.choice(("", "a gift")),
                gateway=chance.choice((None, "till", "paypal")),
                created_at=WHEN + timedelta(hours=6 * number),
            )
    await make_payment(
        database,
        accounts[0],
        user_id=(await make_user(database, accounts[0], email="anna@x.test")).id,
    )
    return database


async def test_what_is_matched_in_memory_is_what_the_database_finds(filled: Database) -> None:
    chance = random.Random(11)
    async with filled.read() as session:
        everything = await staff_payments.changed(session, range(1, 100))
        assert len(everything) == 37
        some_found = 0
        for _ in range(60):
            fields = {name: chance.choice(FIELDS[name]) for name in chance.sample(list(FIELDS), 2)}
            chosen = StaffFilter(**fields)
            page = await staff_payments.page(session, chosen, Order.NEWEST, None, 100)
            found = {entry.payment.key for entry in page}
            assert found == {e.payment.key for e in everything if chosen.matches(e)}, fields
            some_found += bool(found)
        assert some_found > 20


@pytest.mark.parametrize("order", Order)
async def test_pages_of_all_accounts_follow_each_other(filled: Database, order: Order) -> None:
    async with filled.read() as session:
        whole = await staff_payments.page(session, StaffFilter(), order, None, 100)
        pages, after = [], None
        while some := await staff_payments.page(session, StaffFilter(), order, after, 10):
            pages += some
            after = payments.cursor_of(some[-1].payment, order)
    assert [one.payment.key for one in pages] == [one.payment.key for one in whole]
    assert len({one.account for one in whole}) == 3
