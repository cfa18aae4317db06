"""What a top-up costs at a gateway: the surcharge, and the currency that the gateway takes."""

from fractions import Fraction
from typing import Final

from payments_app.domain.money import Money, exponent
from payments_app.gateways.base import Gateway

_HALF: Final = Fraction(1, 2)


def with_surcharge(gateway: Gateway, amount: Money) -> Money:
    """Add the surcharge, a percentage being rounded half up to the minor unit."""
    settings = gateway.settings
    if amount.currency in settings.surcharge_fixed:
        fixed = settings.surcharge_fixed[amount.currency]
        return amount + Money.from_decimal(fixed, amount.currency)
    extra = amount.minor * Fraction(settings.surcharge_percent) / 100
    return Money(amount.minor + int(extra + _HALF), amount.currency)


def charge_of(gateway: Gateway, amount: Money) -> Money:
    """Return what the customer pays for a credit of ``amount``: with the surcharge, in the
    gateway's settlement currency where it does not take the amount's own.

    The rate is exact; the result is rounded half up to the settlement currency's minor unit.
    """
    pay = with_surcharge(gateway, amount)
    rate = gateway.settings.settlement_rates.get(amount.currency)
    if rate is None:
        return pay
    target = gateway.settings.settlement_currency
    scale = Fraction(10) ** (exponent(target) - exponent(amount.currency))
    return Money(int(pay.minor * Fraction(rate) * scale + _HALF), target)
