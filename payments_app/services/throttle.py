"""A brake on guessing: after some failures each further one makes the guesser wait longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_FORGET_AFTER: Final = timedelta(hours=1)
_MOST_KEYS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """``free`` failures cost nothing; then the wait doubles from one second up to ``longest``."""

    free: int
    longest: timedelta


@dataclass(slots=True)
class _Failures:
    count: int
    last: datetime


class Throttle:
    """Counts failures per key, in this process. All times are UTC."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def wait(self, key: str, limit: Limit, now: datetime) -> timedelta:
        """Return how long ``key`` has to wait before the next attempt; zero or less is now."""
        found = self._failures.get(key)
        if found is None or found.count < limit.free:
            return timedelta()
        doublings = min(found.count - limit.free, 20)
        return min(timedelta(seconds=2**doublings), limit.longest) - (now - found.last)

    def count(self, key: str, now: datetime) -> None:
        """Count one attempt as failed; count before trying, so that parallel guesses add up."""
        found = self._failures.pop(key, None)
        count = found.count + 1 if found and now - found.last < _FORGET_AFTER else 1
        # Put back at the end: the first key is always the one that failed longest ago.
        self._failures[key] = _Failures(count, now)
        if len(self._failures) > _MOST_KEYS:
            del self._failures[next(iter(self._failures))]

    def take_back(self, key: str) -> None:
        """Undo one count: the attempt succeeded."""
        if found := self._failures.get(key):
            found.count -= 1

    def forget(self, key: str) -> None:
        """Forget all failures of a key."""
        self._failures.pop(key, None)
