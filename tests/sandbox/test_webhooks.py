"""Webhooks: sent, signed, tried again, and everything that can be made to go wrong with them.

The clock stands still unless told to move, and nothing is sent unless asked for.
"""

import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from payments_app.sandbox.webhooks import ATTEMPTS
from tests.support.sandbox import Delivery, FakeClock, Receiver, RunningSandbox, sandbox_at

from . import toy


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def toys(
    tmp_path: Path, receiver: Receiver, clock: FakeClock
) -> AsyncIterator[RunningSandbox]:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,), clock=clock) as running:
        yield running


async def charge(running: RunningSandbox, reference: str = "R1") -> None:
    body = {"reference": reference, "amount": 500, "currency": "USD"}
    (await running.http.post("/toy/charges", json=body)).raise_for_status()


def genuine(delivery: Delivery) -> bool:
    seconds, _, signature = delivery.headers["toy-signature"].partition(",")
    expected = hmac.new(toy.SECRET, f"{seconds}.".encode() + delivery.body, "sha256").hexdigest()
    return hmac.compare_digest(signature, expected)


def references(receiver: Receiver) -> list[str]:
    return [json.loads(delivery.body)["reference"] for delivery in receiver.deliveries]


async def statuses(running: RunningSandbox) -> list[str]:
    return [row["status"] for row in (await running.http.get("/deliveries/toy")).json()]


async def test_each_try_is_signed_afresh_until_it_is_taken(
    toys: RunningSandbox, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.statuses = [500, 404]
    await charge(toys)
    for wait in (1, 2):
        assert await toys.send_due("toy") == 1
        assert await toys.send_due("toy") == 0
        clock.now += wait
    assert await toys.send_due("toy") == 1
    clock.now += 3600
    assert await toys.send_due("toy") == 0
    assert await statuses(toys) == ["delivered"]
    assert all(genuine(delivery) for delivery in receiver.deliveries)
    assert len({delivery.headers["toy-signature"] for delivery in receiver.deliveries}) == 3
    assert len({delivery.body for delivery in receiver.deliveries}) == 1


async def test_gives_up_in_the_end(
    toys: RunningSandbox, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.statuses = [500] * 2 * ATTEMPTS
    await charge(toys)
    for _ in range(2 * ATTEMPTS):
        await toys.send_due("toy")
        clock.now += 3600
    assert len(receiver.deliveries) == ATTEMPTS
    assert await statuses(toys) == ["failed"]


async def test_survives_a_restart(tmp_path: Path, receiver: Receiver, clock: FakeClock) -> None:
    store = tmp_path / "s.db"
    async with sandbox_at(store, receiver, twins=(toy.TWIN,), clock=clock) as running:
        await charge(running)
        claimed = running.sandbox.webhooks
        await claimed._claim(running.sandbox.providers["toy"])  # killed while sending
    clock.now += 60
    async with sandbox_at(store, receiver, twins=(toy.TWIN,), clock=clock) as running:
        assert await running.send_due("toy") == 1
        assert len(await running.ledger("toy")) == 1
    assert references(receiver) == ["R1"]


async def test_sends_by_itself(tmp_path: Path, receiver: Receiver) -> None:
    async with sandbox_at(tmp_path / "s.db", receiver, twins=(toy.TWIN,)) as running:
        receiver.statuses = [503]
        await charge(running)
        first, second = await receiver.wait_for(2)
        assert first.body == second.body


async def test_duplicate(toys: RunningSandbox, receiver: Receiver) -> None:
    await toys.fault("toy", webhook_duplicate={"value": 2, "times": 1})
    await charge(toys, "R1")
    await charge(toys, "R2")
    sandbox, here = toys.sandbox, toys.sandbox.providers["toy"]
    assert await sandbox.webhooks.send_due(here)
    assert references(receiver) == ["R1", "R1", "R1"]
    assert await sandbox.webhooks.send_due(here)
    assert not await sandbox.webhooks.send_due(here)
    assert references(receiver)[3:] == ["R2"]


async def test_delay(toys: RunningSandbox, receiver: Receiver, clock: FakeClock) -> None:
    await toys.fault("toy", webhook_delay={"value": 30, "times": 1})
    await charge(toys, "R1")
    await charge(toys, "R2")
    await toys.send_due("toy")
    clock.now += 29
    await toys.send_due("toy")
    assert references(receiver) == ["R2"]
    clock.now += 1
    await toys.send_due("toy")
    assert references(receiver) == ["R2", "R1"]


async def test_drop(toys: RunningSandbox, receiver: Receiver, clock: FakeClock) -> None:
    await toys.fault("toy", webhook_drop={})
    await charge(toys)
    clock.now += 3600
    assert await toys.send_due("toy") == 0
    assert await statuses(toys) == ["dropped"]
    assert receiver.deliveries == []


async def test_reorder_waits_for_quiet_and_sends_the_newest_first(
    toys: RunningSandbox, receiver: Receiver, clock: FakeClock
) -> None:
    await toys.fault("toy", webhook_reorder={"value": 5})
    for reference in ("R1", "R2", "R3"):
        await charge(toys, reference)
        clock.now += 4
        assert await toys.send_due("toy") == 0
    clock.now += 1
    await toys.send_due("toy")
    assert references(receiver) == ["R3", "R2", "R1"]


async def test_forge_spoils_the_signature_only(toys: RunningSandbox, receiver: Receiver) -> None:
    await toys.fault("toy", webhook_forge={"times": 1})
    await charge(toys, "R1")
    await charge(toys, "R2")
    await toys.send_due("toy")
    assert references(receiver) == ["R1", "R2"]
    assert [genuine(delivery) for delivery in receiver.deliveries] == [False, True]


async def test_old_key_signs_well_but_with_the_wrong_key(
    toys: RunningSandbox, receiver: Receiver
) -> None:
    await toys.fault("toy", webhook_old_key={"times": 1})
    await charge(toys, "R1")
    await charge(toys, "R2")
    await toys.send_due("toy")
    assert references(receiver) == ["R1", "R2"]
    assert [genuine(delivery) for delivery in receiver.deliveries] == [False, True]


async def test_truncate(toys: RunningSandbox, receiver: Receiver) -> None:
    await toys.fault("toy", webhook_truncate={"times": 1})
    await charge(toys)
    await toys.send_due("toy")
    (delivery,) = receiver.deliveries
    with pytest.raises(json.JSONDecodeError):
        json.loads(delivery.body)
    assert not genuine(delivery)


async def test_send_again_is_clean(toys: RunningSandbox, receiver: Receiver) -> None:
    await toys.fault("toy", webhook_drop={}, webhook_forge={})
    await charge(toys)
    (row,) = (await toys.http.get("/deliveries/toy")).json()
    answer = await toys.http.post(f"/again/toy/{row['id']}")
    assert answer.status_code == 303
    await toys.send_due("toy")
    (delivery,) = receiver.deliveries
    assert genuine(delivery)
    assert (await toys.http.post("/again/toy/999")).status_code == 404
