"""The staff's list of webhooks, whose filters and open sheet stand in the address."""

from typing import Any, Final

import reflex as rx
from pydantic import ValidationError

from payments_app.domain.errors import NotAllowed, NotFound
from payments_app.domain.languages import later
from payments_app.domain.payment import Role
from payments_app.services import arrivals, event_words, events
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.events import EventDetail, EventRow, EventView
from payments_app.services.identity import Identity
from payments_app.state.gate import finance_event, viewer_event
from payments_app.state.payments import ANY, Choice
from payments_app.state.session import SessionState
from payments_app.state.staff.paging import Paged
from payments_app.state.topics import watch_topic

EVENTS_PAGE: Final = "/staff/events"
_PARAMETER: Final = "event"
_REPLAYED: Final = later("Replayed. What it does shows here in a moment.")
_NOTHING: Final = later("There was nothing to replay.")


class EventsState(Paged, SessionState):
    """The list as it stands on one tab's screen; ``flashed`` are rows that just changed."""

    phase: str = "loading"
    rows: list[EventRow] = []
    unhandled: int = 0
    gateways: list[Choice] = []
    search_text: str = ""
    gateway: str = ANY
    chosen_state: str = ANY
    since: str = ""
    until: str = ""
    narrowed: bool = False
    form: int = 0
    flashed: list[int] = []
    flash_turn: int = 0
    can_act: bool = False
    sheet_open: bool = False
    found: bool = False
    detail: EventDetail | None = None
    asks_for_all: bool = False
    notice: str = ""

    _view: EventView = EventView()
    _opened: int = 0

    @viewer_event
    async def load(self) -> None:
        """Show what the address says: filters, list, and the sheet of one webhook."""
        who = await self._identity()
        if who is None:
            return
        parameters = self.router.url.query_parameters
        try:
            view = EventView.model_validate(dict(parameters))
        except ValidationError:
            view = EventView()
        if view != self._view:
            self._view, self._starts = view, [None]
        opened = parameters.get(_PARAMETER, "")
        self._opened = int(opened) if opened.isascii() and opened.isdigit() else 0
        self.sheet_open, self.notice, self.asks_for_all = bool(opened), "", False
        self.can_act = who.may(Role.FINANCE)
        watch_topic(self.router.session.client_token, arrivals.TOPIC, EventsState.events_changed)
        await self._show(who)
        self.flashed = []

    @viewer_event
    async def events_changed(self) -> None:
        """Read everything anew; the server sends this when a webhook came or was handled."""
        who = await self._identity()
        on_screen = self.router.url.path.rstrip("/") == EVENTS_PAGE
        if who is not None and on_screen and self.phase == "ready":
            before = {row.id: row for row in self.rows}
            await self._show(who)
            self.flashed = [row.id for row in self.rows if before.get(row.id) != row]
            self.flash_turn = 1 - self.flash_turn

    @viewer_event
    async def search(self, text: str) -> Any:
        """Narrow the list to one reference, the gateway's or ours, or one webhook's id."""
        return self._go(search=text)

    @viewer_event
    async def choose_gateway(self, gateway: str) -> Any:
        """Narrow the list to one gateway."""
        return self._go(gateway="" if gateway == ANY else gateway)

    @viewer_event
    async def choose_state(self, state: str) -> Any:
        """Narrow the list to what became of them."""
        return self._go(state=None if state == ANY else state)

    @viewer_event
    async def choose_since(self, day: str) -> Any:
        """Set the first day to show."""
        return self._go(since=day or None)

    @viewer_event
    async def choose_until(self, day: str) -> Any:
        """Set the last day to show."""
        return self._go(until=day or None)

    @viewer_event
    async def clear(self) -> Any:
        """Show all webhooks again."""
        self.form += 1
        return self._go(**EventView().model_dump())

    @viewer_event
    async def open_event(self, event_id: int) -> Any:
        """Open one webhook's sheet."""
        return rx.redirect(self._address(event=str(event_id)))

    @viewer_event
    async def moved(self, is_open: bool) -> Any:
        """Close the sheet."""
        if is_open is True:
            return None
        self.sheet_open = False
        return rx.redirect(self._address(), replace=True)

    @finance_event
    async def ask_for_all(self, asks: bool) -> None:
        """Show or hide the question whether all unhandled webhooks are to be replayed."""
        self.asks_for_all = asks is True

    @finance_event(temporal=True)
    async def replay(self) -> None:
        """Have the open webhook handled again."""
        await self._replay(self._opened)

    @finance_event(temporal=True)
    async def replay_all(self) -> None:
        """Have all unhandled webhooks handled again."""
        if self.asks_for_all:
            self.asks_for_all = False
            await self._replay(None)

    async def _replay(self, event_id: int | None) -> None:
        who = await self._identity()
        if who is None:
            return
        address = self._address()
        try:
            count = await events.replay(current(), who, event_id, address)
        except (NotFound, NotAllowed):
            count = 0
        await self._show(who)
        self.notice = say(_REPLAYED) if count else say(_NOTHING)

    async def _turn_page(self) -> None:
        who = await self._identity()
        if who is not None:
            await self._show(who)
            self.flashed = []

    async def _show(self, who: Identity) -> None:
        portal = current()
        page = await events.event_page(portal, who, self._view, self._starts[-1])
        self.rows, self.unhandled = list(page.rows), page.unhandled
        self._found_page(page.older)
        self.gateways = [Choice(code, each.label) for code, each in portal.gateways.items()]
        view = self._view
        self.search_text, self.gateway = view.search, view.gateway or ANY
        self.chosen_state = view.state.value if view.state else ANY
        self.since = view.since.isoformat() if view.since else ""
        self.until = view.until.isoformat() if view.until else ""
        self.narrowed = view != EventView()
        if self.sheet_open:
            try:
                self.detail = await events.event_detail(portal, who, self._opened)
            except NotFound:
                self.detail = None
            self.found = self.detail is not None
        self.phase = "ready"

    def _go(self, **fields: object) -> Any:
        """Lead to the address of a changed view; what makes no view is ignored."""
        try:
            view = self._view.changed(**fields)
        except ValidationError:
            return None
        query = view.query()
        return rx.redirect(f"{EVENTS_PAGE}?{query}" if query else EVENTS_PAGE, replace=True)

    def _address(self, **more: str) -> str:
        query = self._view.query(**more)
        return f"{EVENTS_PAGE}?{query}" if query else EVENTS_PAGE


STATE_LABELS: Final = {state.value: label for state, label in event_words.STATES.items()}
