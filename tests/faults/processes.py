"""The processes of a campaign's portal: told what is to go wrong, started again when they died."""

import asyncio
import multiprocessing
import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

import httpx

from tests.faults.plan import Kill
from tests.faults.worker import Life, live
from tests.support.sandbox import eventually

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.worker"])


@dataclass
class Worker:
    """One process of the portal, started again whenever it dies.

    ``ahead`` and ``full`` are as in its Life; ``order`` numbers the kills it was told of.
    """

    life: Life
    ahead: float = 0
    full: bool = False
    kill: Kill | None = None
    order: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    ending: bool = False
    process: BaseProcess | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.life.port}"

    async def keep(self) -> None:
        """Run it until it is told to end; a death that nobody planned is raised."""
        while True:
            life = Life(**(asdict(self.life) | {"ahead": self.ahead, "full": self.full}))
            process = self.process = _processes.Process(target=live, args=(life,))
            process.start()
            await asyncio.to_thread(process.join)
            if self.ending:
                return
            if process.exitcode != -signal.SIGKILL or self.kill is None:
                raise RuntimeError(f"a worker ended with {process.exitcode}; see {life.log_path}")
            self.kills[f"killed {self.kill.point}"] += 1
            self.kill = None

    async def sabotage(self, http: httpx.AsyncClient, **changes: Any) -> None:
        """Tell it what is to go wrong from now on: ``ahead``, ``full`` or ``kill``."""
        for name, value in changes.items():
            setattr(self, name, value)
        if "kill" in changes:
            self.order += 1

        async def told() -> bool:
            # It may have died of what it was told before it could answer: then it is told anew,
            # without what killed it.
            kill = self.kill and asdict(self.kill)
            asked = {"ahead": self.ahead, "full": self.full, "kill": kill, "order": self.order}
            with suppress(httpx.TransportError):
                return (await http.post(f"{self.url}/drive/sabotage", json=asked)).is_success
            return False

        await eventually(told)

    def end(self) -> None:
        """Ask it to stop."""
        self.ending = True
        if self.process is not None and self.process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)
