"""Live mode does not start with what belongs on a desk, and says what that is."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from payments_app.db import own_rows
from payments_app.db.engine import Database
from payments_app.gateways.base import Gateway
from payments_app.gateways.card import Card, CardSettings
from payments_app.gateways.http import Client
from payments_app.services import preflight
from payments_app.services.context import Portal
from payments_app.settings import Mode, Settings
from payments_app.wiring import UnsafeSettings, check_before_live
from tests.support.factories import make_account, make_user

KEYS = {"secret_key": "sk_live_1", "publishable_key": "pk_live_1", "webhook_secret": "whsec_1"}
SAFE = {
    "portal_mode": Mode.LIVE,
    "public_url": "https://pay.example.com",
    "secret_keys": "Lk2vVh8zq0_wN4yQb7Rt1mZc5Xe9Ua3Hd",
    "database_url": "postgresql+asyncpg://portal:u7Gq@db/portal",
    "redis_url": "redis://:x9Kd@redis",
}


def cards(**changed: str) -> Mapping[str, Gateway]:
    return {"card": Card(CardSettings(_env_file=None, **(KEYS | changed)), Client("card"))}


def objections(gateways: Mapping[str, Gateway] | None = None, **changed: Any) -> list[str]:
    settings = Settings(_env_file=None, **(SAFE | changed))
    return preflight.objections(settings, cards() if gateways is None else gateways)


def test_good_settings_are_not_objected_to() -> None:
    assert objections() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"public_url": "http://pay.example.com"}, "PUBLIC_URL must begin with https:"),
        ({"public_url": "https://*.example.com"}, "PUBLIC_URL must be one address"),
        ({"secret_keys": " , "}, "SECRET_KEYS must begin with a random text of at least 32"),
        ({"secret_keys": "Lk2vVh8zq0"}, "SECRET_KEYS must begin with a random text of at least 32"),
        ({"secret_keys": "0" * 40}, "SECRET_KEYS must begin with a random text of at least 32"),
        ({"secret_keys": "sandbox"}, "SECRET_KEYS holds the sandbox's key"),
        ({"secret_keys": f"{SAFE['secret_keys']}, sandbox"}, "SECRET_KEYS holds the sandbox's key"),
        ({"database_url": "postgresql+asyncpg://p:postgres@db/p"}, "DATABASE_URL has a password"),
        ({"redis_url": "redis://:changeme@redis"}, "REDIS_URL has a password"),
        ({"gateways": {}}, "no gateway has all its settings"),
        (
            {"gateways": cards(webhook_secret="")},
            "STRIPE_WEBHOOK_SECRET must be set as well, or Credit Card cannot be used",
        ),
        ({"gateways": cards(secret_key="sk_sandbox")}, "STRIPE_SECRET_KEY is the sandbox's"),
    ],
)
def test_each_unsafe_setting_is_named(changed: dict[str, Any], said: str) -> None:
    assert any(found.startswith(said) for found in objections(**changed))


async def test_pending_migrations_are_named(portal: Portal) -> None:
    assert await preflight.stored_objections(portal) == []
    async with portal.db.write() as session:
        await session.execute(text("update alembic_version set version_num = '0001'"))
    (said,) = await preflight.stored_objections(portal)
    assert said.startswith("migrations are pending")


def test_an_old_key_that_is_short_may_open_what_it_sealed() -> None:
    assert objections(secret_keys=f"{SAFE['secret_keys']},old") == []


@pytest.mark.parametrize(
    "broken",
    [
        "revoke portal_customer from plain",
        "alter role portal_customer bypassrls",
        "alter table payment disable row level security",
        "alter role portal_customer rename to another",
    ],
)
async def test_a_database_that_cannot_confine_customers_is_named(
    postgres_url: str, broken: str
) -> None:
    """Roles belong to all databases: what is changed ends with the transaction."""
    database = Database(postgres_url)
    async with database.read() as session:
        for statement in (
            "create role plain",
            "grant portal_customer to plain",
            "set local role plain",
        ):
            await session.execute(text(statement))
        assert await own_rows.in_force(session)
        for statement in ("reset role", broken, "set local role plain"):
            await session.execute(text(statement))
        assert not await own_rows.in_force(session)
    await database.close()


async def test_live_mode_asks_whether_customers_are_confined(
    monkeypatch: pytest.MonkeyPatch, portal: Portal
) -> None:
    async def broken(_session: object) -> bool:
        return False

    monkeypatch.setattr(own_rows, "in_force", broken)
    said = await preflight.stored_objections(portal)
    assert ["portal_customer" in line for line in said] == [True] * (not portal.db.is_sqlite)


async def test_a_login_of_the_demo_data_is_named(portal: Portal) -> None:
    account = await make_account(portal.db)
    await make_user(portal.db, account, email="maria@brightline.example")
    (said,) = await preflight.stored_objections(portal)
    assert "maria@brightline.example" in said


async def test_all_of_it_is_asked_before_live_mode_serves(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(f"STRIPE_{name}".upper(), value)
    settings = Settings(_env_file=None, **(SAFE | {"database_url": database_url}))
    await check_before_live(settings)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "")
    with pytest.raises(UnsafeSettings, match="does not start: STRIPE_WEBHOOK_SECRET must be set"):
        await check_before_live(settings)
