"""The prebuilt server: caching, compression, origins of the socket, and a clean end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
import socketio
from reflex.utils.format import format_event_handler
from sqlmodel import select

from payments_app.cli.build import ROOT, ensure_built
from payments_app.db.engine import Database
from payments_app.db.staff_models import AuditEntry
from payments_app.state.profile import ProfileState
from tests.attack.sockets import HYDRATE
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password
from tests.support.portal import PortalServer
from tests.support.sandbox import eventually, free_port

BROWSER = "203.0.113.9"
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PortalServer]:
    """A portal on an empty database, behind a proxy on this machine."""
    server = PortalServer(tmp_path_factory.mktemp("serve"), TRUSTED_PROXIES="127.0.0.1")
    await server.migrate()
    await server.start()
    yield server
    await server.kill()


async def get(server: PortalServer, path: str, encoding: str = "identity") -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.get(path, headers={"Accept-Encoding": encoding})


@pytest.mark.parametrize(("accepted", "sent"), [("gzip", "gzip"), ("gzip, br", "br")])
async def test_scripts_are_kept_and_compressed(
    server: PortalServer, accepted: str, sent: str
) -> None:
    script = next((ensure_built() / "build/client/assets").glob("root-*.js"))
    answer = await get(server, f"/assets/{script.name}", accepted)
    assert answer.headers["content-encoding"] == sent
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_a_page_and_a_missing_script_are_not_kept(server: PortalServer) -> None:
    for path in ("/assets/none.js", "/", "/login/", "/portal.css"):
        assert (await get(server, path)).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html"),
        ("/pay/PREF123", "text/html"),
        ("/portal.css", "text/css"),
        ("/receipts/PREF123.pdf", "application/json"),
        ("/health/live", "application/json"),
        ("/_event/?EIO=4&transport=polling", ""),
    ],
)
async def test_every_answer_of_the_whole_portal_carries_each_header_once(
    server: PortalServer, path: str, media_type: str
) -> None:
    answer = await get(server, path)
    assert answer.headers.get("content-type", "").startswith(media_type)
    for name in ("content-security-policy", "x-content-type-options", "cache-control"):
        assert len(answer.headers.get_list(name)) == 1, name
    page = "script-src" in answer.headers["content-security-policy"]
    assert page is (media_type == "text/html")


@pytest.mark.parametrize("path", ["/ping", "/_health"])
async def test_checks_answer(server: PortalServer, path: str) -> None:
    assert (await get(server, path)).status_code == 200


@asynccontextmanager
async def socket(server: PortalServer, **headers: str) -> AsyncIterator[socketio.AsyncClient]:
    """Open the event socket as a tab does, with these headers."""
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        await client.connect(
            f"{server.url}?token=test",
            headers=headers,
            auth={"event": {"name": HYDRATE, "router_data": {"pathname": "/", "asPath": "/"}}},
            socketio_path="/_event",
            namespaces=["/_event"],
            transports=["websocket"],
        )
        yield client
        await client.disconnect()


async def connect(server: PortalServer, origin: str) -> bool:
    try:
        async with socket(server, Origin=origin):
            return True
    except socketio.exceptions.ConnectionError:
        return False


async def test_only_the_portals_own_pages_open_the_socket(server: PortalServer) -> None:
    assert await connect(server, server.url)
    assert await connect(server, f"http://localhost:{server.port}")
    assert not await connect(server, "https://evil.example")
    assert not await connect(server, f"http://localhost:{server.port + 1}")


async def test_logins_and_events_are_audited_with_the_browsers_address(
    server: PortalServer,
) -> None:
    database = Database(server.database_url)
    hashed = await asyncio.to_thread(hash_password, PASSWORD)
    user = await make_user(database, await make_account(database), password_hash=hashed)
    forwarded = {"X-Forwarded-For": f"198.51.100.1, {BROWSER}"}
    headers = forwarded | {"Origin": server.url}
    login = {"email": user.email, "password": PASSWORD}
    for _ in range(2):
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
            answer = await client.post("/auth/login", json=login)
        cookie = answer.headers["set-cookie"].partition(";")[0]
    sign_out = format_event_handler(ProfileState.event_handlers["sign_out_elsewhere"])
    async with socket(server, Origin=server.url, Cookie=cookie, **forwarded) as tab:
        event = {"name": sign_out, "payload": {}, "router_data": {"pathname": "/profile"}}
        await tab.emit("event", event, namespace="/_event")

        async def audited() -> dict[str, str]:
            async with database.read() as session:
                found = await session.execute(select(AuditEntry.action, AuditEntry.address))
                by_action = {row.action: row.address for row in found}
            return by_action if "sessions_ended" in by_action else {}

        by_action = await eventually(audited)
    await database.close()
    assert by_action["sessions_ended"] == by_action["logged_in"] == BROWSER


@pytest.mark.parametrize("signals", [["SIGTERM"], ["SIGINT"], ["SIGINT", "SIGINT", "SIGTERM"]])
async def test_signals_end_it_cleanly(tmp_path: Path, signals: list[str]) -> None:
    """Ctrl-C in a terminal is a SIGINT to the whole group, the worker included."""
    server = PortalServer(tmp_path)
    await server.migrate()
    await server.start()
    assert await connect(server, server.url)
    assert server.process is not None
    for name in signals:
        send = os.killpg if name == "SIGINT" else os.kill
        send(server.process.pid, signal.Signals[name])
    try:
        assert await asyncio.to_thread(server.process.wait, 30) == 0
    finally:
        await server.kill()
    log = server.log_path.read_text()
    assert not [word for word in ("Traceback", "panicked", "ERROR") if word in log]


def test_the_start_waits_for_nothing_that_only_later_work_needs(tmp_path: Path) -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom payments_app.cli.serve import application\napplication()\n"
            "print(*{name.partition('.')[0] for name in sys.modules}, flush=True)",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DATA_DIR": str(tmp_path),
            "REFLEX_WEB_WORKDIR": str(ensure_built()),
            "REFLEX_ENV_MODE": "prod",
            "__REFLEX_SKIP_COMPILE": "true",
            "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(result.stdout.split())
    assert imported >= {"reflex", "sqlalchemy", "stripe"}
    assert not imported & {"alembic", "fontTools", "fpdf", "uharfbuzz", "zxcvbn"}


def test_a_database_that_is_not_migrated_is_refused_in_one_line(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "payments_app.cli.serve"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path), "PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Cannot start: migrations are pending: "
        "run `python -m payments_app.cli.portal migrate` first\n"
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"WORKERS": "2"}, "Cannot start: Value error, WORKERS=2 needs REDIS_URL"),
        ({"PORTAL_MODE": "live"}, "live mode does not start: PUBLIC_URL must begin with https:"),
    ],
)
def test_unsafe_settings_are_refused_in_one_line(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "payments_app.cli.serve"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(said)
    assert len(result.stderr.splitlines()) == 1
