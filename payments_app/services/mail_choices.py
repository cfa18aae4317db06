"""What a customer wants to be told by e-mail, and below which balance."""

from dataclasses import dataclass

from payments_app.db.mail_models import MailChoice
from payments_app.domain.mail import CHOSEN_KINDS, MailKind
from payments_app.domain.money import Money
from payments_app.services.context import Portal
from payments_app.services.identity import Identity


@dataclass(frozen=True, slots=True)
class Choices:
    """The kinds to send of those that can be turned off; no ``low_balance`` is never."""

    kinds: frozenset[MailKind]
    low_balance: Money | None


async def read(portal: Portal, who: Identity) -> Choices:
    """Return what the customer chose, or what holds without a choice."""
    async with portal.read_as(who) as session:
        kept = await session.get(MailChoice, who.user_id) or MailChoice(user_id=who.user_id)
    limit = kept.low_balance
    return Choices(
        kinds=frozenset(CHOSEN_KINDS) - frozenset(map(MailKind, kept.muted)),
        low_balance=None if limit is None else Money(limit, who.home_currency),
    )


async def save(portal: Portal, who: Identity, choices: Choices) -> None:
    """Keep the customer's choice; raises NotAllowed for staff who only look."""
    who.require_acting()
    who.own_account()
    limit = choices.low_balance
    async with portal.db.write() as session:
        kept = await session.get(MailChoice, who.user_id) or MailChoice(user_id=who.user_id)
        kept.muted = sorted(frozenset(CHOSEN_KINDS) - choices.kinds)
        kept.low_balance = None if limit is None else limit.minor
        session.add(kept)
