"""The door of the event socket: what is not a page's own message goes no further.

Reflex passes on whatever a socket sends: it logs nonsense with a traceback that repeats it, takes
messages named ``connect`` for connections, keeps unknown events in memory for good and queues
without end. Here every message is weighed before Reflex sees it, and nothing of it is logged.
"""

from collections import Counter
from typing import Annotated, Any, Final

import reflex as rx
import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from reflex.app import EventNamespace
from reflex_base.registry import RegistrationContext

from payments_app.domain.errors import TooManyAttempts
from payments_app.services import rates
from payments_app.services.accounts import identify
from payments_app.services.context import current
from payments_app.state import live, topics
from payments_app.state.arguments import fits, storable
from payments_app.state.gate import session_token
from payments_app.state.pace import Pace, keep_pace
from payments_app.state.tab_names import belongs, new_name

log = structlog.get_logger()

LARGEST_MESSAGE: Final = 64 * 1024
"""Bytes of one message; a larger one ends the connection."""
SOCKETS_PER_SESSION: Final = 40
SOCKETS_PER_ADDRESS: Final = 200
"""Open ones in each worker; the latter of those who are not logged in."""
MOST_UNREAD: Final = 300
"""So many answers may wait for a client that does not read them."""

_MESSAGES: Final = frozenset({"event", "ping", "client_error"})
_HOLDER: Final = "portal.holder"
_PACE: Final = "portal.pace"
_MALFORMED: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError)

_Text = Annotated[str, Field(max_length=2000)]
_Parts = Annotated[list[_Text], Field(max_length=100)]
"""The steps of an address that leads to no page."""


class _Router(BaseModel):
    """Where the page is. Reflex adds the connection's own headers and address."""

    model_config = ConfigDict(strict=True)

    pathname: _Text = ""
    asPath: _Text = ""  # noqa: N815
    query: dict[_Text, _Text | _Parts] = {}


class _Message(BaseModel):
    """An event as pages send it."""

    model_config = ConfigDict(strict=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]{1,300}$")]
    payload: dict[str, Any] = {}
    router_data: _Router = _Router()


class Door(EventNamespace):
    """Reflex's namespace of the event socket, behind the checks."""

    def __init__(self, name: str, app: rx.App) -> None:
        super().__init__(name, app)
        self._open: Counter[str] = Counter()

    async def admit(self, connection: str, environ: dict[str, Any]) -> bool | None:
        """Open a connection; False refuses it to a session, or an address, that has too many."""
        router = self._build_static_router_data("", environ)
        token = session_token(router["headers"].get("cookie", ""))
        who = await identify(current(), token, active=False)
        if who is not None:
            holder, most = f"session:{who.session_id}", SOCKETS_PER_SESSION
        else:
            holder, most = f"address:{router['ip']}", SOCKETS_PER_ADDRESS
        try:
            address = "" if who else str(router["ip"])
            await rates.spend(current(), rates.SOCKETS, who.session_id if who else None, address)
        except TooManyAttempts:
            return False
        if self._open[holder] >= most:
            log.warning("socket_refused", cause="too many")
            return False
        self._open[holder] += 1
        environ |= {_HOLDER: holder, _PACE: Pace()}
        await self.server._handle_eio_connect(connection, environ)
        return None

    async def hear(self, connection: str, data: str | bytes) -> None:
        """Take one message of any kind, when it is due; nonsense ends the connection."""
        environ = self.server.environ.get(connection)
        if environ is None:
            return
        sid = self.server.manager.sid_from_eio_sid(connection, self.namespace)
        await keep_pace(self.app, environ[_PACE], self.sid_to_token.get(sid, ""))
        unread = self.server.eio._get_socket(connection).queue.qsize()
        try:
            if unread > MOST_UNREAD:
                raise ValueError("does not read")
            await self.server._handle_eio_message(connection, data)
        except _MALFORMED as error:
            # The error's own words may repeat what was sent.
            log.warning("socket_cut", cause=type(error).__name__)
            await self.server.eio.disconnect(connection)

    async def leave(self, connection: str, reason: str) -> None:
        """Close a connection."""
        holder = self.server.environ.get(connection, {}).get(_HOLDER)
        await self.server._handle_eio_disconnect(connection, reason)
        if holder is not None:
            self._open[holder] -= 1
            self._open += Counter()  # drops what has come down to nothing

    async def trigger_event(self, event: str, sid: str, *args: Any) -> Any:
        """Let through the connection itself, and of what it sends the three that pages send."""
        if self.server.manager.is_connected(sid, self.namespace) and event not in _MESSAGES:
            log.warning("message_refused", cause="name")
            return None
        return await super().trigger_event(event, sid, *args)

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Connect a tab that begins with an event, as every page does.

        The first event brings the state under the connection's own login (``gate``): a socket that
        took a closed tab's name and then only listened would be told what that tab is told.
        """
        event = _checked(auth.get("event")) if isinstance(auth, dict) else None
        if event is None:
            raise ConnectionRefusedError("no event")
        await super().on_connect(sid, environ, auth | {"event": event})

    async def link_token_to_sid(self, sid: str, token: str, *, update_state: bool = True) -> None:
        """Connect a tab under its name, or a new one when that is open or another session's.

        What the name watched before ends here: who comes back with it is told of changes only
        after loading a page.
        """
        environ = self.server.get_environ(sid, self.namespace) or {}
        session = session_token(environ.get("HTTP_COOKIE", ""))
        if belongs(token, session):
            await super().link_token_to_sid(sid, token, update_state=update_state)
        if (given := self.sid_to_token.get(sid)) != token:
            if given is not None:
                await self._token_manager.disconnect_token(given, sid)
            token = new_name(session)
            await self.emit("new_token", token, to=sid)
            await super().link_token_to_sid(sid, token, update_state=update_state)
        live.leave(token)
        topics.leave(token)

    async def on_event(self, sid: str, data: Any) -> None:
        """Pass a message on when it is an event that some page of this portal sends."""
        event = _checked(data)
        if event is not None:
            await super().on_event(sid, event)


def guard(app: rx.App) -> None:
    """Put the door before the app's event socket."""
    if app.sio is None or app.event_namespace is None:
        raise RuntimeError("the app has no event socket")
    door = Door(app.event_namespace.namespace, app)
    app._event_namespace = door
    app.sio.register_namespace(door)
    app.sio.eio.max_http_buffer_size = LARGEST_MESSAGE
    app.sio.eio.on("connect", door.admit)
    app.sio.eio.on("message", door.hear)
    app.sio.eio.on("disconnect", door.leave)


def _checked(data: Any) -> dict[str, Any] | None:
    """Return an event in its proper form, or None for one that no page sends."""
    try:
        message = _Message.model_validate(data)
    except ValidationError:
        log.warning("message_refused", cause="form")
        return None
    if message.name not in RegistrationContext.get().event_handlers:
        log.warning("message_refused", cause="unknown event", event_name=message.name)
        return None
    sent = message.model_dump(exclude_unset=True)
    if not (fits(message.name, message.payload) and storable(sent)):
        log.warning("message_refused", cause="arguments", event_name=message.name)
        return None
    return sent
