"""The fault campaign: ``python -m tests.faults --seed 1 --payments 3000``."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.campaign import running
from tests.faults.plan import OUTAGES, Round, make_plan
from tests.support.databases import Postgres


async def main(seed: int, payments: int, backend: str, directory: Path) -> int:
    """Run a campaign, print what it found, and return the exit code."""
    began = time.monotonic()
    plan = make_plan(seed, payments, backend)
    print(f"seed {seed}, {payments} payments, {backend}, logs in {directory}", flush=True)
    postgres = await asyncio.to_thread(Postgres) if backend == "postgresql" else None
    try:
        return await _run(plan, f"{seed}", directory, postgres, began)
    finally:
        if postgres is not None:
            postgres.stop()


async def _run(
    plan: tuple[Round, ...], run: str, directory: Path, postgres: Postgres | None, began: float
) -> int:
    async with running(directory, run, postgres) as campaign:
        await campaign.run(plan, lambda line: print(line, flush=True))
        await campaign.settle()
        books = await campaign.books()
    for kind, count in sorted(campaign.faults.items()):
        print(f"{count:8} {kind}")
    print(f"{campaign.faults.total():8} faults in {time.monotonic() - began:.0f} s")
    print("payments:", ", ".join(f"{count} {how}" for how, count in sorted(books.endings.items())))
    for violation in books.violations:
        print(f"{violation.kind.upper()} {violation.reference}: {violation.why}")
    found = {kind: sum(v.kind == kind for v in books.violations) for kind in KINDS}
    print(", ".join(f"{count} {kind}" for kind, count in found.items()))
    return 1 if books.violations or campaign.customers.doubled else 0


KINDS = ("lost", "doubled", "stuck", "wrong")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--payments", type=int, default=3000)
    parser.add_argument("--database", choices=OUTAGES, default="sqlite")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    sys.exit(asyncio.run(main(given.seed, given.payments, given.database, folder)))
