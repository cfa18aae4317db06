"""Real worker processes of one portal, on one database, with a gateway that writes down its calls.

What each process does goes as a line, its number first, into one file that all of them share.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from payments_app.db.engine import Database
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import PaymentLookup, PaymentResult
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support.gateway import Till
from tests.support.sandbox import eventually

PROCESSES = 3
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.worker", "tests.support.working"])
Work = Callable[[Portal], Coroutine[Any, Any, None]]


@dataclass
class Notes:
    """The file of lines, and how far the clock of all processes is ahead, beside it."""

    path: Path

    def write(self, line: str) -> None:
        """Add one line, whole, whoever else writes."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{os.getpid()} {line}\n".encode())
        os.close(handle)

    def read(self) -> list[tuple[int, str]]:
        """Return process and text of every line so far."""
        if not self.path.exists():
            return []
        lines = [line.split(" ", 1) for line in self.path.read_text().splitlines()]
        return [(int(process), said) for process, said in lines]

    def processes(self) -> set[int]:
        """Return who has written."""
        return {process for process, _ in self.read()}

    def let_pass(self, seconds: int) -> None:
        """Let time pass in every process."""
        self.path.with_suffix(".ahead").write_text(str(seconds))

    def clock(self) -> datetime:
        """Tell the time of all processes."""
        ahead = self.path.with_suffix(".ahead")
        seconds = int(ahead.read_text()) if ahead.exists() else 0
        return datetime.now(UTC) + timedelta(seconds=seconds)


class NotingTill(Till):
    """Notes each look-up; ``paid`` says how it answers.

    Where ``together`` no look-up is answered before every process has begun one.
    """

    check_delays = (0,)

    def __init__(self, notes: Notes, paid: bool, together: bool) -> None:
        super().__init__()
        self._notes, self._paid, self._together = notes, paid, together

    async def fetch_payment(self, lookup: PaymentLookup) -> PaymentResult:
        self._notes.write(lookup.reference)

        async def all_at_it() -> bool:
            return len(self._notes.processes()) >= PROCESSES

        if self._together:
            await eventually(all_at_it)
        status = PaymentStatus.COMPLETED if self._paid else PaymentStatus.PENDING
        return PaymentResult(
            status, f"till-{lookup.reference}", lookup.charge, own_reference=lookup.reference
        )


def _work(url: str, notes: Notes, paid: bool, together: bool, work: Work) -> None:
    asyncio.run(_until_killed(url, notes, paid, together, work))


async def _until_killed(url: str, notes: Notes, paid: bool, together: bool, work: Work) -> None:
    settings = Settings(_env_file=None, sweep_interval_seconds=0.05)
    till = NotingTill(notes, paid, together)
    await work(Portal(settings, Database(url), {"till": till}, clock=notes.clock))


@dataclass
class Workers:
    """Processes that run until killed."""

    notes: Notes
    running: list[BaseProcess] = field(default_factory=list)

    def kill(self, process_id: int) -> None:
        """End one with SIGKILL, and wait until it is gone."""
        os.kill(process_id, signal.SIGKILL)
        next(each for each in self.running if each.pid == process_id).join()


@contextmanager
def working(
    url: str, notes: Notes, work: Work, *, paid: bool, together: bool = False
) -> Iterator[Workers]:
    """Start the processes, each doing ``work`` for ever; kill what is left of them at the end."""
    arguments = (url, notes, paid, together, work)
    workers = Workers(notes)
    for _ in range(PROCESSES):
        process = _processes.Process(target=_work, args=arguments)
        process.start()
        workers.running.append(process)
    try:
        yield workers
    finally:
        for process in workers.running:
            process.kill()
            process.join()
