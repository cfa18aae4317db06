"""The receipt of one Completed payment, as PDF."""

import asyncio
from dataclasses import dataclass

from payments_app.db import accounts, ledger, payments, statements
from payments_app.db.models import Account, Payment
from payments_app.domain.errors import NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import LINKED_KINDS, PaymentStatus, Role
from payments_app.services import formatting, reports, wording
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says; ``facts`` are label and value, ready to show."""

    title: str
    amount: str
    description: str
    issued_to: list[str]
    facts: tuple[tuple[str, str], ...]


async def receipt_pdf(portal: Portal, who: Identity, reference: str) -> bytes:
    """Return the receipt of a Completed payment, of the own account or, to staff, of any.

    Raises NotFound for any other payment.
    """
    found = await read(portal, who, reference)
    return await asyncio.to_thread(_draw, portal, found)


async def read(portal: Portal, who: Identity, reference: str) -> Receipt:
    """Return what the receipt says; raises NotFound."""
    async with portal.read_as(who) as session:
        if who.is_staff:
            who.require(Role.VIEWER)
            payment = await ledger.find_payment(session, reference=reference)
        else:
            payment = await payments.find(session, who.own_account(), reference)
        if payment is None or payment.status is not PaymentStatus.COMPLETED:
            raise NotFound(reference)
        account = await session.get_one(Account, payment.account_id)
        payer = await accounts.payer(session, payment)
        parent = await session.get(Payment, payment.parent_id) if payment.parent_id else None
        balances = await statements.balances_after(session, [payment.key])
    return Receipt(
        title=wording.RECEIPTS[payment.kind],
        amount=_money(payment.amount, payment.currency, who),
        description=wording.description(payment.description, payment.kind),
        issued_to=[account.name, *payer],
        facts=_facts(portal, who, payment, parent, balances.get(payment.key)),
    )


def _facts(
    portal: Portal, who: Identity, payment: Payment, parent: Payment | None, balance: int | None
) -> tuple[tuple[str, str], ...]:
    at = payment.completed_at or payment.created_at
    when = formatting.day_and_time(at, who.locale, who.time_zone)
    method = reports.method_text(portal, payment.gateway, payment.channel, payment.method_detail)
    facts = [
        (say("Number"), payment.reference),
        (say("Date"), f"{when} ({who.time_zone})"),
        (say("Method"), method),
    ]
    if payment.gateway_reference:
        facts.append((say("Provider's reference"), payment.gateway_reference))
    if parent is not None and payment.kind in LINKED_KINDS:
        facts.append((say("Payment taken back"), parent.reference))
    facts += _cost(payment, who)
    facts.append((say("Amount"), _money(payment.amount, payment.currency, who)))
    if balance is not None:
        facts.append((say("Balance after it"), _money(balance, payment.currency, who)))
    return tuple(facts)


def _cost(payment: Payment, who: Identity) -> list[tuple[str, str]]:
    """Say what was charged where it is not what the account got; the difference is the fee."""
    charged, currency = payment.charge_amount, payment.charge_currency
    if payment.amount < 0 or charged is None or currency is None:
        return []
    if (charged, currency) == (payment.amount, payment.currency):
        return []
    cost = [(say("You paid"), _money(charged, currency, who))]
    if currency == payment.currency:
        cost.append((say("Fee"), _money(charged - payment.amount, currency, who)))
    return cost


def _money(minor: int, currency: str, who: Identity) -> str:
    return formatting.money(Money(minor, currency), who.locale)


def issuer_lines(portal: Portal) -> list[str]:
    """Return the platform's name and address, line by line."""
    settings = portal.settings
    return [settings.portal_name, *filter(None, map(str.strip, settings.portal_address.split("|")))]


def _draw(portal: Portal, receipt: Receipt) -> bytes:
    from payments_app.services.paper import Paper  # Fonts load slowly: not at the portal's start.

    paper = Paper(portal.settings.portal_name, receipt.title, portal.clock())
    paper.headline(receipt.amount, receipt.description)
    paper.parties((say("Issued by"), issuer_lines(portal)), (say("Issued to"), receipt.issued_to))
    for label, value in receipt.facts:
        paper.fact(label, value, strong=label == say("Amount"))
    return bytes(paper.output())
