"""Run the sandbox on its own: ``python -m payments_app.sandbox --port 3150 --portal URL``."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server

from payments_app.sandbox.app import create_sandbox, issued_settings
from payments_app.settings import Settings


async def serve(host: str, port: int, portal_url: str, store_path: Path) -> None:
    """Serve at http://host:port/sandbox until SIGINT or SIGTERM."""
    origin = f"http://{host}:{port}/sandbox"
    sandbox = create_sandbox(
        store_path, origin=origin, portal_url=portal_url, merchant=Settings().portal_name
    )
    outer = FastAPI(openapi_url=None)
    outer.mount("/sandbox", sandbox.app)
    server = Server(outer, host, port, interface=Interfaces.ASGINL, log_enabled=False)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    async with sandbox.running():
        for name, text in issued_settings(origin).items():
            sys.stdout.write(f"{name}={text}\n")
        sys.stdout.write(f"sandbox at {origin}/\n")
        sys.stdout.flush()
        await server.serve()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m payments_app.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3150)
    parser.add_argument("--portal", default="http://localhost:3000", help="where webhooks go")
    parser.add_argument("--store", type=Path, default=Path("var/sandbox.db"))
    given = parser.parse_args()
    asyncio.run(serve(given.host, given.port, given.portal, given.store))


if __name__ == "__main__":
    main()
