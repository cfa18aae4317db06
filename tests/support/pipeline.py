"""Reflex's event pipeline without a browser: queue, gate, handlers, and what the tab is sent."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import reflex as rx
from reflex.istate.manager.memory import StateManagerMemory
from reflex.istate.manager.token import BaseStateToken
from reflex.state import StateUpdate
from reflex_base.event import Event
from reflex_base.event.processor import BaseStateEventProcessor
from reflex_base.registry import RegistrationContext
from reflex_base.utils.format import json_dumps

from payments_app.services.accounts import session_cookie
from payments_app.services.context import current
from payments_app.state.gate import Gate

ADDRESS = "192.0.2.7"
"""Where the browser of the tests is."""


class Pipeline:
    """Sends events as a browser tab does, and keeps what came back."""

    def __init__(self) -> None:
        self.app = rx.App()
        self.app.add_middleware(Gate())
        self.states = StateManagerMemory()
        self.deltas: list[dict[str, dict[str, Any]]] = []
        self.browser_events: list[Event] = []
        self.faults: list[Exception] = []
        self.processor = BaseStateEventProcessor(
            middleware=self.app, backend_exception_handler=self.faults.append
        )

    async def emit_update(self, update: StateUpdate, token: str) -> None:
        """Take what the processor sends to a tab, in the place of Reflex's socket."""
        if update.delta:
            self.deltas.append(copy.deepcopy(dict(update.delta)))
        self.browser_events += update.events

    async def send(
        self,
        event: rx.event.EventSpec | str,
        *,
        token: str = "tab",
        session: str = "",
        path: str = "/payments",
        **payload: Any,
    ) -> None:
        """Send one event with a session token in the cookie, and wait for all that follows.

        A bare name is sent as a raw socket can, with ``payload``.
        """
        made = Event(name=event, payload=payload) if isinstance(event, str) else _event(event)
        cookie = f"{session_cookie(current().settings)}={session}" if session else ""
        router_data = {
            "pathname": path,
            "asPath": path,
            "token": token,
            "ip": ADDRESS,
            "headers": {"cookie": cookie, "origin": "http://portal.test"},
        }
        await self._run(token, Event(made.name, router_data=router_data, payload=made.payload))

    async def push(self, event: rx.event.EventSpec, *, token: str = "tab") -> None:
        """Run an event as the server itself sends it to a tab."""
        await self._run(token, _event(event))

    async def _run(self, token: str, event: Event) -> None:
        future = await self.processor.enqueue(token, event)
        if event.name in RegistrationContext.get().event_handlers:
            await future.wait_all()
        else:  # Reflex logs an unknown name and leaves its future open.
            await self.processor.join()

    async def state(self, kind: type[rx.State], token: str = "tab") -> Any:
        """Return one state of a tab as the server holds it."""
        root = await self.states.get_state(BaseStateToken(ident=token, cls=rx.State))
        return await root.get_state(kind)

    def redirects(self) -> list[str]:
        """Return where the browser was sent."""
        return [event.payload["path"] for event in self.browser_events if "path" in event.payload]

    def said(self) -> str:
        """Return everything that the tab was sent, as it stands on the wire."""
        return "".join(map(json_dumps, (self.deltas, self.browser_events)))


def _event(event: Any) -> Event:
    return Event.from_event_type(event)[0]


@asynccontextmanager
async def running_pipeline() -> AsyncIterator[Pipeline]:
    """Run a pipeline until the block ends."""
    # A process has one app for each registry of events: this one is the test's own.
    with RegistrationContext.ensure_context().fork():
        pipeline = Pipeline()
        pipeline.processor.configure(
            state_manager=pipeline.states, event_namespace=cast("Any", pipeline)
        )
        async with pipeline.processor:
            yield pipeline
    await pipeline.states.close()
