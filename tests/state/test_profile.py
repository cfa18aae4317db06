"""The user's own page, over the whole event pipeline."""

from dataclasses import replace

import pyotp
import pytest

from payments_app.db.models import User
from payments_app.services import context, sessions
from payments_app.services.accounts import identify
from payments_app.services.context import Portal
from payments_app.settings import Settings
from payments_app.state.profile import ProfileState
from payments_app.state.session import SessionState
from tests.support.clock import Clock
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password, log_in_as
from tests.support.pipeline import Pipeline

OLD, NEW = "correct horse", "an engine of brass"


@pytest.fixture
async def user(portal: Portal) -> User:
    account = await make_account(portal.db)
    return await make_user(portal.db, account, password_hash=hash_password(OLD))


async def test_other_sessions_are_shown_and_ended(
    portal: Portal, pipeline: Pipeline, user: User
) -> None:
    here, there, further = [await log_in_as(portal, user) for _ in range(3)]
    await pipeline.send(ProfileState.load(), session=here)
    first, second, _ = (await pipeline.state(ProfileState)).sessions
    assert (first.is_this, second.is_this) == (True, False)
    await pipeline.send(ProfileState.sign_out(second.id), session=here)
    assert len((await pipeline.state(ProfileState)).sessions) == 2
    await pipeline.send(ProfileState.sign_out_elsewhere(), session=here)
    assert [await identify(portal, token) for token in (there, further)] == [None, None]
    assert await identify(portal, here)


async def test_an_ended_sessions_tab_leaves_its_page(
    portal: Portal, pipeline: Pipeline, user: User
) -> None:
    here, there = await log_in_as(portal, user), await log_in_as(portal, user)
    await pipeline.send(SessionState.load_customer(), session=there, token="far", path="/?a=1")
    who = await identify(portal, here)
    assert who is not None
    await sessions.sign_out_elsewhere(portal, who, "")
    await pipeline.push(SessionState.session_changed(), token="far")
    assert pipeline.redirects() == ["/login?next=/%3Fa%3D1"]
    assert (await pipeline.state(SessionState, "far")).user_name == ""


@pytest.mark.parametrize(
    ("present", "password", "again", "field"),
    [
        ("wrong", NEW, NEW, "present"),
        (OLD, "short", "short", "password"),
        (OLD, NEW, NEW + "x", "again"),
    ],
)
async def test_a_wrong_entry_is_complained_about_beside_it(
    portal: Portal,
    pipeline: Pipeline,
    user: User,
    present: str,
    password: str,
    again: str,
    field: str,
) -> None:
    here = await log_in_as(portal, user)
    form = {"present": present, "password": password, "again": again}
    await pipeline.send(ProfileState.change_password(form), session=here)
    state = await pipeline.state(ProfileState)
    assert (set(state.errors), state.notice) == ({field}, "")


async def test_the_password_is_changed_and_never_comes_back_to_the_page(
    portal: Portal, pipeline: Pipeline, user: User
) -> None:
    here = await log_in_as(portal, user)
    form = {"present": OLD, "password": NEW, "again": NEW}
    await pipeline.send(ProfileState.change_password(form), session=here)
    state = await pipeline.state(ProfileState)
    assert (state.errors, bool(state.notice)) == ({}, True)
    assert NEW not in pipeline.said()


async def test_two_factor_is_set_up_and_turned_off(
    portal: Portal, pipeline: Pipeline, user: User, clock: Clock
) -> None:
    here = await log_in_as(portal, user)
    await pipeline.send(ProfileState.load(), session=here)
    await pipeline.send(ProfileState.set_factor_up(), session=here)
    state = await pipeline.state(ProfileState)
    secret = state.secret
    assert state.picture.startswith("data:image/svg+xml")
    code = pyotp.TOTP(secret).at(clock.now)
    for form, wrong in (
        ({"confirm": OLD, "code": "000000"}, "code"),
        ({"confirm": "guessed", "code": code}, "confirm"),
    ):
        await pipeline.send(ProfileState.turn_factor_on(form), session=here)
        assert set((await pipeline.state(ProfileState)).errors) == {wrong}
    form = {"confirm": OLD, "code": code}
    await pipeline.send(ProfileState.turn_factor_on(form), session=here)
    assert OLD not in pipeline.said()
    state = await pipeline.state(ProfileState)
    assert (state.factor_on, len(state.codes), state.secret) == (True, 10, "")
    kept = state.codes[0]
    await pipeline.send(ProfileState.load(), session=here)
    assert (await pipeline.state(ProfileState)).codes == [], "shown once"
    await pipeline.send(ProfileState.turn_factor_off({"code": kept}), session=here)
    assert not (await pipeline.state(ProfileState)).factor_on


async def test_staff_without_a_needed_second_factor_are_led_to_set_it_up(
    portal: Portal, pipeline: Pipeline, settings: Settings
) -> None:
    context.install(
        replace(portal, settings=settings.model_copy(update={"staff_two_factor": True}))
    )
    staff = await log_in_as(portal, await make_user(portal.db))
    await pipeline.send(SessionState.load_staff(), session=staff, path="/staff")
    assert pipeline.redirects() == ["/profile"]
    await pipeline.send(SessionState.load_user(), session=staff, path="/profile")
    assert (await pipeline.state(SessionState)).lacks_second_factor
    await pipeline.send(ProfileState.set_factor_up(), session=staff, path="/profile")
    assert (await pipeline.state(ProfileState)).secret
