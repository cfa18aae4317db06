"""Prove the books: ``python -m payments_app.cli.verify [--audit-hash HEX]``.

Every balance and total equals what its rows come to, every payment keeps the rules, nothing waits
past its time, and the audit log is whole.
"""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from payments_app.db import kept_totals, ledger
from payments_app.db.engine import Database
from payments_app.domain.money import Money
from payments_app.services import audit, invariants
from payments_app.settings import Settings


async def verify(database: Database) -> list[str]:
    """Return a line for each balance or kept total that differs from what its payments come to;
    none is the proof."""
    async with database.read(patient=True) as session:
        wrong = await ledger.wrong_balances(session)
        totals = await kept_totals.wrong(session)
    return [
        f"account {account}: balance {Money(kept, currency).to_decimal()} {currency}, "
        f"rows sum to {Money(found, currency).to_decimal()} {currency}"
        for account, currency, kept, found in wrong
    ] + [
        f"account {account}: {name} in {currency} is kept as {kept}, its payments come to {found}"
        for account, currency, figures in totals
        for name, (kept, found) in figures.items()
    ]


async def verify_rules(database: Database, now: datetime) -> list[str]:
    """Return a line for each payment or webhook that breaks a rule; none is the proof."""
    found = [*await invariants.breaches(database), *await invariants.overdue(database, now)]
    return [
        f"{finding.subject}: {finding.code} "
        + ", ".join(f"{name}={value}" for name, value in finding.details.items())
        for finding in found
    ]


async def verify_audit(database: Database, noted: bytes | None) -> list[str]:
    """Return a line for each way in which the audit log is not whole; none is the proof.

    ``noted`` is a hash that was written down earlier and has to be in the log still.
    """
    wrong = []
    broken = await audit.first_broken(database)
    if broken is not None:
        wrong.append(f"audit log: row {broken} does not follow from the one before")
    if noted is not None and not await audit.contains(database, noted):
        wrong.append(f"audit log: no row has the hash {noted.hex()}")
    return wrong


async def _verify_all(noted: bytes | None) -> list[str]:
    database = Database(Settings().database_url)
    try:
        return [
            *await verify(database),
            *await verify_rules(database, datetime.now(UTC)),
            *await verify_audit(database, noted),
        ]
    finally:
        await database.close()


def main(
    audit_hash: Annotated[
        str, typer.Option(help="A hash from an export or log: it must be in the audit log.")
    ] = "",
) -> None:
    """Prove balances, payments and webhooks right, and that the audit log is whole."""
    try:
        noted = bytes.fromhex(audit_hash) or None
    except ValueError:
        sys.exit("--audit-hash takes hexadecimal digits.")
    wrong = asyncio.run(_verify_all(noted))
    if wrong:
        sys.exit("\n".join(wrong))
    print("Every balance and total equals what its payments come to. The audit log is whole.")
    print("Every payment keeps the rules. Nothing waits past its time.")


if __name__ == "__main__":
    typer.run(main)
