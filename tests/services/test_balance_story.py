"""A balance's story: opening plus what moved it is the balance, whatever the rows."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.services import balance_story
from payments_app.services.balance_story import DAYS, MONTHS, PERIODS, Story
from payments_app.services.context import Portal
from payments_app.settings import Settings
from payments_app.state.balance import HEIGHT, WIDTH, bars_of, curve_of
from tests.support.clock import Clock
from tests.support.databases import Databases
from tests.support.factories import identity_of, make_account, make_payment, make_user

ROW = st.tuples(
    st.integers(0, 500 * 24),
    st.integers(-9_999, 9_999).filter(bool),
    st.sampled_from(PaymentStatus),
)


async def tell(url: str, rows: list[tuple[int, int, PaymentStatus]], period: str) -> None:
    database, clock = Database(url), Clock()
    try:
        portal = Portal(Settings(_env_file=None), database, gateways={}, clock=clock)
        account = await make_account(database)
        user = await make_user(database, account, time_zone="Asia/Manila")
        for hours_ago, amount, status in rows:
            await make_payment(
                database, account, kind=PaymentKind.ADJUSTMENT, amount=amount, status=status,
                reason="expired" if status is PaymentStatus.CANCELLED else None,
                created_at=clock() - timedelta(hours=hours_ago),
            )  # fmt: skip
        story = await balance_story.story(portal, identity_of(user, account), "USD", period)
        async with database.read() as session:
            balance = await ledger.balance_of(session, account.key, "USD")
    finally:
        await database.close()
    check(story, balance, period)


def check(story: Story, balance: int, period: str) -> None:
    assert len(story.points) == {DAYS: 30, MONTHS: 12}[period]
    assert story.points[-1].balance == balance
    for before, after in zip(story.points, story.points[1:], strict=False):
        assert after.balance == before.balance + after.came_in - after.went_out
    path, zero = curve_of([point.balance for point in story.points])
    assert path.startswith("M0 ")
    assert 0 <= zero <= HEIGHT
    for bar in bars_of(story.points):
        assert 0 <= bar.in_y <= HEIGHT
        assert bar.in_y + bar.in_height == bar.out_y + bar.out_height == HEIGHT
        assert bar.out_x + bar.width <= WIDTH


@settings(max_examples=10, deadline=None)
@given(rows=st.lists(ROW, max_size=10), period=st.sampled_from(list(PERIODS)))
def test_the_story_ends_with_the_balance(
    databases: Databases, rows: list[tuple[int, int, PaymentStatus]], period: str
) -> None:
    with databases.fresh() as url:
        asyncio.run(tell(url, rows, period))


@pytest.mark.parametrize(("period", "opening"), [(DAYS, "$10.00"), (MONTHS, "$0.00")])
async def test_sums_by_kind_stand_between_opening_and_closing(
    portal: Portal, period: str, opening: str
) -> None:
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db, account, locale="en_US"), account)
    for kind, amount, month in (
        (PaymentKind.TOP_UP, 1000, 5),
        (PaymentKind.TOP_UP, 5000, 6),
        (PaymentKind.CHARGE, -1500, 6),
        (PaymentKind.CHARGE, -500, 6),
    ):
        await make_payment(
            portal.db, account, completed=True, kind=kind, amount=amount,
            created_at=datetime(2026, month, 20, tzinfo=UTC),
        )  # fmt: skip
    await make_payment(portal.db, account, completed=True, currency="GBP")
    story = await balance_story.story(portal, who, "USD", period)
    assert (story.opening, story.closing) == (opening, "$40.00")
    top_ups = "$50.00" if period == DAYS else "$60.00"
    assert [(line.label, line.amount) for line in story.lines] == [
        ("Top-ups", top_ups),
        ("Purchases", "\u2212$20.00"),
    ]
    moves = [(move.day, move.amount) for move in story.moves]
    june = ["\u2212$5.00", "\u2212$15.00", "$50.00"]
    assert [amount for _, amount in moves] == (june if period == DAYS else [*june, "$10.00"])
    assert moves[0][0] == "Jun 20, 2026"
    async with portal.db.read() as session:
        opened = await ledger.find_payment(session, reference=story.moves[0].reference)
    assert opened is not None
    assert (opened.amount, opened.description) == (-500, story.moves[0].label)


async def test_a_private_note_is_no_part_of_the_story(portal: Portal) -> None:
    account = await make_account(portal.db)
    who = identity_of(await make_user(portal.db, account), account)
    await make_payment(
        portal.db, account, completed=True, description="Minutes", private_note="secret"
    )
    story = await balance_story.story(portal, who, "USD", DAYS)
    assert [move.label for move in story.moves] == ["Minutes"]
    assert "secret" not in str(story)
