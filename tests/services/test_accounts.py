"""Logging in, being recognised, and logging out."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from payments_app.db.models import Account, LoginSession, User
from payments_app.domain.errors import TooManyAttempts
from payments_app.services import accounts, passwords
from payments_app.services.accounts import identify, log_in, log_out
from payments_app.services.context import Portal
from tests.support.clock import Clock
from tests.support.factories import make_account, make_user

EMAIL, PASSWORD, ADDRESS = "ada@example.com", "correct horse", "192.0.2.1"


@pytest.fixture
async def account(portal: Portal) -> Account:
    return await make_account(portal.db, name="Analytical Engines", home_currency="GBP")


@pytest.fixture
async def user(portal: Portal, account: Account) -> User:
    stored = passwords.hash_password(PASSWORD)
    return await make_user(
        portal.db, account, email=EMAIL, password_hash=stored, time_zone="Europe/London"
    )


async def attempt(portal: Portal, password: str = PASSWORD, **values: str) -> str | None:
    asked = {"email": EMAIL, "address": ADDRESS, "user_agent": "test"} | values
    return await log_in(portal, password=password, **asked)


async def logged_in(portal: Portal) -> str:
    token = await attempt(portal)
    assert token is not None
    return token


async def sessions(portal: Portal) -> list[LoginSession]:
    async with portal.db.read() as session:
        return list((await session.execute(select(LoginSession))).scalars())


async def disable(portal: Portal, row: User | Account) -> None:
    async with portal.db.write() as session:
        row.disabled_at = portal.clock()
        await session.merge(row)


async def test_the_right_password_starts_a_session(
    portal: Portal, user: User, account: Account
) -> None:
    who = await identify(portal, await logged_in(portal))
    assert who is not None
    assert (who.user_id, who.account_id) == (user.id, account.id)
    assert (who.account_name, who.home_currency) == ("Analytical Engines", "GBP")
    assert (who.email, who.time_zone, who.is_staff) == (EMAIL, "Europe/London", False)


async def test_staff_have_no_account(portal: Portal) -> None:
    await make_user(portal.db, email=EMAIL, password_hash=passwords.hash_password(PASSWORD))
    who = await identify(portal, await logged_in(portal))
    assert who is not None
    assert who.is_staff
    assert who.account_id is None


@pytest.mark.usefixtures("user")
async def test_case_and_blanks_around_an_email_do_not_matter(portal: Portal) -> None:
    assert await attempt(portal, email="  Ada@Example.COM ")


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("password", ["", "Correct horse", "correct horse ", "x" * 9000])
async def test_a_wrong_password_starts_nothing(portal: Portal, password: str) -> None:
    assert await attempt(portal, password) is None
    assert await sessions(portal) == []


async def test_an_unknown_user_costs_the_same_work_and_looks_the_same(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = PasswordHasher.verify

    def spy(self: PasswordHasher, stored: str, password: str) -> bool:
        checked.append(stored.rpartition("$")[0].rpartition("$")[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", spy)
    await make_user(portal.db, email=EMAIL, password_hash=passwords.hash_password(PASSWORD))
    assert await attempt(portal, "wrong") is None
    assert await attempt(portal, email="nobody@example.com") is None
    assert len(checked) == 2
    assert len(set(checked)) == 1  # the same algorithm with the same parameters


async def test_a_disabled_user_or_account_cannot_log_in(
    portal: Portal, user: User, account: Account
) -> None:
    await disable(portal, account)
    assert await attempt(portal) is None
    other = await make_user(
        portal.db, email="o@example.com", password_hash=passwords.hash_password(PASSWORD)
    )
    await disable(portal, other)
    assert await attempt(portal, email="o@example.com") is None


@pytest.mark.usefixtures("user")
async def test_only_the_hash_of_a_token_is_stored(portal: Portal) -> None:
    token = await logged_in(portal)
    assert len(token) >= 43  # 32 random bytes
    (row,) = await sessions(portal)
    assert len(row.token_hash) == 32
    assert token.encode() not in row.token_hash
    assert await logged_in(portal) != token


async def test_a_hash_with_other_parameters_is_renewed_at_login(portal: Portal) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    user = await make_user(portal.db, email=EMAIL, password_hash=old)
    assert await attempt(portal, "wrong") is None
    assert await attempt(portal)
    async with portal.db.read() as session:
        stored = (await session.get_one(User, user.id)).password_hash
    assert stored != old
    assert not passwords.needs_rehash(stored)
    assert await attempt(portal)


@pytest.mark.parametrize("token", ["", "nonsense", "\ud800", "\N{SNOWMAN}"])
async def test_an_unknown_token_is_nobody(portal: Portal, token: str) -> None:
    assert await identify(portal, token) is None


@pytest.mark.usefixtures("user")
async def test_an_idle_session_ends(portal: Portal, clock: Clock) -> None:
    token = await logged_in(portal)
    clock.forward(seconds=portal.settings.session_idle_seconds - 1)
    assert await identify(portal, token)
    clock.forward(seconds=portal.settings.session_idle_seconds)
    assert await identify(portal, token) is None


@pytest.mark.usefixtures("user")
async def test_looking_without_acting_does_not_keep_a_session(portal: Portal, clock: Clock) -> None:
    token = await logged_in(portal)
    clock.forward(seconds=portal.settings.session_idle_seconds - 1)
    assert await identify(portal, token, active=False)
    clock.forward(seconds=1)
    assert await identify(portal, token) is None


@pytest.mark.usefixtures("user")
async def test_a_session_in_use_ends_at_its_absolute_end(portal: Portal, clock: Clock) -> None:
    token = await logged_in(portal)
    for _ in range(14 * 24):
        assert await identify(portal, token)
        clock.forward(hours=1)
    assert await identify(portal, token) is None


@pytest.mark.usefixtures("user")
async def test_last_seen_is_written_at_most_once_a_minute(portal: Portal, clock: Clock) -> None:
    token = await logged_in(portal)
    start = clock.now
    clock.forward(seconds=59)
    await identify(portal, token)
    assert (await sessions(portal))[0].last_seen_at == start
    clock.forward(seconds=1)
    await identify(portal, token)
    assert (await sessions(portal))[0].last_seen_at == start + timedelta(minutes=1)


async def test_a_session_ends_when_its_user_or_account_is_disabled(
    portal: Portal, user: User, account: Account
) -> None:
    token = await logged_in(portal)
    await disable(portal, account)
    assert await identify(portal, token) is None
    staff = await make_user(
        portal.db, email="s@example.com", password_hash=passwords.hash_password(PASSWORD)
    )
    other = await attempt(portal, email="s@example.com")
    assert other
    await disable(portal, staff)
    assert await identify(portal, other) is None


@pytest.mark.usefixtures("user")
async def test_logging_out_ends_only_that_session(portal: Portal) -> None:
    first, second = await logged_in(portal), await logged_in(portal)
    await log_out(portal, first)
    await log_out(portal, "unknown")
    assert await identify(portal, first) is None
    assert await identify(portal, second)


@pytest.mark.usefixtures("user")
async def test_guessing_a_password_gets_slower(portal: Portal, clock: Clock) -> None:
    for _ in range(5):
        assert await attempt(portal, "wrong") is None
    waits = []
    for _ in range(8):
        with pytest.raises(TooManyAttempts) as refused:
            await attempt(portal)  # even the right password has to wait
        waits.append(refused.value.retry_after)
        clock.forward(seconds=refused.value.retry_after)
        assert await attempt(portal, "wrong", address=f"192.0.2.{len(waits)}") is None
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    clock.forward(seconds=60)
    assert await attempt(portal)
    assert await attempt(portal, "wrong") is None  # the count starts anew


async def test_guessing_from_one_address_gets_slower(portal: Portal) -> None:
    for number in range(20):
        assert await attempt(portal, email=f"user{number}@example.com") is None
    with pytest.raises(TooManyAttempts):
        await attempt(portal, email="one.more@example.com")
    assert await attempt(portal, email="one.more@example.com", address="192.0.2.9") is None


@pytest.mark.usefixtures("user")
async def test_logins_that_succeed_do_not_slow_an_address_down(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def right(_stored: str | None, _password: str) -> bool:
        return True

    monkeypatch.setattr(accounts, "verify_password", right)
    for _ in range(30):
        assert await attempt(portal)


@pytest.mark.usefixtures("user")
async def test_failures_are_forgotten_after_an_hour(portal: Portal, clock: Clock) -> None:
    for _ in range(4):
        await attempt(portal, "wrong")
    clock.forward(hours=1)
    for _ in range(5):
        assert await attempt(portal, "wrong") is None
    with pytest.raises(TooManyAttempts):
        await attempt(portal, "wrong")


@pytest.mark.usefixtures("user")
async def test_neither_password_nor_token_nor_email_is_logged(
    portal: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await logged_in(portal)
    await attempt(portal, "secret guess")
    logged = capsys.readouterr().out
    assert "login_failed" in logged
    for secret in (token, PASSWORD, "secret guess", EMAIL):
        assert secret not in logged
