"""Views of the list of payments that staff save under a name, each for themselves.

Like the columns they are a habit of one user, so that viewers have them too and the audit log does
not tell of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.staff_models import SavedView
from payments_app.domain.errors import InvalidRequest, NotFound
from payments_app.domain.payment import Role
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.staff_view import StaffView

LONGEST_NAME: Final = 60
MOST: Final = 50
"""So many views one user may keep."""
_LONGEST_HIDDEN: Final = 200


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved view; ``query`` and ``hidden`` as the table of views has them."""

    id: int
    name: str
    query: str
    hidden: str


async def views(portal: Portal, who: Identity) -> tuple[Saved, ...]:
    """Return the user's own views, by name; raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        return tuple(map(_saved, await _own(session, who)))


async def save(portal: Portal, who: Identity, name: str, view: StaffView, hidden: str) -> Saved:
    """Save a view under a name; one of the same name is replaced.

    Raises NotAllowed, and InvalidRequest for no name, a long one, or too many views.
    """
    who.require(Role.VIEWER)
    kept = _checked(name)
    async with portal.db.write() as session:
        rows = await _own(session, who)
        row = next((row for row in rows if row.name == kept), None)
        if row is None:
            if len(rows) >= MOST:
                raise InvalidRequest("name", "too_many", limit=MOST)
            row = SavedView(user_id=who.user_id, name=kept, saved_at=portal.clock())
            session.add(row)
        row.query, row.hidden = view.query(), hidden[:_LONGEST_HIDDEN]
        row.saved_at = portal.clock()
        await session.flush()
        return _saved(row)


async def rename(portal: Portal, who: Identity, number: int, name: str) -> None:
    """Give a view another name.

    Raises NotAllowed, NotFound, and InvalidRequest for no name, a long one, or one that is taken.
    """
    who.require(Role.VIEWER)
    kept = _checked(name)
    async with portal.db.write() as session:
        row = await _find(session, who, number)
        if any(other.name == kept and other.id != number for other in await _own(session, who)):
            raise InvalidRequest("name", "taken")
        row.name = kept


async def delete(portal: Portal, who: Identity, number: int) -> None:
    """Forget a view; raises NotAllowed and NotFound."""
    who.require(Role.VIEWER)
    async with portal.db.write() as session:
        await session.delete(await _find(session, who, number))


def _checked(name: str) -> str:
    kept = " ".join(name.split())
    if not kept or "\x00" in kept:
        raise InvalidRequest("name", "required")
    if len(kept) > LONGEST_NAME:
        raise InvalidRequest("name", "too_long", limit=LONGEST_NAME)
    return kept


async def _own(session: AsyncSession, who: Identity) -> Sequence[SavedView]:
    query = select(SavedView).where(col(SavedView.user_id) == who.user_id)
    ordered = query.order_by(func.lower(col(SavedView.name)), col(SavedView.id))
    return (await session.execute(ordered)).scalars().all()


async def _find(session: AsyncSession, who: Identity, number: int) -> SavedView:
    row = await session.get(SavedView, number)
    if row is None or row.user_id != who.user_id:
        raise NotFound(f"view {number}")
    return row


def _saved(row: SavedView) -> Saved:
    return Saved(row.key, row.name, row.query, row.hidden)
