"""A real portal in a process of its own, with its own database, for tests from the outside."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from payments_app.cli.build import ROOT, ensure_built
from payments_app.cli.serve import wait_until_ready
from tests.support.databases import copy_migrated
from tests.support.sandbox import free_port


class PortalServer:
    """One portal in sandbox mode on a free port, with the demo data, in `directory`.

    `settings` are further environment variables, such as ``SWEEP_INTERVAL_SECONDS="0.2"``.
    """

    def __init__(self, directory: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_path = directory / "portal.db"
        self.database_url = f"sqlite+aiosqlite:///{self.database_path}"
        self.log_path = directory / "portal.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = {
            **os.environ,
            "PORTAL_MODE": "sandbox",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "DATA_DIR": str(directory),
            "DATABASE_URL": self.database_url,
            **settings,
        }

    async def run(self, *module: str) -> None:
        """Run a module of the project with this portal's settings; raises when it fails."""
        command = [sys.executable, "-m", *module]
        with self.log_path.open("ab") as log:
            await asyncio.to_thread(
                subprocess.run,
                command,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                check=True,
            )

    async def migrate(self) -> None:
        """Make the empty database."""
        await asyncio.to_thread(copy_migrated, self.database_path)

    async def prepare(self) -> None:
        """Make the database and fill in the demo data."""
        await self.migrate()
        await self.run("payments_app.cli.demo")

    async def start(self, module: str = "payments_app.cli.serve") -> None:
        """Start the server and wait until it answers; the front end is built before."""
        await asyncio.to_thread(ensure_built)
        with self.log_path.open("ab") as log:
            process = self.process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if not await asyncio.to_thread(wait_until_ready, self.port, lambda: process.poll() is None):
            await self.kill()
            raise RuntimeError(f"the portal does not answer:\n{self.log_path.read_text()}")

    async def stop(self) -> int:
        """Stop the server as an operator does, and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, 30)

    async def kill(self) -> None:
        """End the server and its worker at once, as a power cut does."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)

    async def restart(self) -> None:
        """Stop the server if it still runs, and start it again on the same database."""
        await self.stop()
        await self.start()
