"""The fields of the Make Payment dialogs, each with its complaint beside itself."""

import reflex as rx
from reflex.style import resolved_color_mode

from payments_app.components.card_fields import CardFields
from payments_app.components.pieces import method_icon
from payments_app.components.words import t
from payments_app.state.checkout import CheckoutState
from payments_app.state.checkout_views import ChannelGroup, OfferView, QuickAmount

_CARD_TEXTS = {
    "group": t("Card"),
    "cardNumber": {"label": t("Card number"), "missing": t("Enter the card number.")},
    "cardExpiry": {"label": t("Expiry (month / year)"), "missing": t("Enter the month and year.")},
    "cardCvc": {"label": t("CVC"), "missing": t("Enter the security code.")},
    "broken": t("The card fields could not be loaded."),
    "again": t("Load them again"),
}


def locked() -> rx.Var[bool]:
    """Whether the form may not be changed: a payment is on its way."""
    return CheckoutState.step != "form"


def field(name: str, label: rx.Var[str], *control: rx.Component) -> rx.Component:
    """Return a required field: its label, its control and what is wrong with it."""
    return rx.vstack(
        rx.text(
            label,
            rx.text.span(" *", color="var(--red-11)", aria_hidden="true"),
            id=f"pay-{name}-label",
            size="1",
            weight="medium",
            color="var(--gray-11)",
        ),
        *control,
        rx.cond(
            CheckoutState.errors.contains(name),
            rx.text(
                CheckoutState.errors[name],
                id=f"pay-{name}-error",
                size="1",
                color="var(--red-11)",
                role="alert",
            ),
        ),
        spacing="1",
        align="stretch",
        width="100%",
        min_width="0",
    )


def described(name: str) -> dict[str, str | rx.Var[str]]:
    """Return the attributes that tie a control to its label and complaint."""
    wrong = CheckoutState.errors.contains(name)
    return {
        "aria-labelledby": f"pay-{name}-label",
        "aria-describedby": rx.cond(wrong, f"pay-{name}-error", ""),
        "aria-invalid": rx.cond(wrong, "true", "false"),
        "aria-required": "true",
    }


def _offer(offer: OfferView) -> rx.Component:
    return rx.radio_cards.item(
        rx.hstack(
            method_icon(offer.icon),
            rx.box(
                rx.text(offer.label, size="2", weight="medium"),
                rx.cond(
                    offer.answering,
                    rx.fragment(),
                    rx.text(
                        t("Not answering now"), size="1", color="var(--amber-11)", role="status"
                    ),
                ),
            ),
            align="center",
            spacing="2",
            width="100%",
        ),
        value=offer.code,
        padding="10px 12px",
    )


def gateways() -> rx.Component:
    """Choose among the ways to pay."""
    return field(
        "gateway",
        t("Pay via"),
        rx.radio_cards.root(
            rx.foreach(CheckoutState.offers, _offer),
            value=CheckoutState.gateway,
            on_value_change=CheckoutState.choose_gateway,
            disabled=locked(),
            columns="repeat(auto-fit, minmax(140px, 1fr))",
            gap="2",
            size="1",
            width="100%",
            custom_attrs=described("gateway"),
        ),
        rx.cond(
            CheckoutState.takes != "",
            rx.text(CheckoutState.takes, size="1", color="var(--gray-11)"),
        ),
    )


def _group(group: ChannelGroup) -> rx.Component:
    return rx.select.group(
        rx.select.label(group.name),
        rx.foreach(
            group.channels, lambda channel: rx.select.item(channel.label, value=channel.code)
        ),
    )


def channels() -> rx.Component:
    """Choose the channel within a way to pay, grouped by kind."""
    return field(
        "channel",
        t("Pay via"),
        rx.select.root(
            rx.select.trigger(
                placeholder=t("Choose"),
                width="100%",
                custom_attrs=described("channel"),
            ),
            rx.select.content(rx.foreach(CheckoutState.groups, _group), position="popper"),
            value=CheckoutState.channel,
            on_change=CheckoutState.choose_channel,
            disabled=locked(),
        ),
    )


def card() -> rx.Component:
    """Return the card's number, expiry and CVC."""
    return CardFields.create(
        js_url=CheckoutState.card_script,
        publishable_key=CheckoutState.card_key,
        client_secret=CheckoutState.client_secret,
        locale=CheckoutState.locale,
        # The theme in use: a system that turns dark by itself changes no choice of the user's.
        appearance=resolved_color_mode,
        disabled=locked(),
        missing=CheckoutState.card_missing,
        texts=_CARD_TEXTS,
        on_ready=CheckoutState.card_ready,
        on_change=CheckoutState.card_changed,
        on_taken=CheckoutState.secret_taken,
        on_result=CheckoutState.card_result,
    )


def _quick(amount: QuickAmount) -> rx.Component:
    return rx.button(
        amount.label,
        on_click=CheckoutState.type_amount(amount.typed),
        variant="soft",
        color_scheme="gray",
        size="1",
        type="button",
        disabled=locked(),
    )


def amount_and_currency() -> rx.Component:
    """Type the amount, or press one of the usual ones, and choose the currency."""
    return rx.grid(
        field(
            "amount",
            t("Amount"),
            rx.input(
                # Beside Arabic, the letters of US$ would change places.
                rx.input.slot(rx.el.bdi(CheckoutState.symbol)),
                value=CheckoutState.amount,
                on_change=CheckoutState.type_amount,
                placeholder="0",
                input_mode="decimal",
                auto_complete="off",
                max_length=40,
                disabled=locked(),
                width="100%",
                custom_attrs=described("amount"),
            ),
        ),
        field(
            "currency",
            t("Currency"),
            rx.cond(
                CheckoutState.currencies.length() == 1,
                rx.input(
                    value=CheckoutState.currency,
                    read_only=True,
                    width="100%",
                    custom_attrs=described("currency"),
                ),
                rx.select.root(
                    rx.select.trigger(
                        placeholder=t("Choose"), width="100%", custom_attrs=described("currency")
                    ),
                    rx.select.content(
                        rx.foreach(
                            CheckoutState.currencies,
                            lambda code: rx.select.item(code, value=code),
                        ),
                        position="popper",
                    ),
                    value=CheckoutState.currency,
                    on_change=CheckoutState.choose_currency,
                    disabled=locked(),
                ),
            ),
        ),
        rx.hstack(
            rx.foreach(CheckoutState.quick, _quick),
            spacing="1",
            wrap="wrap",
            role="group",
            aria_label=t("Quick choices"),
            grid_column="1 / -1",
        ),
        columns="1fr 104px",
        spacing="3",
        align="start",
    )
