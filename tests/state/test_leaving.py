"""What a page watches ends when its tab goes on to another page."""

from typing import Any

import pytest

from payments_app.domain.payment import Role
from payments_app.services import directory
from payments_app.services.context import Portal
from payments_app.state import desks, live, topics
from payments_app.state.door import guard
from payments_app.state.session import SessionState
from payments_app.state.staff.account import AccountState
from payments_app.state.staff.events import EventsState
from payments_app.state.staff.overview import OverviewState
from payments_app.state.staff.payments import StaffPaymentsState
from payments_app.state.staff.review import ReviewState
from payments_app.state.staff.users import UsersState
from payments_app.state.tab_names import new_name
from tests.support.factories import make_account, make_user
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    """Forget the tabs of earlier tests, which were closed without a word."""
    for kept in (live._watchers, desks._desks, topics._readers):
        kept.clear()


def watched() -> tuple[int, int, set[str]]:
    """How many tabs watch payments, and lists, and which topics but the login's are watched."""
    shown = {topic for _, topic, _ in topics._readers if not topic.startswith("session")}
    return len(live._watchers), len(desks._desks), shown


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (OverviewState.load, (1, 0, set())),
        (ReviewState.load, (1, 0, {"approvals"})),
        (StaffPaymentsState.load, (0, 1, set())),
        (EventsState.load, (0, 0, {"webhooks"})),
    ],
)
async def test_the_next_page_ends_what_the_one_before_watched(
    portal: Portal, pipeline: Pipeline, load: Any, expected: tuple[int, int, set[str]]
) -> None:
    session = await log_in_as(portal, await make_user(portal.db, role=Role.VIEWER))
    await pipeline.send(SessionState.load_staff(), session=session, path="/staff")
    await pipeline.send(load(), session=session, path="/staff")
    assert watched() == expected
    await pipeline.send(SessionState.load_staff(), session=session, path="/staff/team")
    assert watched() == (0, 0, set())
    await pipeline.send(load(), session=session, path="/staff")
    await pipeline.send(SessionState.load_user(), session=session, path="/profile")
    assert watched() == (0, 0, set())


async def test_each_part_of_a_page_follows_the_same_topic(
    portal: Portal, pipeline: Pipeline
) -> None:
    account = await make_account(portal.db)
    session = await log_in_as(portal, await make_user(portal.db, role=Role.VIEWER))
    path = f"/staff/accounts/{account.id}"
    await pipeline.send(SessionState.load_staff(), session=session, path=path)
    await pipeline.send(AccountState.load(), session=session, path=path)
    await pipeline.send(UsersState.load_account(), session=session, path=path)
    followers = {event for _, topic, event in topics._readers if topic == directory.TOPIC}
    assert {event.rpartition(".")[2] for event in followers} == {"refresh"}
    assert len(followers) == 2


async def test_rule_9_a_socket_that_takes_a_closed_tabs_name_watches_nothing(
    portal: Portal, pipeline: Pipeline
) -> None:
    session = await log_in_as(portal, await make_user(portal.db, role=Role.VIEWER))
    name = new_name("")
    for load, path in (
        (ReviewState.load(), "/staff/review"),
        (StaffPaymentsState.load(), "/staff/payments"),
    ):
        await pipeline.send(load, session=session, path=path, token=name)
    assert watched() == (1, 1, {"approvals"})
    guard(pipeline.app)
    door = pipeline.app.event_namespace
    assert door is not None
    await door.link_token_to_sid("another socket", name, update_state=False)
    assert door.sid_to_token["another socket"] == name
    assert watched() == (0, 0, set())
