"""CSV lines as the database writes them: exact amounts and times, harmless text, one moment."""

import csv
import gc
import io
import sqlite3
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from sqlalchemy import case, func, literal, literal_column, select
from sqlmodel import col

from payments_app.db import csv_lines, payments
from payments_app.db.csv_cells import FORMULA_STARTS, Cells
from payments_app.db.engine import Database
from payments_app.db.models import Payment
from payments_app.db.offsets import offsets_between
from payments_app.db.payments import Filter, Order
from payments_app.domain.money import EXPONENTS, LARGEST_MINOR, Money
from payments_app.domain.payment import PaymentKind
from tests.support.factories import WHEN, make_account, make_payment

EARLY, LATE = datetime(2015, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


async def lines(
    database: Database, account_id: int, *names: str, zone: str = "UTC"
) -> list[list[str]]:
    """Read an account's payments back from their CSV, newest first."""
    async with database.read(snapshot=True) as session:
        cells = Cells(session, offsets_between(ZoneInfo(zone), EARLY, LATE))
        made = {
            "moment": lambda: cells.moment(col(Payment.dated_at)),
            "amount": lambda: cells.amount(col(Payment.amount), col(Payment.currency)),
            "text": lambda: cells.text(col(Payment.description)),
        }
        chosen = (
            await payments.matching(session, Filter(account_id)),
            [made[name]() for name in names],
        )
        pieces = csv_lines.csv_pieces(session, *chosen, payments.sorting(Order.NEWEST), zone)
        text = b"".join([piece async for piece in pieces]).decode()
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@pytest.mark.parametrize("minor", [1, -1, 9, -99, 100, -100, 12345, 1 - LARGEST_MINOR])
async def test_rule_1_amounts_are_exact(database: Database, currency: str, minor: int) -> None:
    assert {EXPONENTS[code] for code in ("USD", "JPY", "KWD")} == set(EXPONENTS.values())
    account = await make_account(database)
    kind = PaymentKind.ADJUSTMENT
    await make_payment(database, account, kind=kind, amount=minor, currency=currency)
    assert await lines(database, account.key, "amount") == [[Money(minor, currency).to_decimal()]]


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/London", "America/New_York", "Asia/Kathmandu", "Africa/Casablanca"]
)
async def test_times_are_the_zones_own_on_both_sides_of_every_change(
    database: Database, zone: str
) -> None:
    account = await make_account(database)
    starts = [start for start, _ in offsets_between(ZoneInfo(zone), EARLY, LATE)][-6:]
    second = timedelta(seconds=1)
    times = sorted({s + d for s in starts for d in (-second, 0 * second, second - second / 10**6)})
    for at in times:
        await make_payment(database, account, created_at=at)
    written = [row[0] for row in await lines(database, account.key, "moment", zone=zone)]
    expected = [at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds") for at in times]
    assert written == expected[::-1]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_end_alike_wherever_a_piece_ends(size: int) -> None:
    written = b'1,"two\nlines",\n2,"a ""quote""\n""",\n3,plain,"x"\n4,"",\n'
    whole, quoted = b"", False
    for start in range(0, len(written), size):
        lines, quoted = csv_lines._with_crlf(written[start : start + size], quoted)
        whole += lines
    assert whole == b'1,"two\nlines",\r\n2,"a ""quote""\n""",\r\n3,plain,"x"\r\n4,"",\r\n'
    assert not quoted


TEXTS = [
    "",
    "plain",
    "two\nlines",
    "carriage\r\nreturn",
    'a "quote"',
    '"',
    '"\n"',
    "comma, comma",
    "tail,",
    "'already",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "\u20b15",
    *(f"{start}1+1" for start in FORMULA_STARTS),
    *(f'{start}"x",y' for start in FORMULA_STARTS),
]


async def test_any_text_comes_back_and_none_runs(database: Database) -> None:
    account = await make_account(database)
    for number, text in enumerate(TEXTS):
        at = WHEN - timedelta(seconds=number)
        await make_payment(database, account, description=text, created_at=at)
    written = [row[0] for row in await lines(database, account.key, "text", "amount")]
    expected = [f"'{text}" if text.startswith(FORMULA_STARTS) else text for text in TEXTS]
    assert written == expected


async def test_a_file_is_of_one_moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "_LINES_PER_SLICE", 7)
    account = await make_account(database)
    made = [
        (await make_payment(database, account, created_at=WHEN + timedelta(seconds=n // 2))).key
        for n in range(50)
    ]
    seen = b""
    async with database.read(snapshot=True) as session:
        rows, sorting = (
            await payments.matching(session, Filter(account.key)),
            payments.sorting(Order.NEWEST),
        )
        cells = [col(Payment.id)]
        async for piece in csv_lines.csv_pieces(session, rows, cells, sorting, "UTC"):
            if not seen:
                await make_payment(database, account, created_at=WHEN + timedelta(days=1))
                await make_payment(database, account, created_at=WHEN - timedelta(days=1))
            assert type(piece) is bytes  # an HTTP answer takes nothing else
            seen += piece
    assert [int(line) for line in seen.split()] == made[::-1]


@pytest.mark.parametrize("order", Order)
async def test_slices_follow_each_other_in_every_order(
    database: Database, monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    monkeypatch.setattr(csv_lines, "_LINES_PER_SLICE", 3)
    account = await make_account(database)
    for number in range(11):
        at = WHEN + timedelta(seconds=number // 2)
        kind = PaymentKind.ADJUSTMENT
        amount = (number % 4) - 5
        await make_payment(database, account, created_at=at, kind=kind, amount=amount)
    await make_payment(database, account, description="it's")
    for chosen in (Filter(account.key), Filter(account.key, search="it's")):
        async with database.read(account=account.key, snapshot=True) as session:
            page = await payments.page(session, chosen, order, None, 50)
            rows, sorting = await payments.matching(session, chosen), payments.sorting(order)
            cells = [col(Payment.id)]
            pieces = csv_lines.csv_pieces(session, rows, cells, sorting, "UTC")
            written = b"".join([piece async for piece in pieces])
        assert [int(line) for line in written.split()] == [payment.id for payment in page]
        assert page


async def test_no_piece_is_empty(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "_LINES_PER_SLICE", 3)
    account, without = await make_account(database), await make_account(database)
    for _ in range(6):
        await make_payment(database, account)
    for reader in (account, without):
        async with database.read(snapshot=True) as session:
            rows = await payments.matching(session, Filter(reader.key))
            newest = payments.sorting(Order.NEWEST)
            pieces = csv_lines.csv_pieces(session, rows, [col(Payment.id)], newest, "UTC")
            assert all([bool(piece) async for piece in pieces])


async def test_a_percent_sign_stays_one(database: Database) -> None:
    account = await make_account(database)
    await make_payment(database, account)
    async with database.read(snapshot=True) as session:
        cells = Cells(session, offsets_between(ZoneInfo("UTC"), EARLY, LATE))
        chosen = await payments.matching(session, Filter(account.key))
        pieces = csv_lines.csv_pieces(
            session,
            chosen,
            [cells.named(col(Payment.currency), {"USD": "100%", "EUR": "%s"}, otherwise="%")],
            payments.sorting(Order.NEWEST),
            "UTC",
        )
        assert b"".join([piece async for piece in pieces]) == b"100%\r\n"


async def test_a_fault_ends_the_file_and_is_told_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(csv_lines, "_LINES_PER_SLICE", 3)
    account = await make_account(database)
    made = [await make_payment(database, account) for _ in range(12)]
    too_large = func.abs(literal_column("-9223372036854775808"))
    cell = case((col(Payment.id) == made[0].key, too_large), else_=col(Payment.id))

    async def read() -> None:
        async with database.read(snapshot=True) as session:
            rows = await payments.matching(session, Filter(account.key))
            newest = payments.sorting(Order.NEWEST)
            async for _ in csv_lines.csv_pieces(session, rows, [cell], newest, "UTC"):
                pass

    with pytest.raises((sqlite3.OperationalError, asyncpg.DataError)):
        await read()
    gc.collect()
    assert "never retrieved" not in caplog.text
    async with database.read() as session:
        assert await session.scalar(select(literal(1))) == 1


async def test_a_reader_who_leaves_ends_the_reading(database: Database) -> None:
    account = await make_account(database)
    await make_payment(database, account)
    async with database.read(snapshot=True) as session:
        rows, sorting = (
            await payments.matching(session, Filter(account.key)),
            payments.sorting(Order.NEWEST),
        )
        pieces = csv_lines.csv_pieces(session, rows, [col(Payment.id)], sorting, "UTC")
        assert await anext(pieces)
        await pieces.aclose()
        assert (await session.execute(select(literal(1)))).scalar_one() == 1
