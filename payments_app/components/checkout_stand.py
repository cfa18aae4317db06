"""How the payment on screen stands: waiting, told how to pay, completed or cancelled."""

import reflex as rx

from payments_app.components.card_fields import Waiting
from payments_app.components.look import CopyButton
from payments_app.components.words import t
from payments_app.state.checkout import UNKNOWN, CheckoutState
from payments_app.state.checkout_views import Line

ASKED = t("Asked {ago} ago, next check in {next}")
ASKED_SOON = t("Asked {ago} ago, checking again")

_TICK_SECONDS = 3


def _head(icon: rx.Component, title: rx.Var[str] | str, *lines: rx.Component) -> rx.Component:
    return rx.vstack(
        icon,
        rx.text(title, size="4", weight="medium", align="center"),
        *lines,
        align="center",
        spacing="2",
        padding_y="12px",
        width="100%",
        role="status",
    )


def _disc(name: str, colour: str) -> rx.Component:
    return rx.center(
        rx.icon(name, size=22, aria_hidden="true"),
        width="44px",
        height="44px",
        border_radius="50%",
        background=f"var(--{colour}-a3)",
        color=f"var(--{colour}-11)",
    )


def _soft(text: rx.Var[str] | str) -> rx.Component:
    return rx.text(text, size="2", color="var(--gray-11)", align="center", wrap="pretty")


def completed() -> rx.Component:
    """Return the tick and the new balance."""
    stand = CheckoutState.stand
    return _head(
        _disc("check", "green"),
        t("{amount} is paid", amount=stand.amount),
        _soft(t("It was added to your balance.")),
        rx.hstack(
            rx.text(t("New balance"), size="2", color="var(--gray-11)"),
            rx.text(stand.balance, size="5", weight="medium", class_name="tabular"),
            align="baseline",
            spacing="2",
            padding_top="4px",
        ),
    )


def cancelled() -> rx.Component:
    """Return why nothing was paid."""
    stand = CheckoutState.stand
    return _head(
        _disc("x", "gray"), t("{amount} was not paid", amount=stand.amount), _soft(stand.words)
    )


def unknown() -> rx.Component:
    """Return what is said of an address that leads to no payment."""
    return _head(
        _disc("search-x", "gray"),
        t("There is no such payment"),
        _soft(t("The address may be incomplete, or the payment belongs to another account.")),
    )


def watch() -> rx.Component:
    """Look at the payment every few seconds, and say when its gateway was last asked."""
    return Waiting.create(
        age=CheckoutState.stand.asked,
        ahead=CheckoutState.stand.next_check,
        stamp=CheckoutState.stamp,
        every=_TICK_SECONDS,
        text=ASKED,
        soon=ASKED_SOON,
        on_tick=CheckoutState.tick,
    )


def _asked() -> rx.Component:
    return rx.text(
        watch(),
        size="1",
        color="var(--gray-11)",
        class_name="tabular",
        min_height="16px",
        aria_hidden="true",
    )


def waiting() -> rx.Component:
    """Return what is waited for, and when the gateway was last asked."""
    stand = CheckoutState.stand
    return rx.vstack(
        _head(
            rx.center(rx.spinner(size="3"), height="44px"),
            t("Waiting for {gateway}'s confirmation", gateway=stand.gateway),
            _soft(
                rx.cond(
                    stand.words != "", stand.words, t("{amount} is pending.", amount=stand.amount)
                )
            ),
        ),
        _asked(),
        rx.cond(
            stand.link != "",
            rx.button(
                rx.el.a(t("Continue at {gateway}", gateway=stand.gateway), href=stand.link),
                as_child=True,
                variant="ghost",
            ),
        ),
        align="center",
        spacing="2",
        width="100%",
    )


def paid_in_part() -> rx.Component:
    """Return the choice of a customer of whose payment only a part came."""
    stand = CheckoutState.stand
    return rx.vstack(
        _head(
            _disc("circle-dashed", "amber"),
            t("{arrived} of {amount} arrived", arrived=stand.arrived, amount=stand.amount),
            _soft(t("Pay the rest, or have what arrived added to your balance as it is.")),
        ),
        _asked(),
        rx.hstack(
            rx.cond(
                stand.link != "",
                rx.button(rx.el.a(t("Pay the rest"), href=stand.link), as_child=True),
            ),
            rx.button(
                t("Credit {arrived}", arrived=stand.arrived),
                on_click=CheckoutState.credit_arrived,
                variant="surface",
                type="button",
            ),
            justify="center",
            wrap="wrap",
            spacing="3",
        ),
        align="center",
        spacing="2",
        width="100%",
    )


def _line(line: Line) -> rx.Component:
    return rx.data_list.item(
        rx.data_list.label(line.label, min_width="112px"), rx.data_list.value(line.value)
    )


def instructions() -> rx.Component:
    """Return how to pay elsewhere: the reference to copy, the details and until when."""
    stand = CheckoutState.stand
    return rx.vstack(
        rx.text(
            t("Pay {amount} with {gateway}", amount=stand.amount, gateway=stand.gateway),
            size="3",
            weight="medium",
        ),
        rx.text(stand.instructions, size="2", color="var(--gray-11)", white_space="pre-line"),
        rx.vstack(
            rx.text(t("Reference"), size="1", color="var(--gray-11)"),
            CopyButton.create(text=stand.pay_reference, label=t("Copy the reference")),
            spacing="1",
            padding="12px",
            background="var(--gray-a2)",
            border="1px solid var(--gray-a5)",
            border_radius="var(--radius-3)",
        ),
        rx.data_list.root(
            rx.foreach(stand.lines, _line),
            rx.cond(
                stand.until != "",
                rx.data_list.item(
                    rx.data_list.label(t("Pay until"), min_width="112px"),
                    rx.data_list.value(stand.until),
                ),
            ),
            size="2",
            width="100%",
        ),
        rx.cond(stand.words != "", rx.text(stand.words, size="2", color="var(--gray-11)")),
        _asked(),
        align="stretch",
        spacing="3",
        width="100%",
    )


def stand_panel() -> rx.Component:
    """Return how the payment stands, whatever that is."""
    stand = CheckoutState.stand
    return rx.match(
        stand.status,
        ("completed", completed()),
        ("cancelled", cancelled()),
        (UNKNOWN, unknown()),
        (
            "pending",
            rx.cond(
                stand.arrived != "",
                paid_in_part(),
                rx.cond(stand.pay_reference != "", instructions(), waiting()),
            ),
        ),
        rx.fragment(),
    )


def pending_buttons() -> rx.Component:
    """Return what can be done about a payment that is waited for."""
    return rx.fragment(
        rx.button(
            t("Cancel payment"),
            on_click=CheckoutState.cancel_payment,
            variant="soft",
            color_scheme="gray",
            type="button",
        ),
        rx.button(
            t("Check now"), on_click=CheckoutState.check_now, variant="surface", type="button"
        ),
    )
