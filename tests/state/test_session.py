"""What pages know of the logged-in user, before and after the login."""

import pytest

from payments_app.services import accounts
from payments_app.services.context import Portal
from payments_app.state.session import SessionState
from tests.support.factories import make_account, make_user
from tests.support.logins import log_in_as
from tests.support.pipeline import Pipeline


@pytest.fixture
async def customer(portal: Portal) -> str:
    account = await make_account(portal.db, name="Analytical Engines", home_currency="GBP")
    user = await make_user(
        portal.db, account, name="Ada", email="ada@example.com", time_zone="Europe/London"
    )
    return await log_in_as(portal, user)


def defaults() -> dict[str, object]:
    return {name: field.default_value() for name, field in SessionState.get_fields().items()}


async def test_loading_fills_in_the_customer(pipeline: Pipeline, customer: str) -> None:
    await pipeline.send(SessionState.load_customer(), session=customer)
    state = await pipeline.state(SessionState)
    assert (state.user_name, state.user_email, state.role) == ("Ada", "ada@example.com", "customer")
    assert (state.account_name, state.home_currency) == ("Analytical Engines", "GBP")
    assert (state.time_zone, state.is_staff) == ("Europe/London", False)
    assert pipeline.redirects() == []


async def test_loading_fills_in_staff(portal: Portal, pipeline: Pipeline) -> None:
    session = await log_in_as(portal, await make_user(portal.db))
    await pipeline.send(SessionState.load_staff(), session=session)
    state = await pipeline.state(SessionState)
    assert (state.role, state.is_staff, state.account_name) == ("owner", True, "")


async def test_staff_and_customers_are_led_to_their_own_pages(
    portal: Portal, pipeline: Pipeline, customer: str
) -> None:
    staff = await log_in_as(portal, await make_user(portal.db))
    await pipeline.send(SessionState.load_customer(), session=staff)
    await pipeline.send(SessionState.load_staff(), session=customer, token="other tab")
    assert pipeline.redirects() == ["/staff", "/"]
    assert (await pipeline.state(SessionState)).user_name == ""


async def test_without_a_login_the_browser_goes_to_the_login_page_and_back(
    pipeline: Pipeline,
) -> None:
    await pipeline.send(SessionState.load_customer(), path="/payments?status=pending")
    assert pipeline.redirects() == ["/login?next=/payments%3Fstatus%3Dpending"]


async def test_nothing_private_stands_in_the_vars_before_the_login(pipeline: Pipeline) -> None:
    await pipeline.send(SessionState.load_customer())
    state = await pipeline.state(SessionState)
    own = {name: value for name, value in defaults().items() if name in SessionState.base_vars}
    assert {name: getattr(state, name) for name in own} == own
    assert not any(own[name] for name in ("user_name", "user_email", "role", "account_name"))


async def test_after_logging_out_the_vars_are_empty_again(
    portal: Portal, pipeline: Pipeline, customer: str
) -> None:
    await pipeline.send(SessionState.load_customer(), session=customer)
    await accounts.log_out(portal, customer)
    await pipeline.send(SessionState.load_customer(), session=customer)
    state = await pipeline.state(SessionState)
    assert (state.user_name, state.account_name, state.role) == ("", "", "")
    assert pipeline.redirects() == ["/login?next=/payments"]


async def test_the_session_token_never_reaches_the_page(pipeline: Pipeline, customer: str) -> None:
    """Headers are part of the state; Reflex leaves the cookie out of what it sends."""
    await pipeline.send("reflex___state____state.hydrate_and_load", session=customer)
    await pipeline.send(SessionState.load_customer(), session=customer)
    assert "Ada" in pipeline.said()
    assert customer not in pipeline.said()
