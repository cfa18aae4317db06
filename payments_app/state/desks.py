"""The staff's open lists of payments: each is sent only the rows that changed, and only its own.

What a tab shows is held by the tab. Here stands what it may and wants to see, so that a change is
read, matched and written once for all tabs alike and goes out as a few hundred bytes, without an
event that would take the tab's state and read its login session again.
"""

from collections import deque
from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import reflex as rx
from reflex.state import StateUpdate
from reflex_base.constants.state import FIELD_MARKER

from payments_app.db.payments import Count
from payments_app.db.staff_payments import StaffFilter
from payments_app.services import staff_payments
from payments_app.services.catalogues import speaking
from payments_app.services.changes import Reading
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

_REPEATED: Final = 2
"""How many changes a message carries at least: a browser may skip a message when two come at once,
and makes good for it with the next; what it still misses it asks for."""


@dataclass(slots=True)
class Desk:
    """One tab's list. ``state`` is the state with the var ``patch``; ``turn`` counts its loads.

    ``shown`` are the payments that the tab may have on screen, None while it still reads them;
    ``first`` is the number of the first, from 1; ``told`` is what it was told last of all of them.
    """

    who: Identity
    chosen: StaffFilter
    state: str
    turn: int
    shown: set[int] | None = None
    first: int = 1
    told: dict[str, Any] | None = None
    sent: int = 0
    latest: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REPEATED))


_desks: dict[str, Desk] = {}


def open_desk(token: str, desk: Desk) -> None:
    """Send this tab the changes of its list from now on; replaces the list it had."""
    _desks[token] = desk


def close_desk(token: str) -> None:
    """Send this tab nothing more."""
    _desks.pop(token, None)


def any_open() -> bool:
    """Tell whether any tab of this worker shows a list."""
    return bool(_desks)


def sessions() -> set[int]:
    """Return the login sessions that the open lists stand on."""
    return {desk.who.session_id for desk in _desks.values()}


def keep(connected: Container[str]) -> None:
    """Forget the tabs that are closed."""
    for token in [token for token in _desks if token not in connected]:
        del _desks[token]


def clear() -> None:
    """Forget all tabs."""
    _desks.clear()


async def push(app: rx.App, portal: Portal, reading: Reading) -> bool:
    """Send each list the rows that changed in it; one whose login has ended is sent nothing.

    Tells whether any list was sent something, so that its figures are not right any more.
    """
    any_sent = False
    rows: dict[tuple[int, str, str], Any] = {}
    matched: dict[tuple[int, StaffFilter], bool] = {}
    for token, desk in tuple(_desks.items()):
        if desk.who.session_id not in reading.sessions:
            del _desks[token]
            continue
        fresh = 0
        for snapshot in reading.snapshots:
            key, kind = snapshot.payment.key, (desk.who.locale, desk.who.time_zone)
            if (key, desk.chosen) not in matched:
                matched[key, desk.chosen] = desk.chosen.matches(snapshot.entry)
            gone = desk.shown is not None and key not in desk.shown
            if gone and not matched[key, desk.chosen]:
                continue
            if (key, *kind) not in rows:
                with speaking(desk.who.locale):
                    row = staff_payments.row_of(portal, snapshot.entry, *kind)
                rows[key, *kind] = staff_payments.as_sent(row)
            _note(desk, key, rows[key, *kind], matched[key, desk.chosen])
            fresh += 1
        if fresh:
            any_sent = True
            await _send(app, token, desk, fresh)
    return any_sent


async def tally(app: rx.App, portal: Portal) -> None:
    """Send each list its totals and its count anew, each kind of list counted once."""
    made: dict[tuple[StaffFilter, str], tuple[Any, Count]] = {}
    for token, desk in tuple(_desks.items()):
        kind = (desk.chosen, desk.who.locale)
        if kind not in made:
            figures = await staff_payments.totals(portal, desk.who, desk.chosen)
            count = await staff_payments.count(portal, desk.who, desk.chosen)
            made[kind] = ([asdict(figure) for figure in figures], count)
        figures_sent, count = made[kind]
        told = {
            f"figures{FIELD_MARKER}": figures_sent,
            f"range_text{FIELD_MARKER}": staff_payments.range_text(desk.who, desk.first, count),
        }
        # A list that was left or loaded anew while others were counted knows better.
        if told != desk.told and _desks.get(token) is desk:
            desk.told = told
            await _emit(app, token, StateUpdate(delta={desk.state: told}))


def _note(desk: Desk, key: int, row: Any, match: bool) -> None:
    desk.sent += 1
    if desk.shown is not None:
        desk.shown.add(key)
    desk.latest.append({"n": desk.sent, "match": match, "row": row})


async def _send(app: rx.App, token: str, desk: Desk, fresh: int) -> None:
    """Put the latest changes into the tab's var; many at once are left to the tab to read anew."""
    changes: Sequence[dict[str, Any]] = tuple(desk.latest) if fresh <= _REPEATED else ()
    patch = {"turn": desk.turn, "last": desk.sent, "changes": changes}
    await _emit(app, token, StateUpdate(delta={desk.state: {f"patch{FIELD_MARKER}": patch}}))


async def _emit(app: rx.App, token: str, update: StateUpdate) -> None:
    if app.event_namespace is not None:
        await app.event_namespace.emit_update(update, token)
