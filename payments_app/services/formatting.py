"""Money, dates and counts as people read them, in their own locale and time zone."""

from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import DateTimePattern, get_time_format, match_skeleton
from babel.numbers import (
    NumberPattern,
    format_decimal,
    get_currency_name,
    get_decimal_symbol,
    get_group_symbol,
    parse_pattern,
)

from payments_app.domain.money import Money, exponent

_USUAL: Final = "left-to-right"
_FROM_LEFT: Final = "\N{LEFT-TO-RIGHT ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"
_MARKS: Final = "\N{RIGHT-TO-LEFT MARK}\N{LEFT-TO-RIGHT MARK}"
MINUS: Final = "\N{MINUS SIGN}"
_FIXED_SPACES: Final = "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
DEFAULT_LOCALE: Final = "en"
DEFAULT_ZONE: Final = "UTC"


@lru_cache
def locale_of(code: str) -> Locale:
    """Return the locale of a code such as ``en`` or ``en-GB``; English when nobody knows it."""
    try:
        return Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LOCALE)


@lru_cache
def zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name; UTC when nobody knows it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


@lru_cache(4096)
def money(amount: Money, locale: str) -> str:
    """Write an amount with its symbol and a true minus sign instead of a hyphen."""
    known = locale_of(locale)
    decimals = exponent(amount.currency)
    text: str = _pattern(known, decimals).apply(
        Decimal(amount.minor).scaleb(-decimals),
        known,
        currency=amount.currency,
        currency_digits=False,
        numbering_system="default",
    )
    return _in_order(text.replace("-", MINUS), known)


def signed(amount: Money, locale: str) -> str:
    """Write an amount with its sign apart (``+ $5.00``)."""
    sign = "+" if amount.minor > 0 else MINUS
    figure = money(Money(abs(amount.minor), amount.currency), locale)
    return _in_order(f"{sign} {figure}", locale_of(locale))


def _in_order(text: str, locale: Locale) -> str:
    # Beside words that are written from the right, sign, figures and symbol would change places.
    return text if locale.character_order == _USUAL else _FROM_LEFT.format(text.strip(_MARKS))


@lru_cache
def _pattern(locale: Locale, decimals: int) -> NumberPattern:
    """Return the locale's pattern with ISO 4217's decimals; Unicode's differ for some."""
    pattern: NumberPattern = parse_pattern(locale.currency_formats["standard"].pattern)
    pattern.frac_prec = (decimals, decimals)
    return pattern


def currency_name(code: str, locale: str) -> str:
    """Return a currency's name in the plural, with a capital (``US dollars``)."""
    name = get_currency_name(code, count=2, locale=locale_of(locale))
    return name[:1].upper() + name[1:]


def count(number: int, locale: str) -> str:
    """Write a whole number with the locale's groups (``3,214``)."""
    return format_decimal(number, locale=locale_of(locale), numbering_system="default")


def day(at: datetime, locale: str, zone: str) -> str:
    """Write the day of a point in time (``23 Nov 2026``)."""
    return _written(at, zone, _pattern_of("yMMMd", locale_of(locale)), locale)


def month_text(on: date, locale: str) -> str:
    """Write the month of a day (``Nov 2026``)."""
    return _pattern_of("yMMM", locale_of(locale)).apply(on, locale_of(locale))


@lru_cache(4096)
def day_and_time(at: datetime, locale: str, zone: str) -> str:
    """Write a point in time to the minute (``23 Nov 2026, 14:02``)."""
    clock = _written(at, zone, get_time_format("short", locale_of(locale)), locale)
    return f"{day(at, locale, zone)}, {clock}"


def date_text(on: date, locale: str) -> str:
    """Write a calendar day (``23 Nov 2026``)."""
    return _pattern_of("yMMMd", locale_of(locale)).apply(on, locale_of(locale))


def _written(at: datetime, zone: str, pattern: DateTimePattern, locale: str) -> str:
    return pattern.apply(at.astimezone(zone_of(zone)), locale_of(locale))


@lru_cache
def _pattern_of(skeleton: str, locale: Locale) -> DateTimePattern:
    wanted = match_skeleton(skeleton, locale.datetime_skeletons) or skeleton
    pattern: DateTimePattern = locale.datetime_skeletons[wanted]
    return pattern


def decimal_mark(locale: str) -> str:
    """Return what stands before the decimals of a typed amount."""
    return get_decimal_symbol(locale_of(locale), numbering_system="default")


def group_mark(locale: str) -> str:
    """Return what stands between groups of digits of a typed amount."""
    return get_group_symbol(locale_of(locale), numbering_system="default")


def one_line(text: str) -> str:
    """Return text without line ends and control characters, for a header or a cell."""
    plain = "".join(c if c.isprintable() or c in _FIXED_SPACES else " " for c in text)
    return " ".join(filter(None, plain.split(" ")))
