"""Every secret setting holds a canary; everything is used, and all that comes out is read."""

import os
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from payments_app.cli.build import ROOT, ensure_built
from payments_app.db.mail_models import Mail
from payments_app.gateways.registry import GATEWAYS
from payments_app.payments_app import app
from payments_app.settings import Settings
from payments_app.state.gate import may_send
from tests.api.test_roles import routes
from tests.attack.handlers import NAMES, plausible
from tests.attack.sockets import pay, send_all, tab
from tests.attack.target import Target, target
from tests.support.factories import WHEN
from tests.support.redis import RedisServer
from tests.support.roles import Kind
from tests.support.sandbox import eventually
from tests.support.smtp import MailServer, mail_server

MARK = "Xcanary0"
_SECRET_WORDS = ("key", "secret", "password", "token")
_PUBLIC = {"STRIPE_PUBLISHABLE_KEY", "STRIPE_API_VERSION"}


def secret_names() -> list[str]:
    """Every setting, of the portal or of a gateway, that is a secret by its type or its name."""
    names = []
    for kind in (Settings, *(gateway.Settings for gateway in GATEWAYS)):
        prefix = kind.model_config.get("env_prefix") or ""
        for name, one in kind.model_fields.items():
            named = one.annotation is str and any(word in name for word in _SECRET_WORDS)
            if named or one.annotation is SecretStr:
                names.append(f"{prefix}{name}".upper())
    return sorted(set(names) - _PUBLIC)


REDIS = "REDIS_URL"
CANARIES = {name: f"{MARK}{number}x" for number, name in enumerate([*secret_names(), REDIS])}


def leaks(place: str, text: str) -> list[str]:
    """Name the canaries that stand in a text."""
    return [f"{name} in {place}" for name, canary in CANARIES.items() if canary in text]


@dataclass
class Marked:
    """A portal whose every secret is a canary, its folder, and the e-mails that it sent."""

    target: Target
    folder: Path
    mails: MailServer


@pytest.fixture(scope="module")
async def marked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Marked]:
    """A portal whose every secret is a canary, half of them from files, and its folder."""
    folder = tmp_path_factory.mktemp("marked")
    files = folder / "secrets"
    files.mkdir()
    settings = {name: canary for name, canary in CANARIES.items() if name != REDIS}
    for name in list(settings)[::2]:
        (files / name.lower()).write_text(settings.pop(name))
    server = RedisServer()
    server.start()
    async with Redis.from_url(server.url) as client:
        await client.config_set("requirepass", CANARIES[REDIS])
    settings[REDIS] = server.url.replace("://", f"://:{CANARIES[REDIS]}@")
    async with mail_server() as mails:
        mails.password = CANARIES["SMTP_PASSWORD"].encode()
        settings |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(mails.port), "SMTP_USER": "portal"}
        settings |= {"SMTP_SECURITY": "none", "SECRETS_DIR": str(files)}
        async with target(folder, **settings) as made:
            yield Marked(made, folder, mails)
    server.stop()


async def used(target: Target, kind: Kind) -> str:
    """Use every page, route and event as somebody, and return all that was answered."""
    said = []
    async with target.browser(kind) as http:
        paths = {route.path for route in routes()} | {f"/{page}" for page in app._unevaluated_pages}
        values = defaultdict(lambda: "unknown", reference=target.own["paid"], gateway="card")
        values |= dict.fromkeys(("account", "account_id"), target.foreign["account_id"])
        for path in sorted(path for path in paths if "[" not in path):
            for method in ("GET", "POST"):
                if path not in ("/auth/logout", "/auth/view-as/{account_id}"):
                    answer = await http.request(method, path.format_map(values), content=b"{}")
                    said.append(f"{answer.headers}{answer.text}")
    session, who = target.tokens[kind], target.identities[kind]
    events = [(name, plausible(name, target.own)) for name in NAMES if may_send(name, who)]
    calm = [(n, p) for n, p in events if not n.endswith(("sign_out", "sign_out_elsewhere"))]
    gateways = [
        (name, dict.fromkeys(payload, gateway.code))
        for name, payload in events
        if set(payload) == {"code"}
        for gateway in GATEWAYS
    ]
    said.append(await send_all(target, session, calm + gateways))
    if kind is Kind.CUSTOMER:
        async with tab(target, session) as raw:
            await pay(raw, "26.00")
            said.append(raw.said())
    return "".join(said)


@pytest.mark.parametrize("kind", [Kind.NOBODY, Kind.CUSTOMER, Kind.OWNER])
async def test_no_answer_and_no_frame_holds_a_secret(marked: Marked, kind: Kind) -> None:
    assert leaks(kind, await used(marked.target, kind)) == []


async def test_a_reader_of_the_metrics_sees_no_secret(marked: Marked) -> None:
    """And the token itself came from its file or the environment: it opens."""
    async with marked.target.browser(Kind.NOBODY) as http:
        token = {"Authorization": f"Bearer {CANARIES['METRICS_TOKEN']}"}
        answer = await http.get("/metrics", headers=token)
        assert answer.status_code == 200
        assert leaks("metrics", answer.text) == []
        assert (await http.get("/metrics")).status_code == 403


async def test_no_email_holds_a_secret(marked: Marked) -> None:
    """The mail server let the portal in with the password, which was a canary as well."""
    own = marked.target.own
    kinds: dict[str, dict[str, Any]] = {
        "payment_received": {"balance": 5000},
        "statement": {"since": "2026-01-01", "until": "2026-01-31"},
        "invitation": {"link": f"{marked.target.portal.url}/invite/x"},
    }
    async with marked.target.database.write() as session:
        for kind, data in kinds.items():
            session.add(
                Mail(
                    kind=kind,
                    user_id=own["user_id"],
                    recipient="own@example.com",
                    about="canaries",
                    payment_id=own["payment_ids"][0] if "balance" in data else None,
                    data=data,
                    created_at=WHEN,
                    next_attempt_at=WHEN,
                )
            )

    async def all_sent() -> list[EmailMessage]:
        return marked.mails.mails if len(marked.mails.mails) >= len(kinds) else []

    for mail in await eventually(all_sent):
        parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
        assert leaks("e-mail", f"{mail.items()}{parts}") == []
    assert marked.mails.logins[-1][1] == marked.mails.password


def test_neither_log_nor_database_nor_front_end_holds_a_secret(
    marked: Marked,
) -> None:
    """After all of the above. The database is what a backup holds, e-mails and exports included."""
    made, folder = marked.target, marked.folder
    with closing(sqlite3.connect(made.portal.database_path)) as connection:
        found = leaks("database", "\n".join(connection.iterdump()))
    for file in [*folder.glob("*.*"), *ensure_built().rglob("*.*")]:
        if file.is_file():
            found += leaks(file.name, file.read_text(errors="replace"))
    assert found == []
    assert "gateway_fault" in made.portal.log_path.read_text()


@pytest.mark.parametrize(
    "command",
    [
        ("payments_app.cli.portal", "migrate"),
        ("payments_app.cli.backup", "nowhere/backup"),
        ("payments_app.cli.serve",),
    ],
)
def test_a_command_that_fails_shows_no_secret(command: tuple[str, ...], tmp_path: Path) -> None:
    refusing = f"postgresql+asyncpg://portal:{MARK}db@127.0.0.1:1/portal"
    live = {"PORTAL_MODE": "live", "PUBLIC_URL": "https://portal.test", "DATABASE_URL": refusing}
    failed = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | CANARIES | live | {"REDIS_URL": "", "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert failed.returncode != 0
    assert MARK not in failed.stdout + failed.stderr
