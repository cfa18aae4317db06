"""What stands between the portal and one gateway: a circuit breaker, a bulkhead and counters.

After Nygard, Release It!, 2nd edition, "Circuit Breaker" and "Bulkheads". Each process keeps its
own: what it learns costs it a few calls, and nothing has to be shared.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import structlog

from payments_app.gateways.errors import GatewayUnavailable, RateLimited

log = structlog.get_logger()

FAULTS_TO_OPEN: Final = 5
"""So many faults one after another open the circuit."""

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 60.0
_CALLS_AT_ONCE: Final = 16
_SECONDS_FOR_A_SLOT: Final = 3.0
_MINUTES_KEPT: Final = 60


class CircuitState(StrEnum):
    """Closed: calls pass. Open: they are refused at once. Half open: one may try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Minute:
    """The calls of one minute that ended in it; ``milliseconds`` is their time added up."""

    start: datetime
    calls: int = 0
    faults: int = 0
    milliseconds: int = 0


class Circuit:
    """Lets the calls of one gateway through, and refuses them while it is known to be dead.

    ``clock`` counts seconds from anywhere and never goes back; ``at_once`` bounds how many calls
    are on their way, so that a slow gateway takes no more of the portal than its share.
    """

    def __init__(
        self,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        at_once: int = _CALLS_AT_ONCE,
    ) -> None:
        self.name = name
        self.minutes: deque[Minute] = deque(maxlen=_MINUTES_KEPT)
        self.last_success_at: datetime | None = None
        self.last_fault_at: datetime | None = None
        self.last_fault = ""
        self._clock = clock
        self._slots = asyncio.Semaphore(at_once)
        self._faults = 0
        self._pause = _FIRST_PAUSE
        self._open_until: float | None = None
        self._trying = False

    @property
    def state(self) -> CircuitState:
        """Whether calls pass now."""
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self.seconds_to_retry > 0 else CircuitState.HALF_OPEN

    @property
    def seconds_to_retry(self) -> float:
        """How long an open circuit still refuses every call; 0 for one that is not open."""
        return max(0.0, self._open_until - self._clock()) if self._open_until is not None else 0.0

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Let one call through and note how it ends.

        GatewayUnavailable counts as a fault, and any other end shows that the gateway answers.
        Raises GatewayUnavailable itself when the circuit is open or too many calls are on their
        way: nothing was sent then.
        """
        trying = self._admit()
        try:
            await self._take_slot()
            started = self._clock()
            try:
                yield
            except GatewayUnavailable as fault:
                self._count(started, fault)
                raise
            except asyncio.CancelledError:
                raise  # The caller gave up, which tells nothing of the gateway.
            except Exception:
                self._count(started)
                raise
            else:
                self._count(started)
            finally:
                self._slots.release()
        finally:
            if trying:
                self._trying = False

    def _admit(self) -> bool:
        """Return whether the call is the one that tries a half open circuit."""
        state = self.state
        if state is CircuitState.OPEN or (state is CircuitState.HALF_OPEN and self._trying):
            raise GatewayUnavailable(
                f"{self.name} is not answering",
                retryable=False,
                retry_after=self.seconds_to_retry,
            )
        trying = self._trying = state is CircuitState.HALF_OPEN
        return trying

    async def _take_slot(self) -> None:
        try:
            async with asyncio.timeout(_SECONDS_FOR_A_SLOT):
                await self._slots.acquire()
        except TimeoutError:
            raise GatewayUnavailable(f"{self.name} is too busy", retryable=False) from None

    def _count(self, started: float, fault: GatewayUnavailable | None = None) -> None:
        now = datetime.now(UTC)
        minute = self._minute(now)
        minute.calls += 1
        minute.milliseconds += round((self._clock() - started) * 1000)
        if fault is None:
            self.last_success_at = now
            self._close()
            return
        minute.faults += 1
        self.last_fault_at, self.last_fault = now, str(fault)
        if not isinstance(fault, RateLimited):  # A gateway that asks for patience is alive.
            self._fail()

    def _minute(self, now: datetime) -> Minute:
        start = now.replace(second=0, microsecond=0)
        if not self.minutes or self.minutes[-1].start != start:
            self.minutes.append(Minute(start))
        return self.minutes[-1]

    def _close(self) -> None:
        if self._open_until is not None:
            log.info("circuit_closed", gateway=self.name)
        self._faults, self._open_until, self._pause = 0, None, _FIRST_PAUSE

    def _fail(self) -> None:
        self._faults += 1
        tried = self.state is CircuitState.HALF_OPEN
        if tried:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if tried or (self._open_until is None and self._faults >= FAULTS_TO_OPEN):
            self._open_until = self._clock() + self._pause
            log.warning("circuit_opened", gateway=self.name, seconds=self._pause)
