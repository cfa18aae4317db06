"""Counts per hour, kept in this process only."""

from datetime import datetime


def hour_of(now: datetime) -> datetime:
    """Return when the hour began."""
    return now.replace(minute=0, second=0, microsecond=0)


class Tally:
    """Counts what happened to each name in the running hour; every hour starts at nothing."""

    def __init__(self) -> None:
        self._hour: datetime | None = None
        self._counts: dict[str, int] = {}

    def count(self, name: str, now: datetime) -> int:
        """Count one more and return how many there were in this hour."""
        hour = hour_of(now)
        if hour != self._hour:
            self._hour, self._counts = hour, {}
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]
