"""The pages of Paynamics' twin: a channel's own page, and the counter where cash is paid."""

from datetime import UTC, datetime, timedelta, timezone
from secrets import randbelow
from typing import Final

from fastapi import APIRouter, Response

from payments_app.domain.money import Money
from payments_app.sandbox import faults, webhooks
from payments_app.sandbox.pages import Action, back_to, hosted_page
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Here

pages = APIRouter()

COUNTER_METHODS: Final = frozenset({"nonbank_otc", "bank_otc"})
_MANILA: Final = timezone(timedelta(hours=8))
_EXPIRY_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S")
CANCELLED: Final = "GR053"
_OUTCOMES: Final = {
    "approve": "GR001",
    "counter": "GR001",
    "fail": "GR003",
    "cancel": CANCELLED,
}
_LABELS: Final = {
    "approve": "Approve",
    "fail": "Fail",
    "cancel": "Cancel",
    "counter": "Pay at the counter",
}


def new_response_id() -> str:
    """Make an identifier of 17 digits."""
    return str(99 * 10**15 + randbelow(10**15))


def timestamp(seconds: float) -> str:
    """Write a time as Paynamics does: in Manila, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(_MANILA).isoformat("T", "milliseconds")


async def report(tx: Transaction, transaction: Document, code: str) -> None:
    """Give a transaction a state, and notify the merchant."""
    transaction |= {
        "status": code,
        "response_code": code,
        "timestamp": timestamp(tx.now),
        "processor_response_id": str(randbelow(10**9)).zfill(9),
    }
    await tx.put("transaction", transaction["request_id"], transaction)
    names = (
        "request_id",
        "response_id",
        "response_code",
        "timestamp",
        "pchannel",
        "processor_response_id",
        "pay_reference",
    )
    event = {name: transaction[name] for name in names if name in transaction}
    event_id = f"{transaction['request_id']}:{code}"
    await webhooks.post(tx, event_id, code, event, transaction.get("notification_url") or None)


async def expire_if_late(tx: Transaction, transaction: Document) -> None:
    """Expire an open transaction whose time is over."""
    ends = _moment(transaction.get("expiry_limit", ""))
    if transaction["status"] == "GR033" and ends is not None and tx.now >= ends:
        await report(tx, transaction, "GR152")


def _moment(text: str) -> float | None:
    for pattern in _EXPIRY_FORMATS:
        try:
            local = datetime.strptime(text, pattern)  # noqa: DTZ007  (the zone follows)
        except ValueError:
            continue
        return local.replace(tzinfo=_MANILA).timestamp()
    return None


async def _load(tx: Transaction, request_id: str) -> Document:
    transaction = await tx.get("transaction", request_id)
    if transaction is None:
        raise Answer(404, {"response_advise": "No such transaction"})
    await expire_if_late(tx, transaction)
    return transaction


def _choices(transaction: Document) -> list[str]:
    """Name the buttons that the transaction's state allows."""
    if transaction["status"] != "GR033":
        return []
    return ["counter"] if "pay_reference" in transaction else ["approve", "fail", "cancel"]


@pages.get("/pay/{request_id}")
@pages.get("/counter/{request_id}")
async def show(here: Here, request_id: str) -> Response:
    """Show the channel's page, or the counter."""
    async with here.transaction() as tx:
        transaction = await _load(tx, request_id)
    choices = _choices(transaction)
    lines = [("Channel", transaction["pchannel"]), ("Status", transaction["status"])]
    if "pay_reference" in transaction:
        lines.insert(0, ("Reference number", transaction["pay_reference"]))
    return hosted_page(
        here,
        title="Counter" if "pay_reference" in transaction else "Pay with Paynamics",
        merchant=here.merchant,
        amount=transaction["amount"],
        currency=transaction["currency"],
        description=transaction["descriptor_note"],
        lines=lines,
        actions=[
            Action(
                _LABELS[name],
                f"{here.url}/pay/{request_id}/{name}",
                "primary" if name == choices[0] else "plain",
            )
            for name in choices
        ],
    )


@pages.post("/pay/{request_id}/{choice}")
async def choose(here: Here, request_id: str, choice: str) -> Response:
    """Do what a button of the page says; answers 409 when it is not on the page any more."""
    async with here.transaction() as tx:
        transaction = await _load(tx, request_id)
        if choice not in _choices(transaction):
            raise Answer(409, {"response_advise": "Not offered"})
        code = _OUTCOMES[choice]
        await report(tx, transaction, await charge(tx, transaction) if code == "GR001" else code)
    if choice == "counter":
        return back_to(transaction["page"])
    return back_to(transaction["cancel_url" if choice == "cancel" else "response_url"])


async def charge(tx: Transaction, transaction: Document) -> str:
    """Take the money and return the code to report. Another amount than asked for can be seen in
    queries, which otherwise tell none."""
    asked = Money.from_decimal(transaction["amount"], transaction["currency"])
    done = await faults.charged(
        tx,
        reference=transaction["request_id"],
        object_id=transaction["response_id"],
        amount=asked.minor,
        currency=asked.currency,
        status="GR001",
    )
    charged = Money(done.amount, done.currency)
    if charged != asked:
        transaction["changed_amount"] = {
            "amount": charged.to_decimal(),
            "currency": charged.currency,
        }
    return done.status
