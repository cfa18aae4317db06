"""Passwords: argon2id hashes, made and checked off the event loop."""

import asyncio
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from payments_app.domain.errors import InvalidRequest

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""argon2id as the OWASP Password Storage Cheat Sheet gives it: 19 MiB, two passes, one lane."""

SHORTEST: Final = 10
LONGEST: Final = 128
_FEWEST_GUESSES: Final = 10**8
_LOOKED_AT: Final = 64

NOBODYS: Final = "!"
"""Stored for a user who has not chosen a password yet: nothing fits it."""


def hash_password(password: str) -> str:
    """Return the hash to store. Takes tens of milliseconds of processor time."""
    return _HASHER.hash(password)


def check_new_password(password: str, known: tuple[str, ...] = ()) -> None:
    """Raise InvalidRequest (``too_short``, ``too_long``, ``too_common``) for a poor new password.

    Too common is what takes few guesses by zxcvbn's lists of common passwords, names and words, and
    by what is ``known`` of the user, such as the e-mail address.
    """
    if len(password) < SHORTEST:
        raise InvalidRequest("password", "too_short", least=SHORTEST)
    if len(password) > LONGEST:
        raise InvalidRequest("password", "too_long", most=LONGEST)
    from zxcvbn import zxcvbn  # Its lists take their time, which the start does not wait for.

    # Its time grows with the square of the length; what is long enough needs no more to be good.
    found = zxcvbn(password[:_LOOKED_AT], user_inputs=[*known])  # type: ignore[no-untyped-call]
    if found["guesses"] < _FEWEST_GUESSES:
        raise InvalidRequest("password", "too_common")


async def verify_password(stored: str | None, password: str) -> bool:
    """Tell whether ``password`` is the one behind ``stored``; None costs the same and is False."""
    return await asyncio.to_thread(_verify, stored, password)


def needs_rehash(stored: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def _verify(stored: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(stored or _nobodys_hash(), password) and stored is not None
    except (InvalidHashError, VerificationError):
        return False


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe())
