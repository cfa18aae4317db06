"""Where a customer waits for a payment's result, mostly after coming back from a gateway."""

import reflex as rx

from payments_app.components.checkout_stand import pending_buttons, stand_panel
from payments_app.components.frame import customer_frame
from payments_app.components.live import live_rows
from payments_app.components.words import t
from payments_app.state.checkout import PAYMENTS_PAGE, CheckoutState


def result_page() -> rx.Component:
    """Show how the payment in the address stands; it turns into the result by itself."""
    return customer_frame(
        live_rows(
            rx.card(
                rx.cond(
                    rx.State.is_hydrated & (CheckoutState.stand.status != ""),
                    _result(),
                    _skeleton(),
                ),
                width="100%",
                max_width="460px",
                margin="24px auto",
                size="3",
            )
        ),
    )


def _skeleton() -> rx.Component:
    return rx.vstack(
        rx.skeleton(width="44px", height="44px", border_radius="50%"),
        rx.skeleton(width="220px", height="24px"),
        rx.skeleton(width="160px", height="20px"),
        rx.skeleton(width="100%", height="32px", margin_top="24px"),
        align="center",
        spacing="3",
        padding_y="12px",
        aria_busy="true",
    )


def _result() -> rx.Component:
    return rx.vstack(
        rx.heading(t("Payment"), as_="h1", size="4"),
        rx.cond(
            CheckoutState.notice != "",
            rx.callout(CheckoutState.notice, icon="info", color_scheme="gray", size="1"),
        ),
        stand_panel(),
        rx.hstack(
            rx.cond(CheckoutState.viewing, rx.fragment(), _actions()),
            rx.button(rx.el.a(t("Back to payments"), href=PAYMENTS_PAGE), as_child=True),
            justify="center",
            wrap="wrap",
            spacing="3",
            width="100%",
        ),
        spacing="4",
        align="stretch",
    )


def _actions() -> rx.Component:
    return rx.match(
        CheckoutState.stand.status,
        ("pending", pending_buttons()),
        (
            "cancelled",
            rx.button(
                t("Try again"),
                on_click=CheckoutState.try_again(CheckoutState.stand.reference),
                variant="surface",
            ),
        ),
        rx.fragment(),
    )
