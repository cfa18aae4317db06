"""Passwords: argon2id hashes, made and checked off the event loop."""

import asyncio
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""argon2id as the OWASP Password Storage Cheat Sheet gives it: 19 MiB, two passes, one lane."""


def hash_password(password: str) -> str:
    """Return the hash to store. Takes tens of milliseconds of processor time."""
    return _HASHER.hash(password)


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
