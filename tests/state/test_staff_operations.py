"""The staff's pages of gateways and reconciliation over the whole event pipeline."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from payments_app.domain.payment import Role
from payments_app.services import context
from payments_app.services.context import Portal
from payments_app.state.staff.gateways import GATEWAYS_PAGE, GatewaysState
from payments_app.state.staff.reconciliation import RECONCILIATION_PAGE, ReconciliationState
from tests.support.factories import make_account, make_payment, make_user
from tests.support.gateway import Till
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


@dataclass
class Desk:
    """A member of staff of each role."""

    portal: Portal
    pipeline: Pipeline
    sessions: dict[Role, str]

    async def send(self, event: Any, path: str, role: Role = Role.OWNER) -> None:
        await self.pipeline.send(event, session=self.sessions[role], path=path)
        await self.pipeline.processor.join()


@pytest.fixture
async def desk(portal: Portal, pipeline: Pipeline) -> Desk:
    portal = replace(portal, gateways={"till": Till()})
    context.install(portal)
    sessions = {
        role: await log_in_as(portal, await make_user(portal.db, role=role))
        for role in (Role.VIEWER, Role.FINANCE, Role.OWNER)
    }
    return Desk(portal, pipeline, sessions)


async def gateways(desk: Desk, event: Any, role: Role = Role.OWNER) -> Any:
    await desk.send(event, GATEWAYS_PAGE, role)
    return await desk.pipeline.state(GatewaysState)


async def test_an_owner_sets_limits_and_a_complaint_stands_next_to_them(desk: Desk) -> None:
    till = desk.portal.gateways["till"]
    state = await gateways(desk, GatewaysState.load())
    assert [card.label for card in state.cards] == ["Till"]
    state = await gateways(desk, GatewaysState.edit("till"))
    form = {"order": "5", "currencies": "USD", "minimum_USD": "9", "maximum_USD": "8"}
    state = await gateways(desk, GatewaysState.save(form))
    assert (state.editing, state.error) == ("till", "USD: the minimum is above the maximum")
    state = await gateways(desk, GatewaysState.save(form | {"maximum_USD": "90"}))
    assert (state.editing, state.error) == ("", "")
    assert (till.settings.order, till.settings.maximum) == (5, {"USD": "90"})
    await gateways(desk, GatewaysState.edit("till"))
    await gateways(desk, GatewaysState.reset_to_environment())
    assert till.settings == till.configured


async def test_only_an_owner_switches_and_only_after_the_question(desk: Desk) -> None:
    till = desk.portal.gateways["till"]
    await gateways(desk, GatewaysState.load())
    await gateways(desk, GatewaysState.switch(False))
    assert till.settings.enabled
    await gateways(desk, GatewaysState.ask_about_switch("till"))
    state = await gateways(desk, GatewaysState.switch(False))
    assert not till.settings.enabled
    assert state.cards[0].why == "Not offered: it is switched off."


async def test_comparing_shows_the_day_and_the_balances_prove_themselves(desk: Desk) -> None:
    account = await make_account(desk.portal.db)
    await make_payment(desk.portal.db, account, completed=True)
    for event in (ReconciliationState.load(), ReconciliationState.check_balances()):
        await desk.send(event, RECONCILIATION_PAGE, Role.VIEWER)
    state = await desk.pipeline.state(ReconciliationState)
    assert (state.balances_checked, state.wrong, state.results) == (True, [], [])
    for event in (ReconciliationState.load(), ReconciliationState.compare()):
        await desk.send(event, RECONCILIATION_PAGE, Role.FINANCE)
    state = await desk.pipeline.state(ReconciliationState)
    (result,) = state.results
    assert (result.gateway, result.day, result.state) == ("Till", "2026-06-30", "good")
    assert "cannot list" in result.note
    assert desk.pipeline.faults == []
