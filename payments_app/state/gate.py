"""The gate that every event passes: nothing runs that is not declared, and for whom.

Reflex lets anyone with a socket call every method of every state. Here an event runs only when its
handler carries one of the decorators below or is one of the few that Reflex itself needs.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import quote

import reflex as rx
import structlog
from reflex.event import Event
from reflex.state import (
    BaseState,
    FrontendEventExceptionState,
    OnLoadInternalState,
    State,
    StateUpdate,
    UpdateVarsInternalState,
)
from reflex.utils.format import format_event_handler
from reflex_base.constants.state import FIELD_MARKER
from reflex_base.event.context import EventContext
from reflex_base.registry import RegistrationContext
from starlette.requests import cookie_parser

from payments_app.domain.payment import Role
from payments_app.services import logs, metrics
from payments_app.services.accounts import identify, session_cookie
from payments_app.services.context import current
from payments_app.services.identity import Identity
from payments_app.services.places import LOCALE_COOKIE, speak_with

log = structlog.get_logger()


class Access(Enum):
    """Who may send an event; of the staff, a role includes those before it."""

    PUBLIC = auto()
    USER = auto()
    CUSTOMER = auto()
    VIEWER = auto()
    FINANCE = auto()
    OWNER = auto()
    NOTICE = auto()


_MARK: Final = "_portal_access"
_READS: Final = "_portal_reads"
_REFERENCE_LENGTH: Final = 8
_LONGEST_PREFERENCE: Final = 4000
LOGIN_PAGE: Final = "/login"


def _declared(access: Access) -> Callable[..., Callable[..., Any]]:
    def decorator(
        function: Callable[..., Any] | None = None, *, reads: bool = False, **options: Any
    ) -> Any:
        """Make a method an event handler; takes the options of ``rx.event``.

        Only one that ``reads``, and changes nothing but what its tab shows, is open to staff who
        view an account as its customer.
        """
        if function is None:
            return lambda method: decorator(method, reads=reads, **options)
        setattr(function, _MARK, access)
        setattr(function, _READS, reads)
        return rx.event(function, **options)

    return decorator


public_event = _declared(Access.PUBLIC)
"""Anyone may send it, logged in or not."""
user_event = _declared(Access.USER)
"""Anyone who is logged in may send it."""
customer_event = _declared(Access.CUSTOMER)
"""Only a logged-in customer may send it."""
viewer_event = _declared(Access.VIEWER)
"""Any logged-in staff may send it."""
finance_event = _declared(Access.FINANCE)
"""Staff of role finance or owner may send it."""
owner_event = _declared(Access.OWNER)
"""Only an owner may send it."""
notice_event = _declared(Access.NOTICE)
"""Anyone may send it, and it runs even while the database, which knows who it is, is away."""

_OPEN: Final = frozenset({Access.PUBLIC, Access.NOTICE})
_ROLES: Final = {
    Access.VIEWER: Role.VIEWER,
    Access.FINANCE: Role.FINANCE,
    Access.OWNER: Role.OWNER,
}

REFLEX_EVENTS: Final = frozenset(
    format_event_handler(state.event_handlers[name])
    for state, name in (
        (State, "hydrate_and_load"),
        (OnLoadInternalState, "on_load_internal"),
        (OnLoadInternalState, "set_is_hydrated"),
        (UpdateVarsInternalState, "update_vars_internal"),
        (FrontendEventExceptionState, "handle_frontend_exception"),
    )
)
"""Reflex's own events that a page cannot do without; ``setvar`` and all others are refused."""


_NOBODY: Final = (0, 0)
_SENDER: Final[ContextVar[tuple[str, Identity | None] | None]] = ContextVar("sender", default=None)
"""The session token of the present event, and whom it stands for."""


class Holder(rx.State):
    """Whose the state of this tab is: login session and account on show; zeros are nobody's yet."""

    _whose: tuple[int, int] = _NOBODY


class Gate(rx.Middleware):
    """Refuses every event that is not declared, or not for whoever sends it."""

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        """Return None to let an event pass; anything else stops it."""
        _follow_event()
        if access_of(event.name) is None or not _has_harmless_vars(event):
            log.warning("event_refused", event_name=event.name)
            return StateUpdate()
        if access_of(event.name) is Access.NOTICE:
            _speak(state, None)
            return None
        # Events that the server sends to a tab carry no router data: nobody is active there.
        who = await identity_of(state, active=bool(event.router_data))
        _SENDER.set((session_token(state.router.headers.cookie), who))
        login = login_address(state)
        await _hand_over(state, who)
        if may_send(event.name, who):
            return None
        log.warning("event_denied", event_name=event.name, user=who and who.user_id)
        if who is not None:
            return StateUpdate()
        return StateUpdate(events=Event.from_event_type(rx.redirect(login)))


def event_reference() -> str:
    """Return the reference of the event that is being handled, as its log lines carry it."""
    return EventContext.get().txid[:_REFERENCE_LENGTH]


def _follow_event() -> None:
    """Let the present event's log lines name it, and take its time: each runs in its own task."""
    logs.begin(event_reference())
    start = time.perf_counter()
    task = asyncio.current_task()
    if task is not None:
        task.add_done_callback(lambda _: metrics.EVENT_SECONDS.observe(time.perf_counter() - start))


def login_address(state: BaseState) -> str:
    """Return where a tab goes to log in, and from there back to where it is now."""
    here = state.router.url
    wanted = f"{here.path}?{here.query}" if here.query else here.path
    on_login_page = not wanted or wanted.startswith(LOGIN_PAGE)
    return LOGIN_PAGE if on_login_page else f"{LOGIN_PAGE}?next={quote(wanted)}"


def access_of(event_name: str) -> Access | None:
    """Return who may send an event, None for nobody."""
    return Access.PUBLIC if event_name in REFLEX_EVENTS else _marked(event_name, _MARK)


def only_reads(event_name: str) -> bool:
    """Tell whether an event changes nothing but what its own tab shows."""
    return event_name in REFLEX_EVENTS or _marked(event_name, _READS) is True


def may_send(event_name: str, who: Identity | None) -> bool:
    """Tell whether this user, or nobody, may send an event."""
    access = access_of(event_name)
    if access is None or (who is not None and who.read_only and not only_reads(event_name)):
        return False
    return access in _OPEN or (who is not None and _allows(access, who))


def _allows(access: Access, who: Identity) -> bool:
    if access is Access.CUSTOMER:
        return not who.is_staff
    return access is Access.USER or who.may(_ROLES[access])


def _marked(event_name: str, mark: str) -> Any:
    registered = RegistrationContext.get().event_handlers.get(event_name)
    return getattr(registered.handler.fn, mark, None) if registered else None


async def sender_of(state: BaseState) -> Identity | None:
    """Return who sent the event that is being handled.

    That is whom the gate has just found. Who asks again meanwhile is told as it is by then, since
    a handler may have waited for a network.
    """
    found = _SENDER.get()
    _SENDER.set(None)
    if found is not None and found[0] == session_token(state.router.headers.cookie):
        return found[1]
    return await identity_of(state)


async def identity_of(state: BaseState, *, active: bool = False) -> Identity | None:
    """Return whom the session cookie of this tab's connection stands for.

    From here on the event speaks the language of the tab's browser.
    """
    token = session_token(state.router.headers.cookie)
    return _speak(state, await identify(current(), token, active=active))


def _speak(state: BaseState, who: Identity | None) -> Identity | None:
    headers = state.router.headers
    cookie = cookie_parser(headers.cookie).get(LOCALE_COOKIE, "")
    return speak_with(who, cookie, headers.accept_language)


def session_token(cookies: str) -> str:
    """Return the session token in a Cookie header, empty for none."""
    return cookie_parser(cookies).get(session_cookie(current().settings), "")


async def _hand_over(state: BaseState, who: Identity | None) -> None:
    """Wipe what another login session left in this state.

    Tabs name their state themselves, so that a tab may come with another's name.
    """
    holder = await state.get_state(Holder)
    whose = (who.session_id, who.account_id or 0) if who else _NOBODY
    if holder._whose not in (_NOBODY, whose):
        root = state._get_root_state()
        for kind in RegistrationContext.get().base_states.values():
            await root.get_state(kind)
        root.reset()  # type: ignore[no-untyped-call]
    holder._whose = whose


def _has_harmless_vars(event: Event) -> bool:
    """Tell whether the browser's own values are only preferences: known, and short text."""
    if event.name not in REFLEX_EVENTS or not event.payload.get("vars"):
        return True
    sent = event.payload["vars"]
    return isinstance(sent, dict) and all(
        _is_preference(name) and isinstance(value, str) and len(value) <= _LONGEST_PREFERENCE
        for name, value in sent.items()
    )


def _is_preference(name: str) -> bool:
    state_name, _, var = name.rpartition(".")
    state = RegistrationContext.get().base_states.get(state_name)
    return state is not None and bool(state._is_client_storage(var.removesuffix(FIELD_MARKER)))


class _WithoutPayload(logging.Filter):
    """Cuts payloads, headers and cookies out of what Reflex logs about an event."""

    _payload = re.compile(r"(Event\(|with value |Event data: ).*", re.DOTALL)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._payload.sub("(not logged)", record.getMessage()), ()
        return True


def keep_payloads_out_of_logs() -> None:
    """Install the filter on the loggers of Reflex that write events out in full."""
    for name in (
        "reflex.app",
        "reflex_base.event.processor.event_processor",
        "reflex_base.event.processor.base_state_processor",
    ):
        logging.getLogger(name).addFilter(_WithoutPayload())
