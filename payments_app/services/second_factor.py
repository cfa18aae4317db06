"""The second factor: a code that changes every 30 seconds (RFC 6238), or a recovery code."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyotp
import segno
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import accounts
from payments_app.db.models import User
from payments_app.domain.errors import InvalidRequest, NotAllowed
from payments_app.services import audit, throttle
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.credentials import confirm_password
from payments_app.services.identity import Identity
from payments_app.services.sealing import seal, unseal
from payments_app.services.throttle import Limit

_STEP_SECONDS: Final = 30
_CLOCK_DRIFT_STEPS: Final = 1
_RECOVERY_CODES: Final = 10
_RECOVERY_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY_LENGTH: Final = 16
# Whoever guesses codes knows the password already, or has the session.
_PER_CODE: Final = Limit(free=5, longest=timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs: the key to type, its QR code as an SVG data address, and the
    address that opens an app on the same device, which cannot scan its own screen."""

    secret: str
    picture: str
    address: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the second factor is on, and how many recovery codes are left."""

    on: bool
    codes_left: int


def enrol(portal: Portal, who: Identity) -> Enrolment:
    """Make a new key; nothing is stored before ``turn_on`` proves that the app has it."""
    secret = pyotp.random_base32()
    address = pyotp.TOTP(secret).provisioning_uri(
        name=who.email, issuer_name=portal.settings.portal_name
    )
    picture = segno.make_qr(address).svg_data_uri(scale=5, border=4, light="#fff")
    return Enrolment(secret, picture, address)


async def standing(portal: Portal, who: Identity) -> Standing:
    """Return how the user's own second factor stands."""
    async with portal.db.read() as session:
        user = await session.get_one(User, who.user_id)
        left = len(await accounts.unused_codes(session, who.user_id))
    return Standing(user.totp_since is not None, left)


async def turn_on(
    portal: Portal, who: Identity, password: str, secret: str, code: str, address: str
) -> tuple[str, ...]:
    """Ask for a code at each login from now on; returns the recovery codes, to be shown once.

    Raises InvalidRequest (field ``present``) for a wrong password, since who only has the session
    could else lock its owner out; (field ``code``) when ``code`` is not one of the new key, or when
    there is a second factor already: it is turned off first, which takes one of its codes. Raises
    TooManyAttempts.
    """
    who.require_acting()
    await confirm_password(portal, who, password)
    now = portal.clock()
    step = _matching_step(secret, code, now.timestamp(), after=None)
    if step is None:
        raise InvalidRequest("code", "wrong_code")
    codes = tuple(_new_recovery_code() for _ in range(_RECOVERY_CODES))
    async with portal.db.write() as session:
        user = await accounts.lock_user(session, who.user_id)
        if user.totp_since is not None:
            raise InvalidRequest("code", "already_on")
        user.totp_secret = seal(portal.settings, secret)
        user.totp_since, user.totp_step = now, step
        await accounts.replace_codes(session, who.user_id, [_hash(code) for code in codes])
        await audit.record(
            session, now, Actor.of(who, address), "second_factor_turned_on", who.subject
        )
    return codes


async def turn_off(portal: Portal, who: Identity, code: str, address: str) -> None:
    """Ask for no code any more.

    Raises InvalidRequest for a wrong one, TooManyAttempts, and NotAllowed where it is required.
    """
    who.require_acting()
    if who.is_staff and portal.settings.staff_two_factor:
        raise NotAllowed("staff need a second factor")
    await count_guess(portal, who.user_id)
    if not await accept(portal, who.user_id, code):
        raise InvalidRequest("code", "wrong_code")
    async with portal.db.write() as session:
        await throttle.forget(session, code_key(who.user_id))
        await remove(session, who.user_id)
        await audit.record(
            session,
            portal.clock(),
            Actor.of(who, address),
            "second_factor_turned_off",
            who.subject,
        )


async def remove(session: AsyncSession, user_id: int) -> None:
    """Forget a user's second factor and recovery codes."""
    user = await accounts.lock_user(session, user_id)
    user.totp_secret = user.totp_since = user.totp_step = None
    await accounts.replace_codes(session, user_id, [])


def code_key(user_id: int) -> str:
    """Return what a user's wrong codes are counted under."""
    return f"code {user_id}"


async def count_guess(portal: Portal, user_id: int) -> None:
    """Count a code as wrong before it is looked at; raises TooManyAttempts."""
    await throttle.count_attempt(portal, {code_key(user_id): _PER_CODE})


async def accept(portal: Portal, user_id: int, code: str) -> bool:
    """Take a code of the app or a recovery code, which never counts a second time."""
    code = code.strip().lower()
    now = portal.clock()
    async with portal.db.write() as session:
        user = await accounts.lock_user(session, user_id)
        if user.totp_secret is None:
            return False
        secret = unseal(portal.settings, user.totp_secret)
        step = _matching_step(secret, code.replace(" ", ""), now.timestamp(), user.totp_step)
        if step is not None:
            user.totp_step = step
            return True
        return await accounts.use_code(session, user_id, _hash(code), now)


def _matching_step(secret: str, code: str, seconds: float, after: int | None) -> int | None:
    """Return the time step that a code belongs to, unless one so late was used already."""
    present = int(seconds) // _STEP_SECONDS
    for step in range(present - _CLOCK_DRIFT_STEPS, present + _CLOCK_DRIFT_STEPS + 1):
        right = pyotp.TOTP(secret).generate_otp(step)
        if hmac.compare_digest(right.encode(), code.encode(errors="replace")):
            return step if after is None or step > after else None
    return None


def _new_recovery_code() -> str:
    letters = "".join(secrets.choice(_RECOVERY_LETTERS) for _ in range(_RECOVERY_LENGTH))
    return "-".join(letters[i : i + 4] for i in range(0, _RECOVERY_LENGTH, 4))


def _hash(code: str) -> bytes:
    # 79 random bits, so that a plain fast hash cannot be searched.
    return hashlib.sha256(code.replace("-", "").encode(errors="replace")).digest()
