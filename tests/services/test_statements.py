"""Statements: opening plus rows is closing, always, and closing is the balance."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments_app.db.engine import Database
from payments_app.db.models import Account
from payments_app.domain.errors import NotFound
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.services import statements
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.statements import Period, TooLong
from payments_app.settings import Settings
from tests.support.clock import Clock
from tests.support.databases import Databases
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.pdf import pages_of, text_of

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
ROW = st.tuples(
    st.integers(0, 30 * 24 - 1),  # hours after the first
    st.integers(-9_999, 9_999).filter(bool),
    st.sampled_from(["USD", "GBP", "JPY"]),
    st.sampled_from(list(PaymentStatus)),
)
DAYS = st.one_of(st.none(), st.dates(date(2026, 5, 25), date(2026, 7, 5)))


async def add(database: Database, account: Account, hour: int, amount: int, currency: str,
              status: PaymentStatus) -> None:  # fmt: skip
    await make_payment(
        database, account, kind=PaymentKind.ADJUSTMENT, amount=amount, currency=currency,
        status=status, reason="expired" if status is PaymentStatus.CANCELLED else None,
        created_at=FIRST + timedelta(hours=hour),
    )  # fmt: skip


async def check(url: str, rows: list[tuple[int, int, str, PaymentStatus]], period: Period,
                zone: str) -> None:  # fmt: skip
    database = Database(url)
    try:
        portal = Portal(Settings(_env_file=None), database, gateways={}, clock=Clock())
        account = await make_account(database)
        user = await make_user(database, account, time_zone=zone)
        for row in rows:
            await add(database, account, *row)
        statement = await statements.read(portal, identity_of(user, account), period)
        everything = await statements.read(portal, identity_of(user, account), Period())
    finally:
        await database.close()
    for section in statement.sections:
        balance = section.opening
        for line in section.lines:
            balance += line.payment.amount
            assert line.balance == balance
            assert line.payment.status is PaymentStatus.COMPLETED
            assert line.payment.currency == section.currency
        assert balance == section.closing
    sums: dict[str, int] = {}
    for _, amount, currency, status in rows:
        if status is PaymentStatus.COMPLETED:
            sums[currency] = sums.get(currency, 0) + amount
    assert {s.currency: s.closing for s in everything.sections if s.lines} == sums
    assert all(section.opening == 0 for section in everything.sections)
    before = {s.currency: s.opening for s in statement.sections}
    inside = {s.currency: sum(line.payment.amount for line in s.lines) for s in statement.sections}
    assert {c: before[c] + inside[c] for c in before} == {
        s.currency: s.closing for s in statement.sections
    }


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(ROW, max_size=12), since=DAYS, until=DAYS,
       zone=st.sampled_from(["UTC", "Asia/Manila", "America/New_York"]))  # fmt: skip
def test_opening_plus_rows_is_closing_and_the_whole_is_the_balance(
    databases: Databases,
    rows: list[tuple[int, int, str, PaymentStatus]],
    since: date | None,
    until: date | None,
    zone: str,
) -> None:
    with databases.fresh() as url:
        asyncio.run(check(url, rows, Period(since=since, until=until), zone))


@pytest.fixture
async def account(portal: Portal) -> Account:
    return await make_account(portal.db, name="Acme Telecom")


@pytest.fixture
async def who(portal: Portal, account: Account) -> Identity:
    return identity_of(await make_user(portal.db, account, locale="en_GB"), account)


async def test_neighbouring_periods_meet(portal: Portal, account: Account, who: Identity) -> None:
    for hour in range(0, 72, 5):
        await add(portal.db, account, hour, hour + 1, "USD", PaymentStatus.COMPLETED)
    day = date(2026, 6, 1)
    sections = [
        (await statements.read(portal, who, Period(since=d, until=d))).sections[0]
        for d in (day, day + timedelta(days=1), day + timedelta(days=2))
    ]
    assert sections[0].closing == sections[1].opening
    assert sections[1].closing == sections[2].opening
    assert sum(len(section.lines) for section in sections) == 15


async def test_the_pdf_shows_every_row_and_no_private_note(
    portal: Portal, account: Account, who: Identity
) -> None:
    for number in range(45):
        await make_payment(
            portal.db, account, completed=True, reference=f"ROW{number:05}", amount=100,
            private_note="SECRET",
        )  # fmt: skip
    content = await statements.statement_pdf(portal, who, Period())
    pages = pages_of(content)
    assert len(pages) > 1
    assert all("Description" in page for page in pages)
    assert f"Page 1 of {len(pages)}" in pages[0]
    text = text_of(content)
    assert all(f"ROW{number:05}" in text for number in range(45))
    assert "SECRET" not in text
    assert "Acme Telecom" in text
    assert text.count("US$45.00") == 2  # the last row's balance and the closing one


async def test_an_account_without_payments_has_a_statement_too(
    portal: Portal, who: Identity
) -> None:
    text = text_of(await statements.statement_pdf(portal, who, Period(since=date(2026, 6, 1))))
    assert "No payments in this period." in text
    assert "1 Jun 2026 to 1 Jul 2026" in text


async def test_a_period_beyond_the_limit_is_refused_before_it_is_drawn(
    portal: Portal, account: Account, who: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST_ROWS", 2)
    for _ in range(2):
        await make_payment(portal.db, account, completed=True)
    assert len((await statements.read(portal, who, Period())).sections[0].lines) == 2
    await make_payment(portal.db, account, completed=True)
    with pytest.raises(TooLong):
        await statements.read(portal, who, Period())


async def test_rule_9_a_customer_gets_only_the_own_account_and_staff_any(
    portal: Portal, account: Account, who: Identity
) -> None:
    other = await make_account(portal.db, name="Other")
    mine = await statements.read(portal, who, Period(), other.key)
    assert mine.account.name == "Acme Telecom"
    staff = identity_of(await make_user(portal.db))
    assert (await statements.read(portal, staff, Period(), other.key)).account.name == "Other"
    with pytest.raises(NotFound):
        await statements.read(portal, staff, Period())
