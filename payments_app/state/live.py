"""Live updates: what is committed reaches the tabs that may see it, without a reload.

One listener per worker reads each change once. A tab is told which payments changed and takes them
from ``recent()``, after its own login session was checked as for every event.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import reflex as rx
import structlog
from reflex.event import Event
from sqlalchemy.exc import SQLAlchemyError

from payments_app.services import reports
from payments_app.services.context import Portal
from payments_app.services.live import Change
from payments_app.services.reports import Snapshot

log = structlog.get_logger()

_GATHER_SECONDS: Final = 0.05
_MOST_RECENT: Final = 500

Update = Callable[[list[int]], Any]
"""Makes the event that tells a tab which payments have changed."""

_watchers: dict[str, tuple[int | None, Update]] = {}
_recent: OrderedDict[int, Snapshot] = OrderedDict()


def watch(token: str, account_id: int | None, update: Update) -> None:
    """Send a tab the changes of an account from now on, as the event that ``update`` makes.

    None is for staff: the changes of all accounts. A tab has one watch; the next replaces it.
    """
    _watchers[token] = (account_id, update)


def recent(payment_id: int, account_id: int | None) -> Snapshot | None:
    """Return a payment that changed just now, if it is of that account; None is for staff."""
    found = _recent.get(payment_id)
    own = found is not None and account_id in (None, found.payment.account_id)
    return found if own else None


@asynccontextmanager
async def follow_changes(app: rx.App, portal: Portal) -> AsyncIterator[None]:
    """Push committed changes to this worker's tabs until the block ends."""
    changes: asyncio.Queue[Change] = asyncio.Queue()
    unsubscribe = portal.feed.subscribe(changes.put)
    task = asyncio.create_task(_follow(app, portal, changes))
    try:
        yield
    finally:
        unsubscribe()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        _watchers.clear()
        _recent.clear()


async def _follow(app: rx.App, portal: Portal, changes: asyncio.Queue[Change]) -> None:
    while True:
        first = await changes.get()
        # Changes come in flocks: created, settled, booked. One message tells them all.
        await asyncio.sleep(_GATHER_SECONDS)
        flock = {first.payment_id: first}
        while not changes.empty():
            change = changes.get_nowait()
            flock[change.payment_id] = change
        try:
            await _tell(app, portal, flock)
        except (SQLAlchemyError, RuntimeError):
            # The next change or reload shows what this one did not.
            log.exception("live_update_failed")


async def _tell(app: rx.App, portal: Portal, flock: dict[int, Change]) -> None:
    _forget_closed(app)
    watched = {account_id for account_id, _ in _watchers.values()}
    by_account: dict[int, list[int]] = {}
    for change in flock.values():
        if watched & {change.account_id, None}:
            _recent[change.payment_id] = await reports.snapshot(portal, change.payment_id)
            _recent.move_to_end(change.payment_id)
            by_account.setdefault(change.account_id, []).append(change.payment_id)
    while len(_recent) > _MOST_RECENT:
        _recent.popitem(last=False)
    for token, (account_id, update) in tuple(_watchers.items()):
        ids = list(flock) if account_id is None else by_account.get(account_id)
        if ids:
            event = Event.from_event_type(update(ids))[0]
            await app.event_processor.enqueue(token, event)


def _forget_closed(app: rx.App) -> None:
    connected = app.event_namespace.token_to_sid if app.event_namespace else {}
    for token in [token for token in _watchers if token not in connected]:
        del _watchers[token]
