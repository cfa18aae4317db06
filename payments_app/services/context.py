"""What every service works with, made once by the composition root."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db.engine import Database
from payments_app.domain.errors import NotFound
from payments_app.gateways.base import Gateway
from payments_app.services.batches import Batches
from payments_app.services.identity import Identity
from payments_app.services.live import Feed
from payments_app.services.rates import Rates
from payments_app.services.tally import Tally
from payments_app.settings import Settings


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _worker_name() -> str:
    # The random part tells apart processes of one number: in containers, and after a restart.
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Portal:
    """The parts of a running portal.

    ``clock`` returns the current time in UTC; ``inbox_filled`` wakes the webhook worker;
    ``arrivals`` are the webhooks on their way into the database;
    ``worker`` names this process among those that share the database; ``refusals`` counts the
    webhooks that it refused, ``rates`` who asked for what how often.
    """

    settings: Settings
    db: Database
    gateways: Mapping[str, Gateway]
    feed: Feed = field(default_factory=Feed)
    clock: Callable[[], datetime] = _utc_now
    inbox_filled: asyncio.Event = field(default_factory=asyncio.Event)
    arrivals: Batches[Any, bool] = field(default_factory=Batches)
    worker: str = field(default_factory=_worker_name)
    refusals: Tally = field(default_factory=Tally)
    rates: Rates = field(default_factory=Rates)

    def gateway(self, code: str | None) -> Gateway:
        """Return a gateway by its code; raises NotFound."""
        if code is None or code not in self.gateways:
            raise NotFound(f"gateway {code}")
        return self.gateways[code]

    def read_as(
        self, who: Identity, *, snapshot: bool = False
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session that reads what ``who`` may see: of customers, the own account's rows.

        Everything that customers are shown is read in one of these. Staff see all.
        """
        account = None if who.is_staff else who.own_account()
        return self.db.read(account=account, snapshot=snapshot)

    async def close(self) -> None:
        """Close every connection."""
        for gateway in self.gateways.values():
            await gateway.aclose()
        await self.feed.close()
        await self.rates.close()
        await self.db.close()


_installed: list[Portal] = []


def install(portal: Portal) -> None:
    """Make ``portal`` the one that routes and page states use in this process."""
    _installed[:] = [portal]


def current() -> Portal:
    """Return the installed portal; raises RuntimeError before the composition root has run."""
    if not _installed:
        raise RuntimeError("no portal is installed")
    return _installed[0]
