"""Prove that every balance equals the sum of its rows: ``python -m payments_app.cli.verify``."""

import asyncio
import sys

from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.domain.money import Money
from payments_app.settings import Settings


async def verify(database: Database) -> list[str]:
    """Return a line for each balance that differs from its recomputed sum; none is the proof."""
    async with database.read() as session:
        wrong = await ledger.wrong_balances(session)
    return [
        f"account {account}: balance {Money(kept, currency).to_decimal()} {currency}, "
        f"rows sum to {Money(found, currency).to_decimal()} {currency}"
        for account, currency, kept, found in wrong
    ]


async def _main() -> int:
    database = Database(Settings().database_url)
    try:
        wrong = await verify(database)
    finally:
        await database.close()
    print("\n".join(wrong) or "Every balance equals the sum of its Completed rows.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
