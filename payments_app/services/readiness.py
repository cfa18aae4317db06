"""Whether this process can do its work: database, migrations, Redis and disk, as they are now."""

import asyncio
import shutil
from collections.abc import Awaitable
from typing import Final

import structlog
from sqlalchemy import text

from payments_app.db import revisions
from payments_app.services.context import Portal

log = structlog.get_logger()

_ANSWER_SECONDS: Final = 2
_LEAST_FREE: Final = 100 * 1024 * 1024
"""Bytes: with less on the disk of the data folder a database in it may soon fail to commit."""


async def readiness(portal: Portal) -> dict[str, bool]:
    """Return what works; a process that anything fails in should get no requests."""
    checks = {
        "database": _database(portal),
        "migrations": _migrations(portal),
        "redis": portal.feed.answers(),
        "disk": _disk(portal),
    }
    results = await asyncio.gather(*(_works(name, check) for name, check in checks.items()))
    return dict(zip(checks, results, strict=True))


async def _works(name: str, check: Awaitable[bool]) -> bool:
    try:
        return await asyncio.wait_for(check, _ANSWER_SECONDS)
    except Exception:  # Whatever it is, the answer is that it does not work
        log.warning("not_ready", part=name, exc_info=True)
        return False


async def _database(portal: Portal) -> bool:
    async with portal.db.read() as session:
        return bool((await session.execute(text("select 1"))).scalar_one())


async def _migrations(portal: Portal) -> bool:
    async with portal.db.read() as session:
        return not await revisions.pending(session)


async def _disk(portal: Portal) -> bool:
    folder = portal.settings.data_dir
    while not folder.exists():
        folder = folder.parent
    usage = await asyncio.to_thread(shutil.disk_usage, folder)
    return usage.free >= _LEAST_FREE
