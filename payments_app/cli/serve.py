"""Serve the prebuilt portal: front end, socket, routes and sandbox on one port.

Needs no node. The two ``__REFLEX_`` names are internal to Reflex 0.10 (its own production start
sets them too); tests/cli/test_serve.py fails when a later Reflex renames them.
"""

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from pydantic import ValidationError

from payments_app.cli.bootstrap import Failure
from payments_app.cli.build import ensure_built
from payments_app.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 10
HEADER_SECONDS = 5
"""A client that has not sent its headers by then is cut off."""
LARGEST_HEADERS = 64 * 1024
UNUSED = ("aiohttp", "requests")
"""Clients that packages load wherever they find them, and that nothing here uses."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def with_public_scheme(app: "ASGIApp", public_url: str) -> "ASGIApp":
    """Let redirects keep https when a proxy in front of the portal ends TLS.

    The scheme is taken from the setting, so no forwarded header has to be trusted.
    """
    secure = public_url.startswith("https:")

    async def secured(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] in ("http", "websocket") and secure:
            scope["scheme"] = {"http": "https", "websocket": "wss"}[scope["type"]]
        await app(scope, receive, send)

    return secured


def with_client_address(app: "ASGIApp", proxies: Iterable[IPv4Network | IPv6Network]) -> "ASGIApp":
    """Let routes and sockets know the browser's address instead of the nearest proxy's.

    Of what trusted proxies forward, the last address that is not one of theirs counts: those
    before it are the browser's own claims. Others' claims are not read at all.
    """
    wrapped: ASGIApp = wrap_asgi_with_proxy_headers(app, [str(network) for network in proxies])
    return wrapped


def application() -> "ASGIApp":
    """ASGI factory of the whole portal; `serve` has prepared the environment."""
    sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type]
    # All that is imported stays; looking through it for garbage is an eighth of the start.
    gc.disable()
    from payments_app.payments_app import served

    gc.freeze()
    gc.enable()
    # Ctrl-C reaches every process of the terminal. The server ends its worker itself, and takes one
    # that ends first for a crash.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # Granian's threads panic when Python takes itself down around them, as a spawned process does
    # at its end; the portal's own work has ended by then.
    Finalize(None, os._exit, args=(0,), exitpriority=0)
    settings = Settings()
    app = with_public_scheme(served(), settings.public_url)
    return with_client_address(app, settings.trusted_proxies)


def wait_until_ready(port: int, runs: Callable[[], bool] = lambda: True) -> bool:
    """Whether the server on `port` passed its readiness check before it was too late.

    Too late is `READY_TIMEOUT_SECONDS` from now, or when `runs` says that its process has ended.
    """
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < deadline and runs():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:  # refused, reset, timed out, or an HTTP error: not ready yet
            time.sleep(0.05)
    return False


async def _migrations_are_pending(settings: Settings) -> bool:
    """Whether the database is there, but not at this version; /health tells when it is away."""
    from sqlalchemy.exc import SQLAlchemyError

    from payments_app.db import revisions
    from payments_app.db.engine import Database
    from payments_app.domain.errors import PortalError

    database = Database(settings.database_url)
    try:
        async with database.read() as session:
            await session.connection()
            return await revisions.pending(session)
    except (OSError, PortalError, SQLAlchemyError):
        return False
    finally:
        await database.close()


def _on_stop_signal(stop: Callable[[], None]) -> None:
    """Call `stop` once, in a thread, when the process is told to end.

    Granian stops from inside a signal handler, but Python runs handlers in the main thread only,
    and that one waits for a lock: signals in quick succession did not wake it.
    """
    inbox, outbox = os.pipe()
    os.set_blocking(outbox, False)
    signal.set_wakeup_fd(outbox, warn_on_full_buffer=False)
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)

    def wait() -> None:
        os.read(inbox, 1)
        stop()

    threading.Thread(target=wait, daemon=True).start()


def serve(on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called once when the portal answers.

    Raises `RuntimeError` when the front end does not build, `Failure` when migrations are pending,
    and UnsafeSettings in live mode.
    """
    settings = Settings()
    if settings.live:
        from payments_app.wiring import check_before_live

        asyncio.run(check_before_live(settings))
    os.environ["REFLEX_WEB_WORKDIR"] = str(ensure_built())
    os.environ["REFLEX_ENV_MODE"] = "prod"
    os.environ["__REFLEX_SKIP_COMPILE"] = "true"
    os.environ["__REFLEX_MOUNT_FRONTEND_COMPILED_APP"] = "true"
    os.environ["REFLEX_USE_GRANIAN"] = "1"
    if settings.workers > 1:
        folder = tempfile.TemporaryDirectory(prefix="metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder.name
    # A fork would copy the locks that the announcing thread holds at that moment.
    multiprocessing.set_start_method("spawn", force=True)
    server = Server(
        f"{__spec__.name}:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=LARGEST_HEADERS
        ),
        factory=True,
        workers=settings.workers,
        # With others beside it a worker that dies takes nobody along.
        respawn_failed_workers=settings.workers > 1,
        log_level=LogLevels.warning,
        workers_kill_timeout=STOP_TIMEOUT_SECONDS,
    )

    server.on_startup(lambda: _on_stop_signal(server.signal_handler_interrupt))

    def announce() -> None:
        if wait_until_ready(settings.port):
            on_ready()

    pending = threading.Event()

    def check_database() -> None:
        # Beside the start, which takes longer: most often there is nothing to say.
        if asyncio.run(_migrations_are_pending(settings)):
            pending.set()
            server.signal_handler_interrupt()  # type: ignore[no-untyped-call]

    for work in (announce, check_database):
        server.on_startup(threading.Thread(target=work, daemon=True).start)
    server.serve()
    if pending.is_set():
        raise Failure(
            "migrations are pending: run `python -m payments_app.cli.portal migrate` first"
        )
    for number in STOP_SIGNALS:  # another one must not change the exit code any more
        signal.signal(number, signal.SIG_IGN)


def exit_in_one_line(command: Callable[[], None]) -> None:
    """Run `command`; what stops it is shown without a traceback, and the exit code is not 0."""
    try:
        command()
    except ValidationError as error:
        faults = [f"{' '.join(map(str, e['loc']))} {e['msg']}".strip() for e in error.errors()]
        sys.exit(f"Cannot start: {'; '.join(faults)}")
    except (Failure, RuntimeError) as error:
        sys.exit(f"Cannot start: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    exit_in_one_line(
        lambda: serve(lambda: print(f"The portal answers at {Settings().public_url}", flush=True))
    )
