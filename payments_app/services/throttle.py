"""A brake on guessing: after some failures each further one makes the guesser wait longer.

Counts are in the database, so they hold across workers and restarts.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import failures
from payments_app.db.access_models import Failures
from payments_app.domain.errors import TooManyAttempts
from payments_app.services.context import Portal

_FORGET_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """``free`` failures cost nothing; then the wait doubles from one second up to ``longest``."""

    free: int
    longest: timedelta


async def count_attempt(portal: Portal, limits: Mapping[str, Limit]) -> None:
    """Count an attempt as failed for each key; count before trying, so parallel guesses add up.

    Raises TooManyAttempts, and counts nothing, while one of the keys has to wait.
    """
    now = portal.clock()
    hashed = {_hash(key): limit for key, limit in limits.items()}
    async with portal.db.write() as session:
        found = await failures.lock(session, sorted(hashed), now - _FORGET_AFTER)
        waits = [_wait(row, hashed[key], now) for key, row in found.items()]
        if waits and max(waits) > timedelta():
            raise TooManyAttempts(math.ceil(max(waits).total_seconds()))
        for key in sorted(hashed):
            await failures.add(session, key, now)


async def take_back(session: AsyncSession, key: str) -> None:
    """Undo one count: the attempt succeeded."""
    await failures.take_back(session, _hash(key))


async def forget(session: AsyncSession, key: str) -> None:
    """Forget all failures of a key."""
    await failures.forget(session, _hash(key))


def _wait(row: Failures, limit: Limit, now: datetime) -> timedelta:
    if row.count < limit.free:
        return timedelta()
    doublings = min(row.count - limit.free, 20)
    return min(timedelta(seconds=2**doublings), limit.longest) - (now - row.last_at)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()
