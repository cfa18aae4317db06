"""Asking for a refund: once, however many ask, where the gateway knows no idempotency key."""

import asyncio
from dataclasses import replace

import pytest

from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import RefundRequest, RefundResult
from payments_app.gateways.errors import GatewayUnavailable
from payments_app.services.sweep import sweep_once
from tests.services.conftest import Shop
from tests.services.test_refunds import completed, give_back
from tests.support.clock import Clock
from tests.support.gateway import Till


class SlowTill(Till):
    """Refunds anew each time that it is asked, when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.under_way = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def refund(self, request: RefundRequest) -> RefundResult:
        self.asked += 1
        self.under_way.set()
        await self.goes_on.wait()
        return await super().refund(request)


@pytest.fixture
def slow(shop: Shop) -> Shop:
    till = SlowTill()
    return replace(shop, portal=replace(shop.portal, gateways={"till": till}), till=till)


@pytest.mark.parametrize("ahead", [0, 240])
async def test_two_workers_that_ask_for_a_refund_at_once_get_one(slow: Shop, ahead: int) -> None:
    """A double click may reach two workers, of which one's clock is four minutes ahead."""
    assert isinstance(slow.till, SlowTill)
    reference = await completed(slow)
    first = asyncio.create_task(give_back(slow, reference, 2000))
    await slow.till.under_way.wait()
    clock = Clock()
    clock.now = slow.clock.now
    clock.forward(seconds=ahead)
    other = replace(slow, portal=replace(slow.portal, worker="other", clock=clock))
    row = await slow.payment(await give_back(other, reference, 2000))
    assert row.status is PaymentStatus.PENDING
    await sweep_once(other.portal)
    slow.till.goes_on.set()
    assert await first == row.reference
    assert slow.till.asked == 1
    assert await slow.balance() == 3000


async def test_a_refund_whose_answer_was_lost_is_asked_for_when_none_can_be_under_way(
    shop: Shop,
) -> None:
    reference = await completed(shop)
    shop.till.fault = GatewayUnavailable("timed out")
    row = await shop.payment(await give_back(shop, reference, 2000))
    shop.till.fault = None
    shop.clock.forward(minutes=5)
    await sweep_once(shop.portal)
    assert (await shop.payment(row.reference)).status is PaymentStatus.PENDING
    assert shop.till.refunds == {}
    shop.clock.forward(minutes=6)
    await sweep_once(shop.portal)
    assert (await shop.payment(row.reference)).status is PaymentStatus.COMPLETED
    assert await shop.balance() == 3000
