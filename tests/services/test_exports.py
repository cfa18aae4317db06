"""The CSV file: its cells, its defence against formulas, and its memory."""

import csv
import io
import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from payments_app.db.models import Account, Payment
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.gateways.base import Channel
from payments_app.services import exports, reports, wording
from payments_app.services.view import View
from tests.services.conftest import Shop
from tests.support.factories import WHEN, make_account, make_payment


async def account_of(shop: Shop) -> Account:
    async with shop.portal.db.read() as session:
        return await session.get_one(Account, shop.who.own_account())


async def text_of(shop: Shop, view: View | None = None) -> str:
    return b"".join(
        [p async for p in exports.csv_pieces(shop.portal, shop.who, view or View())]
    ).decode()


async def test_the_columns_as_they_are_promised(shop: Shop) -> None:
    account = await account_of(shop)
    await make_payment(
        shop.portal.db,
        account,
        completed=True,
        kind=PaymentKind.CHARGE,
        amount=-1000,
        description='Pack "A", large\nand blue',
        reference="PPACK",
    )
    await make_payment(
        shop.portal.db,
        account,
        gateway="till",
        status=PaymentStatus.CANCELLED,
        reason="expired",
        method_detail="Visa ending 4242",
        reference="PVISA",
        created_at=WHEN - timedelta(days=1),
    )
    shop.who = replace(shop.who, time_zone="Asia/Manila")
    text = await text_of(shop)
    assert text.endswith("\r\n")
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == [
        list(exports.HEADER),
        [
            "2026-07-01T17:00:00+08:00",
            "-10.00",
            "USD",
            "Completed",
            'Pack "A", large\nand blue',
            "From balance",
            "PPACK",
            "",
        ],
        [
            "2026-06-30T17:00:00+08:00",
            "25.00",
            "USD",
            "Cancelled",
            "Top-up",
            "Visa ending 4242",
            "PVISA",
            "The time to pay ran out. Nothing was charged.",
        ],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\N{FULLWIDTH EQUALS SIGN}"])
async def test_no_text_is_a_formula_while_totals_stay_numbers(shop: Shop, start: str) -> None:
    account = await account_of(shop)
    evil = f"{start}HYPERLINK(1)"
    await make_payment(
        shop.portal.db,
        account,
        completed=True,
        kind=PaymentKind.CHARGE,
        description=evil,
        method_detail=evil,
    )
    row = list(csv.reader(io.StringIO(await text_of(shop), newline="")))[1]
    assert (row[1], row[4], row[5]) == ("-25.00", f"'{evil}", f"'{evil}")


async def test_a_file_holds_exactly_the_view_of_its_own_account(shop: Shop) -> None:
    account, other = await account_of(shop), await make_account(shop.portal.db)
    mine = await make_payment(shop.portal.db, account, completed=True)
    await make_payment(shop.portal.db, account, private_note="private")
    await make_payment(shop.portal.db, other, completed=True)
    rows = (await text_of(shop, View(status=PaymentStatus.COMPLETED))).splitlines()
    assert len(rows) == 2
    assert mine.reference in rows[1]
    everything = await text_of(shop)
    assert len(everything.splitlines()) == 3
    assert "private" not in everything


REASONS = [None, "expired", "declined:lost_card", "declined:expired_card", "rejected:x", "unknown"]


async def test_methods_and_reasons_are_called_as_on_the_page(shop: Shop) -> None:
    account = await account_of(shop)
    till = shop.till
    till.channels = (Channel("a", 'Cash, "A"', "Counter"), Channel("b", "=B", "Counter"))
    methods = [(None, None), ("till", None), ("till", "a"), ("till", "b"), ("gone", "x")]
    for number, (gateway, channel) in enumerate(methods * len(REASONS)):
        await make_payment(
            shop.portal.db,
            account,
            gateway=gateway,
            channel=channel,
            reason=REASONS[number // len(methods)],
            created_at=WHEN - timedelta(seconds=number),
        )
    rows = list(csv.reader(io.StringIO(await text_of(shop), newline="")))[1:]
    assert [(row[5], row[7]) for row in rows] == [
        (reports.method_text(shop.portal, gateway, channel, None), wording.reason(reason))
        for reason in REASONS
        for gateway, channel in methods
    ]


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("Acme Telecom Ltd", "payments-acme-telecom-ltd-2026-07-01.csv"),
        ('Évian "&" Söhne\r\n', "payments-evian-sohne-2026-07-01.csv"),
        ("日本", "payments-account-7-2026-07-01.csv"),
    ],
)
def test_the_file_is_named_for_account_and_day(shop: Shop, account: str, name: str) -> None:
    who = replace(shop.who, account_name=account, account_id=7)
    assert exports.file_name(shop.portal, who) == name


async def test_memory_does_not_grow_with_the_rows(shop: Shop) -> None:
    account = await account_of(shop)
    values = {
        "account_id": account.key,
        "kind": PaymentKind.TOP_UP,
        "status": PaymentStatus.PENDING,
        "in_review": False,
        "amount": 100,
        "currency": "USD",
        "description": "Top-up",
        "private_note": "",
        "checks": 0,
        "created_at": WHEN,
    }
    many = 20_000
    async with shop.portal.db.write() as session:
        if not shop.portal.db.is_sqlite:
            # No export reads the search index, which the server would fill for long.
            await session.execute(text("set local session_replication_role = replica"))
        await session.execute(
            insert(Payment),
            [
                {**values, "reference": f"M{n:07}", "dated_at": WHEN + timedelta(seconds=n)}
                for n in range(many)
            ],
        )
    tracemalloc.start()
    lines = 0
    try:
        async for piece in exports.csv_pieces(shop.portal, shop.who, View()):
            lines += piece.count(b"\r\n")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lines == many + 1
    assert peak < 4_000_000
