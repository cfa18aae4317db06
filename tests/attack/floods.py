"""A flood of webhooks that no gateway has signed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import httpx

from tests.attack.target import Target

_SENDERS = 8


@asynccontextmanager
async def flood(target: Target) -> AsyncIterator[Counter[int]]:
    """Send forged webhooks as fast as they are answered until the block ends; counts answers."""
    answers: Counter[int] = Counter()
    numbers = count()

    async def send(http: httpx.AsyncClient) -> None:
        while True:
            body = f'{{"id": "evt_forged{next(numbers)}", "type": "payment_intent.succeeded"}}'
            headers = {"Stripe-Signature": "t=1,v1=00", "Content-Type": "application/json"}
            answer = await http.post("/webhooks/card", content=body, headers=headers)
            answers[answer.status_code] += 1

    async with httpx.AsyncClient(base_url=target.portal.url, timeout=30) as http:
        senders = [asyncio.create_task(send(http)) for _ in range(_SENDERS)]
        try:
            yield answers
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)
