"""Three workers on two hosts, one PostgreSQL and one Redis: what a customer sees when one dies."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from payments_app.db.engine import Database
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password
from tests.support.portal import PortalServer
from tests.support.proxy import Proxy
from tests.support.redis import RedisServer
from tests.support.sandbox import eventually
from tests.support.shop import PASSWORD


@dataclass
class Cluster:
    """Host ``one`` with a single worker, host ``two`` with two, behind a proxy."""

    proxy: Proxy
    one: PortalServer
    two: PortalServer
    database: Database

    def workers_of_two(self) -> list[int]:
        assert self.two.process is not None
        found = subprocess.run(
            ["pgrep", "-P", str(self.two.process.pid), "-f", "spawn_main"],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(pid) for pid in found.stdout.split()]


@pytest.fixture
async def cluster(postgres_url: str, redis: RedisServer, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Proxy().running() as proxy:
        shared = {
            "DATABASE_URL": postgres_url,
            "REDIS_URL": redis.url,
            "PUBLIC_URL": proxy.url,
        }
        one = PortalServer(tmp_path, **shared)
        two = PortalServer(tmp_path, WORKERS="2", **shared)
        database = Database(postgres_url)
        try:
            await asyncio.gather(one.start(), two.start())
            yield Cluster(proxy, one, two, database)
        finally:
            await asyncio.gather(one.kill(), two.kill())
            await database.close()


async def choose(page: Page, amount: str) -> None:
    await page.get_by_role("button", name="Make Payment").first.click()
    dialog = page.get_by_role("dialog", name="Payment")
    await dialog.get_by_role("radio", name="Bank Transfer").click()
    await dialog.get_by_role("textbox", name="Amount").fill(amount)
    await expect(dialog.get_by_role("button", name=f"Pay ${amount}.00")).to_be_enabled()


async def pay(page: Page, amount: str) -> None:
    await page.get_by_role("button", name=f"Pay ${amount}.00").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Account number")


async def test_a_killed_worker_costs_no_input_and_no_live_update(
    cluster: Cluster, browser: Browser
) -> None:
    account = await make_account(cluster.database)
    user = await make_user(cluster.database, account, password_hash=hash_password(PASSWORD))
    context = await browser.new_context(base_url=cluster.proxy.url, locale="en-US")
    cluster.proxy.backends = [cluster.one.port]
    answer = await context.request.post(
        "/auth/login",
        data={"email": user.email, "password": PASSWORD},
        headers={"Origin": cluster.proxy.url},
    )
    assert answer.ok
    typing = await context.new_page()
    await typing.goto("/")
    await choose(typing, "25")

    cluster.proxy.backends = [cluster.two.port]
    other = await context.new_page()
    await other.goto("/")
    await choose(other, "40")
    await pay(other, "40")
    await expect(typing.locator("tr").filter(has_text="$40.00")).to_have_count(1)

    async with typing.expect_websocket() as reconnection:
        await cluster.one.kill()
    socket = await reconnection.value
    await socket.wait_for_event("framereceived", lambda frame: "delta" in str(frame))
    await expect(typing.get_by_role("textbox", name="Amount")).to_have_value("25")
    await pay(typing, "25")
    await expect(other.locator("tr").filter(has_text="$25.00")).to_have_count(1)

    before = cluster.workers_of_two()
    os.kill(before[0], signal.SIGKILL)

    async def replaced() -> bool:
        now = cluster.workers_of_two()
        return len(now) == 2 and now != before

    await eventually(replaced)
    third = await context.new_page()
    await third.goto("/")
    await choose(third, "60")
    await pay(third, "60")
    for page in (typing, other):
        await expect(page.locator("tr").filter(has_text="$60.00")).to_have_count(1)
    await context.close()
