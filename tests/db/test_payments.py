"""Lists of payments: filters, every order, pages by keyset, counts and sums."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments_app.db import payments, statements
from payments_app.db.engine import Database
from payments_app.db.kept_totals import Total
from payments_app.db.keyset import Cursor
from payments_app.db.lines import Line
from payments_app.db.models import Account, Payment, TimelineEntry
from payments_app.db.payments import Count, Filter, Order
from payments_app.domain.money import LARGEST_MINOR
from payments_app.domain.payment import PaymentKind, PaymentStatus
from tests.support.factories import WHEN, make_account, make_payment


async def rows(database: Database, chosen: Filter, order: Order = Order.NEWEST) -> list[Payment]:
    async with database.read(account=chosen.account_id) as session:
        return list(await payments.page(session, chosen, order, None, 100))


async def references(database: Database, account: Account, **fields: Any) -> set[str]:
    return {row.reference for row in await rows(database, Filter(account.key, **fields))}


async def walk(database: Database, account: Account, order: Order, size: int) -> list[Payment]:
    """Page through everything as a reader does."""
    seen: list[Payment] = []
    after: Cursor | None = None
    while True:
        async with database.read() as session:
            some = await payments.page(session, Filter(account.key), order, after, size)
        if not some:
            return seen
        seen += some
        after = payments.cursor_of(some[-1], order)


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("size", [1, 3, 50])
async def test_pages_in_every_order_hold_each_row_once(
    database: Database, order: Order, size: int
) -> None:
    account = await make_account(database)
    for number in range(7):
        await make_payment(
            database,
            account,
            amount=100 * (number % 3 + 1),
            currency=("USD", "GBP")[number % 2],
            created_at=WHEN + timedelta(minutes=number // 2),
        )
    seen = await walk(database, account, order, size)
    keys = [payments.cursor_of(row, order) for row in seen]
    assert len(set(keys)) == 7
    assert keys == sorted(keys, reverse=order in (Order.NEWEST, Order.HIGHEST))


async def test_a_row_that_arrives_meanwhile_shifts_no_page(database: Database) -> None:
    account = await make_account(database)
    for number in range(4):
        await make_payment(database, account, created_at=WHEN + timedelta(minutes=number))
    async with database.read() as session:
        first = await payments.page(session, Filter(account.key), Order.NEWEST, None, 2)
    await make_payment(database, account, created_at=WHEN + timedelta(hours=1))
    after = payments.cursor_of(first[-1], Order.NEWEST)
    async with database.read() as session:
        second = await payments.page(session, Filter(account.key), Order.NEWEST, after, 2)
    assert not {row.key for row in first} & {row.key for row in second}
    assert len(second) == 2


async def test_search_looks_at_description_reference_and_method(database: Database) -> None:
    account = await make_account(database)
    pack = await make_payment(database, account, description="DID Pack (17192704154)")
    visa = await make_payment(database, account, method_detail="Visa ending 4242")
    coded = await make_payment(database, account, reference="PABC123")
    await make_payment(database, account, private_note="did pack 4242 abc123")
    assert await references(database, account, search="did pack") == {pack.reference}
    assert await references(database, account, search="4242") == {visa.reference}
    assert await references(database, account, search="pabc1") == {coded.reference}


@pytest.mark.parametrize("typed", ["%", "_", "100%", "\\", "'; drop table payment --"])
async def test_search_takes_every_character_as_itself(database: Database, typed: str) -> None:
    account = await make_account(database)
    await make_payment(database, account, description="Plain")
    exact = await make_payment(database, account, description=f"so {typed} it is")
    assert await references(database, account, search=typed) == {exact.reference}


async def test_filters_narrow_together(database: Database) -> None:
    account = await make_account(database)
    charge = await make_payment(database, account, completed=True, kind=PaymentKind.CHARGE)
    paid = await make_payment(database, account, completed=True, gateway="till")
    later = await make_payment(
        database, account, gateway="till", created_at=WHEN + timedelta(days=1)
    )
    since = WHEN + timedelta(hours=1)
    assert await references(database, account, gateway="") == {charge.reference}
    assert await references(database, account, gateway="till") == {paid.reference, later.reference}
    assert await references(database, account, since=since) == {later.reference}
    assert later.reference not in await references(database, account, until=later.dated_at)
    pending = {"gateway": "till", "status": PaymentStatus.PENDING}
    assert await references(database, account, **pending) == {later.reference}
    assert await references(database, account, **pending, until=since) == set()


plain_text = st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)


async def test_what_is_matched_in_memory_is_what_the_database_finds(database: Database) -> None:
    own, other = await make_account(database), await make_account(database)
    rows = [
        await make_payment(
            database,
            other if number % 5 == 0 else own,
            completed=number % 2 == 0,
            description=("Top-up", "DID Pack")[number % 3 == 0],
            method_detail=(None, "Visa ending 4242")[number % 4 == 0],
            gateway=(None, "till", "paypal")[number % 3],
            created_at=WHEN + timedelta(hours=number),
        )
        for number in range(24)
    ]
    choices: dict[str, tuple[Any, ...]] = {
        "search": ("", "did", "TOP", "4242", "x"),
        "since": (None, WHEN + timedelta(hours=7)),
        "until": (None, WHEN + timedelta(hours=15)),
        "status": (None, *PaymentStatus),
        "gateway": (None, "", "till"),
    }
    async with database.read(account=own.key) as session:
        for values in product(*choices.values()):
            chosen = Filter(own.key, **dict(zip(choices, values, strict=True)))
            page = await payments.page(session, chosen, Order.NEWEST, None, 100)
            matched = {row.key for row in rows if chosen.matches(row)}
            assert {row.key for row in page} == matched, chosen


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    search=plain_text,
    status=st.none() | st.sampled_from(PaymentStatus),
    gateway=st.none() | plain_text,
    order=st.sampled_from(Order),
)
async def test_rule_9_no_filter_reaches_another_account(
    database: Database,
    search: str,
    status: PaymentStatus | None,
    gateway: str | None,
    order: Order,
) -> None:
    mine, other = await make_account(database), await make_account(database)
    await make_payment(database, other, description=search, gateway=gateway or None)
    chosen = Filter(mine.key, search=search, status=status, gateway=gateway)
    assert await rows(database, chosen, order) == []


async def test_another_accounts_payment_is_not_found(database: Database) -> None:
    mine, other = await make_account(database), await make_account(database)
    payment = await make_payment(database, other)
    async with database.read() as session:
        assert await payments.find(session, mine.key, payment.reference) is None
        assert await payments.find(session, other.key, payment.reference) is not None


async def test_counting_stops_at_its_limit(database: Database) -> None:
    account = await make_account(database)
    for _ in range(4):
        await make_payment(database, account, gateway="till")
    await make_payment(database, account)
    async with database.read() as session:
        for chosen, more in ((Filter(account.key, gateway="till"), 0), (Filter(account.key), 1)):
            assert await payments.count(session, chosen, 5) == Count(4 + more, more=False)
            assert await payments.count(session, chosen, 4) == Count(4, more=more == 1)
            assert await payments.count(session, chosen, 3) == Count(3, more=True)


async def test_totals_never_add_currencies_and_leave_out_what_is_not_completed(
    database: Database,
) -> None:
    account = await make_account(database)
    await make_payment(database, account, completed=True, amount=5000)
    await make_payment(database, account, completed=True, kind=PaymentKind.CHARGE, amount=-1250)
    await make_payment(database, account, amount=700)
    await make_payment(database, account, completed=True, amount=300, currency="GBP")
    async with database.read() as session:
        assert await payments.totals(session, Filter(account.key)) == [
            Total("GBP", 1, 300),
            Total("USD", 3, 3750),
        ]


async def test_a_line_is_as_its_payment_and_says_what_it_left(database: Database) -> None:
    account = await make_account(database)
    first = await make_payment(database, account, completed=True, amount=5000)
    await make_payment(database, account, amount=70, gateway="till", reason="expired")
    later = {"payment_id": first.key, "at": WHEN, "actor": "test"}
    async with database.write() as session:
        for code, details in (
            ("completed", {"balance": 1}),
            ("late_money", {"balance": 1 - LARGEST_MINOR}),
            ("completed", {}),
            ("checked", {"balance": 9}),
        ):
            session.add(TimelineEntry(**later, code=code, details=details))
    async with database.read(account=account.key) as session:
        chosen = Filter(account.key)
        read = await payments.lines(session, chosen, Order.NEWEST, None, 10)
        whole = await payments.page(session, chosen, Order.NEWEST, None, 10)
        left = await statements.balances_after(session, [payment.key for payment in whole])
    assert [line.balance for line in read] == [left.get(payment.key) for payment in whole]
    assert 1 - LARGEST_MINOR in left.values()
    for name in [*Line.__annotations__, "key"]:
        assert [getattr(line, name) for line in read] == [getattr(row, name) for row in whole]
