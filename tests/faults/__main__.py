"""The fault campaign: ``python -m tests.faults --seed 1 --payments 3000``.

Ctrl-C ends it early: no further payments begin, and what was made until then is compared.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.faults.books import Books
from tests.faults.campaign import Campaign, running
from tests.faults.plan import KINDS_OF_FAULTS, OUTAGES, make_plan
from tests.support.databases import Postgres

_BROKEN: Final = ("lost", "doubled", "stuck", "wrong")


async def main(seed: int, payments: int, backend: str, directory: Path) -> int:
    """Run a campaign, print what it found, and return the exit code."""
    began = time.monotonic()
    print(f"seed {seed}, {payments} payments, {backend}, logs in {directory}", flush=True)
    postgres = await asyncio.to_thread(Postgres) if backend == "postgresql" else None
    try:
        async with running(directory, f"{seed}", postgres) as campaign:
            loop, this = asyncio.get_running_loop(), asyncio.current_task()
            loop.add_signal_handler(signal.SIGINT, campaign.stop)
            if this is not None:
                loop.add_signal_handler(signal.SIGTERM, this.cancel)
            await campaign.run(make_plan(seed, payments, backend), _say)
            _say("everything works again")
            await campaign.settle()
            books = await campaign.books()
    finally:
        if postgres is not None:
            postgres.stop()
    _report(campaign, books, backend, time.monotonic() - began)
    return 1 if books.violations or campaign.customers.doubled else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _report(campaign: Campaign, books: Books, backend: str, seconds: float) -> None:
    for kind in (*KINDS_OF_FAULTS, *OUTAGES[backend]):
        print(f"{campaign.faults[kind]:8} {kind}")
    print(f"{campaign.faults.total():8} faults in {seconds:.0f} s")
    ends = ", ".join(f"{count} {how}" for how, count in sorted(books.endings.items()))
    print(f"{books.endings.total()} payments: {ends}")
    for violation in books.violations:
        print(f"{violation.kind.upper()} {violation.reference}: {violation.why}")
    found = {kind: sum(each.kind == kind for each in books.violations) for kind in _BROKEN}
    print(", ".join(f"{count} {kind}" for kind, count in found.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--payments", type=int, default=3000)
    parser.add_argument("--database", choices=OUTAGES, default="sqlite")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    sys.exit(asyncio.run(main(given.seed, given.payments, given.database, folder)))
