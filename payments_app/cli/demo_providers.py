"""The demo's payments in the books of the sandbox's providers.

They are written by the same work that a customer's payment sets off at a twin. Its webhooks were
received long ago, so none of them is sent.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from payments_app.domain.money import Money
from payments_app.sandbox import (
    card_http,
    card_intents,
    card_refunds,
    nowpayments_page,
    paynamics,
    paynamics_page,
    paypal,
    paypal_objects,
    paystack_objects,
)
from payments_app.sandbox.app import Sandbox
from payments_app.sandbox.card_objects import load, own_reference
from payments_app.sandbox.nowpayments import new_invoice
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Provider

_COUNTER: Final = "nonbank_otc"


class Turn(StrEnum):
    """What became of a payment; a refund and a chargeback take an earlier one back in full."""

    PAID = "paid"
    PAID_IN_PART = "paid_in_part"
    OPEN = "open"
    GIVEN_UP = "given_up"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True)
class Deal:
    """One payment of the past; ``reference`` and ``parent`` are the merchant's own references.

    ``at`` is seconds since 1970; ``until`` is when a counter stops taking it, as Paynamics writes
    times; ``means`` is the channel, or the test card.
    """

    turn: Turn
    reference: str
    money: Money
    at: float
    description: str = ""
    means: str = ""
    parent: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """What the provider calls the payment; where, or with which number, an open one is paid."""

    name: str
    page: str = ""
    number: str = ""


async def enter(sandbox: Sandbox, gateway: str, deals: Iterable[Deal]) -> dict[str, Entered]:
    """Write one provider's past, in order of time; return what it calls each reference."""
    entered: dict[str, Entered] = {}
    here, write = sandbox.providers[gateway], _WRITERS[gateway]
    async with here.transaction() as tx:
        for deal in sorted(deals, key=lambda deal: deal.at):
            tx.now = deal.at
            parent = entered[deal.parent].name if deal.parent else ""
            entered[deal.reference] = await write(here, tx, deal, parent)
        await tx.execute("DELETE FROM deliveries WHERE gateway = ?", gateway)
    return entered


async def _card(here: Provider, tx: Transaction, deal: Deal, parent: str) -> Entered:
    def call(params: Document, **path: str) -> card_http.Call:
        return card_http.Call(here, params, path, public=False, request_id="", key=None)

    metadata = {"reference": deal.reference}
    if deal.turn is Turn.REFUND:
        asked = {
            "payment_intent": parent,
            "amount": str(deal.money.minor),
            "metadata": metadata,
        }
        return Entered((await card_refunds.create_refund(tx, call(asked))).body["id"])
    if deal.turn is Turn.CHARGEBACK:
        intent = await load(tx, "payment_intent", parent)
        charge = await load(tx, "charge", intent["latest_charge"])
        await card_refunds.open_dispute(tx, charge, own_reference(intent))
        (dispute,) = await tx.find("dispute", match={"charge": [charge["id"]]})
        await card_refunds.close_dispute(tx, call({}, dispute=dispute["id"]))
        return Entered(dispute["id"])
    asked = {
        "amount": str(deal.money.minor),
        "currency": deal.money.currency.lower(),
        "description": deal.description,
        "metadata": metadata,
    }
    if deal.turn is Turn.PAID:
        asked |= {"payment_method": deal.means, "confirm": "true"}
    intent = (await card_intents.create(tx, call(asked))).body
    if deal.turn is Turn.GIVEN_UP:
        await card_intents.cancel(tx, call({}, intent=intent["id"]))
    return Entered(intent["id"])


async def _paypal(here: Provider, tx: Transaction, deal: Deal, parent: str) -> Entered:
    unit = {
        "custom_id": deal.reference,
        "invoice_id": deal.reference,
        "description": deal.description,
        "amount": paypal_objects.write_money(deal.money),
    }
    body = {"intent": "CAPTURE", "purchase_units": [unit]}
    call = paypal.Call(here, body, {}, "", whole=True, key=None)
    order_id = (await paypal.create_order(tx, call)).body["id"]
    if deal.turn is Turn.PAID:
        order = await paypal_objects.load(tx, "order", order_id)
        await paypal_objects.make_capture(here, tx, order, review=False)
    return Entered(order_id, paypal_objects.approval_url(here, order_id))


async def _paystack(here: Provider, tx: Transaction, deal: Deal, parent: str) -> Entered:
    asked = {
        "amount": deal.money.minor,
        "currency": deal.money.currency,
        "email": "ada.sandbox@example.com",
    }
    transaction = paystack_objects.new_transaction(tx, asked, deal.reference)
    await paystack_objects.save(tx, transaction)
    if deal.turn is Turn.PAID:
        await paystack_objects.take_money(tx, transaction)
    return Entered(deal.reference)


async def _nowpayments(here: Provider, tx: Transaction, deal: Deal, parent: str) -> Entered:
    asked = {"order_id": deal.reference, "order_description": deal.description}
    invoice = await new_invoice(here, tx, asked, deal.money)
    arrived = {Turn.PAID: "all", Turn.PAID_IN_PART: "part"}.get(deal.turn)
    if arrived:
        payment = await nowpayments_page.new_payment(tx, invoice, None)
        await nowpayments_page.receive(tx, invoice, payment, arrived)
    return Entered(invoice["id"], invoice["invoice_url"])


async def _paynamics(here: Provider, tx: Transaction, deal: Deal, parent: str) -> Entered:
    asked = {
        "request_id": deal.reference,
        "pmethod": _COUNTER if deal.until else "wallet",
        "pchannel": deal.means,
        "amount": deal.money.to_decimal(),
        "currency": deal.money.currency,
        "descriptor_note": deal.description,
        "response_url": "",
        "cancel_url": "",
        "expiry_limit": deal.until,
    }
    transaction = paynamics.new_transaction(here, asked, tx.now)
    await tx.put("transaction", deal.reference, transaction)
    if deal.turn is Turn.PAID:
        code = await paynamics_page.charge(tx, transaction)
        await paynamics_page.report(tx, transaction, code)
    if deal.turn is Turn.GIVEN_UP:
        await paynamics_page.report(tx, transaction, paynamics_page.CANCELLED)
    return Entered(deal.reference, transaction["page"], transaction.get("pay_reference", ""))


Writer = Callable[[Provider, Transaction, Deal, str], Awaitable[Entered]]
"""Enters one payment; the last argument is what the provider calls its parent."""

_WRITERS: Final[dict[str, Writer]] = {
    "card": _card,
    "paypal": _paypal,
    "paystack": _paystack,
    "nowpayments": _nowpayments,
    "paynamics": _paynamics,
}
PROVIDERS: Final = frozenset(_WRITERS)
"""The gateways that keep books."""
