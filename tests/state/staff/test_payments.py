"""The staff's list of payments over the event pipeline: address, filters, saved views."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from payments_app.domain.payment import Role
from payments_app.services import staff_payments
from payments_app.services.context import Portal
from payments_app.services.list_pages import PAGE_SIZE
from payments_app.services.staff_payments import Sums
from payments_app.state.staff.detail import StaffDetailState
from payments_app.state.staff.payments import StaffPaymentsState
from payments_app.state.staff.saved_views import SavedViewsState
from tests.support.factories import make_account, make_payment, make_user
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline

PAGE = "/staff/payments"


@dataclass
class List:
    """The list on one viewer's screen."""

    portal: Portal
    pipeline: Pipeline
    session: str

    async def send(self, event: Any, path: str = PAGE) -> Any:
        await self.pipeline.send(event, session=self.session, path=path)
        return await self.pipeline.state(StaffPaymentsState)

    async def views(self) -> Any:
        return await self.pipeline.state(SavedViewsState)


@pytest.fixture
async def shown(portal: Portal, pipeline: Pipeline) -> List:
    session = await log_in_as(portal, await make_user(portal.db, role=Role.VIEWER))
    account = await make_account(portal.db, name="Brightline")
    await make_payment(portal.db, account, completed=True, description="Outbound minutes")
    await make_payment(portal.db, account, description="DID Pack", reference="PWANTED")
    return List(portal, pipeline, session)


async def test_the_address_says_what_is_shown(shown: List) -> None:
    state = await shown.send(StaffPaymentsState.load())
    assert len(state.rows) == 2
    assert [(f.currency, f.rows, f.completed) for f in state.figures] == [("USD", "2", "$25.00")]
    state = await shown.send(StaffPaymentsState.load(), f"{PAGE}?status=pending&search=did")
    assert [row.reference for row in state.rows] == ["PWANTED"]
    assert {(chip.field, chip.label) for chip in state.chips} == {
        ("status", "Pending"),
        ("search", "\N{LEFT DOUBLE QUOTATION MARK}did\N{RIGHT DOUBLE QUOTATION MARK}"),
    }
    assert state.export_address.endswith("payments.csv?search=did&status=pending")


async def test_every_filter_leads_to_its_address(shown: List) -> None:
    await shown.send(StaffPaymentsState.load(), f"{PAGE}?status=pending")
    await shown.send(StaffPaymentsState.toggle("status", "completed"), f"{PAGE}?status=pending")
    await shown.send(StaffPaymentsState.choose_least("-12.50"), f"{PAGE}?status=pending")
    await shown.send(StaffPaymentsState.remove("status", "pending"), f"{PAGE}?status=pending")
    assert shown.pipeline.redirects() == [
        f"{PAGE}?status=pending,completed",
        f"{PAGE}?status=pending&least=-12.50",
        PAGE,
    ]
    state = await shown.send(StaffPaymentsState.choose_least("a lot"))
    assert state.amount_fault
    assert len(shown.pipeline.redirects()) == 3


async def test_an_address_opens_a_payment_and_closing_it_leaves_the_filters(shown: List) -> None:
    path = f"{PAGE}?status=pending&payment=PWANTED"
    await shown.send(StaffPaymentsState.load(), path)
    sheet = await shown.pipeline.state(StaffDetailState)
    assert (sheet.is_open, sheet.found, sheet.reference) == (True, True, "PWANTED")
    await shown.send(StaffDetailState.moved(False), path)
    assert shown.pipeline.redirects() == [f"{PAGE}?status=pending"]


async def test_the_sheet_stays_over_its_page_only(shown: List) -> None:
    await shown.send(StaffDetailState.page_loaded())
    await shown.send(StaffPaymentsState.act("open", "PWANTED"))
    await shown.send(StaffDetailState.page_loaded(), f"{PAGE}?status=pending")
    assert (await shown.pipeline.state(StaffDetailState)).is_open
    await shown.send(StaffDetailState.page_loaded(), "/staff/events?search=PWANTED")
    assert not (await shown.pipeline.state(StaffDetailState)).is_open


async def test_a_view_is_saved_opened_renamed_and_deleted(shown: List) -> None:
    path = f"{PAGE}?status=pending&search={quote('DID Pack')}"
    await shown.send(StaffPaymentsState.load(), path)
    await shown.send(StaffPaymentsState.toggle_column("fee"), path)
    await shown.send(SavedViewsState.save({"name": ""}), path)
    assert (await shown.views()).save_fault
    await shown.send(SavedViewsState.save({"name": "Open packs"}), path)
    (view,) = (await shown.views()).views
    assert (view.name, view.hidden) == ("Open packs", "fee")

    await shown.send(StaffPaymentsState.toggle_column("fee"), PAGE)
    state = await shown.send(SavedViewsState.open_view(view.id), PAGE)
    assert state.hidden == "fee"
    assert shown.pipeline.redirects() == [f"{PAGE}?search=DID+Pack&status=pending"]

    await shown.send(SavedViewsState.ask_to_rename(view.id))
    await shown.send(SavedViewsState.rename({"name": "Packs"}))
    assert [one.name for one in (await shown.views()).views] == ["Packs"]
    await shown.send(SavedViewsState.delete(view.id))
    assert (await shown.views()).views == []


def described(state: Any) -> list[tuple[str, str, str]]:
    return [(figure.currency, figure.rows, figure.completed) for figure in state.figures]


async def make_many(portal: Portal, count: int) -> None:
    account = await make_account(portal.db)
    for _ in range(count):
        await make_payment(portal.db, account, completed=True, gateway="till")


async def test_what_takes_longer_to_add_up_than_to_show_comes_behind_its_page(shown: List) -> None:
    await make_many(shown.portal, PAGE_SIZE + 1)
    state = await shown.send(StaffPaymentsState.load())
    assert not state.adding_up
    assert described(state) == [("USD", "53", "$1,300.00")]
    assert state.range_text == "1 to 50 of 53"
    narrowed = f"{PAGE}?method=till"
    state = await shown.send(StaffPaymentsState.load(), narrowed)
    assert (len(state.rows), state.figures, state.adding_up) == (PAGE_SIZE, [], True)
    assert state.range_text == "1 to 50 of 50+"
    state = await shown.send(StaffPaymentsState.add_up(), narrowed)
    assert not state.adding_up
    assert described(state) == [("USD", "51", "$1,275.00")]
    assert state.range_text == "1 to 50 of 51"
    state = await shown.send(StaffPaymentsState.go_older(), narrowed)
    assert (len(state.rows), state.adding_up, state.range_text) == (1, True, "51 to 51 of 51")


async def test_a_list_of_one_page_is_added_up_from_its_rows(shown: List) -> None:
    state = await shown.send(StaffPaymentsState.load(), f"{PAGE}?search=brightline")
    assert not state.adding_up
    assert described(state) == [("USD", "2", "$25.00")]
    assert state.range_text == "1 to 2 of 2"
    state = await shown.send(StaffPaymentsState.load(), f"{PAGE}?search=nobody")
    assert (state.figures, state.adding_up, state.range_text) == ([], False, "")


async def test_what_was_added_up_for_a_list_that_is_gone_is_not_shown(
    shown: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_many(shown.portal, PAGE_SIZE + 1)
    add, began, goes_on = staff_payments.sums, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> Sums:
        began.set()
        await goes_on.wait()
        return await add(*given)

    monkeypatch.setattr(staff_payments, "sums", slow)
    await shown.send(StaffPaymentsState.load(), f"{PAGE}?method=till")
    adding = asyncio.ensure_future(shown.send(StaffPaymentsState.add_up(), f"{PAGE}?method=till"))
    await began.wait()
    await shown.send(StaffPaymentsState.load(), f"{PAGE}?search=brightline")
    goes_on.set()
    state = await adding
    assert described(state) == [("USD", "2", "$25.00")]
