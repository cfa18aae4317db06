"""What customers see of their payments, as text."""

from dataclasses import astuple, replace
from datetime import date, timedelta
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from payments_app.db import ledger
from payments_app.db.models import Account, Payment
from payments_app.db.payments import Order
from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import reports, wording
from payments_app.services.list_pages import range_text
from payments_app.services.periods import days_of
from payments_app.services.reports import BalanceLine
from payments_app.services.view import View
from tests.services.conftest import Shop
from tests.support.factories import WHEN, make_account, make_payment

MINUS = "\N{MINUS SIGN}"


async def account_of(shop: Shop) -> Account:
    async with shop.portal.db.read() as session:
        return await session.get_one(Account, shop.who.own_account())


async def listed(shop: Shop, view: View | None = None) -> list[str]:
    page = await reports.list_page(shop.portal, shop.who, view or View(), None)
    return [row.reference for row in page.rows]


async def test_a_row_shows_date_total_status_description_and_method(shop: Shop) -> None:
    account = await account_of(shop)
    await make_payment(
        shop.portal.db,
        account,
        completed=True,
        kind=PaymentKind.CHARGE,
        amount=-1000,
        description="DID Pack",
    )
    (row,) = (await reports.list_page(shop.portal, shop.who, View(), None)).rows
    assert (row.total, row.status, row.status_label) == (f"{MINUS}$10.00", "completed", "Completed")
    assert (row.description, row.method, row.note, row.date_note) == (
        "DID Pack",
        wording.from_balance(),
        "",
        "",
    )
    assert row.date.startswith("Jul 1, 2026, 9:00")


async def test_a_payment_that_is_not_completed_shows_its_creation_marked_as_such(
    shop: Shop,
) -> None:
    account = await account_of(shop)
    await make_payment(shop.portal.db, account, gateway="till")
    await make_payment(
        shop.portal.db,
        account,
        gateway="till",
        status=PaymentStatus.CANCELLED,
        reason="declined:insufficient_funds",
        created_at=WHEN - timedelta(days=1),
    )
    waiting, declined = (await reports.list_page(shop.portal, shop.who, View(), None)).rows
    assert (waiting.date_note, declined.date_note) == ("created", "created")
    assert waiting.note == f"Waiting for {shop.till.label}"
    bank = "Your bank declined the card: insufficient funds. Nothing was charged."
    assert declined.note == bank


async def test_private_notes_never_reach_a_customer(shop: Shop) -> None:
    account = await account_of(shop)
    payment = await make_payment(shop.portal.db, account, private_note="chargeback risk")
    async with shop.portal.db.write() as session:
        ledger.add_timeline(
            session, payment, WHEN, "refused", "staff@example.com", note="chargeback risk"
        )
    page = await reports.list_page(shop.portal, shop.who, View(), None)
    detail = await reports.detail(shop.portal, shop.who, payment.reference)
    shown = repr([astuple(page), astuple(detail)])
    assert "risk" not in shown
    assert "staff@" not in shown


async def test_rule_9_another_customers_payment_is_not_found(shop: Shop) -> None:
    other = await make_account(shop.portal.db)
    payment = await make_payment(shop.portal.db, other)
    assert await listed(shop) == []
    with pytest.raises(NotFound):
        await reports.detail(shop.portal, shop.who, payment.reference)


async def test_staff_have_no_list_of_their_own(shop: Shop) -> None:
    staff = replace(shop.who, role=Role.OWNER, account_id=None)
    with pytest.raises(NotAllowed):
        await reports.list_page(shop.portal, staff, View(), None)


async def test_days_are_the_users_own_and_both_count(shop: Shop) -> None:
    account = await account_of(shop)
    # 23:30 on 1 July in Manila is 15:30 UTC; half an hour later it is the 2nd there.
    first = await make_payment(shop.portal.db, account, created_at=WHEN.replace(hour=15, minute=30))
    await make_payment(shop.portal.db, account, created_at=WHEN.replace(hour=16))
    shop.who = replace(shop.who, time_zone="Asia/Manila")
    day = date(2026, 7, 1)
    assert await listed(shop, View(since=day, until=day)) == [first.reference]


async def test_pages_of_fifty_and_a_count_that_is_kept_or_bounded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await account_of(shop)
    async with shop.portal.db.write() as session:
        session.add_all(
            Payment(
                reference=f"MANY{number:06}",
                account_id=account.key,
                kind=PaymentKind.TOP_UP,
                amount=100,
                currency="USD",
                gateway="till",
                created_at=WHEN,
                dated_at=WHEN + timedelta(seconds=number),
            )
            for number in range(60)
        )
    first = await reports.list_page(shop.portal, shop.who, View(), None)
    assert len(first.rows) == 50
    assert range_text("en", 1, first.found) == "1 to 50 of 60"
    second = await reports.list_page(shop.portal, shop.who, View(), first.older)
    assert (len(second.rows), second.older) == (10, None)
    assert range_text("en", 51, second.found) == "51 to 60 of 60"
    monkeypatch.setattr(reports, "MOST_COUNTED", 40)
    for view, count in ((View(), "60"), (View(method="till"), "40+")):
        found = (await reports.list_page(shop.portal, shop.who, view, None)).found
        assert range_text("en", 1, found) == f"1 to 50 of {count}"
        assert await reports.count(shop.portal, shop.who, view.filter(shop.who)) == found


async def test_balances_put_the_home_currency_first_with_what_is_pending(shop: Shop) -> None:
    shown = await reports.list_page(shop.portal, shop.who, View(), None)
    assert shown.balances == (BalanceLine("US dollars", "$0.00", "", "USD"),)
    account = await account_of(shop)
    await make_payment(shop.portal.db, account, completed=True, currency="GBP", amount=8000)
    await make_payment(shop.portal.db, account, amount=5000)
    shown = await reports.list_page(shop.portal, shop.who, View(), None)
    assert shown.balances == (
        BalanceLine("US dollars", "$0.00", "+ $50.00", "USD"),
        BalanceLine("British pounds", "£80.00", "", "GBP"),
    )


async def test_the_timeline_tells_a_payment_from_start_to_end(shop: Shop) -> None:
    progress = await shop.start(5000)
    detail = await reports.detail(shop.portal, shop.who, progress.reference)
    assert detail.steps[0].text == f"You chose {shop.till.label}"
    assert (detail.can_check, detail.can_cancel) == (True, True)
    payment = await shop.payment(progress.reference)
    async with shop.portal.db.write() as session:
        ledger.add_timeline(session, payment, WHEN, "completed", "webhook", balance=12000)
    detail = await reports.detail(shop.portal, shop.who, progress.reference)
    assert "Completed, balance $120.00" in [step.text for step in detail.steps]


async def test_a_refund_and_its_payment_lead_to_each_other(shop: Shop) -> None:
    account = await account_of(shop)
    paid = await make_payment(shop.portal.db, account, completed=True)
    refund = await make_payment(
        shop.portal.db, account, kind=PaymentKind.REFUND, parent_id=paid.id, amount=-500
    )
    of_paid = await reports.detail(shop.portal, shop.who, paid.reference)
    of_refund = await reports.detail(shop.portal, shop.who, refund.reference)
    assert [one.reference for one in of_paid.linked] == [refund.reference]
    assert [one.reference for one in of_refund.linked] == [paid.reference]
    assert of_paid.linked[0].text == f"Refund {MINUS}$5.00"
    assert (of_refund.can_cancel, of_refund.can_retry) == (False, False)


async def test_the_summary_of_an_export(shop: Shop) -> None:
    account = await account_of(shop)
    await make_payment(shop.portal.db, account, completed=True)
    await make_payment(shop.portal.db, account)
    summary = await reports.summary(shop.portal, shop.who, View())
    assert (summary.rows, astuple(summary.totals[0])) == ("2", ("USD", "2", "$25.00"))
    completed = View(status=PaymentStatus.COMPLETED)
    assert (await reports.summary(shop.portal, shop.who, completed)).rows == "1"


def test_a_view_survives_its_address() -> None:
    view = View(search="50% & more", since=date(2026, 1, 2), method="till", order=Order.HIGHEST)
    assert View(**dict(parse_qsl(view.query()))) == view  # type: ignore[arg-type]
    assert View().query() == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"search": "x" * 101},
        {"search": "\0"},
        {"search": 5},
        {"since": "9999-12-31"},
        {"until": "0001-01-01"},
        {"status": "paid"},
        {"order": "; drop"},
        {"method": ["till"]},
    ],
)
def test_what_makes_no_view_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        View().changed(**fields)


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [
        ("today", date(2026, 3, 31), None),
        ("7days", date(2026, 3, 25), None),
        ("30days", date(2026, 3, 2), None),
        ("month", date(2026, 3, 1), None),
        ("last_month", date(2026, 2, 1), date(2026, 2, 28)),
        ("year", date(2026, 1, 1), None),
        ("any", None, None),
    ],
)
def test_periods(period: str, since: date | None, until: date | None) -> None:
    assert days_of(period, date(2026, 3, 31)) == (since, until)
