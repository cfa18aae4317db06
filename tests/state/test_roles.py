"""Each event handler of the portal times each kind of user, read from Reflex's own registry."""

import pytest
import reflex as rx
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext

import payments_app.payments_app
from payments_app.services.context import Portal
from payments_app.state.gate import Access, Gate, access_of, only_reads
from payments_app.state.session import SessionState
from tests.support.pipeline import Pipeline
from tests.support.roles import ALLOWED, STAFF, Kind, Logins, log_in_each

OPEN_TO_STRANGERS = {
    "SessionState.load_customer",
    "SessionState.load_staff",
    "SessionState.load_user",
    "ForgotState.load",
    "ForgotState.request",
    "LinkState.choose",
    "LinkState.load_invitation",
    "LinkState.load_reset",
    "NoticeState.busy",
    "NoticeState.dismiss",
    "NoticeState.failed",
    "NoticeState.too_fast",
    "SessionState.session_changed",
    "PaymentsState.load",
    "CheckoutForm.load",
    "CheckoutState.load_result",
}
"""What runs before a login: each looks for itself who asks. A new one has to be thought about."""


def handlers() -> dict[str, tuple[str, str]]:
    """Name, module and short name of every handler of the portal's own."""
    assert payments_app.payments_app.app
    return {
        name: (registered.handler.fn.__module__, registered.handler.fn.__qualname__)
        for name, registered in RegistrationContext.get().event_handlers.items()
        if registered.handler.fn.__module__.startswith("payments_app.")
    }


HANDLERS = handlers()


@pytest.fixture
async def logins(portal: Portal, pipeline: Pipeline) -> Logins:
    return await log_in_each(portal)


async def passes(pipeline: Pipeline, name: str) -> bool:
    """Ask the gate itself, without running the handler."""
    root = await pipeline.state(rx.State)
    return await Gate().preprocess(pipeline.app, root, Event(name=name)) is None


@pytest.mark.parametrize("kind", Kind)
async def test_each_handler_takes_events_only_from_its_roles(
    pipeline: Pipeline, logins: Logins, kind: Kind
) -> None:
    # The tab's first event tells the state which cookie its connection has.
    await pipeline.send(SessionState.session_changed(), session=logins.tokens[kind])
    wrong = []
    for name in HANDLERS:
        access = access_of(name)
        assert access is not None
        expected = kind in ALLOWED[access] and (kind is not Kind.VIEWING or only_reads(name))
        if await passes(pipeline, name) is not expected:
            wrong.append(name)
    assert wrong == []


def test_the_staffs_own_handlers_are_for_staff() -> None:
    open_ones = {
        short
        for name, (module, short) in HANDLERS.items()
        if module.startswith("payments_app.state.staff.") and ALLOWED[access_of(name)] - STAFF
    }
    assert open_ones == set()


def test_only_named_handlers_are_open_to_strangers() -> None:
    strangers = {
        s for name, (_, s) in HANDLERS.items() if access_of(name) in (Access.PUBLIC, Access.NOTICE)
    }
    assert strangers == OPEN_TO_STRANGERS


def test_whoever_views_as_a_customer_can_send_nothing_that_pays_or_changes() -> None:
    """Deny by default: what may be sent is named here, so that a new handler has to be added."""
    readers = {short for name, (_, short) in HANDLERS.items() if only_reads(name)}
    by_state: dict[str, set[str]] = {}
    for short in readers:
        state, _, handler = short.partition(".")
        by_state.setdefault(state, set()).add(handler)
    payments = {s.partition(".")[2] for _, s in HANDLERS.values() if s.startswith("PaymentsState.")}
    assert by_state == {
        "SessionState": {"load_customer", "load_staff", "load_user", "session_changed"},
        "NoticeState": {"too_fast", "busy", "failed", "dismiss"},
        "PaymentsState": payments,
        "ExportState": {"moved", "choose"},
        "BalanceState": {"open", "moved", "choose"},
        "StatementState": {"moved", "choose", "choose_since", "choose_until"},
        "DetailState": {"open_from_address", "moved", "refresh"},
        "CheckoutForm": {"load"},
        "CheckoutState": {"load_result"},
        "AttemptState": {"refresh"},
    }
