"""A gateway's day against our books: every kind of difference, and pulling it in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from payments_app.db import reconciliation as rows
from payments_app.db.models import InboxEvent
from payments_app.db.operations_models import Difference, Reconciliation
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.errors import NotAllowed
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Role
from payments_app.gateways.base import ListedPayment, PaymentResult
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import reconciliation, unmatched
from payments_app.services.identity import Identity
from payments_app.services.settlement import settle
from tests.services.conftest import Shop
from tests.support.factories import identity_of, make_user
from tests.support.gateway import Till


class Listing(Till):
    """A till that lists what it knows; ``at`` dates it, ``extra`` is listed besides."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, datetime] = {}
        self.extra: list[ListedPayment] = []
        self.hidden: set[str] = set()

    async def list_payments(self, since: datetime, until: datetime) -> AsyncIterator[ListedPayment]:
        self._answer()
        listed = [
            ListedPayment(self.at[reference], result)
            for reference, result in self.results.items()
            if reference not in self.hidden
        ]
        for one in (*listed, *self.extra):
            if since <= one.at < until:
                yield one


@dataclass
class Books:
    """The shop, finance staff, and the till that lists."""

    shop: Shop
    till: Listing
    who: Identity

    async def paid(self, key: str, *, settled: bool = True) -> str:
        """Pay 50 dollars at the till; ``settled`` here too."""
        started = await self.shop.start(key=key)
        self.till.at[started.reference] = self.shop.clock()
        self.till.pay(started.reference)
        if settled:
            payment = await self.shop.payment(started.reference)
            await settle(
                self.shop.portal, payment.key, self.till.results[started.reference], actor="test"
            )
        return started.reference

    async def compare(self) -> tuple[Reconciliation, list[Difference]]:
        day = self.shop.clock().date()
        (result,) = await reconciliation.reconcile(self.shop.portal, day, "test")
        async with self.shop.portal.db.read() as session:
            return result, list(await rows.differences(session, [result.key]))

    async def pull(self, difference: Difference) -> str:
        return await reconciliation.pull_in(self.shop.portal, self.who, difference.key)


@pytest.fixture
async def books(shop: Shop) -> Books:
    till = Listing()
    shop = replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)
    who = identity_of(await make_user(shop.portal.db, role=Role.FINANCE))
    return Books(shop, till, who)


async def test_a_day_that_agrees_has_no_difference(books: Books) -> None:
    await books.paid("a")
    await books.paid("b")
    result, differences = await books.compare()
    assert (result.method, result.compared, result.failed) == ("listed", 2, None)
    assert (result.totals, differences) == ({"USD": [10000, 10000]}, [])


async def test_paid_there_and_pending_here_is_pulled_in(books: Books) -> None:
    await books.paid("a", settled=False)
    result, (difference,) = await books.compare()
    assert (difference.kind, difference.ours, difference.theirs) == ("status", None, 5000)
    assert result.totals == {"USD": [0, 5000]}
    assert await books.pull(difference) == "completed"
    assert await books.pull(difference) == "completed"
    assert await books.shop.balance() == 5000
    assert (await books.compare())[1] == []


async def test_another_amount_is_shown_to_the_cent_and_goes_to_review(books: Books) -> None:
    reference = await books.paid("a")
    books.till.set(reference, amount=Money(4999, "USD"))
    result, (difference,) = await books.compare()
    assert (difference.kind, difference.ours, difference.theirs) == ("amount", 5000, 4999)
    assert result.totals == {"USD": [5000, 4999]}
    await books.pull(difference)
    payment = await books.shop.payment(reference)
    assert (payment.in_review, payment.status) == (True, PaymentStatus.COMPLETED)
    assert await books.shop.balance() == 5000


async def test_money_of_no_row_of_ours_goes_to_review_once(books: Books) -> None:
    stranger = PaymentResult(
        PaymentStatus.COMPLETED, "till-x", Money(700, "USD"), own_reference="PSTRANGER"
    )
    books.till.extra.append(ListedPayment(books.shop.clock(), stranger))
    _, (difference,) = await books.compare()
    assert (difference.kind, difference.theirs) == ("missing_here", 700)
    await books.pull(difference)
    _, (again,) = await books.compare()
    await books.pull(again)
    async with books.shop.portal.db.read() as session:
        (event,) = (await session.execute(select(InboxEvent))).scalars().all()
    assert (event.outcome, event.gateway_reference) == ("unmatched", "till-x")
    (stranger,) = (await unmatched.unmatched(books.shop.portal, books.who)).shown
    assert (stranger.is_money, stranger.amount) == (True, "$7.00")


async def test_a_reference_that_was_paid_twice_shows_the_second_money(books: Books) -> None:
    reference = await books.paid("a")
    second = replace(books.till.results[reference], gateway_reference="till-second")
    books.till.extra.append(ListedPayment(books.shop.clock(), second))
    result, (difference,) = await books.compare()
    assert (difference.kind, difference.gateway_reference) == ("missing_here", "till-second")
    assert result.totals == {"USD": [5000, 10000]}


async def test_completed_here_but_unknown_there_goes_to_review(books: Books) -> None:
    reference = await books.paid("a")
    del books.till.results[reference]
    result, (difference,) = await books.compare()
    assert (difference.kind, difference.ours, difference.theirs) == ("missing_there", 5000, None)
    assert result.totals == {"USD": [5000, 0]}
    await books.pull(difference)
    assert (await books.shop.payment(reference)).in_review


async def test_listed_on_another_day_is_no_difference(books: Books) -> None:
    reference = await books.paid("a")
    books.till.hidden.add(reference)
    result, differences = await books.compare()
    assert (result.totals, differences) == ({"USD": [5000, 5000]}, [])


async def test_another_fee_is_noted_and_changes_no_balance(books: Books) -> None:
    reference = await books.paid("a")
    books.till.set(reference, fee=Money(175, "USD"))
    _, (difference,) = await books.compare()
    assert (difference.kind, difference.ours, difference.theirs) == ("fee", None, 175)
    await books.pull(difference)
    assert (await books.shop.payment(reference)).fee == 175
    assert await books.shop.balance() == 5000
    assert (await books.compare())[1] == []


async def test_a_gateway_without_a_list_is_asked_about_each_row(shop: Shop) -> None:
    started = await shop.start()
    shop.till.pay(started.reference)
    day = shop.clock().date()
    (result,) = await reconciliation.reconcile(shop.portal, day, "test")
    assert (result.method, result.totals) == ("looked_up", {"USD": [0, 5000]})


async def test_a_gateway_that_does_not_answer_has_a_result_that_says_so(books: Books) -> None:
    books.till.fault = GatewayUnavailable("till: ConnectTimeout")
    result, differences = await books.compare()
    assert (result.failed, result.compared, differences) == ("till: ConnectTimeout", 0, [])


async def test_the_schedule_compares_each_day_once_and_again_after_a_failure(books: Books) -> None:
    clock, portal = books.shop.clock, books.shop.portal
    books.till.fault = GatewayUnavailable("down")
    assert await reconciliation.reconcile_due(portal) == 1
    books.till.fault = None
    assert await reconciliation.reconcile_due(portal) == 1
    assert await reconciliation.reconcile_due(portal) == 0
    clock.forward(days=1)
    assert await reconciliation.reconcile_due(portal) == 1
    async with portal.db.read() as session:
        newest, *_ = await rows.latest(session, 10)
    assert newest.day == (clock() - timedelta(days=1)).date()


async def test_pulling_in_is_for_finance_and_audited(books: Books) -> None:
    await books.paid("a", settled=False)
    _, (difference,) = await books.compare()
    viewer = identity_of(await make_user(books.shop.portal.db, role=Role.VIEWER))
    with pytest.raises(NotAllowed):
        await reconciliation.pull_in(books.shop.portal, viewer, difference.key)
    with pytest.raises(NotAllowed):
        await reconciliation.reconcile_by(books.shop.portal, viewer, books.shop.clock().date())
    await books.pull(difference)
    async with books.shop.portal.db.read() as session:
        (entry,) = (await session.execute(select(AuditEntry))).scalars().all()
    assert (entry.action, entry.subject) == (
        "difference_pulled_in",
        f"payment:{difference.reference}",
    )
