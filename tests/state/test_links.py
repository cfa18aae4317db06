"""The pages behind links sent by e-mail."""

import pytest
from sqlalchemy import select

from payments_app.db.mail_models import Mail
from payments_app.domain.payment import Role
from payments_app.services import users
from payments_app.services.accounts import log_in
from payments_app.services.context import Portal
from payments_app.services.users import NewUser
from payments_app.state.links import ForgotState, LinkState
from tests.support.factories import identity_of, make_account, make_user
from tests.support.pipeline import Pipeline

NEW = "an engine of brass"


async def sent_path(portal: Portal) -> str:
    """Read the newest link in the outbox, without the host."""
    async with portal.db.read() as session:
        query = select(Mail).order_by(Mail.id.desc()).limit(1)  # type: ignore[union-attr]
        link: str = (await session.execute(query)).scalar_one().data["link"]
    return link.removeprefix("http://portal.test")


async def test_a_forgotten_password_is_chosen_anew(portal: Portal, pipeline: Pipeline) -> None:
    await make_user(portal.db, await make_account(portal.db), email="ada@example.com")
    await pipeline.send(ForgotState.request({"email": " Ada@example.com "}), path="/forgot")
    assert (await pipeline.state(ForgotState)).sent
    path = await sent_path(portal)
    await pipeline.send(LinkState.load_reset(), path=path)
    state = await pipeline.state(LinkState)
    assert (state.step, state.email) == ("form", "ada@example.com")
    await pipeline.send(LinkState.choose({"password": NEW, "again": "other"}), path=path)
    assert set((await pipeline.state(LinkState)).errors) == {"again"}
    await pipeline.send(LinkState.choose({"password": "short", "again": "short"}), path=path)
    assert set((await pipeline.state(LinkState)).errors) == {"password"}
    await pipeline.send(LinkState.choose({"password": NEW, "again": NEW}), path=path)
    assert (await pipeline.state(LinkState)).step == "done"
    assert await log_in(portal, "ada@example.com", NEW, "", "")
    await pipeline.send(LinkState.load_reset(), path=path)
    assert (await pipeline.state(LinkState)).step == "gone"


async def test_an_invited_user_sets_the_first_password(portal: Portal, pipeline: Pipeline) -> None:
    owner = identity_of(await make_user(portal.db))
    new = NewUser(name="Bo", email="bo@example.com")
    link = await users.add(portal, owner, new, Role.VIEWER, None, "")
    path = link.removeprefix("http://portal.test")
    await pipeline.send(LinkState.load_reset(), path=path)
    assert (await pipeline.state(LinkState)).step == "gone", "an invitation resets nothing"
    await pipeline.send(LinkState.load_invitation(), path=path)
    await pipeline.send(LinkState.choose({"password": NEW, "again": NEW}), path=path)
    assert (await pipeline.state(LinkState)).step == "done"
    assert await log_in(portal, "bo@example.com", NEW, "", "")


async def test_asking_tells_nothing_about_who_is_known(portal: Portal, pipeline: Pipeline) -> None:
    await pipeline.send(ForgotState.request({"email": "nobody@example.com"}), path="/forgot")
    state = await pipeline.state(ForgotState)
    assert (state.sent, state.fault) == (True, "")


@pytest.mark.parametrize("form", [{}, None, [], {"email": 5}, {"email": "x"}, {"email": "@" * 300}])
async def test_what_is_no_address_is_complained_about(pipeline: Pipeline, form: object) -> None:
    name = f"{ForgotState.get_full_name()}.request"
    await pipeline.send(name, path="/forgot", form=form)
    state = await pipeline.state(ForgotState)
    assert (state.sent, bool(state.fault)) == (False, True)


async def test_choosing_without_a_link_sets_nothing(pipeline: Pipeline) -> None:
    await pipeline.send(LinkState.choose({"password": NEW, "again": NEW}), path="/reset/nonsense")
    assert (await pipeline.state(LinkState)).step == "gone"
