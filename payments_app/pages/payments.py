"""The customer's Payments page."""

import reflex as rx

from payments_app.components.balance_dialog import balance_dialog
from payments_app.components.balances import balances
from payments_app.components.checkout import payment_buttons, payment_dialogs
from payments_app.components.frame import customer_frame
from payments_app.components.payment_detail import payment_detail
from payments_app.components.payment_table import payment_table
from payments_app.components.toolbar import toolbar
from payments_app.components.words import t


def payments_page() -> rx.Component:
    """Show balances and all payments to date, with what can be done about them."""
    return customer_frame(
        rx.el.h1(t("Payments")),
        rx.el.div(
            balances(),
            rx.el.div(payment_buttons(), class_name="actions"),
            class_name="top",
        ),
        toolbar(),
        payment_table(),
        payment_detail(),
        balance_dialog(),
        payment_dialogs(),
    )
