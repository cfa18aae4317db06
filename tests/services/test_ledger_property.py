"""Whatever happens in whatever order, each balance equals the sum of its Completed rows."""

import asyncio
from collections.abc import Awaitable
from contextlib import ExitStack
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from payments_app.db.engine import Database
from payments_app.db.models import Payment
from payments_app.domain.errors import InvalidRequest
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services import checkout, sweep, webhooks
from payments_app.services.context import Portal
from payments_app.services.refunds import refund
from payments_app.settings import Settings
from tests.services.conftest import Shop
from tests.support.clock import Clock
from tests.support.databases import Databases
from tests.support.factories import identity_of, make_account, make_user
from tests.support.gateway import Till, webhook

T = TypeVar("T")
pick = st.integers(min_value=0)


class Ledger(RuleBasedStateMachine):
    """Random interleavings of create, pay, webhook, duplicate, late, sweep, cancel and refund."""

    databases: ClassVar[Databases]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.cleanup = ExitStack()
        self.shop = self.run(self.open(self.cleanup.enter_context(self.databases.fresh())))
        self.references: list[str] = []
        self.final: dict[str, tuple[Any, ...]] = {}

    async def open(self, url: str) -> Shop:
        clock, till, database = Clock(), Till(), Database(url)
        portal = Portal(Settings(_env_file=None), database, gateways={"till": till}, clock=clock)
        account = await make_account(database)
        user = await make_user(database, account)
        return Shop(portal, till, identity_of(user, account), clock)

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def teardown(self) -> None:
        self.run(self.shop.portal.close())
        self.runner.close()
        self.cleanup.close()

    def chosen(self, index: int) -> str:
        return self.references[index % len(self.references)]

    @rule(minor=st.integers(1, 10**9), loses_answer=st.booleans())
    def create(self, minor: int, loses_answer: bool) -> None:
        self.shop.till.loses_answer = loses_answer
        started = self.run(self.shop.start(minor, f"key-{len(self.references)}"))
        self.references.append(started.reference)

    @precondition(lambda self: self.references)
    @rule(index=pick)
    def press_again(self, index: int) -> None:
        position = index % len(self.references)
        row = self.run(self.shop.payment(self.references[position]))
        again = self.run(self.shop.start(row.amount, f"key-{position}"))
        assert again.reference == self.references[position]

    @precondition(lambda self: self.references)
    @rule(index=pick)
    def customer_pays(self, index: int) -> None:
        reference = self.chosen(index)
        known = self.shop.till.results.get(reference)
        if known and known.status is PaymentStatus.PENDING:
            self.shop.till.pay(reference)

    @precondition(lambda self: self.references)
    @rule(index=pick)
    def customer_pays_late(self, index: int) -> None:
        if self.chosen(index) in self.shop.till.results:
            self.shop.till.pay(self.chosen(index))

    @precondition(lambda self: self.references)
    @rule(index=pick, times=st.integers(1, 4), proof=st.booleans())
    def webhook_arrives(self, index: int, times: int, proof: bool) -> None:
        reference = self.chosen(index)
        status = self.shop.till.results.get(reference)
        headers, body = webhook(f"{reference}-{status and status.status}", reference, proof=proof)
        for _ in range(times):
            self.run(webhooks.receive(self.shop.portal, "till", headers, body))
        self.run(webhooks.handle_due(self.shop.portal))

    @precondition(lambda self: self.references)
    @rule(index=pick, minor=st.integers(1, 10**9))
    def another_amount_is_reported(self, index: int, minor: int) -> None:
        reference = self.chosen(index)
        known = self.shop.till.results.get(reference)
        if known and known.status is PaymentStatus.PENDING:
            self.shop.till.set(
                reference, status=PaymentStatus.COMPLETED, amount=Money(minor, "USD")
            )

    @precondition(lambda self: self.references)
    @rule(index=pick)
    def customer_cancels(self, index: int) -> None:
        if self.chosen(index) in self.shop.till.results:
            self.run(checkout.cancel(self.shop.portal, self.shop.who, self.chosen(index)))

    @precondition(lambda self: self.references)
    @rule(index=pick, minor=st.integers(1, 10**9), key=st.integers(0, 5))
    def staff_refund(self, index: int, minor: int, key: int) -> None:
        try:
            self.run(
                refund(
                    self.shop.portal,
                    self.chosen(index),
                    Money(minor, "USD"),
                    key=f"refund-{index % len(self.references)}-{key}",
                    actor="staff",
                    user_id=None,
                )
            )
        except InvalidRequest as error:
            if error.code != "more_than_left":
                raise

    @rule(minutes=st.integers(1, 300), answers=st.booleans())
    def time_passes_and_the_sweep_runs(self, minutes: int, answers: bool) -> None:
        self.shop.clock.forward(minutes=minutes)
        self.shop.till.fault = None if answers else GatewayUnavailable("down")
        self.run(sweep.sweep_once(self.shop.portal))
        self.shop.till.fault = None

    @invariant()
    def the_books_agree(self) -> None:
        balance = self.run(self.shop.balance())
        rows = self.run(self.rows())
        credited = sum(row.amount for row in rows if row.status is PaymentStatus.COMPLETED)
        assert balance == credited
        for row in rows:
            charge = self.shop.till.results.get(row.reference)
            if row.status is PaymentStatus.COMPLETED and row.amount > 0:
                assert charge is not None
                assert charge.amount == Money(row.amount, "USD")
            now = (row.status, row.amount, row.completed_at)
            if self.final.setdefault(row.reference, now)[0] is PaymentStatus.COMPLETED:
                assert self.final[row.reference] == now
            self.final[row.reference] = now

    @invariant()
    def refunds_never_exceed_the_charge(self) -> None:
        rows = self.run(self.rows())
        for payment in rows:
            parts = [row.amount for row in rows if row.parent_id == payment.id]
            assert sum(parts) + max(payment.amount, 0) >= 0

    async def rows(self) -> list[Payment]:
        async with self.shop.portal.db.read() as session:
            return list((await session.execute(select(Payment))).scalars().all())


@pytest.fixture
def machine(databases: Databases) -> type[Ledger]:
    Ledger.databases = databases
    return Ledger


def test_rule_7_balances_equal_their_rows_after_any_sequence(machine: type[Ledger]) -> None:
    case = machine.TestCase
    case.settings = settings(
        max_examples=15,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    case("runTest").runTest()
