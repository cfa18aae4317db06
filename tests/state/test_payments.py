"""The payments page over the whole event pipeline."""

from dataclasses import replace
from typing import Any

import pytest

from payments_app.db import ledger
from payments_app.db.models import Account, Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import PaymentResult
from payments_app.services import checkout, context, settlement
from payments_app.services.checkout import TopUp
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.state.detail import DetailState
from payments_app.state.export import CURRENT, ExportState
from payments_app.state.payments import PaymentsState
from tests.support.factories import identity_of, make_account, make_payment, make_user
from tests.support.gateway import Till
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


class Desk:
    """One customer with the page open, and the portal behind it."""

    def __init__(
        self, portal: Portal, pipeline: Pipeline, account: Account, who: Identity, session: str
    ) -> None:
        self.portal = portal
        self.pipeline = pipeline
        self.account = account
        self.who = who
        self.session = session

    async def send(self, event: Any, path: str = "/", token: str = "tab") -> Any:
        """Send an event and return the list's state."""
        await self.pipeline.send(event, session=self.session, path=path, token=token)
        return await self.pipeline.state(PaymentsState, token)

    async def pay(self, **columns: Any) -> Payment:
        return await make_payment(self.portal.db, self.account, **columns)


@pytest.fixture
async def desk(portal: Portal, pipeline: Pipeline) -> Desk:
    portal = replace(portal, gateways={"till": Till()})
    context.install(portal)
    account = await make_account(portal.db)
    user = await make_user(portal.db, account)
    session = await log_in_as(portal, user)
    return Desk(portal, pipeline, account, identity_of(user, account), session)


def statuses(state: Any) -> list[str]:
    return [row.status for row in state.rows]


async def test_loading_shows_balances_and_list(desk: Desk) -> None:
    await desk.pay(completed=True)
    await desk.pay()
    state = await desk.send(PaymentsState.load())
    assert (state.phase, state.range_text) == ("ready", "1 to 2 of 2")
    assert [line.amount for line in state.balances] == ["$25.00"]
    assert state.balances[0].pending == "+ $25.00"
    assert sorted(statuses(state)) == ["completed", "pending"]


async def test_search_filters_sort_and_clear(desk: Desk) -> None:
    await desk.pay(description="DID Pack", amount=100)
    await desk.pay(description="Top-up", amount=900, completed=True, gateway="till")
    await desk.send(PaymentsState.load())
    state = await desk.send(PaymentsState.search("did"))
    assert [row.description for row in state.rows] == ["DID Pack"]
    state = await desk.send(PaymentsState.choose_status("completed"))
    assert (state.rows, state.narrowed) == ([], True)
    assert "Completed" in state.filters_text
    state = await desk.send(PaymentsState.clear())
    assert (len(state.rows), state.narrowed, state.status) == (2, False, "any")
    state = await desk.send(PaymentsState.choose_method("till"))
    assert [row.description for row in state.rows] == ["Top-up"]
    await desk.send(PaymentsState.clear())
    state = await desk.send(PaymentsState.sort_by_total())
    assert [row.total for row in state.rows] == ["$9.00", "$1.00"]
    state = await desk.send(PaymentsState.sort_by_total())
    assert [row.total for row in state.rows] == ["$1.00", "$9.00"]


async def test_periods_narrow_to_the_users_days(desk: Desk) -> None:
    await desk.pay()
    await desk.send(PaymentsState.load())
    state = await desk.send(PaymentsState.choose_period("today"))
    assert (len(state.rows), state.since) == (1, "2026-07-01")
    state = await desk.send(PaymentsState.choose_period("last_month"))
    assert (state.rows, state.until) == ([], "2026-06-30")


@pytest.mark.parametrize("sent", ["paid", 5, None, ["completed"], {"a": 1}, "x" * 2000])
async def test_what_makes_no_view_changes_nothing(desk: Desk, sent: Any) -> None:
    await desk.pay()
    await desk.send(PaymentsState.load())
    prefix = f"{PaymentsState.get_full_name()}."
    for name, field in (("choose_status", "status"), ("choose_order", "order")):
        await desk.pipeline.send(f"{prefix}{name}", session=desk.session, **{field: sent})
    await desk.pipeline.send(f"{prefix}choose_period", session=desk.session, period=sent)
    state = await desk.pipeline.state(PaymentsState)
    assert (len(state.rows), state.narrowed, state.order) == (1, False, "newest")
    assert desk.pipeline.faults == []


async def test_pages_forward_and_back(desk: Desk) -> None:
    for _ in range(51):
        await desk.pay()
    await desk.send(PaymentsState.load())
    state = await desk.send(PaymentsState.go_older())
    assert (state.range_text, state.has_newer, state.has_older) == ("51 to 51 of 51", True, False)
    state = await desk.send(PaymentsState.go_newer())
    assert (state.range_text, len(state.rows)) == ("1 to 50 of 51", 50)


async def test_the_open_sheet_is_read_anew_when_its_payment_changed(desk: Desk) -> None:
    payment = await desk.pay(gateway="till")
    await desk.send(PaymentsState.load(), path=f"/?payment={payment.reference}")
    await settle(desk, payment)
    await desk.send(DetailState.refresh(["another"]))
    assert (await desk.pipeline.state(DetailState)).detail.row.status == "pending"
    await desk.send(DetailState.refresh(["another", payment.reference]))
    assert (await desk.pipeline.state(DetailState)).detail.row.status == "completed"


async def test_the_address_opens_and_closes_the_sheet(desk: Desk) -> None:
    payment = await desk.pay(private_note="secret note")
    await desk.send(PaymentsState.load(), path=f"/?payment={payment.reference}")
    detail = await desk.pipeline.state(DetailState)
    assert (detail.is_open, detail.found) == (True, True)
    assert detail.detail.row.reference == payment.reference
    await desk.send(DetailState.moved(False))
    assert desk.pipeline.redirects() == ["/"]
    assert not (await desk.pipeline.state(DetailState)).is_open
    assert "secret note" not in desk.pipeline.said()


async def test_rule_9_the_address_opens_nobody_elses_payment(desk: Desk) -> None:
    other = await make_account(desk.portal.db)
    payment = await make_payment(desk.portal.db, other, description="Not yours")
    await desk.send(PaymentsState.load(), path=f"/?payment={payment.reference}")
    detail = await desk.pipeline.state(DetailState)
    assert (detail.is_open, detail.found, detail.detail) == (True, False, None)
    assert "Not yours" not in desk.pipeline.said()


async def test_a_pending_payment_is_cancelled_after_a_question(desk: Desk) -> None:
    order = TopUp("till", Money(5000, "USD"), "key")
    progress = await checkout.start(desk.portal, desk.who, order)
    await desk.send(PaymentsState.load(), path=f"/?payment={progress.reference}")
    await desk.send(DetailState.cancel())
    assert (await _row(desk, progress.reference)).status is PaymentStatus.PENDING
    await desk.send(DetailState.ask_to_cancel(True))
    await desk.send(DetailState.cancel())
    assert (await _row(desk, progress.reference)).status is PaymentStatus.CANCELLED
    detail = await desk.pipeline.state(DetailState)
    assert (detail.detail.row.status, detail.busy) == ("cancelled", False)


async def test_the_download_starts_with_what_is_on_screen(desk: Desk) -> None:
    await desk.pay(completed=True)
    await desk.pay()
    await desk.send(PaymentsState.load())
    await desk.send(ExportState.moved(True))
    export = await desk.pipeline.state(ExportState)
    assert (export.rows, export.address) == ("2", "/exports/payments.csv")
    await desk.send(PaymentsState.choose_status("pending"))
    await desk.send(ExportState.moved(True))
    export = await desk.pipeline.state(ExportState)
    assert (export.scope, export.rows) == (CURRENT, "1")
    assert export.address == "/exports/payments.csv?view=current&status=pending"


async def settle(desk: Desk, payment: Payment) -> None:
    paid = PaymentResult(
        PaymentStatus.COMPLETED,
        None,
        Money(payment.amount, payment.currency),
        own_reference=payment.reference,
    )
    await settlement.settle(desk.portal, payment.key, paid, actor="webhook")


async def _row(desk: Desk, reference: str) -> Payment:
    async with desk.portal.db.read() as session:
        found = await ledger.find_payment(session, reference=reference)
    assert found is not None
    return found
