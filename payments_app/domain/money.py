"""Money as an integer of minor units and an ISO 4217 currency; never a float."""

import unicodedata
from dataclasses import dataclass
from typing import Final, Self

from payments_app.domain.errors import AmountError, CurrencyMismatch, UnknownCurrency

LARGEST_MINOR: Final = 10**15
"""No single amount may reach this; it keeps every sum of a million rows inside 64 bits."""

_TWO_DECIMALS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN "
    "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
    "TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"
)
_ZERO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: Final[dict[str, int]] = (
    dict.fromkeys(_TWO_DECIMALS.split(), 2)
    | dict.fromkeys(_ZERO_DECIMALS.split(), 0)
    | dict.fromkeys(_THREE_DECIMALS.split(), 3)
)
"""Decimals of each currency (ISO 4217, list one); a gateway that counts otherwise says so."""

_ARABIC_DECIMAL: Final = "\N{ARABIC DECIMAL SEPARATOR}"
_ARABIC_GROUP: Final = "\N{ARABIC THOUSANDS SEPARATOR}"
_MINUS_SIGNS: Final = "-\N{MINUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{SMALL HYPHEN-MINUS}"
_SPACES: Final = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
_APOSTROPHES: Final = "'\N{RIGHT SINGLE QUOTATION MARK}"


def exponent(currency: str) -> int:
    """Return how many decimals the currency has; raises UnknownCurrency."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency) from None


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: ``minor`` in the currency's smallest unit, signed.

    Raises UnknownCurrency for a code outside ISO 4217 and TypeError for anything but an int.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("minor units are an int")
        exponent(self.currency)

    @classmethod
    def from_decimal(cls, text: str, currency: str) -> Self:
        """Read a plain ASCII decimal as gateways write it (``-12.50``, ``1500``).

        Extra zeros behind the currency's decimals are accepted, since some gateways always write
        two; a fraction smaller than the minor unit raises AmountError, as does a number with more
        digits than any amount has.
        """
        digits = text.removeprefix("-")
        whole, point, fraction = digits.partition(".")
        well_formed = whole.isascii() and whole.isdigit() and (not point or fraction.isdigit())
        if not well_formed or not fraction.isascii():
            raise AmountError("not_a_number")
        decimals = exponent(currency)
        if fraction[decimals:].strip("0"):
            raise AmountError("too_many_decimals", decimals)
        minor = _minor_units(whole, fraction[:decimals], decimals)
        return cls(-minor if text.startswith("-") else minor, currency)

    def to_decimal(self) -> str:
        """Write the amount as a plain ASCII decimal with all its decimals (``-12.50``)."""
        decimals = exponent(self.currency)
        digits = str(abs(self.minor)).rjust(decimals + 1, "0")
        sign = "-" if self.minor < 0 else ""
        if decimals == 0:
            return sign + digits
        return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"

    def __add__(self, other: Self) -> Self:
        self._check_same_currency(other)
        return type(self)(self.minor + other.minor, self.currency)

    def __sub__(self, other: Self) -> Self:
        self._check_same_currency(other)
        return type(self)(self.minor - other.minor, self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)

    def _check_same_currency(self, other: Self) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")


def parse_amount(text: str, currency: str, decimal_mark: str = ".", group_mark: str = ",") -> Money:
    """Read what a person typed as a positive amount, exactly.

    Takes any script's digits and the locale's marks, or those of Arabic script, which can mean
    nothing else; groups must be of three (two in between, as in ``12,34,567``). Raises AmountError
    with a code that tells what is wrong, UnknownCurrency.
    """
    decimals = exponent(currency)
    typed = text.strip().strip("".join(_SPACES))
    if _ARABIC_DECIMAL in typed or _ARABIC_GROUP in typed:
        decimal_mark, group_mark = _ARABIC_DECIMAL, _ARABIC_GROUP
    if not typed:
        raise AmountError("empty")
    negative = typed[0] in _MINUS_SIGNS
    whole, _, fraction = typed[negative:].partition(decimal_mark)
    whole_digits = _to_ascii(_ungroup(whole, group_mark)) if whole else "0"
    fraction_digits = _to_ascii(fraction) if fraction else ""
    if not whole and not fraction:
        raise AmountError("not_a_number")
    if len(fraction_digits) > decimals:
        raise AmountError("too_many_decimals", decimals)
    minor = _minor_units(whole_digits, fraction_digits, decimals)
    if minor == 0:
        raise AmountError("zero")
    if negative:
        raise AmountError("negative")
    if minor >= LARGEST_MINOR:
        raise AmountError("too_large")
    return Money(minor, currency)


def _minor_units(whole: str, fraction: str, decimals: int) -> int:
    significant = whole.lstrip("0")
    # Python refuses to read integers of more than 4300 digits, zeros included.
    if len(significant) > len(str(LARGEST_MINOR)):
        raise AmountError("too_large")
    return int(significant + fraction.ljust(decimals, "0") or "0")


def _ungroup(whole: str, group_mark: str) -> str:
    for same in (_SPACES, _APOSTROPHES):
        if group_mark in same:
            whole = whole.translate(str.maketrans(same, group_mark * len(same)))
    groups = whole.split(group_mark)
    if len(groups) == 1:
        return whole
    first, *middle, last = groups
    if not 1 <= len(first) <= 3 or len(last) != 3 or any(len(g) not in (2, 3) for g in middle):
        raise AmountError("not_a_number")
    return "".join(groups)


def _to_ascii(digits: str) -> str:
    """Turn decimal digits of any script into ASCII; raises AmountError for anything else."""
    try:
        return "".join(str(unicodedata.decimal(digit)) for digit in digits)
    except ValueError:
        raise AmountError("not_a_number") from None
