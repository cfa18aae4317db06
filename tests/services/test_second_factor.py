"""The second factor: codes of an app and recovery codes, each of which counts once."""

import base64
from contextlib import suppress
from dataclasses import replace

import pyotp
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from payments_app.db.models import User
from payments_app.domain.errors import InvalidRequest, NotAllowed, TooManyAttempts
from payments_app.domain.payment import Role
from payments_app.services import second_factor
from payments_app.services.accounts import CodeNeeded, identify, log_in
from payments_app.services.context import Portal
from payments_app.services.sealing import seal, unseal
from payments_app.settings import Settings
from tests.support.clock import Clock
from tests.support.factories import identity_of, make_user
from tests.support.logins import hash_password, log_in_as

EMAIL, PASSWORD = "ada@example.com", "correct horse"


@pytest.fixture
async def user(portal: Portal) -> User:
    return await make_user(portal.db, email=EMAIL, password_hash=hash_password(PASSWORD))


async def turn_on(portal: Portal, user: User) -> tuple[str, tuple[str, ...]]:
    """Set the second factor up; returns its key and the recovery codes."""
    who = identity_of(user)
    secret = second_factor.enrol(portal, who).secret
    code = pyotp.TOTP(secret).at(portal.clock())
    return secret, await second_factor.turn_on(portal, who, PASSWORD, secret, code, "")


async def attempt(portal: Portal, code: str = "") -> str | None:
    return await log_in(portal, EMAIL, PASSWORD, "192.0.2.1", "test", code)


async def test_a_login_needs_a_code_of_the_app(portal: Portal, user: User, clock: Clock) -> None:
    secret, _ = await turn_on(portal, user)
    clock.forward(minutes=1)
    with pytest.raises(CodeNeeded) as asked:
        await attempt(portal)
    assert not asked.value.wrong
    with pytest.raises(CodeNeeded) as refused:
        await attempt(portal, "000000")
    assert refused.value.wrong
    assert await attempt(portal, pyotp.TOTP(secret).at(clock.now))


async def test_the_same_code_never_counts_twice(portal: Portal, user: User, clock: Clock) -> None:
    secret, _ = await turn_on(portal, user)
    with pytest.raises(CodeNeeded):  # the code that turned it on is used up already
        await attempt(portal, pyotp.TOTP(secret).at(clock.now))
    clock.forward(seconds=30)
    code = pyotp.TOTP(secret).at(clock.now)
    assert await attempt(portal, code)
    with pytest.raises(CodeNeeded):
        await attempt(portal, code)


@pytest.mark.parametrize(("seconds", "taken"), [(-60, False), (-30, True), (30, True), (60, False)])
async def test_a_clock_may_differ_by_one_step(
    portal: Portal, user: User, clock: Clock, seconds: int, taken: bool
) -> None:
    secret, _ = await turn_on(portal, user)
    clock.forward(minutes=10)
    code = pyotp.TOTP(secret).at(int(clock.now.timestamp()) + seconds)
    assert await second_factor.accept(portal, user.key, code) is taken


async def test_a_recovery_code_lets_in_once(portal: Portal, user: User) -> None:
    _, codes = await turn_on(portal, user)
    assert len(set(codes)) == 10
    assert await attempt(portal, f" {codes[3].upper()} ")
    with pytest.raises(CodeNeeded):
        await attempt(portal, codes[3])
    assert (await second_factor.standing(portal, identity_of(user))).codes_left == 9


async def test_guessing_codes_gets_slower_whatever_address_is_used(
    portal: Portal, user: User, clock: Clock
) -> None:
    await turn_on(portal, user)
    waits = []
    for number in range(40):
        try:
            await log_in(portal, EMAIL, PASSWORD, f"192.0.2.{number}", "test", "000000")
        except CodeNeeded:
            continue
        except TooManyAttempts as refused:
            waits.append(refused.retry_after)
            clock.forward(seconds=refused.retry_after)
    assert max(waits) > 60, "longer than wrong passwords wait"


async def test_a_wrong_code_turns_nothing_on(portal: Portal, user: User) -> None:
    who = identity_of(user)
    with pytest.raises(InvalidRequest):
        await second_factor.turn_on(portal, who, PASSWORD, pyotp.random_base32(), "000000", "")
    assert not (await second_factor.standing(portal, who)).on


async def test_turning_on_takes_the_password(portal: Portal, user: User) -> None:
    who = identity_of(user)
    secret = second_factor.enrol(portal, who).secret
    code = pyotp.TOTP(secret).at(portal.clock())
    with pytest.raises(InvalidRequest) as refused:
        await second_factor.turn_on(portal, who, "guessed", secret, code, "")
    assert refused.value.field == "present"

    async def guess_on() -> None:
        while True:
            with suppress(InvalidRequest):
                await second_factor.turn_on(portal, who, "guessed", secret, code, "")

    with pytest.raises(TooManyAttempts):
        await guess_on()
    assert not (await second_factor.standing(portal, who)).on


async def test_turning_off_takes_a_code(portal: Portal, user: User, clock: Clock) -> None:
    secret, codes = await turn_on(portal, user)
    who = identity_of(user)
    clock.forward(minutes=1)
    with pytest.raises(InvalidRequest):
        await second_factor.turn_off(portal, who, "000000", "")
    await second_factor.turn_off(portal, who, pyotp.TOTP(secret).at(clock.now), "")
    assert await attempt(portal)
    assert not await second_factor.accept(portal, user.key, codes[0])


async def test_guessing_a_code_to_turn_it_off_is_braked(portal: Portal, user: User) -> None:
    """A stolen session must not get past the factor by trying all codes."""
    await turn_on(portal, user)
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            await second_factor.turn_off(portal, identity_of(user), "000000", "")
    with pytest.raises(TooManyAttempts):
        await second_factor.turn_off(portal, identity_of(user), "000000", "")


async def test_a_second_factor_is_not_replaced_without_a_code_of_it(
    portal: Portal, user: User, clock: Clock
) -> None:
    secret, _ = await turn_on(portal, user)
    with pytest.raises(InvalidRequest):
        await turn_on(portal, user)
    clock.forward(minutes=1)
    assert await second_factor.accept(portal, user.key, pyotp.TOTP(secret).at(clock.now))


async def test_where_staff_need_one_they_may_do_nothing_without(
    portal: Portal, user: User, settings: Settings
) -> None:
    strict = replace(portal, settings=settings.model_copy(update={"staff_two_factor": True}))
    token = await log_in_as(strict, user)
    who = await identify(strict, token)
    assert who is not None
    assert who.lacks_second_factor
    assert not who.may(Role.VIEWER)
    await turn_on(strict, user)
    who = await identify(strict, token)
    assert who is not None
    assert who.may(Role.OWNER)
    with pytest.raises(NotAllowed):
        await second_factor.turn_off(strict, who, "000000", "")


async def test_neither_key_nor_codes_are_stored_as_they_are(portal: Portal, user: User) -> None:
    secret, codes = await turn_on(portal, user)
    async with portal.db.read() as session:
        sealed = (await session.execute(text("select totp_secret from app_user"))).scalar_one()
        hashes = (await session.execute(text("select code_hash from recovery_code"))).scalars()
        stored = b"".join(bytes(one) for one in hashes)
    assert secret not in sealed
    assert not any(code.encode() in stored for code in codes)


def test_the_picture_holds_the_key_and_nothing_is_stored_before(portal: Portal) -> None:
    user = User(id=1, email=EMAIL, name="Ada", role=Role.OWNER)
    enrolment = second_factor.enrol(portal, identity_of(user))
    assert len(base64.b32decode(enrolment.secret)) == 20  # 160 bits, as RFC 4226 recommends
    assert enrolment.picture.startswith("data:image/svg+xml")
    assert pyotp.parse_uri(enrolment.address).secret == enrolment.secret


def test_keys_can_be_changed_with_an_overlap(settings: Settings) -> None:
    def keyed(keys: str) -> Settings:
        return settings.model_copy(update={"secret_keys": SecretStr(keys)})

    sealed = seal(keyed("old"), "secret")
    assert unseal(keyed("new, old"), sealed) == "secret"
    renewed = seal(keyed("new, old"), "secret")
    assert unseal(keyed("new"), renewed) == "secret"
