"""Search, filters and the download above the list."""

from typing import Final

import reflex as rx

from payments_app.components.export import export_button
from payments_app.components.statement import statement_button
from payments_app.components.words import t
from payments_app.db.payments import Order
from payments_app.domain.payment import PaymentStatus
from payments_app.services import wording
from payments_app.services.periods import PERIODS
from payments_app.state.payments import ANY, CUSTOM_PERIOD, Choice, PaymentsState

_ORDERS: Final = {
    Order.NEWEST: t("Newest first"),
    Order.OLDEST: t("Oldest first"),
    Order.HIGHEST: t("Highest first"),
    Order.LOWEST: t("Lowest first"),
}
"""For narrow screens, which have no column heads to sort by."""


def toolbar() -> rx.Component:
    """Show what narrows the list, with the download at the far right."""
    return rx.fragment(
        rx.el.div(
            _search(),
            _filter(
                t("Date range"),
                PaymentsState.period,
                PaymentsState.choose_period,
                rx.select.item(t("Any date"), value=ANY),
                *(rx.select.item(t(label), value=code) for code, label in PERIODS.items()),
                rx.select.item(t("Other days"), value=CUSTOM_PERIOD),
            ),
            _filter(
                t("Status"),
                PaymentsState.status,
                PaymentsState.choose_status,
                rx.select.item(t("Any status"), value=ANY),
                *(
                    rx.select.item(t(wording.STATUSES[status]), value=status.value)
                    for status in PaymentStatus
                ),
            ),
            _filter(
                t("Method"),
                PaymentsState.method,
                PaymentsState.choose_method,
                rx.select.item(t("Any method"), value=ANY),
                rx.foreach(PaymentsState.methods, _method),
            ),
            _filter(
                t("Sort"),
                PaymentsState.order,
                PaymentsState.choose_order,
                *(rx.select.item(label, value=order.value) for order, label in _ORDERS.items()),
                class_name="narrow",
            ),
            rx.cond(
                PaymentsState.narrowed,
                rx.button(
                    t("Clear"),
                    on_click=PaymentsState.clear,
                    variant="ghost",
                    color_scheme="gray",
                    size="2",
                    class_name="clear",
                ),
            ),
            rx.el.div(statement_button(), export_button(), class_name="downloads"),
            class_name="tools",
            role="search",
        ),
        rx.cond(PaymentsState.period == CUSTOM_PERIOD, _days()),
    )


def _search() -> rx.Component:
    return rx.box(
        rx.input(
            rx.input.slot(rx.icon("search", size=14, aria_hidden="true")),
            default_value=PaymentsState.search_text,
            on_change=PaymentsState.search.debounce(250),
            placeholder=t("Search payments"),
            aria_label=t("Search payments by description, reference or method"),
            type="search",
            max_length=100,
            size="2",
            key=f"search-{PaymentsState.form}-{PaymentsState.phase == 'loading'}",
        ),
        class_name="search",
    )


def _filter(
    label: rx.Var[str],
    value: rx.Var[str],
    on_change: rx.EventHandler,
    *items: rx.Component,
    class_name: str = "",
) -> rx.Component:
    return rx.select.root(
        rx.select.trigger(
            aria_label=label,
            variant="surface",
            color_scheme="gray",
            class_name=f"filter {class_name}",
        ),
        rx.select.content(*items, position="popper"),
        value=value,
        on_change=on_change,
        size="2",
    )


def _method(choice: Choice) -> rx.Component:
    return rx.select.item(choice.label, value=choice.value)


def _days() -> rx.Component:
    return rx.el.div(
        _day(t("From"), PaymentsState.since, PaymentsState.choose_since),
        _day(t("To"), PaymentsState.until, PaymentsState.choose_until),
        class_name="days",
        key=f"days-{PaymentsState.form}",
    )


def _day(label: rx.Var[str], value: rx.Var[str], on_change: rx.EventHandler) -> rx.Component:
    return rx.el.label(
        label,
        rx.el.input(type="date", default_value=value, on_change=on_change.debounce(400)),
    )
