"""Search by a part of a payment's text: the index finds what a look at every row finds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import col

from payments_app.db import search
from payments_app.db.engine import Database
from payments_app.db.models import Account, Payment
from payments_app.domain.payment import PaymentStatus
from tests.support.factories import make_account, make_payment


async def matches(database: Database, text: str) -> set[str]:
    async with database.read(account=1) as session:
        found = await search.find(session, text, 1)
        query = select(col(Payment.reference)).where(found.condition)
        return set((await session.execute(query)).scalars())


TEXTS = [
    "DID Pack (17192704154)",
    "did pack",
    'a "quoted" pack',
    "100% of it",
    "a_b",
    "ÀÉÎ",
    "x\ny",
]


@pytest.fixture
async def account(database: Database) -> Account:
    account = await make_account(database)
    for number, text in enumerate(TEXTS):
        await make_payment(database, account, reference=f"REF{number}", description=text)
    return account


@pytest.mark.parametrize(
    "text", [*TEXTS, "PACK", "7192", '"quo', "0%", "_b", "ref1", "none", "a b"]
)
async def test_the_index_finds_what_the_rows_hold(
    database: Database, account: Account, text: str
) -> None:
    expected = {
        f"REF{number}"
        for number, whole in enumerate(TEXTS)
        if text.lower() in whole.lower() or text.lower() in f"ref{number}"
    }
    assert await matches(database, text) == expected


async def test_the_index_follows_changes_and_removals(database: Database, account: Account) -> None:
    async with database.write() as session:
        change = update(Payment).where(col(Payment.reference) == "REF0")
        await session.execute(change.values(method_detail="Visa ending 4242"))
        await session.delete(
            (await session.execute(select(Payment).where(Payment.reference == "REF1"))).scalar_one()
        )
    assert await matches(database, "4242") == {"REF0"}
    assert await matches(database, "did pack") == {"REF0"}


async def test_a_text_that_many_hold_is_met_while_walking(
    database: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_FEW", 2)
    async with database.read(account=1) as session:
        assert not (await search.find(session, "pack", 1)).few
        assert (await search.find(session, "quoted", 1)).few
        assert not (await search.find(session, "pa", 1)).few
    assert await matches(database, "pack") == {"REF0", "REF1", "REF2"}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1)
)
async def test_no_text_breaks_the_search(database: Database, text: str) -> None:
    assert await matches(database, text) == set()


async def test_a_completed_payment_can_still_be_found_by_a_new_method(
    database: Database, account: Account
) -> None:
    payment = await make_payment(database, account, status=PaymentStatus.PENDING, reference="LATER")
    async with database.write() as session:
        row = await session.get_one(Payment, payment.key)
        row.method_detail = "BTC on its way"
    assert await matches(database, "btc on") == {"LATER"}


async def test_a_short_text_is_looked_for_in_the_newest_payments(
    database: Database, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "NEWEST_READ", 2)
    async with database.read(account=1) as session:
        found = await search.find(session, "a", 1)
        assert (found.few, found.partial) == (True, True)
    assert await matches(database, "10") == set()
    assert await matches(database, "100") == {"REF3"}
    assert await matches(database, "\ny") == {"REF6"}
