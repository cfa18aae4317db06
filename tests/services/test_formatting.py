"""Money and dates as people read them."""

from datetime import UTC, datetime

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from payments_app.domain.money import EXPONENTS, LARGEST_MINOR, Money
from payments_app.services import formatting

AFTERNOON = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (-1000, "USD", "en", "\N{MINUS SIGN}$10.00"),
        (11240, "USD", "en", "$112.40"),
        (0, "GBP", "en", "£0.00"),
        (123456789, "PHP", "en-PH", "₱1,234,567.89"),
        (-1000, "JPY", "en", "\N{MINUS SIGN}¥1,000"),
        (5, "IQD", "en", "IQD0.005"),
        (1234567, "KWD", "en", "KWD1,234.567"),
        (123456, "EUR", "fr", "1\N{NARROW NO-BREAK SPACE}234,56\N{NO-BREAK SPACE}€"),
        (1000, "USD", "no such locale", "$10.00"),
    ],
)
def test_money(minor: int, currency: str, locale: str, text: str) -> None:
    plain = formatting.money(Money(minor, currency), locale).replace("IQD\xa0", "IQD")
    assert plain.replace("KWD\xa0", "KWD") == text


@given(
    minor=st.integers(-LARGEST_MINOR, LARGEST_MINOR), currency=st.sampled_from(sorted(EXPONENTS))
)
def test_money_is_exact_in_every_currency(minor: int, currency: str) -> None:
    text = formatting.money(Money(minor, currency), "en")
    assert "-" not in text
    digits = "".join(sign for sign in text if sign in "0123456789.,")
    shown = str(parse_decimal(digits.strip(".,"), locale="en", numbering_system="latn"))
    assert Money.from_decimal(shown, currency).minor == abs(minor)
    assert (formatting.MINUS in text) == (minor < 0)


def test_dates_follow_locale_and_zone() -> None:
    plain = formatting.day_and_time(AFTERNOON, "en-GB", "Europe/London")
    assert plain == "23 Nov 2026, 14:02"
    american = formatting.day_and_time(AFTERNOON, "en", "Asia/Manila")
    assert american.replace("\N{NARROW NO-BREAK SPACE}", " ") == "Nov 23, 2026, 10:02 PM"
    assert formatting.day(AFTERNOON, "en-GB", "Pacific/Auckland") == "24 Nov 2026"


@pytest.mark.parametrize("zone", ["", "Nowhere/Here", "../../etc/passwd", "\0"])
def test_an_unknown_zone_counts_as_utc(zone: str) -> None:
    assert formatting.zone_of(zone).utcoffset(AFTERNOON) == AFTERNOON.utcoffset()


def test_counts_names_and_marks() -> None:
    assert formatting.count(3214, "en") == "3,214"
    assert formatting.currency_name("USD", "en") == "US dollars"
    assert formatting.currency_name("GBP", "en") == "British pounds"
    assert (formatting.decimal_mark("de"), formatting.group_mark("de")) == (",", ".")
