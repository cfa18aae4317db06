"""A time zone's offsets over a time, for databases that know no zones."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

Offsets = Sequence[tuple[datetime, timedelta]]
"""Since when (UTC) which offset from UTC holds, oldest first."""

_STEP: Final = timedelta(days=7)
_EXACT: Final = timedelta(seconds=1)


def offsets_between(zone: tzinfo, first: datetime, last: datetime) -> Offsets:
    """Return the offsets that a zone had from ``first`` to ``last`` (both UTC).

    Changes are found to the second, as long as they are more than a week apart.
    """
    found = [(first, _offset(zone, first))]
    moment = first
    while moment < last:
        following = min(moment + _STEP, last)
        if _offset(zone, following) != found[-1][1]:
            start = _change(zone, moment, following)
            found.append((start, _offset(zone, start)))
        moment = following
    return found


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """Return the second at which the offset becomes that of ``after``."""
    wanted = _offset(zone, after)
    while after - before > _EXACT:
        middle = before + (after - before) // 2
        if _offset(zone, middle) == wanted:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
