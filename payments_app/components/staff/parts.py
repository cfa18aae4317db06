"""What stands above and beside the staff's tables: a section's head, filter chips, figures."""

import reflex as rx

from payments_app.components.words import t


def section_head(
    title: rx.Var[str], *actions: rx.Component, lead: rx.Var[str] | str = ""
) -> rx.Component:
    """Show a section's title, one sentence on what it is for, and its actions to the far right."""
    return rx.el.div(
        rx.el.div(
            rx.el.h1(title),
            rx.cond(lead, rx.el.p(lead, class_name="quiet")),
            class_name="lead",
        ),
        rx.el.div(*actions, class_name="section-actions"),
        class_name="section-head",
    )


def chips(*items: rx.Component) -> rx.Component:
    """Put filter chips in a row that wraps."""
    return rx.el.div(*items, class_name="chips")


def chip(label: rx.Var[str] | str, on_remove: rx.EventHandler) -> rx.Component:
    """Show one filter that is on, with a cross that takes it off."""
    return rx.el.span(
        label,
        rx.el.button(
            rx.icon("x", size=12, aria_hidden="true"),
            on_click=on_remove,
            type="button",
            aria_label=t("Remove filter {label}", label=label),
        ),
        class_name="filter-chip",
    )


def stat(
    label: rx.Var[str] | str, value: rx.Var[str] | str, note: rx.Var[str] | str = ""
) -> rx.Component:
    """Show one figure with its name above and a grey line beneath."""
    return rx.el.div(
        rx.el.span(label, class_name="label"),
        rx.el.strong(value, class_name="figure tabular"),
        rx.el.span(note, class_name="label tabular"),
        class_name="stat",
    )


def stats(*figures: rx.Component) -> rx.Component:
    """Put figures in a row that wraps."""
    return rx.el.div(*figures, class_name="stats")


def why_form(
    submit: rx.Component,
    *,
    fault: rx.Var[str],
    on_leave: rx.event.EventSpec,
    on_submit: rx.EventHandler,
) -> rx.Component:
    """Ask why something is done, with its ``submit`` button and a way out."""
    return rx.form(
        rx.input(name="reason", placeholder=t("Why"), aria_label=t("Why"), max_length=300),
        rx.cond(fault != "", rx.el.p(fault, class_name="fault", role="alert")),
        rx.hstack(
            rx.button(
                t("Leave it"), type="button", on_click=on_leave, variant="soft", color_scheme="gray"
            ),
            submit,
            spacing="2",
        ),
        on_submit=on_submit,
        class_name="deed-form",
    )
