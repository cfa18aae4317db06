"""However a payment is refunded and disputed: never more than was paid, and balances right."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from payments_app.db.engine import Database
from payments_app.db.models import Payment
from payments_app.domain.errors import InvalidRequest
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus
from payments_app.gateways.base import Subject, Takeback
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable, Unsupported
from payments_app.services import checkout, review, sweep
from payments_app.services.context import Portal
from payments_app.services.refunds import record_takeback, refund, refundable
from payments_app.services.review import Decision
from payments_app.settings import GatewaySettings, Settings
from tests.services.conftest import Shop
from tests.support.clock import Clock
from tests.support.databases import Databases
from tests.support.factories import identity_of, make_account, make_user
from tests.support.gateway import Till

CREDITED = 5000
CHARGED = 5175
"""With a surcharge of 3.5 percent, so that parts have to be rounded."""

FAULTS = {
    "works": None,
    "silent": GatewayUnavailable("timed out"),
    "refuses": GatewayRejected("no"),
    "by hand": Unsupported("by hand"),
}
step = st.one_of(
    st.tuples(st.just("refund"), st.integers(1, 6000), st.sampled_from(sorted(FAULTS))),
    st.tuples(st.just("sweep"), st.just(0), st.sampled_from(["works", "silent"])),
    st.tuples(st.just("dispute"), st.integers(1, CHARGED), st.sampled_from(list(PaymentStatus))),
    st.tuples(st.just("returned"), st.integers(0, 5), st.just("")),
    st.tuples(st.just("sent by hand"), st.integers(0, 5), st.just("")),
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(step, min_size=3, max_size=9))
def test_never_more_than_what_is_left(databases: Databases, steps: list[Any]) -> None:
    with ExitStack() as stack, asyncio.Runner() as runner:
        runner.run(_play(stack.enter_context(databases.fresh()), steps))


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The shop with a surcharge."""
    till = _till()
    return replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)


def _till() -> Till:
    return Till(GatewaySettings(_env_file=None, surcharge_percent="3.5"))


async def _paid(shop: Shop) -> str:
    started = await shop.start(CREDITED)
    shop.till.pay(started.reference)
    await checkout.check(shop.portal, shop.who, started.reference)
    assert (await shop.payment(started.reference)).charge_amount == CHARGED
    return started.reference


async def _play(url: str, steps: list[Any]) -> None:
    clock, till, database = Clock(), _till(), Database(url)
    portal = Portal(Settings(_env_file=None), database, gateways={"till": till}, clock=clock)
    account = await make_account(database)
    shop = Shop(portal, till, identity_of(await make_user(database, account), account), clock)
    reference = await _paid(shop)
    staff = identity_of(await make_user(database))
    made: list[str] = []
    try:
        for number, (deed, value, how) in enumerate(steps):
            await _do(shop, staff, reference, made, number, deed, value, how)
            await _holds(shop)
    finally:
        await portal.close()


async def _do(
    shop: Shop,
    staff: Any,
    reference: str,
    made: list[str],
    number: int,
    deed: str,
    value: int,
    how: Any,
) -> None:
    portal, paid = shop.portal, await shop.payment(reference)
    chosen = made[value % len(made)] if made and deed in ("returned", "sent by hand") else None
    if deed in ("refund", "sweep"):
        shop.till.fault = FAULTS[how]
    if deed == "refund":
        left = await _left(shop, reference)
        try:
            row = await refund(
                portal, reference, Money(value, "USD"), key=f"k{number}", actor="x", user_id=None
            )
            assert value <= left
            made.append(row)
        except InvalidRequest as error:
            assert value > left or error.code == "too_small"  # noqa: PT017
    elif deed == "sweep":
        shop.clock.forward(hours=1)
        await sweep.sweep_once(portal)
    elif deed == "dispute":
        taken = Takeback("dispute-1", Money(value, "USD"), how, reason="disputed")
        await record_takeback(
            portal, paid, taken, subject=Subject.DISPUTE, actor="webhook", inbox_id=0
        )
    elif chosen is not None:
        row_ = await shop.payment(chosen)
        if deed == "sent by hand" and row_.in_review:
            await review.approve(portal, Decision(staff, chosen, "sent"))
        elif deed == "returned" and row_.gateway_reference:
            back = Takeback(
                row_.gateway_reference,
                Money(row_.charge_amount or 0, "USD"),
                PaymentStatus.CANCELLED,
            )
            await record_takeback(
                portal, paid, back, subject=Subject.REFUND, actor="webhook", inbox_id=0
            )


async def _left(shop: Shop, reference: str) -> int:
    async with shop.portal.db.read() as session:
        return await refundable(session, await shop.payment(reference))


async def _holds(shop: Shop) -> None:
    """Balances equal their rows; what we refund stays within what was paid."""
    await shop.balance()
    async with shop.portal.db.read() as session:
        rows = (await session.execute(select(Payment))).scalars().all()
    returned = {row.parent_id for row in rows if row.kind is PaymentKind.ADJUSTMENT}
    live = [
        row
        for row in rows
        if row.kind is PaymentKind.REFUND
        and row.status is not PaymentStatus.CANCELLED
        and row.id not in returned
    ]
    assert sum(row.charge_amount or 0 for row in live) <= CHARGED
    assert -sum(row.amount for row in live) <= CREDITED


@pytest.mark.parametrize("parts", [[CHARGED], [1, CHARGED - 1], [2000, 1999, CHARGED - 3999]])
async def test_all_of_the_charge_takes_all_of_the_credit(shop: Shop, parts: list[int]) -> None:
    reference = await _paid(shop)
    for number, part in enumerate(parts):
        await refund(
            shop.portal, reference, Money(part, "USD"), key=f"{number}", actor="x", user_id=None
        )
    assert await shop.balance() == 0
