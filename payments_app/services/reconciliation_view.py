"""What staff see of reconciliation, as text: comparisons, differences, and the balances' check."""

from dataclasses import dataclass
from typing import Final

from payments_app.db import reconciliation as rows
from payments_app.db.models import Account
from payments_app.db.operations_models import Difference, Reconciliation
from payments_app.domain.languages import later
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import formatting, reconciliation
from payments_app.services.catalogues import Told, say
from payments_app.services.comparison import LOOKED_UP, Kind
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

_SHOWN: Final = 60

KINDS: Final = Told(
    {
        Kind.MISSING_HERE: later("Missing here"),
        Kind.MISSING_THERE: later("Missing there"),
        Kind.AMOUNT: later("Amount"),
        Kind.STATUS: later("Status"),
        Kind.FEE: later("Fee"),
    }
)
_OUTCOMES: Final = Told(
    {
        "completed": later("Completed here"),
        "cancelled": later("Cancelled here"),
        "noted": later("Noted"),
        "unchanged": later("Known already"),
        "mismatch": later("In review"),
        "in review": later("In review"),
        "refused": later("Refused: the payment is finished"),
        "no answer": later("The gateway did not answer"),
    }
)


@dataclass(frozen=True, slots=True)
class DifferenceLine:
    """One difference; ``settled`` tells what pulling it in did, empty while it is open."""

    id: int
    kind: str
    reference: str
    payment: str
    gateway_reference: str
    ours: str
    theirs: str
    settled: str


@dataclass(frozen=True, slots=True)
class TotalLine:
    """A day's money in one currency on both sides."""

    ours: str
    theirs: str
    agrees: bool


@dataclass(frozen=True, slots=True)
class ResultCard:
    """One comparison. ``state`` is ``good``, ``warn`` or ``bad``; ``note`` says how it was made."""

    id: int
    gateway: str
    icon: str
    day: str
    state: str
    state_label: str
    note: str
    compared: str
    when: str
    totals: tuple[TotalLine, ...]
    differences: tuple[DifferenceLine, ...]


@dataclass(frozen=True, slots=True)
class WrongBalance:
    """A balance that differs from the sum of its rows."""

    account: str
    kept: str
    found: str


async def results(portal: Portal, who: Identity) -> tuple[ResultCard, ...]:
    """Return the newest comparison of each gateway and day; raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        newest: dict[tuple[str, object], Reconciliation] = {}
        for one in await rows.latest(session, _SHOWN):
            newest.setdefault((one.gateway, one.day), one)
        found = await rows.differences(session, [one.key for one in newest.values()])
    ordered = sorted(newest.values(), key=lambda one: (one.day, one.key), reverse=True)
    return tuple(
        _card(portal, who, one, [each for each in found if each.reconciliation_id == one.key])
        for one in ordered
    )


async def balances_checked(portal: Portal, who: Identity) -> tuple[WrongBalance, ...]:
    """Recompute every balance; return those that differ. Raises NotAllowed for customers."""
    who.require(Role.VIEWER)
    wrong = await reconciliation.wrong_balances(portal)
    async with portal.db.read() as session:
        return tuple(
            [
                WrongBalance(
                    (await session.get_one(Account, account_id)).name,
                    _money(kept, currency, who),
                    _money(found, currency, who),
                )
                for account_id, currency, kept, found in wrong
            ]
        )


def _card(
    portal: Portal, who: Identity, one: Reconciliation, found: list[Difference]
) -> ResultCard:
    gateway = portal.gateways.get(one.gateway)
    open_ones = sum(each.settled_at is None for each in found)
    state, label = ("warn", say("Differences")) if open_ones else ("good", say("Agrees"))
    if found and not open_ones:
        label = say("Dealt with")
    if one.failed:
        state, label = "bad", say("Not compared")
    return ResultCard(
        id=one.key,
        gateway=say(gateway.label) if gateway else one.gateway,
        icon=gateway.icon if gateway else "",
        day=one.day.isoformat(),
        state=state,
        state_label=label,
        note=_note(one, by_hand=bool(gateway and gateway.staff_confirmed)),
        compared=formatting.count(one.compared, who.locale),
        when=formatting.day_and_time(one.finished_at, who.locale, who.time_zone),
        totals=tuple(
            TotalLine(
                _money(ours, currency, who), _money(theirs, currency, who), agrees=ours == theirs
            )
            for currency, (ours, theirs) in sorted(one.totals.items())
        ),
        differences=tuple(_line(who, each) for each in found),
    )


def _note(one: Reconciliation, *, by_hand: bool) -> str:
    if one.failed:
        return say("The gateway gave no list: {failed}.", failed=one.failed)
    if by_hand:
        return say("Staff confirm these payments: there is no gateway to compare with.")
    if one.method == LOOKED_UP:
        return say(
            "This gateway cannot list its payments, so each of ours was looked up."
            " Money that we do not know of cannot show here."
        )
    return ""


def _line(who: Identity, one: Difference) -> DifferenceLine:
    return DifferenceLine(
        id=one.key,
        kind=KINDS[Kind(one.kind)],
        reference=one.reference or one.gateway_reference or "",
        payment=one.reference if one.payment_id and one.reference else "",
        gateway_reference=one.gateway_reference or "",
        ours=_side(one.ours, one.our_status, one, who),
        theirs=_side(one.theirs, one.their_status, one, who),
        settled=_OUTCOMES.get(one.settled_as, one.settled_as) if one.settled_as else "",
    )


def _side(minor: int | None, status: str | None, one: Difference, who: Identity) -> str:
    if minor is not None and one.currency:
        return _money(minor, one.currency, who)
    return status.capitalize() if status and one.kind != Kind.FEE else say("None")


def _money(minor: int, currency: str, who: Identity) -> str:
    return formatting.money(Money(minor, currency), who.locale)
