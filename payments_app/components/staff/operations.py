"""What the pages of operations share: heads, filters, notices, side sheets."""

from typing import Any

import reflex as rx

from payments_app.components.words import t


def head(title: rx.Var[str], lead: str, *actions: rx.Component) -> rx.Component:
    """Show a page's title, one sentence on what it is for, and its actions at the far right."""
    return rx.el.div(
        rx.el.div(rx.el.h1(title), rx.el.p(lead, class_name="quiet")),
        rx.el.div(*actions, class_name="ops-actions"),
        class_name="ops-head",
    )


def choice(
    label: rx.Var[str], value: rx.Var[str], on_change: rx.EventHandler, *items: rx.Component
) -> rx.Component:
    """Show a drop-down that narrows a list."""
    return rx.select.root(
        rx.select.trigger(
            aria_label=label, variant="surface", color_scheme="gray", class_name="filter"
        ),
        rx.select.content(*items, position="popper"),
        value=value,
        on_change=on_change,
        size="2",
    )


def day(label: rx.Var[str], value: rx.Var[str], on_change: Any) -> rx.Component:
    """Show a field for a day."""
    return rx.el.label(
        label,
        rx.el.input(type="date", default_value=value, on_change=on_change, key=value),
        class_name="ops-day",
    )


def nothing(
    icon: str, title: rx.Var[str], text: str | rx.Var[str], *more: rx.Component
) -> rx.Component:
    """Say why a list is empty, and what can be done."""
    return rx.el.div(
        rx.el.span(rx.icon(icon, size=20), class_name="notice-icon", aria_hidden="true"),
        rx.el.h2(title),
        rx.el.p(text),
        *more,
        class_name="notice",
    )


def skeleton() -> rx.Component:
    """Keep the place of a table that is still being read."""
    return rx.el.div(
        *[rx.skeleton(width="100%", height="36px") for _ in range(8)], class_name="ops-skeleton"
    )


def question(
    text: rx.Var[str],
    no: rx.EventHandler | rx.event.EventSpec,
    yes_label: rx.Var[str],
    yes: rx.EventHandler | rx.event.EventSpec,
    *,
    disabled: rx.Var[bool],
) -> rx.Component:
    """Ask before something is done that is not easily undone."""
    return rx.el.div(
        rx.el.p(text),
        rx.hstack(
            rx.button(t("Leave it"), on_click=no, variant="soft", color_scheme="gray", size="2"),
            rx.button(yes_label, on_click=yes, disabled=disabled, size="2"),
            spacing="2",
        ),
        class_name="question",
        role="alert",
    )
