"""A clock that tests move by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any


class Clock:
    """Returns ``now``, in UTC; ``forward(minutes=5)`` moves it."""

    def __init__(self, now: datetime = datetime(2026, 7, 1, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **step: Any) -> None:
        """Let time pass; takes what ``timedelta`` takes."""
        self.now += timedelta(**step)
