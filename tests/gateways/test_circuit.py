"""The circuit of one gateway: when it opens, how it closes again, and what it counts."""

import asyncio

import pytest

from payments_app.gateways.circuit import FAULTS_TO_OPEN, Circuit, CircuitState
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable, RateLimited
from tests.support.sandbox import FakeClock


@pytest.fixture
def seconds() -> FakeClock:
    return FakeClock(100.0)


@pytest.fixture
def circuit(seconds: FakeClock) -> Circuit:
    return Circuit("tests", seconds)


async def call(circuit: Circuit, error: Exception | None = None) -> None:
    """Make one call that ends in ``error``, or well."""
    if error is None:
        async with circuit.call():
            return
    with pytest.raises(type(error)) as caught:
        async with circuit.call():
            raise error
    assert caught.value is error


async def refused(circuit: Circuit) -> GatewayUnavailable:
    """Make a call that the circuit itself refuses."""
    with pytest.raises(GatewayUnavailable, match="not answering") as caught:
        async with circuit.call():
            pytest.fail("it was let through")
    assert not caught.value.retryable
    return caught.value


async def opened(circuit: Circuit) -> None:
    for _ in range(FAULTS_TO_OPEN):
        await call(circuit, GatewayUnavailable("down"))
    assert circuit.state is CircuitState.OPEN


async def test_it_opens_after_faults_in_a_row_only(circuit: Circuit) -> None:
    for _ in range(3):
        for _ in range(FAULTS_TO_OPEN - 1):
            await call(circuit, GatewayUnavailable("down"))
        assert circuit.state is CircuitState.CLOSED
        await call(circuit)
    await opened(circuit)
    assert 0 < (await refused(circuit)).retry_after <= 5


async def test_a_refusal_and_a_plea_for_patience_show_that_it_lives(circuit: Circuit) -> None:
    for _ in range(3 * FAULTS_TO_OPEN):
        await call(circuit, RateLimited("429"))
        await call(circuit, GatewayRejected("declined"))
    assert circuit.state is CircuitState.CLOSED


async def test_half_open_lets_one_call_try(circuit: Circuit, seconds: FakeClock) -> None:
    await opened(circuit)
    seconds.now += 5
    assert circuit.state is CircuitState.HALF_OPEN
    async with circuit.call():
        await refused(circuit)
    assert circuit.state is CircuitState.CLOSED


async def test_a_failed_try_makes_the_next_pause_longer(
    circuit: Circuit, seconds: FakeClock
) -> None:
    await opened(circuit)
    pauses = []
    for _ in range(6):
        pauses.append(circuit.seconds_to_retry)
        seconds.now += circuit.seconds_to_retry
        await call(circuit, GatewayUnavailable("down"))
    assert pauses == [5, 10, 20, 40, 60, 60]
    seconds.now += 60
    await call(circuit)
    assert circuit.state is CircuitState.CLOSED
    await opened(circuit)
    assert circuit.seconds_to_retry == 5


async def test_a_try_that_its_caller_gives_up_leaves_room_for_another(
    circuit: Circuit, seconds: FakeClock
) -> None:
    await opened(circuit)
    seconds.now += 5
    with pytest.raises(asyncio.CancelledError):
        async with circuit.call():
            raise asyncio.CancelledError
    await call(circuit)
    assert circuit.state is CircuitState.CLOSED


async def test_no_more_calls_than_slots_are_on_their_way(seconds: FakeClock) -> None:
    circuit = Circuit("tests", seconds, at_once=3)
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with circuit.call():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(30)))
    assert most == 3


async def test_whoever_finds_no_slot_is_not_kept_waiting(
    monkeypatch: pytest.MonkeyPatch, seconds: FakeClock
) -> None:
    monkeypatch.setattr("payments_app.gateways.circuit._SECONDS_FOR_A_SLOT", 0.01)
    circuit = Circuit("tests", seconds, at_once=1)
    async with circuit.call():
        with pytest.raises(GatewayUnavailable, match="too busy"):
            async with circuit.call():
                pytest.fail("it was let through")
    await call(circuit)
    assert circuit.last_fault == ""


async def test_calls_are_counted_with_their_time(circuit: Circuit, seconds: FakeClock) -> None:
    async with circuit.call():
        seconds.now += 0.25
    await call(circuit, GatewayUnavailable("tests answered 500"))
    assert sum(minute.calls for minute in circuit.minutes) == 2
    assert sum(minute.faults for minute in circuit.minutes) == 1
    assert sum(minute.milliseconds for minute in circuit.minutes) == 250
    assert circuit.last_fault == "tests answered 500"
    assert circuit.last_success_at is not None
    assert circuit.last_fault_at is not None
