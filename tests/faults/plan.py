"""What a campaign does: who pays what and how, and what goes wrong meanwhile.

All of it follows from the seed and the sizes alone, so the same seed plans the same faults. Which
payment a fault then hits also depends on how the machine schedules the processes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final

from payments_app.domain.money import Money
from payments_app.sandbox.faults import Fault


class Ending(StrEnum):
    """What the customer does in the end."""

    PAYS = "pays"
    DECLINED = "declined"
    LEAVES = "leaves"
    CANCELS = "cancels"
    CANCELS_AND_PAYS = "cancels_and_pays"


@dataclass(frozen=True, slots=True)
class Journey:
    """One payment. ``clicks`` identical starts are sent at once; ``refund`` is percent given back
    afterwards, asked for ``clicks`` times at once as well."""

    number: int
    customer: int
    gateway: str
    channel: str | None
    amount: Money
    ending: Ending
    clicks: int
    returns: bool
    refund: int


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL when the process reaches ``point`` for the ``nth`` time."""

    point: str
    nth: int


@dataclass(frozen=True, slots=True)
class Round:
    """Payments made side by side. ``knobs`` are the sandbox's, by gateway and fault; ``kills`` has
    one kill or none for each worker; ``outage`` is of the database or of Redis, and begins when the
    portal has given ``before_outage`` answers; ``skew`` is by how many seconds each worker's clock
    is off.
    """

    journeys: tuple[Journey, ...]
    knobs: Mapping[str, Mapping[Fault, Mapping[str, Any]]]
    kills: tuple[Kill | None, ...]
    outage: str | None
    before_outage: int
    skew: tuple[int, ...]


KILL_POINTS: Final = ("before_commit", "after_commit", "before_call", "after_call")
OUTAGES: Final = {
    "sqlite": ("database locked", "database full", "redis gone"),
    "postgresql": ("table locked", "database read-only", "database restarted", "redis gone"),
}
SKEW: Final = "clock skew"
CLICKS: Final = "two or three clicks at once"
KINDS_OF_FAULTS: Final = (*Fault, *(f"killed {point}" for point in KILL_POINTS), SKEW, CLICKS)
"""What happens on every database; ``OUTAGES`` come with one."""
CUSTOMERS: Final = 8
WORKERS: Final = 2
_ROUND: Final = 75

_WAYS: Final = (
    ("paypal", None, ("USD", "GBP")),
    ("card", None, ("USD", "GBP")),
    ("paystack", None, ("USD",)),
    ("nowpayments", None, ("USD", "GBP")),
    ("paynamics", "gc", ("PHP",)),
    ("paynamics", "711_ph", ("PHP",)),
    ("bank_transfer", None, ("USD", "GBP")),
)
_WEIGHTS: Final = (6, 6, 6, 5, 4, 2, 1)
_ENDINGS: Final = {
    Ending.PAYS: 14,
    Ending.DECLINED: 2,
    Ending.LEAVES: 2,
    Ending.CANCELS: 1,
    Ending.CANCELS_AND_PAYS: 1,
}
GATEWAYS: Final = tuple(dict.fromkeys(way[0] for way in _WAYS))

# (fault, percent of opportunities, lowest and highest value)
_KNOBS: Final = (
    (Fault.TIMEOUT_BEFORE, 10, 1, 1),
    (Fault.TIMEOUT_AFTER, 10, 1, 1),
    (Fault.SERVER_ERROR, 30, 500, 504),
    (Fault.ERROR_AFTER, 20, 500, 504),
    (Fault.RATE_LIMIT, 15, 0, 1),
    (Fault.RESET, 30, 1, 1),
    (Fault.SLOW_DRIP, 10, 2, 60),
    (Fault.MALFORMED, 30, 1, 1),
    (Fault.UNEXPECTED, 30, 0, 4),
    (Fault.WRONG_AMOUNT, 30, -250, 250),
    (Fault.WRONG_CURRENCY, 20, 1, 1),
    (Fault.UNKNOWN_STATUS, 20, 1, 1),
    (Fault.WEBHOOK_DUPLICATE, 30, 1, 49),
    (Fault.WEBHOOK_DELAY, 50, 1, 4),
    (Fault.WEBHOOK_DROP, 50, 1, 1),
    (Fault.WEBHOOK_REORDER, 60, 1, 1),
    (Fault.WEBHOOK_FORGE, 40, 1, 1),
    (Fault.WEBHOOK_OLD_KEY, 40, 1, 1),
    (Fault.WEBHOOK_TRUNCATE, 40, 1, 1),
)


def make_plan(seed: int, payments: int, backend: str = "sqlite") -> tuple[Round, ...]:
    """Plan so many payments in rounds; ``backend`` says which faults its database can have."""
    random = Random(seed)
    journeys = [_journey(random, number) for number in range(payments)]
    return tuple(
        _round(random, tuple(journeys[start : start + _ROUND]), backend)
        for start in range(0, payments, _ROUND)
    )


def _journey(random: Random, number: int) -> Journey:
    ((gateway, channel, currencies),) = random.choices(_WAYS, _WEIGHTS)
    currency = random.choice(currencies)
    (ending,) = random.choices(list(_ENDINGS), list(_ENDINGS.values()))
    return Journey(
        number=number,
        customer=random.randrange(CUSTOMERS),
        gateway=gateway,
        channel=channel,
        amount=Money(random.randint(500, 50_000) * (10 if currency == "PHP" else 1), currency),
        ending=ending,
        clicks=random.choice((1, 1, 1, 1, 2, 3)),
        returns=random.random() < 0.5,
        refund=random.choice((0, 0, 0, 0, 40, 100)) if ending is Ending.PAYS else 0,
    )


def _round(random: Random, journeys: tuple[Journey, ...], backend: str) -> Round:
    kills = tuple(
        Kill(random.choice(KILL_POINTS), random.randint(1, 60)) if random.random() < 0.6 else None
        for _ in range(WORKERS)
    )
    return Round(
        journeys=journeys,
        knobs={gateway: _knobs(random) for gateway in GATEWAYS},
        kills=kills,
        outage=random.choice((None, *OUTAGES[backend])),
        before_outage=random.randrange(60),
        skew=tuple(random.choice((0, 0, -90, 90, 240)) for _ in range(WORKERS)),
    )


def _knobs(random: Random) -> dict[Fault, dict[str, Any]]:
    """Choose up to four faults of one gateway for one round."""
    chosen = random.sample(_KNOBS, random.randint(0, 4))
    return {
        fault: {
            "percent": percent,
            "seed": random.randrange(2**31),
            "value": random.randint(low, high) or 1,
        }
        for fault, percent, low, high in chosen
    }
