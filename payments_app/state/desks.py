"""The open lists of payments, customers' and staff's: each is sent only what changed in it.

What a tab shows is held by the tab. Here stands what it may and wants to see, so that a change is
read, matched and written once for all tabs alike and goes out as a few hundred bytes, without an
event that would take the tab's state and read its login session again.
"""

from collections import deque
from collections.abc import Container, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Protocol

import reflex as rx
from reflex.constants import SocketEvent
from reflex.state import StateUpdate
from reflex_base.constants.state import FIELD_MARKER

from payments_app.services.catalogues import speaking
from payments_app.services.changes import Reading, Snapshot
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

_MOST: Final = 20
"""So many changes go out in one message; of more at once, a tab reads its page anew."""
_AGAIN_SECONDS: Final = 0.25
"""A change this young goes along with the next: a browser may skip a message when two come at
once, and makes good for it with the second. What it still misses it asks for."""


class Showing(Protocol):
    """What a list shows, of which payments and in which words."""

    @property
    def who(self) -> Identity:
        """Who reads it."""

    @property
    def kind(self) -> Hashable:
        """What it depends on: lists of the same kind are sent the same."""

    def matches(self, snapshot: Snapshot) -> bool:
        """Tell whether the list has the payment, on any of its pages."""

    def row(self, portal: Portal, snapshot: Snapshot) -> Mapping[str, Any]:
        """Write the payment as a line of the list; ``kind`` but for the filter decides how."""

    def beside(self, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
        """Return what the patch says besides: it stands until the next patch or load."""

    async def figures(self, portal: Portal, first: int) -> Mapping[str, Any]:
        """Count what the tab's state says of the whole list; ``first`` as in ``Desk``."""


@dataclass(slots=True)
class Desk:
    """One tab's list. ``state`` is the state with the var ``patch``; ``turn`` counts its loads.

    Besides what matches, the tab is told of ``shown``, the payments that it may have on screen;
    None is for all that it may see. ``first`` is the number of the first on screen, from 1;
    ``told`` are the figures that it has, and ``stale`` says that they may not be right any more.
    """

    showing: Showing
    state: str
    turn: int
    shown: set[int] | None = None
    first: int = 1
    told: Mapping[str, Any] | None = None
    stale: bool = False
    sent: int = 0
    latest: deque[tuple[float, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=_MOST))

    @property
    def account_id(self) -> int | None:
        """Whose payments it shows; None is for staff: those of all accounts."""
        return self.showing.who.account_id


_desks: dict[str, Desk] = {}


def open_desk(token: str, desk: Desk) -> None:
    """Send this tab the changes of its list from now on; replaces the list it had."""
    _desks[token] = desk


def close_desk(token: str) -> None:
    """Send this tab nothing more."""
    _desks.pop(token, None)


def has_news(token: str) -> bool:
    """Tell whether this tab was sent any change since it read its page."""
    return token in _desks and _desks[token].sent > 0


def accounts() -> set[int | None]:
    """Return the accounts whose payments are on show, None among them for all accounts."""
    return {desk.account_id for desk in _desks.values()}


def sessions(changed: Container[int]) -> set[int]:
    """Return the login sessions of the lists that these accounts' payments may be sent to."""
    return {
        desk.showing.who.session_id
        for desk in _desks.values()
        if desk.account_id is None or desk.account_id in changed
    }


def keep(connected: Container[str]) -> None:
    """Forget the tabs that are closed."""
    for token in [token for token in _desks if token not in connected]:
        del _desks[token]


def clear() -> None:
    """Forget all tabs."""
    _desks.clear()


class _Writer:
    """Writes changed payments, once for all lists of a kind and rows once for all filters."""

    def __init__(self, portal: Portal, snapshots: Sequence[Snapshot]) -> None:
        self._portal = portal
        self._snapshots = snapshots
        self._rows: dict[Hashable, Mapping[str, Any]] = {}
        self._kinds: dict[Hashable, tuple[list[dict[str, Any]], dict[str, Any]]] = {}

    def changes(self, showing: Showing) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the rows, each with whether it matches, and what is sent beside them."""
        if showing.kind not in self._kinds:
            account = showing.who.account_id
            own = [s for s in self._snapshots if account in (None, s.payment.account_id)]
            with speaking(showing.who.locale):
                rows = [
                    {"match": showing.matches(one), "row": self._row(showing, one)} for one in own
                ]
                self._kinds[showing.kind] = rows, showing.beside(own) if own else {}
        return self._kinds[showing.kind]

    def _row(self, showing: Showing, snapshot: Snapshot) -> Mapping[str, Any]:
        who = showing.who
        key = (type(showing), snapshot.payment.key, who.locale, who.time_zone)
        if key not in self._rows:
            self._rows[key] = showing.row(self._portal, snapshot)
        return self._rows[key]


async def push(app: rx.App, portal: Portal, reading: Reading) -> bool:
    """Send each list the rows that changed in it; one whose login has ended is sent nothing.

    Tells whether the figures of any list may not be right any more.
    """
    changed = {snapshot.payment.account_id for snapshot in reading.snapshots}
    writer, mail, any_stale = _Writer(portal, reading.snapshots), _Mail(), False
    now = monotonic()
    for token, desk in tuple(_desks.items()):
        if desk.account_id is not None and desk.account_id not in changed:
            continue
        if not reading.entitles(desk.showing.who.session_id, desk.account_id):
            del _desks[token]
            continue
        any_stale = desk.stale = True
        rows, beside = writer.changes(desk.showing)
        fresh = [
            one
            for one in rows
            if one["match"] or desk.shown is None or one["row"]["id"] in desk.shown
        ]
        if fresh:
            young = _number(desk, fresh, now)
            patch = {"turn": desk.turn, "last": desk.sent, "changes": [one for _, one in young]}
            told = tuple((at, one["row"]["id"]) for at, one in young)
            kind = (desk.showing.kind, desk.turn, desk.sent, told)
            mail.add(kind, token, desk, {"patch": patch | beside})
    await mail.send(app)
    return any_stale


async def tally(app: rx.App, portal: Portal) -> None:
    """Send each list its figures anew where they may have changed, each kind counted once."""
    made: dict[Hashable, Mapping[str, Any]] = {}
    mail = _Mail()
    for token, desk in tuple(_desks.items()):
        kind = (desk.showing.kind, desk.first)
        if not desk.stale:
            continue
        desk.stale = False
        if kind not in made:
            with speaking(desk.showing.who.locale):
                made[kind] = await desk.showing.figures(portal, desk.first)
        # A list that was left or loaded anew while others were counted knows better.
        if made[kind] != desk.told and _desks.get(token) is desk:
            desk.told = made[kind]
            mail.add(kind, token, desk, made[kind])
    await mail.send(app)


def _number(
    desk: Desk, fresh: Sequence[Mapping[str, Any]], now: float
) -> list[tuple[float, dict[str, Any]]]:
    """Number the changes; return them with those just before, which a browser may have skipped."""
    for one in fresh:
        desk.sent += 1
        if desk.shown is not None:
            desk.shown.add(one["row"]["id"])
        desk.latest.append((now, {"n": desk.sent, **one}))
    return [(at, change) for at, change in desk.latest if now - at <= _AGAIN_SECONDS]


class _Mail:
    """Messages on their way, each written once however many tabs are sent it."""

    def __init__(self) -> None:
        self._messages: dict[Hashable, tuple[list[str], StateUpdate]] = {}

    def add(self, kind: Hashable, token: str, desk: Desk, values: Mapping[str, Any]) -> None:
        """Set vars of the tab's state in the browser; the server's own copy stays as it was read.

        Messages of the same kind are the same.
        """
        key = (desk.state, kind)
        if key not in self._messages:
            delta = {f"{name}{FIELD_MARKER}": value for name, value in values.items()}
            self._messages[key] = [], StateUpdate(delta={desk.state: delta})
        self._messages[key][0].append(token)

    async def send(self, app: rx.App) -> None:
        """Send what was added to the tabs that are still there."""
        if app.event_namespace is None:
            return
        sockets = app.event_namespace.token_to_sid
        for tokens, update in self._messages.values():
            there = [sockets[token] for token in tokens if token in sockets]
            if there:
                await app.event_namespace.emit(str(SocketEvent.EVENT), update, to=there)
