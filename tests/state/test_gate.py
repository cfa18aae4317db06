"""Nothing passes the gate that is not declared, or not for whoever sends it."""

import logging

import pytest
import reflex as rx

from payments_app.services import accounts
from payments_app.services.context import Portal, current
from payments_app.state.gate import (
    customer_event,
    keep_payloads_out_of_logs,
    public_event,
    sender_of,
    viewer_event,
)
from tests.support.clock import Clock
from tests.support.factories import make_account, make_user
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


class Desk(rx.State):
    """A state with one handler of each kind, and some that nobody declared."""

    notes: list[str] = []
    theme: str = rx.LocalStorage("light", name="theme")

    @public_event
    def greet(self) -> None:
        self.notes.append("greeted")

    @customer_event
    async def write(self, note: str) -> None:
        self.notes.append(note)

    @customer_event(temporal=True)
    def pay(self) -> None:
        self.notes.append("paid")

    @customer_event(background=True)
    async def count(self) -> None:
        async with self:
            self.notes.append("counted")

    @customer_event
    def chain(self) -> rx.event.EventSpec:
        return Desk.audit()

    @viewer_event
    def audit(self) -> None:
        self.notes.append("audited")

    @customer_event
    async def wait_and_write(self, session: str) -> None:
        assert await sender_of(self)
        await accounts.log_out(current(), session)
        if await sender_of(self):
            self.notes.append("written after the end")

    @rx.event
    def undeclared(self) -> None:
        self.notes.append("undeclared")

    def bare(self) -> None:
        self.notes.append("bare")


NAME = Desk.get_full_name()


async def notes(pipeline: Pipeline, token: str = "tab") -> list[str]:
    return list((await pipeline.state(Desk, token)).notes)


@pytest.fixture
async def customer(portal: Portal) -> str:
    return await log_in_as(portal, await make_user(portal.db, await make_account(portal.db)))


@pytest.fixture
async def staff(portal: Portal) -> str:
    return await log_in_as(portal, await make_user(portal.db))


async def test_a_public_event_needs_no_login(pipeline: Pipeline) -> None:
    await pipeline.send(Desk.greet())
    assert await notes(pipeline) == ["greeted"]


async def test_a_customer_event_runs_for_a_customer(pipeline: Pipeline, customer: str) -> None:
    await pipeline.send(Desk.write("hello"), session=customer)
    await pipeline.send(Desk.pay(), session=customer)
    await pipeline.send(Desk.count(), session=customer)
    assert await notes(pipeline) == ["hello", "paid", "counted"]
    assert pipeline.redirects() == []


async def test_decorators_keep_the_options_of_rx_event() -> None:
    assert Desk.event_handlers["count"].is_background
    assert Desk.pay().handler.event_actions == {"temporal": True}


async def test_a_customer_event_without_a_cookie_leads_to_the_login(pipeline: Pipeline) -> None:
    await pipeline.send(Desk.write("hello"))
    await pipeline.send(Desk.count())
    assert await notes(pipeline) == []
    assert pipeline.redirects() == ["/login?next=/payments"] * 2


@pytest.mark.parametrize("cookie", ["nonsense", "", "=;=;", "\N{SNOWMAN}", "x" * 5000])
async def test_a_senseless_cookie_is_nobody(pipeline: Pipeline, cookie: str) -> None:
    await pipeline.send(Desk.write("hello"), session=cookie)
    assert await notes(pipeline) == []


async def test_a_revoked_session_changes_nothing_more(
    portal: Portal, pipeline: Pipeline, customer: str
) -> None:
    await pipeline.send(Desk.write("before"), session=customer)
    await accounts.log_out(portal, customer)
    await pipeline.send(Desk.write("after"), session=customer)
    assert "after" not in pipeline.said()
    assert pipeline.redirects() == ["/login?next=/payments"]


async def test_a_handler_that_asks_again_is_told_that_the_session_has_ended(
    pipeline: Pipeline, customer: str
) -> None:
    await pipeline.send(Desk.wait_and_write(customer), session=customer)
    assert pipeline.faults == []
    assert await notes(pipeline) == []


async def test_an_idle_session_ends_and_pushes_do_not_keep_it(
    pipeline: Pipeline, customer: str, clock: Clock
) -> None:
    await pipeline.send(Desk.write("at work"), session=customer)
    for _ in range(3):
        clock.forward(minutes=50)
        await pipeline.push(Desk.write("pushed"))
    assert pipeline.redirects() == ["/login?next=/payments"]
    await pipeline.send(Desk.write("back"), session=customer)
    assert await notes(pipeline) == []


async def test_work_keeps_a_session_up_to_its_absolute_end(
    pipeline: Pipeline, customer: str, clock: Clock
) -> None:
    for _ in range(14 * 24):
        await pipeline.send(Desk.greet(), session=customer)
        clock.forward(hours=1)
    await pipeline.send(Desk.write("too late"), session=customer)
    assert pipeline.redirects() == ["/login?next=/payments"]


async def test_an_event_pushed_by_the_server_runs_as_the_tab(
    pipeline: Pipeline, customer: str
) -> None:
    await pipeline.send(Desk.greet(), session=customer)
    await pipeline.push(Desk.write("pushed"))
    assert await notes(pipeline) == ["greeted", "pushed"]


async def test_a_staff_event_is_refused_to_customers(pipeline: Pipeline, customer: str) -> None:
    await pipeline.send(Desk.audit(), session=customer)
    await pipeline.send(Desk.chain(), session=customer)
    assert await notes(pipeline) == []
    assert pipeline.redirects() == []


async def test_a_staff_event_runs_for_staff_and_a_customer_event_does_not(
    pipeline: Pipeline, staff: str
) -> None:
    await pipeline.send(Desk.audit(), session=staff)
    await pipeline.send(Desk.write("as a customer"), session=staff)
    assert await notes(pipeline) == ["audited"]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        (f"{NAME}.undeclared", {}),
        (f"{NAME}.bare", {}),
        (f"{NAME}.setvar", {"var_name": "notes", "value": ["owned"]}),
        (f"{NAME}.reset", {}),
        (f"{NAME}.__init__", {}),
        ("reflex___state____state.setvar", {"var_name": "is_hydrated", "value": True}),
        ("reflex___state____state.hydrate", {}),
        ("no.such.event", {}),
        ("", {}),
    ],
)
async def test_undeclared_handlers_are_refused_to_everyone(
    pipeline: Pipeline, customer: str, name: str, payload: dict[str, object]
) -> None:
    for session in ("", customer):
        await pipeline.send(name, session=session, **payload)
    assert await notes(pipeline) == []
    assert "owned" not in pipeline.said()
    assert pipeline.browser_events == []


def update_of(var: str, value: object) -> tuple[str, dict[str, object]]:
    name = "reflex___state____state.reflex___state____update_vars_internal_state"
    return f"{name}.update_vars_internal", {var: value}


async def test_the_browser_may_set_preferences(pipeline: Pipeline) -> None:
    name, values = update_of(f"{NAME}.theme_rx_state_", "dark")
    await pipeline.send(name, vars=values)
    assert (await pipeline.state(Desk)).theme == "dark"


@pytest.mark.parametrize(
    ("var", "value"),
    [
        ("notes_rx_state_", ["owned"]),
        ("theme_rx_state_", ["owned"]),
        ("theme_rx_state_", {"owned": 1}),
        ("theme_rx_state_", "owned" * 1000),
        ("no_such_var", "owned"),
        ("_backend", "owned"),
    ],
)
@pytest.mark.parametrize("event", ["update_vars_internal", "hydrate_and_load"])
async def test_the_browser_may_set_nothing_else(
    pipeline: Pipeline, event: str, var: str, value: object
) -> None:
    name, values = update_of(f"{NAME}.{var}", value)
    if event == "hydrate_and_load":
        name = "reflex___state____state.hydrate_and_load"
    await pipeline.send(name, vars=values)
    desk = await pipeline.state(Desk)
    assert (desk.notes, desk.theme) == ([], "light")
    assert "owned" not in pipeline.said()


async def test_rule_9_a_tab_that_names_anothers_state_sees_nothing_of_it(
    portal: Portal, pipeline: Pipeline, customer: str
) -> None:
    other = await log_in_as(portal, await make_user(portal.db, await make_account(portal.db)))
    for session in ("", other):
        await pipeline.send(Desk.write("private"), session=customer)
        pipeline.deltas.clear()
        await pipeline.send("reflex___state____state.hydrate_and_load", session=session)
        await pipeline.send(Desk.greet(), session=session)
        assert pipeline.deltas
        assert "private" not in pipeline.said()


async def test_a_reconnecting_tab_keeps_its_own_state(pipeline: Pipeline, customer: str) -> None:
    await pipeline.send(Desk.write("mine"), session=customer)
    pipeline.deltas.clear()
    await pipeline.send("reflex___state____state.hydrate_and_load", session=customer)
    assert "mine" in pipeline.said()


async def test_refusals_are_logged_without_payload(
    pipeline: Pipeline, customer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.send(f"{NAME}.undeclared", session=customer, card="4242424242424242")
    logged = capsys.readouterr().out
    assert "event_refused" in logged
    assert "4242424242424242" not in logged
    assert customer not in logged


async def test_reflex_logs_no_cookie_and_no_payload(
    pipeline: Pipeline, customer: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep_payloads_out_of_logs()
    with caplog.at_level(logging.DEBUG):
        await pipeline.send("no.such.event", session=customer, card="4242424242424242")
        await pipeline.send(Desk.write(4), session=customer)  # type: ignore[arg-type]
        await pipeline.send(f"{NAME}.write", session=customer, note={"card": "4242424242424242"})
    assert "no.such.event" in caplog.text
    assert "4242424242424242" not in caplog.text
    assert customer not in caplog.text
