"""The invoice page of NOWPayments' twin, on which coins arrive: all, too few, too many, too late.

Objects keep numbers as text and ``write`` makes JSON numbers of them: no float comes near an
amount.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from secrets import randbelow
from typing import Any, Final

from fastapi import APIRouter, Response

from payments_app.domain.money import Money
from payments_app.sandbox import faults, webhooks
from payments_app.sandbox.pages import Action, back_to, hosted_page
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Here

pages = APIRouter()

_COIN: Final = "usdttrc20"
_RATES: Final = {"USD": "1.0017", "EUR": "1.0904", "GBP": "1.2671"}
"""Coins for one unit of money; others count as one."""
_COIN_UNIT: Final = Decimal("0.000001")

_NUMBERS: Final = frozenset(
    {
        "payment_id", "parent_payment_id", "invoice_id", "price_amount", "pay_amount",
        "actually_paid", "actually_paid_at_fiat", "outcome_amount", "depositFee", "withdrawalFee",
        "serviceFee",
    }
)  # fmt: skip
"""Fields of a payment that are JSON numbers."""

_LABELS: Final = {
    "all": "Pay all",
    "part": "Pay part",
    "much": "Pay too much",
    "late": "Pay late (after it expired)",
    "coin": "Pay with another coin",
    "fail": "Fail",
    "cancel": "Cancel",
    "rest": "Pay the rest",
    "again": "Pay a second time",
}
_PERCENT: Final = {"part": 40, "rest": 60, "much": 110, "coin": 50}
"""How much of the price arrives; else all of it."""


def number_id() -> str:
    """Make an identifier of ten digits."""
    return str(10**9 + randbelow(9 * 10**9))


def timestamp(seconds: float) -> str:
    """Write a time as NOWPayments does (RFC 3339 with milliseconds, UTC)."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def write(value: Any, *, in_order: bool = False) -> str:
    """Write JSON as JavaScript does, the fields that are numbers without quotes; ``in_order``
    sorts the keys at every level, which is the text to sign."""
    if isinstance(value, list):
        return f"[{','.join(write(item, in_order=in_order) for item in value)}]"
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    members = (
        f"{json.dumps(name, ensure_ascii=False)}:"
        + (item if name in _NUMBERS and isinstance(item, str) else write(item, in_order=in_order))
        for name, item in (sorted(value.items()) if in_order else value.items())
    )
    return f"{{{','.join(members)}}}"


def _plain(number: Decimal) -> str:
    """Write a number as JavaScript does: no zeros behind."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


async def _load(tx: Transaction, invoice_id: str) -> tuple[Document, Document | None]:
    """Return an invoice and its newest payment that is no further deposit."""
    invoice = await tx.get("invoice", invoice_id)
    if invoice is None:
        raise Answer(404, {"status": False, "code": "NOT_FOUND", "message": "Invoice not found"})
    payments = await tx.find("payment", match={"invoice_id": [invoice_id]})
    tries = [payment for payment in payments if payment["parent_payment_id"] is None]
    return invoice, tries[0] if tries else None


def _choices(payment: Document | None) -> list[str]:
    """Name the buttons that the newest payment's state allows."""
    status = payment["payment_status"] if payment else "failed"
    if status == "failed":
        return ["all", "part", "much", "late", "coin", "fail", "cancel"]
    return ["rest"] if status == "partially_paid" else ["again"]


@pages.get("/payment/")
async def show(here: Here, iid: str) -> Response:
    """Show the invoice to its payer."""
    async with here.transaction() as tx:
        invoice, payment = await _load(tx, iid)
    choices = _choices(payment)
    price = _price(invoice)
    lines = [("Send", f"{_plain(_coins(price))} {_COIN.upper()}"), ("Address", _address(iid))]
    if payment:
        lines.append(("Status", payment["payment_status"]))
    return hosted_page(
        here,
        title="Pay with crypto",
        merchant=here.merchant,
        amount=price.to_decimal(),
        currency=price.currency,
        description=invoice["order_description"] or "",
        lines=lines,
        actions=[
            Action(
                _LABELS[name],
                f"{here.url}/payment/{iid}/{name}",
                "primary" if name == choices[0] else "plain",
            )
            for name in choices
        ],
    )


@pages.post("/payment/{iid}/{choice}")
async def choose(here: Here, iid: str, choice: str) -> Response:
    """Do what a button of the page says; answers 409 when it is not on the page any more."""
    async with here.transaction() as tx:
        invoice, payment = await _load(tx, iid)
        if choice not in _choices(payment):
            raise Answer(409, {"status": False, "code": "BAD_REQUEST", "message": "Not offered"})
        if choice == "cancel":
            return back_to(invoice["cancel_url"])
        if payment is None or choice != "rest":
            parent = payment["payment_id"] if payment and choice == "again" else None
            payment = await new_payment(tx, invoice, parent)
        if choice == "fail":
            await _report(tx, invoice, payment, "failed")
            return back_to(invoice["cancel_url"], NP_id=payment["payment_id"])
        if choice == "late":
            await _report(tx, invoice, payment, "expired")
        await receive(tx, invoice, payment, choice)
    url = invoice["partially_paid_url"] if choice == "part" else invoice["success_url"]
    return back_to(url, NP_id=payment["payment_id"])


async def new_payment(tx: Transaction, invoice: Document, parent: str | None) -> Document:
    """Begin a payment of an invoice, or a further deposit to the address of ``parent``."""
    price = _price(invoice)
    payment: Document = {
        "payment_id": number_id(),
        "parent_payment_id": parent,
        "invoice_id": invoice["id"],
        "payment_status": "waiting",
        "pay_address": _address(invoice["id"]),
        "payin_extra_id": None,
        "price_amount": _plain(Decimal(price.to_decimal())),
        "price_currency": price.currency.lower(),
        "pay_amount": _plain(_coins(price)),
        "actually_paid": "0",
        "actually_paid_at_fiat": "0",
        "pay_currency": _COIN,
        "order_id": invoice["order_id"],
        "order_description": invoice["order_description"],
        "purchase_id": number_id(),
        "outcome_amount": "0",
        "outcome_currency": _COIN,
        "payment_extra_ids": None,
        "fee": {"currency": _COIN, "depositFee": "0", "withdrawalFee": "0", "serviceFee": "0"},
        "created_at": timestamp(tx.now),
        "updated_at": timestamp(tx.now),
    }
    await _report(tx, invoice, payment, "waiting")
    return payment


async def receive(tx: Transaction, invoice: Document, payment: Document, choice: str) -> None:
    """Let coins arrive. The wrong-amount knobs show as another price than was asked for."""
    price = _price(invoice)
    worth = max(1, price.minor * _PERCENT.get(choice, 100) // 100)
    done = await faults.charged(
        tx,
        reference=invoice["order_id"] or "",
        object_id=f"{payment['payment_id']}-rest" if choice == "rest" else payment["payment_id"],
        amount=worth,
        currency=price.currency,
        status="partially_paid" if choice == "part" else "finished",
    )
    shown = Money(price.minor + done.amount - worth, done.currency)
    before = Decimal(payment["actually_paid_at_fiat"])
    fiat = before + Decimal(Money(worth, price.currency).to_decimal())
    coins = _coins(price) * fiat / Decimal(price.to_decimal())
    await _report(tx, invoice, payment, "confirming")
    payment |= {
        "price_amount": _plain(Decimal(shown.to_decimal())),
        "price_currency": shown.currency.lower(),
        "actually_paid": _plain(coins.quantize(_COIN_UNIT)),
        "actually_paid_at_fiat": _plain(fiat),
        "outcome_amount": _plain((coins * Decimal("0.995")).quantize(_COIN_UNIT)),
        "fee": payment["fee"] | {"depositFee": "0.00001", "serviceFee": "1e-7"},
    }
    await _report(tx, invoice, payment, done.status)


async def _report(tx: Transaction, invoice: Document, payment: Document, status: str) -> None:
    """Give a payment a status, and tell the merchant."""
    payment |= {"payment_status": status, "updated_at": timestamp(tx.now)}
    await tx.put("payment", payment["payment_id"], payment)
    message = {name: value for name, value in payment.items() if not name.endswith("ed_at")}
    url = invoice["ipn_callback_url"]
    await webhooks.post(tx, f"{payment['payment_id']}:{status}", status, message, url)


def _price(invoice: Document) -> Money:
    return Money.from_decimal(invoice["price_amount_text"], invoice["price_currency"])


def _coins(price: Money) -> Decimal:
    rate = Decimal(_RATES.get(price.currency, "1"))
    return (Decimal(price.to_decimal()) * rate).quantize(_COIN_UNIT)


def _address(invoice_id: str) -> str:
    return f"TSandbox{invoice_id}"
