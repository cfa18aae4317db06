"""How often one login session, and one address, may ask for what costs the portal something.

Counts are kept for the running minute, in Redis when workers share one, else in this process. They
guard against floods; what guards passwords is ``throttle``.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from payments_app.domain.errors import TooManyAttempts

if TYPE_CHECKING:
    from payments_app.services.context import Portal

log = structlog.get_logger()

_WINDOW_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a minute; of an address more, since an office shares one."""

    name: str
    per_session: int
    per_address: int


PAYMENTS: Final = Rate("payments", 12, 120)
LOOK_UPS: Final = Rate("look-ups", 30, 300)
DOWNLOADS: Final = Rate("downloads", 20, 200)
REQUESTS: Final = Rate("requests", 300, 3000)
SOCKETS: Final = Rate("sockets", 120, 600)
"""Connections opened, not held."""


class Rates:
    """Counts by key and minute, of this process."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts: Counter[str] = Counter()

    async def count(self, key: str, minute: int, uses: int = 1) -> int:
        """Count uses of this minute and return how many there have been."""
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()
        self._counts[key] += uses
        return self._counts[key]

    async def close(self) -> None:
        """Close the connection, where there is one."""


class SharedRates(Rates):
    """Counts that all processes at one Redis share; while it is away, each counts for itself."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = Redis.from_url(
            url, socket_connect_timeout=_ANSWER_SECONDS, socket_timeout=_ANSWER_SECONDS
        )

    async def count(self, key: str, minute: int, uses: int = 1) -> int:
        """Count uses of this minute and return how many there have been in all processes."""
        name = f"portal:rate:{minute}:{key}"
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incrby(name, uses)
                pipeline.expire(name, 2 * _WINDOW_SECONDS)
                counted, _ = await pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("rates_not_shared", cause=type(error).__name__)
            return await super().count(key, minute, uses)
        return int(counted)

    async def close(self) -> None:
        """Close the connection to Redis."""
        await self._redis.aclose()


async def spend(portal: "Portal", rate: Rate, session_id: int | None, address: str) -> None:
    """Count one use; raises TooManyAttempts when the session's or the address's are used up.

    ``session_id`` is None for nobody, ``address`` empty where none is known.
    """
    wait = await _count(portal, rate, session_id, address, uses=1)
    if wait:
        log.info("rate_exceeded", rate=rate.name, session=session_id)
        raise TooManyAttempts(wait)


async def wait_for(portal: "Portal", rate: Rate, session_id: int | None, address: str) -> int:
    """Return the seconds until the next use is free, 0 for now; counts nothing."""
    return await _count(portal, rate, session_id, address, uses=0)


async def _count(
    portal: "Portal", rate: Rate, session_id: int | None, address: str, *, uses: int
) -> int:
    minute, second = divmod(int(portal.clock().timestamp()), _WINDOW_SECONDS)
    used_up = False
    for kind, value, most in (
        ("session", session_id, rate.per_session),
        ("address", address or None, rate.per_address),
    ):
        if value is not None:
            counted = await portal.rates.count(f"{rate.name}:{kind}:{value}", minute, uses)
            used_up = used_up or counted + 1 - uses > most
    return _WINDOW_SECONDS - second if used_up else 0
