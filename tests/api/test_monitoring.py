"""Health and metrics: they tell the truth, and the metrics to nobody else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

from payments_app.api import monitoring
from payments_app.db.engine import Database
from payments_app.db.models import InboxEvent
from payments_app.services import metrics, readiness
from payments_app.services.context import Portal, install
from payments_app.services.shared_feed import SharedFeed
from tests.support.factories import make_account, make_payment
from tests.support.redis import RedisServer


@pytest.fixture
async def client(portal: Portal) -> AsyncIterator[httpx.AsyncClient]:
    install(portal)
    app = FastAPI()
    app.include_router(monitoring.router)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client


async def ready(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    answer = await client.get("/health/ready")
    return answer.status_code, answer.json()


async def test_all_works(client: httpx.AsyncClient) -> None:
    works = {"database": True, "migrations": True, "redis": True, "disk": True}
    assert await ready(client) == (200, works)
    assert (await client.get("/health/live")).status_code == 200


async def test_pending_migrations_are_not_ready(client: httpx.AsyncClient, portal: Portal) -> None:
    async with portal.db.write() as session:
        await session.execute(text("update alembic_version set version_num = '0001'"))
    status, works = await ready(client)
    assert (status, works["migrations"], works["database"]) == (503, False, True)


async def test_a_dead_redis_is_not_ready(
    client: httpx.AsyncClient, portal: Portal, redis: RedisServer
) -> None:
    feed = SharedFeed(redis.url)
    install(replace(portal, feed=feed))
    assert (await ready(client))[0] == 200
    redis.stop()
    status, works = await ready(client)
    assert (status, works["redis"]) == (503, False)
    assert (await client.get("/health/live")).status_code == 200
    await feed.close()


async def test_a_database_that_is_away_is_not_ready(
    client: httpx.AsyncClient, portal: Portal
) -> None:
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    install(replace(portal, db=away))
    status, works = await ready(client)
    assert (status, works["database"], works["disk"]) == (503, False, True)
    await away.close()


async def test_a_full_disk_is_not_ready(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_LEAST_FREE", 2**62)
    status, works = await ready(client)
    assert (status, works["disk"]) == (503, False)


async def test_metrics_say_what_happened(client: httpx.AsyncClient, portal: Portal) -> None:
    now, account = portal.clock(), await make_account(portal.db)
    metrics.measure(portal.db.engine)
    at = {"created_at": now - timedelta(seconds=30), "gateway": "till"}
    await make_payment(portal.db, account, completed=True, completed_at=now, **at)
    await make_payment(portal.db, account, next_check_at=now, **at)
    await make_payment(portal.db, account, created_at=now - timedelta(days=2), gateway="till")
    async with portal.db.write() as session:
        session.add(
            InboxEvent(
                gateway="till",
                event_id="e1",
                verified=True,
                received_at=now - timedelta(seconds=7),
                next_attempt_at=now,
            )
        )
    lines = (await client.get("/metrics")).text.splitlines()
    for line in (
        'portal_payments_last_hour{gateway="till",status="completed"} 1.0',
        'portal_payments_last_hour{gateway="till",status="pending"} 1.0',
        'portal_settlement_seconds{quantile="0.5"} 30.0',
        "portal_pending_age_seconds 30.0",
        "portal_webhooks_waiting 1.0",
        "portal_webhook_lag_seconds 7.0",
    ):
        assert line in lines
    (count,) = (line for line in lines if line.startswith("portal_database_seconds_count"))
    assert float(count.split()[1]) > 0


async def test_metrics_are_for_this_machine_or_who_knows_the_token(
    client: httpx.AsyncClient, portal: Portal
) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert (await client.get("/metrics", headers=forwarded)).status_code == 403
    secret = portal.settings.model_copy(update={"metrics_token": SecretStr("t0ken")})
    install(replace(portal, settings=secret))
    assert (await client.get("/metrics")).status_code == 403
    known = {"Authorization": "Bearer t0ken", **forwarded}
    assert (await client.get("/metrics", headers=known)).status_code == 200
