"""Money is exact: what is typed or sent is what is kept, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_app.domain.errors import AmountError, CurrencyMismatch, UnknownCurrency
from payments_app.domain.money import EXPONENTS, LARGEST_MINOR, Money, exponent, parse_amount

MARKS = {
    "en": (".", ","),
    "de": (",", "."),
    "fr": (",", "\N{NARROW NO-BREAK SPACE}"),
    "sv": (",", "\N{NO-BREAK SPACE}"),
    "de_CH": (".", "\N{RIGHT SINGLE QUOTATION MARK}"),
    "ar_EG": ("\N{ARABIC DECIMAL SEPARATOR}", "\N{ARABIC THOUSANDS SEPARATOR}"),
}
"""Decimal and group mark of some locales (Unicode CLDR)."""

ZEROS = (
    "0",
    "\N{ARABIC-INDIC DIGIT ZERO}",
    "\N{EXTENDED ARABIC-INDIC DIGIT ZERO}",
    "\N{DEVANAGARI DIGIT ZERO}",
    "\N{FULLWIDTH DIGIT ZERO}",
)
"""Each script's zero; its other digits follow."""

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(min_value=1, max_value=LARGEST_MINOR - 1)


def group(whole: str, mark: str) -> str:
    head = len(whole) % 3 or 3
    return mark.join([whole[:head], *(whole[i : i + 3] for i in range(head, len(whole), 3))])


def refusal(text: str, currency: str = "USD", marks: tuple[str, str] = (".", ",")) -> str:
    with pytest.raises(AmountError) as refused:
        parse_amount(text, currency, *marks)
    return refused.value.code


@given(
    minor=minors,
    currency=currencies,
    marks=st.sampled_from(sorted(MARKS.values())),
    zero=st.sampled_from(ZEROS),
    grouped=st.booleans(),
)
def test_rule_1_a_typed_amount_is_taken_exactly(
    minor: int, currency: str, marks: tuple[str, str], zero: str, grouped: bool
) -> None:
    decimal_mark, group_mark = marks
    whole, _, fraction = Money(minor, currency).to_decimal().partition(".")
    text = group(whole, group_mark) if grouped else whole
    text += decimal_mark + fraction if fraction else ""
    typed = text.translate({ord("0") + digit: ord(zero) + digit for digit in range(10)})
    assert parse_amount(f"  {typed} ", currency, *marks) == Money(minor, currency)


@given(minor=st.integers(-LARGEST_MINOR, LARGEST_MINOR), currency=currencies)
def test_rule_1_a_decimal_survives_the_way_out_and_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.from_decimal(money.to_decimal(), currency) == money


@given(text=st.text(max_size=40) | st.text("0123456789.,-+eE \u00a0'\u0663", max_size=40))
def test_rule_1_any_text_is_an_exact_positive_amount_or_refused(text: str) -> None:
    for marks in MARKS.values():
        try:
            money = parse_amount(text, "USD", *marks)
        except AmountError:
            continue
        assert 0 < money.minor < LARGEST_MINOR


@given(text=st.text(max_size=40) | st.text("0123456789.-eE ", max_size=40))
def test_a_gateways_text_is_an_exact_amount_or_refused(text: str) -> None:
    try:
        money = Money.from_decimal(text, "USD")
    except AmountError:
        return
    assert Money.from_decimal(money.to_decimal(), "USD") == money


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\N{NO-BREAK SPACE}", "empty"),
        ("0", "zero"),
        ("0.00", "zero"),
        ("-0", "zero"),
        ("000", "zero"),
        ("-5", "negative"),
        ("\N{MINUS SIGN}5", "negative"),
        ("-0.01", "negative"),
        ("0.001", "too_many_decimals"),
        ("1.005", "too_many_decimals"),
        ("1.000", "too_many_decimals"),
        ("NaN", "not_a_number"),
        ("nan", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("1e5", "not_a_number"),
        ("1E5", "not_a_number"),
        ("0x10", "not_a_number"),
        ("1_000", "not_a_number"),
        ("+5", "not_a_number"),
        ("--5", "not_a_number"),
        ("5-", "not_a_number"),
        ("$5", "not_a_number"),
        ("5 USD", "not_a_number"),
        ("5 0", "not_a_number"),
        ("1.2.3", "not_a_number"),
        ("1,50", "not_a_number"),
        ("1,0000", "not_a_number"),
        (",100", "not_a_number"),
        ("1,,000", "not_a_number"),
        ("1.5,0", "not_a_number"),
        (".", "not_a_number"),
        ("-", "not_a_number"),
        ("-.", "not_a_number"),
        ("²", "not_a_number"),
        ("½", "not_a_number"),
        ("五", "not_a_number"),
        ("1\x00", "not_a_number"),
        ("10000000000000", "too_large"),
        ("9" * 30, "too_large"),
        ("9" * 100_000, "too_large"),
        ("0" * 100_000, "zero"),
        ("0" * 100_000 + "-", "not_a_number"),
    ],
)
def test_rule_1_wrong_input_is_refused_with_its_reason(text: str, code: str) -> None:
    assert refusal(text) == code


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("5", 500),
        ("5.", 500),
        (".5", 50),
        ("0.01", 1),
        ("1,234.56", 123456),
        ("12,34,567.8", 123456780),
        ("0005", 500),
        ("0" * 100_000 + "5", 500),
        ("9,999,999,999,999.99", LARGEST_MINOR - 1),
        ("\N{NO-BREAK SPACE}5\N{NARROW NO-BREAK SPACE}", 500),
    ],
)
def test_usual_ways_of_writing_are_taken(text: str, minor: int) -> None:
    assert parse_amount(text, "USD") == Money(minor, "USD")


def test_the_same_digits_mean_what_the_locale_says() -> None:
    assert parse_amount("1.500", "EUR", ",", ".").minor == 150000
    assert parse_amount("1,5", "EUR", ",", ".").minor == 150
    assert refusal("1,500", "EUR", (",", ".")) == "too_many_decimals"


def test_the_marks_of_arabic_script_are_taken_in_every_locale() -> None:
    assert parse_amount("\u0661\u066c\u0662\u0663\u0664\u066b\u0665\u0666", "USD").minor == 123456
    assert parse_amount("\u0661\u0662\u0663\u0664\u066b\u0665", "USD", ",", ".").minor == 123450
    assert refusal("\u0661\u066c\u0662\u0663\u066b\u0665", "USD") == "not_a_number"
    assert refusal("1,234\u066b5", "USD") == "not_a_number"


def test_a_plain_blank_or_apostrophe_does_for_the_typographic_one() -> None:
    assert parse_amount("1 234,50", "EUR", ",", "\N{NARROW NO-BREAK SPACE}").minor == 123450
    assert parse_amount("1'234.50", "CHF", ".", "\N{RIGHT SINGLE QUOTATION MARK}").minor == 123450


def test_rule_1_currencies_have_their_own_decimals() -> None:
    assert parse_amount("1500", "JPY") == Money(1500, "JPY")
    assert refusal("1500.5", "JPY") == "too_many_decimals"
    assert parse_amount("1.234", "KWD") == Money(1234, "KWD")
    assert refusal("1.2345", "KWD") == "too_many_decimals"
    assert [Money(5, code).to_decimal() for code in ("JPY", "USD", "KWD")] == ["5", "0.05", "0.005"]
    assert [Money(-5, code).to_decimal() for code in ("JPY", "USD", "KWD")] == [
        "-5",
        "-0.05",
        "-0.005",
    ]


def test_too_many_decimals_tells_how_many_there_may_be() -> None:
    with pytest.raises(AmountError) as refused:
        parse_amount("1.2345", "KWD")
    assert refused.value.limit == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".5",
        "5.",
        "+5",
        "1e5",
        "NaN",
        " 5",
        "5 ",
        "1,000",
        "\N{ARABIC-INDIC DIGIT FIVE}",
        "5.\N{FULLWIDTH DIGIT FIVE}",
        "²",
        "--5",
        "9" * 50,
        "9" * 5000,
    ],
)
def test_a_gateways_malformed_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        Money.from_decimal(text, "USD")


def test_a_gateway_may_write_more_zeros_but_no_smaller_fraction() -> None:
    assert Money.from_decimal("12.5000", "USD") == Money(1250, "USD")
    assert Money.from_decimal("1500.00", "JPY") == Money(1500, "JPY")
    with pytest.raises(AmountError):
        Money.from_decimal("12.505", "USD")
    with pytest.raises(AmountError):
        Money.from_decimal("1500.50", "JPY")


@pytest.mark.parametrize("minor", [5.0, "5", None, True])
def test_rule_1_money_is_minor_units_as_an_integer(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["usd", "US", "XXX", "", "BTC"])
def test_a_currency_is_an_iso_4217_code(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, code)
    with pytest.raises(UnknownCurrency):
        parse_amount("1", code)
    with pytest.raises(UnknownCurrency):
        exponent(code)


@given(first=st.integers(), second=st.integers(), currency=currencies)
def test_sums_are_exact_and_of_one_currency(first: int, second: int, currency: str) -> None:
    one, other = Money(first, currency), Money(second, currency)
    assert (one + other).minor == first + second
    assert (one - other).minor == first - second
    assert (-one).minor == -first


def test_amounts_of_different_currencies_are_never_added() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "GBP")
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") - Money(1, "GBP")
