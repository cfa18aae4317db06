"""The rows about gateways: what owners set over them, and how they answered, by the minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.ledger import insert_into
from payments_app.db.operations_models import GatewayMinute, GatewayOverride

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """Calls, faults and milliseconds (added up) of a stretch of time."""

    calls: int = 0
    faults: int = 0
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """How one gateway answered lately, over all workers."""

    hour: Figures = Figures()
    day: Figures = Figures()
    last_success_at: datetime | None = None
    last_fault_at: datetime | None = None
    last_fault: str = ""


async def overrides(session: AsyncSession) -> dict[str, dict[str, Any]]:
    """Return what owners set, by gateway."""
    rows = (await session.execute(select(GatewayOverride))).scalars().all()
    return {row.gateway: row.chosen for row in rows}


async def set_override(
    session: AsyncSession, gateway: str, chosen: Mapping[str, Any], at: datetime, by: int
) -> dict[str, Any]:
    """Keep what an owner set; return what was set before."""
    row = await session.get(GatewayOverride, gateway, with_for_update=True)
    if row is None:
        session.add(GatewayOverride(gateway=gateway, chosen=dict(chosen), set_at=at, set_by=by))
        return {}
    before, row.chosen, row.set_at, row.set_by = row.chosen, dict(chosen), at, by
    return before


async def count_calls(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Add one worker's calls of one minute to what is there; ``values`` are the row's columns."""
    insert = insert_into(session, GatewayMinute).values(**values)
    new = insert.excluded
    await session.execute(
        insert.on_conflict_do_update(
            index_elements=["gateway", "minute"],
            set_={
                "calls": col(GatewayMinute.calls) + new.calls,
                "faults": col(GatewayMinute.faults) + new.faults,
                "milliseconds": col(GatewayMinute.milliseconds) + new.milliseconds,
                **{
                    name: func.coalesce(new[name], getattr(GatewayMinute, name))
                    for name in ("last_success_at", "last_fault_at", "last_fault")
                },
            },
        )
    )


async def forget_calls(session: AsyncSession, before: datetime) -> None:
    """Remove the rows of minutes before a moment."""
    await session.execute(delete(GatewayMinute).where(col(GatewayMinute.minute) < before))


async def records(session: AsyncSession, now: datetime) -> dict[str, Record]:
    """Return how each gateway answered in the last hour and the last day, to the minute."""
    lately = case((col(GatewayMinute.minute) > now - _HOUR, 1), else_=0)
    counters = (GatewayMinute.calls, GatewayMinute.faults, GatewayMinute.milliseconds)
    query = (
        select(
            col(GatewayMinute.gateway),
            *(func.coalesce(func.sum(col(counter) * lately), 0) for counter in counters),
            *(func.coalesce(func.sum(col(counter)), 0) for counter in counters),
            func.max(col(GatewayMinute.last_success_at)),
        )
        .where(col(GatewayMinute.minute) > now - _DAY)
        .group_by(col(GatewayMinute.gateway))
    )
    found = {}
    for gateway, *figures, last_success in (await session.execute(query)).all():
        hour, day = (Figures(*map(int, part)) for part in (figures[:3], figures[3:]))
        faults = await _last_fault(session, gateway)
        found[gateway] = Record(hour, day, last_success, *faults)
    return found


async def _last_fault(session: AsyncSession, gateway: str) -> tuple[datetime | None, str]:
    query = (
        select(col(GatewayMinute.last_fault_at), col(GatewayMinute.last_fault))
        .where(col(GatewayMinute.gateway) == gateway, col(GatewayMinute.last_fault_at).is_not(None))
        .order_by(col(GatewayMinute.minute).desc())
        .limit(1)
    )
    row: Sequence[Any] | None = (await session.execute(query)).one_or_none()
    return (row[0], row[1] or "") if row else (None, "")
