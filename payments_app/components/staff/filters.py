"""What narrows the staff's list of payments: search, choices of several, days, amounts, columns."""

from collections.abc import Sequence

import reflex as rx

from payments_app.components.staff import parts
from payments_app.components.words import t
from payments_app.state.staff.filters import Chip, Choice
from payments_app.state.staff.payments import StaffPaymentsState


def search() -> rx.Component:
    """Show the field that searches all that a payment is known by."""
    return rx.box(
        rx.input(
            rx.input.slot(rx.icon("search", size=14, aria_hidden="true")),
            default_value=StaffPaymentsState.search_text,
            on_change=StaffPaymentsState.search.debounce(300),
            placeholder=t("Reference, account, description, e-mail"),
            aria_label=t("Search by reference, account, description or e-mail"),
            type="search",
            max_length=100,
            size="2",
            key=f"search-{StaffPaymentsState.form}",
        ),
        class_name="search",
    )


def multiple(
    label: rx.Var[str], field: str, choices: rx.Var[list[Choice]], *, searchable: bool = False
) -> rx.Component:
    """Show a button that opens the values of one filter, several of which may be chosen."""
    return popover(
        label,
        rx.cond(
            searchable,
            rx.input(
                on_change=StaffPaymentsState.search_accounts.debounce(250),
                placeholder=t("Find an account"),
                aria_label=t("Find an account"),
                type="search",
                size="2",
                margin_bottom="8px",
            ),
        )
        if searchable
        else rx.fragment(),
        rx.el.div(
            rx.foreach(choices, lambda choice: _choice(field, choice)),
            class_name="value-list",
            role="group",
            aria_label=label,
        ),
    )


def days() -> rx.Component:
    """Show the fields for the first and the last day."""
    return popover(
        t("Dates"),
        _day(t("From"), StaffPaymentsState.since, StaffPaymentsState.choose_since),
        _day(t("To"), StaffPaymentsState.until, StaffPaymentsState.choose_until),
        rx.el.small(t("Days in {zone}", zone=StaffPaymentsState.time_zone), class_name="quiet"),
    )


def amounts() -> rx.Component:
    """Show the fields for the smallest and the largest total."""
    return popover(
        t("Total"),
        _amount(t("At least"), StaffPaymentsState.least, StaffPaymentsState.choose_least),
        _amount(t("At most"), StaffPaymentsState.most, StaffPaymentsState.choose_most),
        rx.cond(
            StaffPaymentsState.amount_fault != "",
            rx.el.p(StaffPaymentsState.amount_fault, class_name="fault", role="alert"),
        ),
        rx.el.small(t("Purchases and refunds are negative."), class_name="quiet"),
    )


def columns(known: Sequence[dict[str, str]]) -> rx.Component:
    """Show a button that opens the choice of columns."""
    return popover(
        t("Columns"),
        rx.el.div(
            *(
                rx.el.label(
                    rx.checkbox(
                        checked=~StaffPaymentsState.hidden.split(",").contains(column["key"]),
                        on_change=lambda _, key=column["key"]: StaffPaymentsState.toggle_column(
                            key
                        ),
                        custom_attrs={"aria-label": column["label"]},
                    ),
                    column["label"],
                    class_name="choice",
                )
                for column in known
                if column["key"] != "description"
            ),
            class_name="value-list",
            role="group",
            aria_label=t("Columns"),
        ),
    )


def chosen() -> rx.Component:
    """Show the filters that are on, each to take off, and a button for all."""
    return parts.chips(
        rx.foreach(StaffPaymentsState.chips, _chip),
        rx.cond(
            StaffPaymentsState.narrowed,
            rx.button(
                t("Clear"),
                on_click=StaffPaymentsState.clear,
                variant="ghost",
                color_scheme="gray",
                size="1",
                margin="0 4px",
            ),
        ),
    )


def _chip(chip: Chip) -> rx.Component:
    return parts.chip(chip.label, StaffPaymentsState.remove(chip.field, chip.value))


def _choice(field: str, choice: Choice) -> rx.Component:
    return rx.el.label(
        rx.checkbox(
            checked=choice.chosen,
            on_change=lambda _: StaffPaymentsState.toggle(field, choice.value),
            custom_attrs={"aria-label": choice.label},
        ),
        choice.label,
        class_name="choice",
        key=choice.value,
    )


def _day(label: rx.Var[str], value: rx.Var[str], on_change: rx.EventHandler) -> rx.Component:
    return rx.el.label(
        label,
        rx.el.input(type="date", default_value=value, on_change=on_change, key=value),
        class_name="field-row",
    )


def _amount(label: rx.Var[str], value: rx.Var[str], on_change: rx.EventHandler) -> rx.Component:
    return rx.el.label(
        label,
        rx.el.input(
            default_value=value,
            on_change=on_change.debounce(400),
            input_mode="decimal",
            max_length=20,
            key=f"{label}-{StaffPaymentsState.form}",
        ),
        class_name="field-row",
    )


def popover(label: rx.Var[str], *content: rx.Component) -> rx.Component:
    """Return a button of the toolbar that opens its content beneath."""
    return rx.popover.root(
        rx.popover.trigger(
            rx.button(
                label,
                rx.icon("chevron-down", size=14, aria_hidden="true"),
                variant="surface",
                color_scheme="gray",
                size="2",
            )
        ),
        rx.popover.content(*content, aria_label=label, size="1", width="240px"),
    )
