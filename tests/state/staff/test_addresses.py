"""What staff do to payments stands in the audit log with where they did it from."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import col, select

from payments_app.db.approval_models import ApprovalRequest
from payments_app.db.models import Account, Payment
from payments_app.db.staff_models import AuditEntry
from payments_app.domain.payment import PaymentStatus, Role
from payments_app.services import context
from payments_app.services.context import Portal
from payments_app.state.staff.add_payment import AddPaymentState
from payments_app.state.staff.detail import StaffDetailState
from payments_app.state.staff.review import ReviewState
from tests.support.factories import make_account, make_payment, make_user
from tests.support.gateway import Till
from tests.support.logins import log_in_as
from tests.support.pipeline import ADDRESS, Pipeline

WHY = {"reason": "on the statement"}
REVIEWED = {"in_review": True}
ENDED = {"status": PaymentStatus.CANCELLED, "reason": "expired"}


class Office:
    """Two of finance at their browsers; above 100 USD the second has to agree."""

    def __init__(self, portal: Portal, pipeline: Pipeline, sessions: Sequence[str]) -> None:
        self.portal = portal
        self.pipeline = pipeline
        self.sessions = sessions

    async def send(self, *events: Any, person: int = 0) -> None:
        for event in events:
            await self.pipeline.send(
                event, session=self.sessions[person], token=f"tab{person}", path="/staff/review"
            )

    async def decide(self, payment: Payment, deed: str, form: dict[str, str]) -> None:
        """Do a deed from the payment's sheet."""
        await self.send(
            StaffDetailState.open(payment.reference),
            StaffDetailState.choose(deed),
            StaffDetailState.confirm(form),
        )

    async def request(self) -> int:
        """Return the number of the one request that waits."""
        async with self.portal.db.read() as session:
            query = select(ApprovalRequest.id).where(col(ApprovalRequest.decided_at).is_(None))
            return (await session.execute(query)).scalar_one() or 0

    async def logged(self) -> list[tuple[str, str]]:
        """Return the actions in the audit log, each with its address."""
        async with self.portal.db.read() as session:
            rows = (
                await session.execute(select(AuditEntry).order_by(col(AuditEntry.id)))
            ).scalars()
            return [(row.action, row.address) for row in rows]


@pytest.fixture
async def office(portal: Portal, pipeline: Pipeline) -> Office:
    settings = portal.settings.model_copy(update={"second_person_above": {"USD": "100"}})
    portal = replace(portal, settings=settings, gateways={"till": Till()})
    context.install(portal)
    people = [await make_user(portal.db, role=Role.FINANCE) for _ in range(2)]
    sessions = [await log_in_as(portal, person) for person in people]
    return Office(portal, pipeline, sessions)


@pytest.fixture
async def account(office: Office) -> Account:
    return await make_account(office.portal.db)


@pytest.mark.parametrize(
    ("deed", "columns", "action"),
    [
        ("approve", REVIEWED, "payment_approved"),
        ("cancel", REVIEWED, "payment_cancelled"),
        (
            "close",
            REVIEWED | {"status": PaymentStatus.CANCELLED, "reason": "expired"},
            "review_closed",
        ),
    ],
)
async def test_decisions_from_the_sheet(
    office: Office, account: Account, deed: str, columns: dict[str, Any], action: str
) -> None:
    await office.decide(await make_payment(office.portal.db, account, **columns), deed, WHY)
    assert await office.logged() == [(action, ADDRESS)]


async def test_crediting_and_assigning(office: Office, account: Account) -> None:
    payment = await make_payment(
        office.portal.db, account, charge_amount=2500, charge_currency="USD", **REVIEWED
    )
    await office.decide(payment, "credit", WHY | {"amount": "25.00"})
    await office.send(StaffDetailState.assign(True))
    assert await office.logged() == [
        ("arrived_credited", ADDRESS),
        ("payment_assigned", ADDRESS),
    ]


@pytest.mark.parametrize(
    ("total", "logged"), [("-5", "payment_added"), ("500", "approval_requested")]
)
async def test_adding_a_payment(office: Office, account: Account, total: str, logged: str) -> None:
    form = {"account": f"{account.name} ({account.key})", "total": total, "currency": "USD"}
    await office.send(
        AddPaymentState.open_dialog(0, ""),
        AddPaymentState.add(form | {"text": "SIM cards", "kind": "adjustment"}),
    )
    assert await office.logged() == [(logged, ADDRESS)]


async def test_refunds_and_what_a_second_person_decides(office: Office, account: Account) -> None:
    columns = {"amount": 50_000, "charge_amount": 50_000, "charge_currency": "USD"}
    payment = await make_payment(office.portal.db, account, completed=True, **columns)
    await office.decide(payment, "refund", WHY | {"amount": "20"})
    await office.decide(payment, "refund", WHY | {"amount": "200"})
    await office.send(ReviewState.load(), ReviewState.agree(await office.request()), person=1)
    await office.decide(payment, "refund", WHY | {"amount": "100"})
    number = await office.request()
    await office.send(ReviewState.ask_to_decline(number), ReviewState.decline(WHY), person=1)
    assert await office.logged() == [
        ("payment_refunded", ADDRESS),
        ("approval_requested", ADDRESS),
        ("payment_refunded", ADDRESS),
        ("approval_requested", ADDRESS),
        ("approval_declined", ADDRESS),
    ]
