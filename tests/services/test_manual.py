"""Payments by hand: exact, within limits, seconded where large; private text stays private."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from payments_app.db import ledger
from payments_app.db.mail_models import Mail
from payments_app.db.models import Payment
from payments_app.domain.errors import IllegalTransition, InvalidRequest, NotAllowed
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import (
    approvals,
    checkout,
    envelopes,
    exports,
    manual,
    receipts,
    reports,
    review,
    second_person,
    statements,
)
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.manual import Entry
from payments_app.services.review import Decision
from payments_app.services.staff_refunds import RefundOrder, ask_for_refund
from payments_app.services.view import View
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_account, make_user
from tests.support.pdf import text_of

SECRET = "zebra-late-payer"
CHARGE, TOP_UP, ADJUSTMENT = PaymentKind.CHARGE, PaymentKind.TOP_UP, PaymentKind.ADJUSTMENT


@pytest.fixture
async def finance(shop: Shop) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=Role.FINANCE))


@pytest.fixture
async def colleague(shop: Shop) -> Identity:
    return identity_of(await make_user(shop.portal.db, role=Role.FINANCE))


def entry(shop: Shop, minor: int, kind: PaymentKind = CHARGE, **more: object) -> Entry:
    values: dict[str, object] = {
        "account_id": shop.who.own_account(),
        "text": "SIM cards",
        "amount": minor,
        "currency": "USD",
        "kind": kind,
        "status": PaymentStatus.COMPLETED,
        "key": f"{kind}{minor}",
    }
    return Entry(**(values | more))  # type: ignore[arg-type]


async def added(shop: Shop, who: Identity, wanted: Entry) -> Payment:
    reference = await manual.add(shop.portal, who, wanted)
    assert reference is not None
    return await shop.payment(reference)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SIM cards # pays late", ("SIM cards", "pays late")),
        ("SIM cards", ("SIM cards", "")),
        ("#all private # twice", ("", "all private # twice")),
        ("a#", ("a", "")),
    ],
)
def test_what_stands_behind_the_first_mark_is_private(text: str, parts: tuple[str, str]) -> None:
    assert manual.split_private(text) == parts


async def test_each_kind_moves_the_balance_by_its_sign(shop: Shop, finance: Identity) -> None:
    await added(shop, finance, entry(shop, 5000, TOP_UP))
    await added(shop, finance, entry(shop, -1200, CHARGE, fee=30))
    row = await added(shop, finance, entry(shop, -1, ADJUSTMENT))
    assert (row.status, row.kind) == (PaymentStatus.COMPLETED, ADJUSTMENT)
    assert await shop.balance() == 3799


@pytest.mark.parametrize("status", [PaymentStatus.PENDING, PaymentStatus.CANCELLED])
async def test_what_is_not_completed_moves_nothing(
    shop: Shop, finance: Identity, status: PaymentStatus
) -> None:
    row = await added(shop, finance, entry(shop, 5000, TOP_UP, status=status))
    assert (row.status, await shop.balance()) == (status, 0)


async def test_the_same_key_books_once(shop: Shop, finance: Identity) -> None:
    wanted = entry(shop, 5000, TOP_UP)
    made = await asyncio.gather(*(manual.add(shop.portal, finance, wanted) for _ in range(3)))
    assert len(set(made)) == 1
    assert await shop.balance() == 5000


@pytest.mark.parametrize(
    ("minor", "kind", "code"),
    [(0, ADJUSTMENT, "zero"), (5, CHARGE, "not_negative"), (-5, TOP_UP, "not_positive")],
)
async def test_a_sign_that_is_not_the_kinds_is_refused(
    shop: Shop, finance: Identity, minor: int, kind: PaymentKind, code: str
) -> None:
    with pytest.raises(InvalidRequest, match=code):
        await manual.add(shop.portal, finance, entry(shop, minor, kind))


async def test_charges_stop_at_the_debit_limit_also_when_they_come_at_once(
    shop: Shop, finance: Identity
) -> None:
    account = await make_account(shop.portal.db, debit_limit=1000)
    wanted = [entry(shop, -600, account_id=account.key, key=f"{number}") for number in range(3)]
    made = await asyncio.gather(
        *(manual.add(shop.portal, finance, one) for one in wanted), return_exceptions=True
    )
    refused = [one for one in made if isinstance(one, InvalidRequest)]
    assert [(one.field, one.code, one.details["left"]) for one in refused] == [
        ("total", "below_debit_limit", 400)
    ] * 2
    await manual.add(shop.portal, finance, entry(shop, -600, ADJUSTMENT, account_id=account.key))


async def test_a_purchase_that_waits_stops_at_the_debit_limit_when_it_is_approved(
    shop: Shop, finance: Identity
) -> None:
    account = await make_account(shop.portal.db, debit_limit=1000)
    waiting = entry(shop, -600, account_id=account.key, key="w", status=PaymentStatus.PENDING)
    reference = await manual.add(shop.portal, finance, waiting)
    await manual.add(shop.portal, finance, entry(shop, -600, account_id=account.key, key="now"))
    decision = Decision(finance, str(reference), "as agreed")
    with pytest.raises(InvalidRequest, match="below_debit_limit"):
        await review.approve(shop.portal, decision)
    top_up = entry(shop, 200, TOP_UP, account_id=account.key, key="more")
    await manual.add(shop.portal, finance, top_up)
    await review.approve(shop.portal, decision)
    async with shop.portal.db.read() as session:
        assert await ledger.balance_of(session, account.key, "USD") == -1000


async def test_only_finance_adds(shop: Shop, finance: Identity) -> None:
    with pytest.raises(NotAllowed):
        await manual.add(shop.portal, replace(finance, role=Role.VIEWER), entry(shop, 1, TOP_UP))


@pytest.fixture
def limited(shop: Shop) -> Portal:
    settings = shop.portal.settings.model_copy(update={"second_person_above": {"USD": "100.00"}})
    return replace(shop.portal, settings=settings)


async def test_above_the_limit_a_second_person_decides(
    shop: Shop, limited: Portal, finance: Identity, colleague: Identity
) -> None:
    assert await manual.add(limited, finance, entry(shop, 10000, TOP_UP)) is not None
    assert await manual.add(limited, finance, entry(shop, 10001, TOP_UP)) is None
    (waiting,) = await approvals.waiting(limited, colleague)
    assert (waiting.own, await shop.balance()) == (False, 10000)
    with pytest.raises(NotAllowed):
        await second_person.agree(limited, finance, waiting.id)
    with pytest.raises(NotAllowed):
        await second_person.decline(limited, finance, waiting.id, "mine")
    for _ in range(2):
        made = await asyncio.gather(
            *(second_person.agree(limited, colleague, waiting.id) for _ in range(3)),
            return_exceptions=True,
        )
        assert all(isinstance(one, str | IllegalTransition) for one in made)
    assert await shop.balance() == 20001
    assert await approvals.waiting(limited, colleague) == ()


@pytest.mark.parametrize(("kind", "minor"), [(ADJUSTMENT, -10001), (ADJUSTMENT, 10001)])
async def test_adjustments_of_either_sign_need_a_second_person(
    shop: Shop, limited: Portal, finance: Identity, kind: PaymentKind, minor: int
) -> None:
    assert await manual.add(limited, finance, entry(shop, minor, kind)) is None
    assert await shop.balance() == 0


async def test_a_declined_request_does_nothing(
    shop: Shop, limited: Portal, finance: Identity, colleague: Identity
) -> None:
    await manual.add(limited, finance, entry(shop, 50000, TOP_UP))
    (waiting,) = await approvals.waiting(limited, colleague)
    await second_person.decline(limited, colleague, waiting.id, "not agreed")
    with pytest.raises(IllegalTransition):
        await second_person.decline(limited, colleague, waiting.id, "again")
    assert await approvals.waiting(limited, colleague) == ()
    assert await shop.balance() == 0


async def test_a_refund_above_the_limit_waits_and_is_made_once(
    shop: Shop, limited: Portal, finance: Identity, colleague: Identity
) -> None:
    started = await shop.start(20000)
    shop.till.pay(started.reference)
    await checkout.check(limited, shop.who, started.reference)
    decision = Decision(finance, started.reference, "not wanted")
    order = RefundOrder(decision, Money(15000, "USD"), "once")
    assert await ask_for_refund(limited, order) is None
    assert shop.till.refunds == {}
    (waiting,) = await approvals.waiting(limited, colleague)
    for _ in range(2):
        await second_person.agree(limited, colleague, waiting.id)
    assert list(shop.till.refunds.values()) == [Money(15000, "USD")]
    assert await shop.balance() == 5000
    with pytest.raises(InvalidRequest, match="more_than_left"):
        await ask_for_refund(limited, order)


async def test_parts_of_a_refund_together_do_not_pass_the_limit(
    shop: Shop, limited: Portal, finance: Identity, colleague: Identity
) -> None:
    started = await shop.start(20000)
    shop.till.pay(started.reference)
    await checkout.check(limited, shop.who, started.reference)
    decision = Decision(finance, started.reference, "in parts")

    async def part(minor: int, key: str) -> str | None:
        return await ask_for_refund(limited, RefundOrder(decision, Money(minor, "USD"), key))

    first = await part(6000, "a")
    assert first
    assert await part(6000, "a") == first, "pressed twice"
    assert await part(4000, "b")
    assert await part(1, "c") is None
    (waiting,) = await approvals.waiting(limited, colleague)
    await second_person.agree(limited, colleague, waiting.id)
    assert await shop.balance() == 9999


async def test_a_confirmation_is_sent_only_when_asked_for(shop: Shop, finance: Identity) -> None:
    await added(shop, finance, entry(shop, 5000, TOP_UP))
    row = await added(shop, finance, entry(shop, -1000, CHARGE, confirm_by_email=True))
    async with shop.portal.db.read() as session:
        mails = (await session.execute(select(Mail))).scalars().all()
    assert [mail.payment_id for mail in mails] == [row.id]
    text = str(await envelopes.message(shop.portal, mails[0]))
    assert "Purchase: $10.00" in text
    assert "We received" not in text


async def outward(shop: Shop, reference: str) -> AsyncIterator[tuple[str, str]]:
    """Every service that gives a customer something about a payment, as text."""
    portal, who = shop.portal, shop.who
    yield "list", str(await reports.list_page(portal, who, View(), None))
    yield "detail", str(await reports.detail(portal, who, reference))
    yield "search", str(await reports.list_page(portal, who, View(search=SECRET), None))
    yield "progress", str(await checkout.progress(portal, who, reference))
    pieces = [piece async for piece in exports.csv_pieces(portal, who, View())]
    yield "CSV", b"".join(pieces).decode()
    yield "receipt", text_of(await receipts.receipt_pdf(portal, who, reference))
    period = statements.Period(since=date(2026, 1, 1), until=date(2026, 12, 31))
    yield "statement", text_of(await statements.statement_pdf(portal, who, period))
    async with portal.db.read() as session:
        for mail in (await session.execute(select(Mail))).scalars().all():
            yield "e-mail", (await envelopes.message(portal, mail)).as_string()


async def test_private_text_reaches_no_customer(shop: Shop, finance: Identity) -> None:
    wanted = entry(shop, 5000, TOP_UP, text=f"Voucher # {SECRET}", confirm_by_email=True)
    row = await added(shop, finance, wanted)
    assert row.private_note == SECRET
    channels = {}
    async for name, text in outward(shop, row.reference):
        channels[name] = text
        assert SECRET not in text, name
    shown = {"list", "detail", "CSV", "receipt", "statement", "e-mail"}
    assert channels.keys() == shown | {"search", "progress"}
    assert {name for name, text in channels.items() if "Voucher" in text} >= shown
    assert "Voucher" not in channels["search"]
    async with shop.portal.db.read() as session:
        assert await ledger.wrong_balances(session) == []


async def test_why_staff_refunded_reaches_no_customer(shop: Shop, finance: Identity) -> None:
    started = await shop.start(5000)
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    decision = Decision(finance, started.reference, SECRET)
    made = await ask_for_refund(shop.portal, RefundOrder(decision, Money(5000, "USD"), "k"))
    assert made
    for reference in (started.reference, made):
        async for name, text in outward(shop, reference):
            assert SECRET not in text, name
