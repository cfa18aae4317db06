"""Links by e-mail and passwords that are chosen."""

from typing import Any

import pytest
from sqlalchemy import select

from payments_app.db.access_models import EmailLink, Purpose
from payments_app.db.mail_models import Mail
from payments_app.db.models import User
from payments_app.domain.errors import InvalidRequest, NotFound, TooManyAttempts
from payments_app.services import credentials
from payments_app.services.accounts import identify, log_in
from payments_app.services.context import Portal
from payments_app.services.passwords import check_new_password
from tests.support.clock import Clock
from tests.support.factories import identity_of, make_account, make_user
from tests.support.logins import hash_password, log_in_as

EMAIL, OLD, NEW = "ada@example.com", "correct horse", "an engine of brass"


@pytest.fixture
async def user(portal: Portal) -> User:
    account = await make_account(portal.db)
    return await make_user(portal.db, account, email=EMAIL, password_hash=hash_password(OLD))


async def sent(portal: Portal) -> list[str]:
    """Read the links in the outbox."""
    async with portal.db.read() as session:
        rows = (await session.execute(select(Mail).order_by(Mail.id))).scalars()
        return [row.data["link"] for row in rows]


async def reset_token(portal: Portal) -> str:
    await credentials.request_reset(portal, EMAIL, "192.0.2.1")
    link = (await sent(portal))[-1]
    assert link.startswith("http://portal.test/reset/")
    return link.rpartition("/")[2]


async def logs_in(portal: Portal, password: str) -> bool:
    return await log_in(portal, EMAIL, password, "192.0.2.9", "test") is not None


async def choose(portal: Portal, token: str, **values: Any) -> None:
    asked = {"purpose": Purpose.RESET, "password": NEW, "address": ""} | values
    await credentials.choose_password(portal, token, **asked)


async def test_a_forgotten_password_is_replaced_by_the_link(portal: Portal, user: User) -> None:
    session = await log_in_as(portal, user)
    token = await reset_token(portal)
    invited = await credentials.holder_of(portal, token, Purpose.RESET)
    assert invited is not None
    assert invited.email == EMAIL
    await choose(portal, token)
    assert await identify(portal, session) is None, "every session ends"
    assert not await logs_in(portal, OLD)
    assert await logs_in(portal, NEW)


@pytest.mark.usefixtures("user")
async def test_a_link_opens_once_and_takes_earlier_ones_with_it(portal: Portal) -> None:
    first, second = await reset_token(portal), await reset_token(portal)
    await choose(portal, second)
    for token in (first, second, "", "nonsense", "\ud800"):
        assert await credentials.holder_of(portal, token, Purpose.RESET) is None
        with pytest.raises(NotFound):
            await choose(portal, token)


@pytest.mark.usefixtures("user")
async def test_a_link_expires_and_is_good_for_its_own_purpose_only(
    portal: Portal, clock: Clock
) -> None:
    token = await reset_token(portal)
    assert await credentials.holder_of(portal, token, Purpose.INVITATION) is None
    clock.forward(minutes=30)
    assert await credentials.holder_of(portal, token, Purpose.RESET) is None


@pytest.mark.usefixtures("user")
async def test_only_the_hash_of_a_link_is_stored(portal: Portal) -> None:
    token = await reset_token(portal)
    async with portal.db.read() as session:
        (row,) = (await session.execute(select(EmailLink))).scalars()
    assert len(row.token_hash) == 32
    assert token.encode() not in row.token_hash


async def test_unknown_and_disabled_users_get_no_link_and_look_the_same(
    portal: Portal, user: User
) -> None:
    async with portal.db.write() as session:
        user.disabled_at = portal.clock()
        await session.merge(user)
    await credentials.request_reset(portal, EMAIL, "192.0.2.1")
    await credentials.request_reset(portal, "nobody@example.com", "192.0.2.1")
    assert await sent(portal) == []


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
@pytest.mark.usefixtures("user")
async def test_asking_for_links_is_braked_alike_for_everyone(portal: Portal, email: str) -> None:
    for _ in range(3):
        await credentials.request_reset(portal, email, "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        await credentials.request_reset(portal, email, "192.0.2.2")


@pytest.mark.usefixtures("user")
async def test_a_poor_password_leaves_the_link_usable(portal: Portal) -> None:
    token = await reset_token(portal)
    with pytest.raises(InvalidRequest):
        await choose(portal, token, password="password12345")
    await choose(portal, token)


async def test_the_own_password_is_changed_and_other_sessions_end(
    portal: Portal, user: User
) -> None:
    here, there = await log_in_as(portal, user), await log_in_as(portal, user)
    who = await identify(portal, here)
    assert who is not None
    with pytest.raises(InvalidRequest) as refused:
        await credentials.change_password(portal, who, "wrong", NEW, "")
    assert (refused.value.field, refused.value.code) == ("present", "wrong")
    await credentials.change_password(portal, who, OLD, NEW, "")
    assert await identify(portal, here)
    assert await identify(portal, there) is None
    assert await logs_in(portal, NEW)


async def test_guessing_the_present_password_is_braked(portal: Portal, user: User) -> None:
    who = identity_of(user)
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            await credentials.change_password(portal, who, "wrong", NEW, "")
    with pytest.raises(TooManyAttempts):
        await credentials.change_password(portal, who, OLD, NEW, "")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "too_short"),
        ("x7!Qz-_4k", "too_short"),
        ("x" * 129, "too_long"),
        ("password12345", "too_common"),
        ("qwertyuiopas", "too_common"),
        ("aaaaaaaaaaaaaaaa", "too_common"),
        ("ada.lovelace1", "too_common"),
        ("Northwind2026", "too_common"),
    ],
)
def test_poor_passwords_are_refused(password: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_new_password(password, ("ada.lovelace@example.com", "ada.lovelace", "Northwind"))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "password", [NEW, "x7!Qz-_4kW", "\N{SNOWMAN}" * 3 + "snow in july", "é" * 2 + NEW]
)
def test_good_passwords_are_taken(password: str) -> None:
    check_new_password(password, (EMAIL,))
