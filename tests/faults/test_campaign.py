"""A short campaign on every run of the tests, and proof that the books notice what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from payments_app.db.engine import Database
from payments_app.domain.payment import PaymentKind, PaymentStatus
from tests.faults.books import compare
from tests.faults.campaign import running
from tests.faults.plan import make_plan
from tests.support.factories import make_account, make_payment

SEED, PAYMENTS = 13, 30


def test_same_seed_plans_the_same() -> None:
    assert make_plan(7, 200) == make_plan(7, 200)
    assert make_plan(7, 200) != make_plan(8, 200)


async def test_no_payment_is_lost_doubled_or_stuck(tmp_path: Path) -> None:
    async with running(tmp_path, f"{SEED}") as campaign:
        await campaign.run(make_plan(SEED, PAYMENTS), lambda _: None)
        await campaign.settle()
        books = await campaign.books()
    assert books.violations == ()
    assert campaign.customers.doubled == []
    assert books.endings.total() >= len(campaign.customers.acknowledged)
    assert campaign.faults.total() > PAYMENTS


def charge(reference: str, amount: int = 2500, kind: str = "charge") -> dict[str, Any]:
    return {"kind": kind, "reference": reference, "amount": amount, "currency": "USD"}


async def found(database: Database, *entries: dict[str, Any], told: str = "") -> list[str]:
    books = await compare(database, {"till": entries}, [told] if told else [])
    return sorted({violation.kind for violation in books.violations})


@pytest.mark.parametrize(
    ("columns", "charged", "kinds"),
    [
        ({"completed": True}, [2500], ["doubled"]),  # no timeline entry tells of the completion
        ({"status": PaymentStatus.PENDING}, [], ["stuck"]),
        ({"status": PaymentStatus.PENDING}, [2500], ["stuck"]),
        ({"in_review": True, "reason": "amount_mismatch"}, [2400], []),
        ({"in_review": True}, [2400], ["stuck"]),
        ({"status": PaymentStatus.CANCELLED, "reason": "expired"}, [], []),
        ({"status": PaymentStatus.CANCELLED, "reason": "expired"}, [2500], ["lost"]),
    ],
)
async def test_books_notice(
    database: Database, columns: dict[str, Any], charged: list[int], kinds: list[str]
) -> None:
    account = await make_account(database)
    charge_ = {"charge_amount": 2500, "charge_currency": "USD", "gateway": "till"}
    row = await make_payment(database, account, **charge_, **columns)
    assert await found(database, *(charge(row.reference, each) for each in charged)) == kinds


async def test_books_notice_money_and_answers_without_a_row(database: Database) -> None:
    assert await found(database, charge("PNOSUCH")) == ["lost"]
    assert await found(database, told="PNOSUCH") == ["lost"]


async def test_books_notice_a_refund_that_one_side_does_not_know(database: Database) -> None:
    account = await make_account(database)
    row = await make_payment(
        database, account, status=PaymentStatus.CANCELLED, reason="expired", gateway="till"
    )
    assert await found(database, charge(row.reference, 100, "refund")) == ["wrong"]
    refund = {"kind": PaymentKind.REFUND, "parent_id": row.key, "completed": True, "amount": -100}
    await make_payment(database, account, **refund)
    assert "wrong" in await found(database)
