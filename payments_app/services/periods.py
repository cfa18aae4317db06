"""Named stretches of days to narrow a list to."""

from datetime import date, timedelta
from typing import Final

from payments_app.domain.languages import later

PERIODS: Final[dict[str, str]] = {
    "today": later("Today"),
    "7days": later("Last 7 days"),
    "30days": later("Last 30 days"),
    "month": later("This month"),
    "last_month": later("Last month"),
    "year": later("This year"),
}
"""Codes and labels, in the order to show."""


def days_of(period: str, today: date) -> tuple[date | None, date | None]:
    """Return the first and last day of a period, None where it is open."""
    month = today.replace(day=1)
    before_month = month - timedelta(days=1)
    starts = {
        "today": today,
        "7days": today - timedelta(days=6),
        "30days": today - timedelta(days=29),
        "month": month,
        "last_month": before_month.replace(day=1),
        "year": today.replace(month=1, day=1),
    }
    return starts.get(period), before_month if period == "last_month" else None
