"""The account's balance, one figure per currency, with what is Pending beneath."""

import reflex as rx

from payments_app.components.first_rows import first_balances
from payments_app.components.live import BALANCES
from payments_app.components.words import t
from payments_app.services.reports import BalanceLine
from payments_app.state.balance import BalanceState
from payments_app.state.payments import PaymentsState


def balances() -> rx.Component:
    """Show the balances, or their places while they are read."""
    return rx.el.section(
        rx.cond(
            PaymentsState.phase == "loading",
            rx.fragment(first_balances(), _skeleton()),
            rx.foreach(BALANCES, _balance),
        ),
        class_name="balances",
        aria_label=t("Balance"),
    )


def _balance(balance: BalanceLine) -> rx.Component:
    return rx.el.div(
        rx.el.button(
            balance.name,
            rx.icon("circle-help", size=12, aria_hidden="true"),
            on_click=BalanceState.open(balance.currency),
            type="button",
            class_name="label why",
            title=t("Why is my balance this?"),
        ),
        rx.el.strong(balance.amount, class_name="figure tabular"),
        rx.el.span(
            rx.cond(balance.pending != "", t("{pending} pending", pending=balance.pending), ""),
            class_name="pending-sum tabular",
        ),
        key=balance.name,
    )


def _skeleton() -> rx.Component:
    return rx.el.div(
        rx.skeleton(width="72px", height="12px", margin_y="3px"),
        rx.skeleton(width="120px", height="24px", margin_y="4px"),
        rx.el.span(class_name="pending-sum"),
        aria_busy="true",
    )
