"""Webhooks: queued in the transaction that caused them, sent over real HTTP, tried again.

Each gateway has one sender, so the order of sending is what the queue says. The queue is in the
store: what was not delivered when the process died is sent after the next start.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache

import httpx

from payments_app.sandbox.faults import Fault, fires
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Provider, Signed

_log = logging.getLogger(__name__)
ATTEMPTS = 10
"""A delivery is given up after this many answers outside 2xx (or none at all)."""
_ANSWER_SECONDS = 10
_LEASE_SECONDS = 15
_LONGEST_GAP_SECONDS = 60
_NOTHING_DUE_SECONDS = 3600
_SPOILS = {
    Fault.WEBHOOK_FORGE: "forge",
    Fault.WEBHOOK_OLD_KEY: "old key",
    Fault.WEBHOOK_TRUNCATE: "cut",
}
_DIGITS = str.maketrans("0123456789abcdef", "123456789abcdef0")


async def post(
    tx: Transaction,
    event_id: str,
    event_type: str,
    event: Document,
    url: str | None = None,
) -> None:
    """Queue an event for the portal; it leaves once the transaction is committed.

    It goes to the portal's ``/webhooks/<gateway>``, or to ``url`` where the merchant names the
    address in the request that started the payment.
    """
    copies = 1 + (await fires(tx, Fault.WEBHOOK_DUPLICATE) or 0)
    delay = await fires(tx, Fault.WEBHOOK_DELAY) or 0
    quiet = await fires(tx, Fault.WEBHOOK_REORDER)
    spoils = [name for fault, name in _SPOILS.items() if await fires(tx, fault) is not None]
    dropped = await fires(tx, Fault.WEBHOOK_DROP) is not None
    due = tx.now + delay + (quiet or 0)
    if quiet is not None:
        await tx.execute(
            "UPDATE deliveries SET next_at = ?"
            " WHERE gateway = ? AND status = 'queued' AND newest_first",
            *(due, tx.gateway),
        )
    for _ in range(copies):
        await tx.execute(
            "INSERT INTO deliveries (gateway, event_id, type, url, body, spoil, newest_first,"
            " status, next_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(tx.gateway, event_id, event_type, url, json.dumps(event)),
            *(spoils[0] if spoils else "", quiet is not None),
            *("dropped" if dropped else "queued", due, tx.now),
        )
    tx.posted = True


async def send_again(tx: Transaction, delivery_id: int) -> bool:
    """Queue a clean copy of a delivery, whatever became of it; False if there is none."""
    rows = await tx.execute(
        "INSERT INTO deliveries (gateway, event_id, type, url, body, spoil, newest_first, status,"
        " next_at, created_at) SELECT gateway, event_id, type, url, body, '', 0, 'queued', ?, ?"
        " FROM deliveries WHERE gateway = ? AND id = ? RETURNING id",
        *(tx.now, tx.now, tx.gateway, delivery_id),
    )
    tx.posted = bool(rows)
    return tx.posted


async def recent(tx: Transaction, limit: int) -> list[Document]:
    """List the gateway's deliveries, newest first; status queued, delivered, failed or dropped."""
    return await tx.execute(
        "SELECT id, event_id, type, spoil, status, attempts, next_at, answer, created_at"
        " FROM deliveries WHERE gateway = ? ORDER BY id DESC LIMIT ?",
        *(tx.gateway, limit),
    )


@cache
def _tls() -> ssl.SSLContext:
    """What the portal's certificate is checked with: read once, which takes its time."""
    return httpx.create_ssl_context(trust_env=False)


class Webhooks:
    """Sends what is queued to the portal while ``running()``."""

    def __init__(self, providers: Iterable[Provider], portal_url: str) -> None:
        self._providers = list(providers)
        self._portal_url = portal_url.rstrip("/")
        self._client = httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False, verify=_tls())

    @asynccontextmanager
    async def running(self, *, sending: bool = True) -> AsyncIterator[None]:
        """Keep the connections to the portal; with ``sending`` also send in the background."""
        senders = self._providers if sending else []
        tasks = [asyncio.create_task(self._keep_sending(provider)) for provider in senders]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._client.aclose()

    async def send_due(self, here: Provider) -> bool:
        """Send the event whose turn it is, its copies all at once; False if none is due."""
        deliveries = await self._claim(here)
        await asyncio.gather(*(self._deliver(here, delivery) for delivery in deliveries))
        return bool(deliveries)

    async def _deliver(self, here: Provider, delivery: Document) -> None:
        event, spoil = json.loads(delivery["body"]), delivery["spoil"]
        try:
            signed = await here.twin.sign(here, event, old_key=spoil == "old key")
            answer = await self._send(here, delivery, _spoiled(signed, spoil))
        except Exception as error:  # noqa: BLE001  (one odd event must not stop the sender)
            _log.exception("webhook %s of %s not sent", delivery["id"], here.twin.code)
            answer = type(error).__name__
        await self._record(here, delivery, answer)

    async def _keep_sending(self, here: Provider) -> None:
        posted = here.store.posted[here.twin.code]
        while True:
            posted.clear()
            while await self.send_due(here):
                pass
            try:
                async with asyncio.timeout(await self._seconds_to_next(here)):
                    await posted.wait()
            except TimeoutError:
                continue

    async def _claim(self, here: Provider) -> list[Document]:
        """Take the delivery whose turn it is, and those of the same event that are due as well."""
        async with here.transaction() as tx:
            return await tx.execute(
                "WITH due AS (SELECT * FROM deliveries"
                " WHERE gateway = ? AND status = 'queued' AND next_at <= ?),"
                " first AS (SELECT * FROM due"
                " ORDER BY CASE WHEN newest_first THEN -id ELSE id END LIMIT 1)"
                " UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE id IN ("
                " SELECT due.id FROM due JOIN first USING (event_id, body, spoil)) RETURNING *",
                *(tx.gateway, tx.now, tx.now + _LEASE_SECONDS),
            )

    async def _send(self, here: Provider, delivery: Document, signed: Signed) -> str:
        url = delivery["url"] or f"{self._portal_url}/webhooks/{here.twin.code}"
        try:
            response = await self._client.post(url, content=signed.body, headers=signed.headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__
        return str(response.status_code)

    async def _record(self, here: Provider, delivery: Document, answer: str) -> None:
        tries = delivery["attempts"]
        status = "delivered" if answer.startswith("2") else "queued"
        if status == "queued" and tries >= ATTEMPTS:
            status = "failed"
        gap = min(2 ** (tries - 1), _LONGEST_GAP_SECONDS)
        async with here.transaction() as tx:
            await tx.execute(
                "UPDATE deliveries SET status = ?, answer = ?, next_at = ? WHERE id = ?",
                *(status, answer, tx.now + gap, delivery["id"]),
            )

    async def _seconds_to_next(self, here: Provider) -> float:
        async with here.transaction() as tx:
            rows = await tx.execute(
                "SELECT min(next_at) AS at FROM deliveries WHERE gateway = ? AND status = 'queued'",
                tx.gateway,
            )
            at = rows[0]["at"]
            return _NOTHING_DUE_SECONDS if at is None else max(0.0, at - tx.now)


def _spoiled(signed: Signed, how: str) -> Signed:
    if how == "cut":
        return Signed(signed.body[: len(signed.body) // 2], signed.headers, signed.signature)
    if how == "forge":
        wrong = signed.signature.translate(_DIGITS)
        headers = {
            name: text.replace(signed.signature, wrong) for name, text in signed.headers.items()
        }
        return Signed(
            signed.body.replace(signed.signature.encode(), wrong.encode()),
            headers,
            wrong,
        )
    return signed
