"""Ask every gateway for what was paid lately and is not in the books:
``python -m payments_app.cli.catch_up``. It may be repeated at any time."""

import asyncio
import sys
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlmodel import col

from payments_app import wiring
from payments_app.db.models import TimelineEntry
from payments_app.services.catch_up import CaughtUp, catch_up
from payments_app.services.context import Portal
from payments_app.settings import Settings

_LONGEST_LIFE: Final = timedelta(days=8)
"""Before the books end, payments may have begun that were paid afterwards."""
_CLOCK_MARGIN: Final = timedelta(hours=1)


async def end_of_books(portal: Portal) -> datetime:
    """Return when the last thing happened that the books know of, or now when they are empty."""
    async with portal.db.read() as session:
        last = (await session.execute(select(func.max(col(TimelineEntry.at))))).scalar_one()
    return last or portal.clock()


async def bring_up_to_date() -> int:
    """Catch up, say what was found, and return the exit code: 1 when a gateway was silent."""
    portal = wiring.build_portal(Settings())
    try:
        since = await end_of_books(portal) - _LONGEST_LIFE
        done = await catch_up(portal, since, portal.clock() + _CLOCK_MARGIN)
    finally:
        await portal.close()
    print("\n".join(_report(done)))
    return 1 if done.silent else 0


def _report(done: CaughtUp) -> list[str]:
    lines = [f"{len(done.added)} payments added, {len(done.changed)} changed."]
    lines += [f"No account for {reference}: book it by hand." for reference in done.unknown]
    if done.unlisted:
        lines.append(f"No list at: {', '.join(done.unlisted)}. Compare with their own pages.")
    if done.silent:
        lines.append(
            f"No answer from: {', '.join(done.silent)}."
            " Run python -m payments_app.cli.catch_up when they are back."
        )
    return lines


if __name__ == "__main__":
    sys.exit(asyncio.run(bring_up_to_date()))
