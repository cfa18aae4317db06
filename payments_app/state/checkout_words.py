"""Amounts as they are typed, and what is wrong with what was chosen or typed."""

from collections.abc import Iterable
from typing import Final

from babel.lists import format_list
from babel.numbers import get_currency_symbol

from payments_app.domain.errors import AmountError, InvalidRequest
from payments_app.domain.languages import later
from payments_app.domain.money import Money, exponent, parse_amount
from payments_app.services.catalogues import Told, say
from payments_app.services.formatting import decimal_mark, group_mark, locale_of, money
from payments_app.services.offers import Offer, Quote

_FIELDS: Final = Told(
    {
        ("gateway", "not_offered"): later("This way to pay is not open at the moment."),
        ("currency", "not_offered"): later("Choose a currency that can be paid this way."),
        ("channel", "required"): later("Choose how to pay."),
        ("channel", "not_offered"): later("This way to pay is not open at the moment."),
    }
)


def currency_symbol(currency: str, locale: str) -> str:
    """Return what stands for the currency beside a figure."""
    return get_currency_symbol(currency, locale_of(locale)) if currency else ""


def read_amount(text: str, currency: str, locale: str) -> Money:
    """Read what was typed with the marks of the user's locale; raises AmountError."""
    return parse_amount(text, currency, decimal_mark(locale), group_mark(locale))


def write_amount(amount: Money, locale: str) -> str:
    """Write an amount as its owner would type it."""
    return amount.to_decimal().replace(".", decimal_mark(locale))


def amount_fault(error: AmountError, currency: str, locale: str) -> str:
    """Say what is wrong with an amount."""
    match error.code:
        case "empty":
            return say("Enter an amount.")
        case "too_many_decimals":
            decimals = exponent(currency)
            return (
                say("Use at most {decimals} decimals.", decimals=decimals)
                if decimals
                else say("Use whole amounts only.")
            )
        case "negative" | "zero":
            return say("Enter an amount above zero.")
        case "too_large":
            return say("This amount is too large.")
        case "below_minimum":
            return say(
                "The least is {amount}.", amount=money(Money(error.limit or 0, currency), locale)
            )
        case "above_maximum":
            return say(
                "The most is {amount}.", amount=money(Money(error.limit or 0, currency), locale)
            )
    return say("Enter an amount in digits.")


def not_answering(label: str) -> str:
    """Say that a gateway is known not to answer."""
    return say(
        "{label} is not answering now. Nothing was charged. "
        "Choose another way to pay, or try again in a minute.",
        label=label,
    )


def field_fault(error: InvalidRequest) -> str:
    """Say what is wrong with a choice."""
    return _FIELDS.get((error.field, error.code)) or say("This choice cannot be used.")


def preview_of(quote: Quote, locale: str) -> str:
    """Say what a payment costs and where it leaves the balance, before it is paid."""
    pay, credit = money(quote.pay, locale), money(quote.credit, locale)
    after = money(quote.balance_after, locale)
    if quote.rate:
        here, there = quote.credit.currency, quote.pay.currency
        return say(
            "You pay {pay}, {credit} is credited: 1 {here} costs {rate} {there}. "
            "Your balance becomes {after}.",
            pay=pay,
            credit=credit,
            here=here,
            rate=quote.rate,
            there=there,
            after=after,
        )
    if quote.pay != quote.credit:
        return say(
            "You pay {pay}, {credit} is credited. Your balance becomes {after}.",
            pay=pay,
            credit=credit,
            after=after,
        )
    return say("You pay {pay}. Your balance becomes {after}.", pay=pay, after=after)


def takes_words(chosen: Offer | None, usual: Iterable[str], locale: str) -> str:
    """Say which of the usual currencies a way to pay does not take; nothing when it takes all."""
    missing = sorted(set(usual) - set(chosen.currencies)) if chosen else []
    if chosen is None or not missing or chosen.checkout_title:
        return ""
    taken = format_list(chosen.currencies, locale=locale_of(locale))
    others = format_list(missing, style="or", locale=locale_of(locale))
    return say(
        "{label} takes {taken}, not {others}.", label=chosen.label, taken=taken, others=others
    )
