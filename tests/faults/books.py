"""The three books of a campaign: what the gateways moved, what the portal recorded, the balances.

They have to agree to the minor unit, and every payment has to have come to an end: Completed once,
Cancelled with nothing charged, or in the staff's review queue with a reason.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from payments_app.db import kept_totals, ledger
from payments_app.db.engine import Database
from payments_app.db.models import Balance, Payment, TimelineEntry
from payments_app.domain.payment import LINKED_KINDS, PaymentKind, PaymentStatus

Entry = Mapping[str, Any]
"""One line of a gateway's ledger; see ``sandbox/control.py``."""
_TAKEN = {"refund": 1, "chargeback": 1, "chargeback_reversal": -1}


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: ``kind`` is lost, doubled, stuck or wrong."""

    kind: str
    reference: str
    why: str


@dataclass(frozen=True, slots=True)
class Books:
    """What was found: the violations, and how many payments ended how."""

    violations: tuple[Violation, ...]
    endings: Counter[str]
    moved: Counter[str]
    """Minor units that the gateways charged, less what they gave back, by currency."""


async def compare(
    database: Database, entries: Mapping[str, Iterable[Entry]], acknowledged: Iterable[str]
) -> Books:
    """Compare the gateways' ledgers (by gateway) with the portal's rows and balances.

    ``acknowledged`` are the references that the portal has answered with success.
    """
    async with database.read() as session:
        rows = (await session.execute(select(Payment))).scalars().all()
        told = (await session.execute(select(TimelineEntry))).scalars().all()
        balances = (await session.execute(select(Balance))).scalars().all()
        wrong = [*await ledger.wrong_balances(session), *await kept_totals.wrong(session)]
    completions = Counter(
        entry.payment_id for entry in told if entry.code in ("completed", "late_money")
    )
    charges: defaultdict[str, list[Entry]] = defaultdict(list)
    taken: Counter[str] = Counter()
    for lines in entries.values():
        for line in lines:
            if line["kind"] == "charge":
                charges[line["reference"]].append(line)
            else:
                taken[line["reference"]] += _TAKEN[line["kind"]] * line["amount"]
    by_id = {row.key: row for row in rows}
    top_ups = [row for row in rows if row.kind is PaymentKind.TOP_UP]
    known = {row.reference for row in rows}
    found = [Violation("wrong", str(each), "what is kept differs from its rows") for each in wrong]
    found += [
        Violation("lost", reference, "answered with success, but there is no row")
        for reference in acknowledged
        if reference not in known
    ]
    found += [
        Violation("lost", reference, f"charged {_written(lines)}, but there is no row")
        for reference, lines in charges.items()
        if reference not in known
    ]
    for row in top_ups:
        found += _top_up(row, charges[row.reference], completions[row.key])
    given: Counter[str] = Counter()
    for row in rows:
        if row.kind in LINKED_KINDS and row.parent_id is not None:
            found += _linked(row)
            if row.status is PaymentStatus.COMPLETED:
                given[by_id[row.parent_id].reference] -= row.amount
    found += [
        Violation(
            "wrong", reference, f"gateway gave back {taken[reference]}, rows say {given[reference]}"
        )
        for reference in {*taken, *given}
        if taken[reference] != given[reference]
    ]
    found += _balances(top_ups, charges, taken, balances)
    moved: Counter[str] = Counter()
    for lines in entries.values():
        for line in lines:
            sign = 1 if line["kind"] == "charge" else -_TAKEN[line["kind"]]
            moved[line["currency"]] += sign * line["amount"]
    return Books(tuple(found), Counter(_ending(row) for row in top_ups), moved)


def _top_up(row: Payment, charges: list[Entry], completions: int) -> list[Violation]:
    asked = (row.charge_amount, row.charge_currency)
    as_asked = [line for line in charges if (line["amount"], line["currency"]) == asked]
    said = f"{row.status}, {row.reason}, review={row.in_review}; charged {_written(charges)}"
    match row.status:
        case PaymentStatus.COMPLETED:
            if completions != 1:
                return [Violation("doubled", row.reference, f"completed {completions} times")]
            if not as_asked:
                return [Violation("wrong", row.reference, said)]
            if len(charges) > 1 and not row.in_review:
                return [Violation("doubled", row.reference, said)]
        case PaymentStatus.CANCELLED:
            if charges and not row.in_review:
                return [Violation("lost", row.reference, said)]
        case PaymentStatus.PENDING:
            if not (row.in_review and row.reason):
                return [Violation("stuck", row.reference, said)]
    return []


def _linked(row: Payment) -> list[Violation]:
    if row.status is PaymentStatus.PENDING and not row.in_review:
        return [Violation("stuck", row.reference, f"{row.kind} pending, {row.reason}")]
    return []


def _balances(
    top_ups: Iterable[Payment],
    charges: Mapping[str, list[Entry]],
    taken: Mapping[str, int],
    balances: Iterable[Balance],
) -> list[Violation]:
    """Add up what the gateways moved for Completed payments, and compare with the balances."""
    sums: Counter[tuple[int, str]] = Counter()
    for row in top_ups:
        if row.status is PaymentStatus.COMPLETED:
            lines = charges.get(row.reference, [])
            charged = [line["amount"] for line in lines if line["amount"] == row.charge_amount]
            sums[row.account_id, row.currency] += sum(charged[:1]) - taken.get(row.reference, 0)
    kept = {(each.account_id, each.currency): each.amount for each in balances}
    return [
        Violation("wrong", str(key), f"balance {kept.get(key, 0)}, gateways moved {sums[key]}")
        for key in sums.keys() | kept.keys()
        if sums[key] != kept.get(key, 0)
    ]


def _ending(row: Payment) -> str:
    return "in review" if row.in_review else str(row.status)


def _written(lines: Iterable[Entry]) -> str:
    return ", ".join(f"{line['amount']} {line['currency']}" for line in lines) or "nothing"
