"""The fault knobs: how the sandbox misbehaves on demand, the same way for every gateway.

A knob is set per gateway, for its next ``times`` opportunities or (None) until changed. It may hit
only ``percent`` of them; which ones follows from ``seed`` alone, so that a run can be repeated.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel, Field

from payments_app.sandbox.store import Document, Transaction


class Fault(StrEnum):
    """Everything that can be made to go wrong."""

    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    SERVER_ERROR = "server_error"
    ERROR_AFTER = "error_after"
    RATE_LIMIT = "rate_limit"
    RESET = "reset"
    SLOW_DRIP = "slow_drip"
    MALFORMED = "malformed"
    UNEXPECTED = "unexpected"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    UNKNOWN_STATUS = "unknown_status"
    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_DELAY = "webhook_delay"
    WEBHOOK_DROP = "webhook_drop"
    WEBHOOK_REORDER = "webhook_reorder"
    WEBHOOK_FORGE = "webhook_forge"
    WEBHOOK_OLD_KEY = "webhook_old_key"
    WEBHOOK_TRUNCATE = "webhook_truncate"


@dataclass(frozen=True, slots=True)
class Knob:
    """How a fault is shown: ``unit`` says what its value means (empty: it has none)."""

    label: str
    default: int = 1
    unit: str = ""


KNOBS: dict[Fault, Knob] = {
    Fault.TIMEOUT_BEFORE: Knob("Never answer, nothing done"),
    Fault.TIMEOUT_AFTER: Knob("Do the work, never answer"),
    Fault.SERVER_ERROR: Knob("Answer 500, nothing done", 500, "HTTP status"),
    Fault.ERROR_AFTER: Knob("Do the work, answer 500", 500, "HTTP status"),
    Fault.RATE_LIMIT: Knob("Answer 429, nothing done", 1, "Retry-After in seconds"),
    Fault.RESET: Knob("Do the work, break the connection"),
    Fault.SLOW_DRIP: Knob("Do the work, answer drop by drop", 200, "milliseconds between drops"),
    Fault.MALFORMED: Knob("Do the work, answer with half the JSON"),
    Fault.UNEXPECTED: Knob("Do the work, answer with other JSON", 0, "which: 0 to 4"),
    Fault.WRONG_AMOUNT: Knob("Charge another amount", -1, "minor units more or less"),
    Fault.WRONG_CURRENCY: Knob("Charge another currency"),
    Fault.UNKNOWN_STATUS: Knob("Charge, but report a status nobody knows"),
    Fault.WEBHOOK_DUPLICATE: Knob("Send webhooks again, all at once", 1, "extra copies"),
    Fault.WEBHOOK_DELAY: Knob("Send webhooks late", 10, "seconds"),
    Fault.WEBHOOK_DROP: Knob("Never send webhooks"),
    Fault.WEBHOOK_REORDER: Knob("Hold webhooks, send the newest first", 1, "quiet seconds"),
    Fault.WEBHOOK_FORGE: Knob("Send webhooks with a wrong signature"),
    Fault.WEBHOOK_OLD_KEY: Knob("Sign webhooks with a key that was replaced"),
    Fault.WEBHOOK_TRUNCATE: Knob("Send half of each webhook's body"),
}


class Setting(BaseModel):
    """How one knob is set; ``on_call`` limits it to API calls whose "METHOD /path" contains it."""

    value: int | None = None
    times: int | None = Field(default=None, ge=1)
    percent: int = Field(default=100, ge=1, le=100)
    seed: int = 0
    on_call: str = ""


@dataclass(frozen=True, slots=True)
class Charged:
    """What was really charged: positive minor units, upper-case currency, the status to report."""

    amount: int
    currency: str
    status: str


async def turn(tx: Transaction, fault: Fault, setting: Setting) -> None:
    """Set one knob; its counters start again."""
    value = KNOBS[fault].default if setting.value is None else setting.value
    await tx.execute(
        "INSERT OR REPLACE INTO faults (gateway, fault, value, times, percent, seed, on_call)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(tx.gateway, fault, value, setting.times),
        *(setting.percent, setting.seed, setting.on_call),
    )


async def reset(tx: Transaction) -> None:
    """Turn all of the gateway's knobs off."""
    await tx.execute("DELETE FROM faults WHERE gateway = ?", tx.gateway)


async def current(tx: Transaction) -> list[Document]:
    """List the gateway's knobs with their counters: opportunities ``seen``, times ``fired``."""
    return await tx.execute(
        "SELECT fault, value, times, percent, seed, on_call, seen, fired FROM faults"
        " WHERE gateway = ? ORDER BY fault",
        tx.gateway,
    )


async def fires(tx: Transaction, fault: Fault, call: str = "") -> int | None:
    """Take one opportunity: the knob's value if the fault happens now, else None."""
    if tx.knobs is None:
        tx.knobs = await current(tx)
    for row in tx.knobs:
        if row["fault"] == fault and row["on_call"] in call:
            happens = row["times"] != 0 and _chosen(row, tx.gateway)
            row["seen"] += 1
            if row["times"] is not None:
                row["times"] -= happens
            await tx.execute(
                "UPDATE faults SET seen = seen + 1, fired = fired + ?, times = times - ?"
                " WHERE gateway = ? AND fault = ?",
                *(happens, happens, tx.gateway, fault),
            )
            return int(row["value"]) if happens else None
    return None


async def charged(
    tx: Transaction,
    *,
    reference: str,
    object_id: str,
    amount: int,
    currency: str,
    status: str,
) -> Charged:
    """Move the money of one successful charge and return what to write into the provider's object.

    Called once per charge. ``reference`` is the merchant's own, ``object_id`` the provider's;
    ``amount`` is minor units. The ledger gets what was really charged.
    """
    currency = currency.upper()
    if (more := await fires(tx, Fault.WRONG_AMOUNT)) is not None:
        amount = max(1, amount + more)
    if await fires(tx, Fault.WRONG_CURRENCY) is not None:
        currency = "EUR" if currency != "EUR" else "USD"
    if await fires(tx, Fault.UNKNOWN_STATUS) is not None:
        status = "sandbox_unknown"
    await tx.book("charge", reference, object_id, amount, currency)
    return Charged(amount, currency, status)


def _chosen(row: Document, gateway: str) -> bool:
    draw = sha256(f"{row['seed']}:{gateway}:{row['fault']}:{row['seen']}".encode()).digest()
    return int.from_bytes(draw[:4]) % 100 < int(row["percent"])
