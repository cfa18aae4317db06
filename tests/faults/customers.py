"""The customers and staff of a campaign: they click, try again, and pay at the sandbox's pages."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx

from payments_app.domain.payment import PaymentStatus
from tests.faults.plan import Ending, Journey
from tests.support.payers import NO_FUNDS, PAY, VISA, confirm_card, press

_BUTTONS: Final = {
    Ending.PAYS: PAY,
    Ending.CANCELS_AND_PAYS: PAY,
    Ending.DECLINED: frozenset({"decline", "fail"}),
    Ending.CANCELS: frozenset({"cancel"}),
}
_TRIES: Final = 3
_PAUSE: Final = 0.2
_PATIENT_TRIES: Final = 30
_CARD_SECONDS: Final = 5
"""How long the card fields wait for their gateway."""


@dataclass
class Customers:
    """Everyone who clicks. ``users`` are the customers' ids; ``acknowledged`` is what the portal
    answered with success, by reference; ``doubled`` are payments that one idempotency key made;
    ``answers`` is how often the portal has answered, whatever it said."""

    workers: Sequence[str]
    sandbox: str
    users: Sequence[int]
    http: httpx.AsyncClient
    run: str
    acknowledged: dict[str, Journey] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    answers: int = 0

    async def go(self, journey: Journey) -> None:
        """Make one payment from start to end, or as far as the faults allow."""
        said = await self._start(journey)
        for _ in range(_PATIENT_TRIES):
            if said is not None:
                break
            await asyncio.sleep(5 * _PAUSE)  # the gateway is known not to answer just now
            said = await self._start(journey)
        if said is None:
            return
        for _ in range(_TRIES):
            if said["action"] or said["status"] != PaymentStatus.PENDING:
                break
            await asyncio.sleep(_PAUSE)
            said = await self._start(journey) or said
        await self._end(journey, said)
        if journey.returns or journey.refund:
            said = await self._check(journey, said["reference"]) or said
        if journey.refund and said["status"] == PaymentStatus.COMPLETED:
            await self._refund(journey, said["reference"])

    async def _start(self, journey: Journey) -> dict[str, Any] | None:
        asked = {
            "gateway": journey.gateway,
            "channel": journey.channel,
            "minor": journey.amount.minor,
            "currency": journey.amount.currency,
            "key": f"{self.run}-{journey.number}",
        }
        path = f"/drive/start/{self.users[journey.customer]}"
        clicks = (self._ask(path, asked, journey.number + i) for i in range(journey.clicks))
        answers = [answer for answer in await asyncio.gather(*clicks) if answer]
        references = {answer["reference"] for answer in answers}
        self.acknowledged |= dict.fromkeys(references, journey)
        if len(references) > 1:
            self.doubled += references
        with_action = [answer for answer in answers if answer["action"]]
        return next(iter(with_action + answers), None)

    async def _end(self, journey: Journey, said: dict[str, Any]) -> None:
        reference, action = said["reference"], said["action"]
        if journey.ending in (Ending.CANCELS, Ending.CANCELS_AND_PAYS):
            user = self.users[journey.customer]
            await self._ask(f"/drive/cancel/{user}/{reference}", {}, journey.number)
        if not action or journey.ending is Ending.LEAVES:
            return
        if "client_secret" in action:
            if journey.ending is not Ending.CANCELS:
                await self._confirm_card(journey, action["client_secret"])
        elif journey.gateway != "bank_transfer":
            page = action.get("url") or f"{self.sandbox}/paynamics/counter/{reference}"
            await press(self.http, page, _BUTTONS[journey.ending])

    async def _check(self, journey: Journey, reference: str) -> dict[str, Any] | None:
        said = None
        for _ in range(_TRIES):
            path = f"/drive/check/{self.users[journey.customer]}/{reference}"
            said = await self._ask(path, {}, journey.number)
            if said and said["status"] != PaymentStatus.PENDING:
                break
            await asyncio.sleep(_PAUSE)
        return said

    async def _refund(self, journey: Journey, reference: str) -> None:
        asked = {
            "minor": journey.amount.minor * journey.refund // 100,
            "currency": journey.amount.currency,
            "key": f"{self.run}-{journey.number}-refund",
        }
        path = f"/drive/refund/{reference}"
        clicks = (self._ask(path, asked, journey.number + i) for i in range(journey.clicks))
        await asyncio.gather(*clicks)

    async def _ask(self, path: str, asked: dict[str, Any], first: int) -> dict[str, Any] | None:
        """Ask the workers in turn until one answers, as a customer reloads; None when the answer
        is a refusal, or a fault again and again."""
        faults, away = 0, 0
        for turn in count(first):
            worker = self.workers[turn % len(self.workers)]
            try:
                answer = await self.http.post(f"{worker}{path}", json=asked)
            except httpx.TransportError:
                away += 1
                await asyncio.sleep(_PAUSE * 2 ** min(away, 4))  # killed; it will be back
                continue
            self.answers += 1
            if answer.is_success:
                said: dict[str, Any] = answer.json()
                return said
            faults += 1
            if answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR or faults > _TRIES:
                return None
            await asyncio.sleep(_PAUSE * 2**faults)
        raise AssertionError("unreachable")

    async def _confirm_card(self, journey: Journey, secret: str) -> None:
        number = NO_FUNDS if journey.ending is Ending.DECLINED else VISA
        for _ in range(_TRIES):
            with suppress(httpx.TransportError):
                answer = await confirm_card(self.http, self.sandbox, secret, number, _CARD_SECONDS)
                if answer.status_code < httpx.codes.TOO_MANY_REQUESTS:
                    return
