"""Live updates: what is committed reaches the tabs that may see it, without a reload.

One listener per worker reads each change once. Lists of payments are sent the changed row itself
(``desks``); the staff's other pages are told which payments changed and take them from
``recent()``, after their own login session was checked as for every event.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final

import reflex as rx
import structlog
from reflex.event import Event
from sqlalchemy.exc import SQLAlchemyError

from payments_app.services import changes
from payments_app.services.changes import Snapshot
from payments_app.services.context import Portal
from payments_app.services.live import Change
from payments_app.state import desks

log = structlog.get_logger()

_GATHER_SECONDS: Final = 0.05
_LOOK_AROUND_SECONDS: Final = 1.0
_TALLY_SECONDS: Final = 0.5
_REST: Final = 20
"""After counting for one second nothing is counted for so many."""
_MOST_RECENT: Final = 500

Update = Callable[[list[int]], Any]
"""Makes the event that tells a tab which payments have changed."""

_watchers: dict[str, Update] = {}
_recent: OrderedDict[int, Snapshot] = OrderedDict()


def watch(token: str, update: Update) -> None:
    """Send a staff's tab the changes of all accounts from now on, as ``update`` makes them.

    A tab has one watch; the next replaces it.
    """
    _watchers[token] = update


def leave(token: str) -> None:
    """Send a tab nothing more: it leaves the page that showed the changes."""
    _watchers.pop(token, None)
    desks.close_desk(token)


def recent(payment_ids: Sequence[object]) -> list[Snapshot]:
    """Return those of the payments that changed just now; for staff alone."""
    return [_recent[one] for one in payment_ids if isinstance(one, int) and one in _recent]


@asynccontextmanager
async def follow_changes(app: rx.App, portal: Portal) -> AsyncIterator[None]:
    """Push committed changes to this worker's tabs until the block ends."""
    _forget_all()
    news: asyncio.Queue[Change] = asyncio.Queue()
    lists_changed = asyncio.Event()
    unsubscribe = portal.feed.subscribe(news.put)
    tasks = [
        asyncio.create_task(_follow(app, portal, news, lists_changed)),
        asyncio.create_task(_tally(app, portal, lists_changed)),
        asyncio.create_task(_look_around(app, portal, news)),
    ]
    try:
        yield
    finally:
        unsubscribe()
        for task in tasks:
            task.cancel()
        _forget_all()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(
    app: rx.App, portal: Portal, news: asyncio.Queue[Change], lists_changed: asyncio.Event
) -> None:
    while True:
        first = await news.get()
        flock = {first.payment_id: first}
        while not news.empty():
            change = news.get_nowait()
            flock[change.payment_id] = change
        try:
            if await _tell(app, portal, flock):
                lists_changed.set()
        except Exception:  # The next change or reload shows what this one did not.
            log.exception("live_update_failed")
        # The first change goes out at once; those on its heels (settled, booked) go together.
        await asyncio.sleep(_GATHER_SECONDS)


async def _tally(app: rx.App, portal: Portal, lists_changed: asyncio.Event) -> None:
    """Count the lists anew after changes, now and then: it reads more than the rows."""
    while True:
        await lists_changed.wait()
        await asyncio.sleep(_TALLY_SECONDS)
        lists_changed.clear()
        began = monotonic()
        try:
            await desks.tally(app, portal)
        except Exception:  # As above: no single list may end the counting of all others.
            log.exception("live_update_failed")
        await asyncio.sleep((monotonic() - began) * _REST)


async def _look_around(app: rx.App, portal: Portal, news: asyncio.Queue[Change]) -> None:
    """Take in what other processes changed, and whatever a feed has lost; forget closed tabs."""
    while True:
        with suppress(SQLAlchemyError):  # the database is away: look again from now on
            async with changes.tail_of(portal) as tail:
                while True:
                    await asyncio.sleep(_LOOK_AROUND_SECONDS)
                    _forget_closed(app)
                    for entry, change in await tail.changes():
                        known = _recent.get(change.payment_id)
                        if known is None or known.entry.last_entry < entry:
                            await news.put(change)
        await asyncio.sleep(_LOOK_AROUND_SECONDS)


async def _tell(app: rx.App, portal: Portal, flock: dict[int, Change]) -> bool:
    """Tell the tabs; return whether the figures of any list may not be right any more."""
    _forget_closed(app)
    shown = desks.accounts()
    everything = bool(_watchers) or None in shown
    wanted = {
        change.payment_id: change.account_id
        for change in flock.values()
        if everything or change.account_id in shown
    }
    if not wanted:
        return False
    sessions = desks.sessions(set(wanted.values()))
    reading = await changes.read(portal, wanted, accounts=shown, sessions=sessions)
    _remember(reading.snapshots)
    lists_changed = await desks.push(app, portal, reading)
    for token, update in tuple(_watchers.items()):
        event = Event.from_event_type(update(list(wanted)))[0]
        await app.event_processor.enqueue(token, event)
    return lists_changed


def _remember(snapshots: Sequence[Snapshot]) -> None:
    for snapshot in snapshots:
        _recent[snapshot.payment.key] = snapshot
        _recent.move_to_end(snapshot.payment.key)
    while len(_recent) > _MOST_RECENT:
        _recent.popitem(last=False)


def _forget_all() -> None:
    _watchers.clear()
    _recent.clear()
    desks.clear()


def _forget_closed(app: rx.App) -> None:
    connected = app.event_namespace.token_to_sid if app.event_namespace else {}
    for token in [token for token in _watchers if token not in connected]:
        del _watchers[token]
    desks.keep(connected)
