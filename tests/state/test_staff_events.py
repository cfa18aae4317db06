"""The staff's list of webhooks over the whole event pipeline, live changes included."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import reflex as rx

from payments_app.domain.payment import Role
from payments_app.services import context, webhooks
from payments_app.services.context import Portal
from payments_app.state.staff.events import EventsState
from payments_app.state.topics import follow_topics
from tests.support.factories import make_user
from tests.support.gateway import Till, webhook
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline

PAGE = "/staff/events"


@dataclass
class Desk:
    """A member of staff of each role, and the portal behind them."""

    portal: Portal
    pipeline: Pipeline
    sessions: dict[Role, str]

    async def send(self, event: Any, path: str = PAGE, role: Role = Role.FINANCE) -> Any:
        """Send an event and return the list's state."""
        await self.pipeline.send(event, session=self.sessions[role], path=path)
        return await self.pipeline.state(EventsState)

    async def come(self, event_id: str = "evt-1", reference: str = "PSTRANGER") -> None:
        await webhooks.receive(self.portal, "till", *webhook(event_id, reference))

    async def until(self, met: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(10):
            while not met(state := await self.pipeline.state(EventsState)):
                await asyncio.sleep(0.01)
        return state


@pytest.fixture
async def desk(portal: Portal, pipeline: Pipeline) -> AsyncIterator[Desk]:
    portal = replace(portal, gateways={"till": Till()})
    context.install(portal)
    sessions = {
        role: await log_in_as(portal, await make_user(portal.db, role=role))
        for role in (Role.VIEWER, Role.FINANCE)
    }
    app = SimpleNamespace(
        event_processor=pipeline.processor,
        event_namespace=SimpleNamespace(token_to_sid={"tab": "socket"}),
    )
    async with follow_topics(cast("rx.App", app), portal):
        yield Desk(portal, pipeline, sessions)


async def test_the_address_says_what_is_shown_and_opened(desk: Desk) -> None:
    await desk.come()
    await desk.come("evt-2", "P2")
    state = await desk.send(EventsState.load(), f"{PAGE}?search=P2&event=2")
    assert [row.reference for row in state.rows] == ["P2"]
    assert (state.narrowed, state.sheet_open, state.found) == (True, True, True)
    assert state.detail.event_id == "evt-2"
    state = await desk.send(EventsState.load(), f"{PAGE}?event=99")
    assert (len(state.rows), state.sheet_open, state.found) == (2, True, False)
    state = await desk.send(EventsState.load(), f"{PAGE}?state=nonsense&event=x")
    assert (len(state.rows), state.narrowed) == (2, False)


async def test_filters_lead_to_an_address(desk: Desk) -> None:
    await desk.send(EventsState.load())
    await desk.send(EventsState.choose_state("refused"))
    await desk.send(EventsState.open_event(5))
    await desk.send(EventsState.choose_gateway("till"))
    await desk.send(EventsState.choose_state("nonsense"))
    assert desk.pipeline.redirects() == [
        f"{PAGE}?state=refused",
        f"{PAGE}?event=5",
        f"{PAGE}?gateway=till",
    ]


async def test_a_webhook_shows_as_soon_as_it_came_and_when_it_is_handled(desk: Desk) -> None:
    await desk.send(EventsState.load())
    await desk.come()
    state = await desk.until(lambda state: [row.state for row in state.rows] == ["waiting"])
    assert state.flashed == [1]
    cast("Any", desk.portal.clock).forward(seconds=30)
    for _ in range(6):
        await webhooks.handle_due(desk.portal)
        cast("Any", desk.portal.clock).forward(seconds=30)
    await desk.until(lambda state: [row.state for row in state.rows] == ["unmatched"])


async def test_finance_replays_all_only_after_the_question(desk: Desk) -> None:
    await desk.come()
    for _ in range(6):
        await webhooks.handle_due(desk.portal)
        cast("Any", desk.portal.clock).forward(seconds=30)
    await desk.send(EventsState.load())
    state = await desk.send(EventsState.replay_all())
    assert (state.unhandled, state.notice) == (1, "")
    state = await desk.send(EventsState.replay_all(), role=Role.VIEWER)
    await desk.send(EventsState.ask_for_all(True))
    state = await desk.send(EventsState.replay_all())
    assert (state.unhandled, state.asks_for_all) == (0, False)
    assert state.notice
