"""Small parts that several places show: the status pill, icons, figures."""

from typing import Any, Final

import reflex as rx

from payments_app.components.words import t
from payments_app.gateways.registry import GATEWAYS
from payments_app.services.reports import KIND_ICONS

_ICONS: Final = sorted({gateway.icon for gateway in GATEWAYS} | KIND_ICONS)


def status_pill(status: rx.Var[str], label: rx.Var[str]) -> rx.Component:
    """Show a status as a dot and its word, never by colour alone."""
    return rx.el.span(label, class_name=f"pill {status}")


def method_icon(name: rx.Var[str]) -> rx.Component:
    """Show the icon of a method; only those that rows can have are in the build."""
    pictures = [(icon, rx.icon(icon, size=16)) for icon in _ICONS]
    return rx.el.span(
        rx.match(name, *pictures, rx.icon("banknote", size=16)),
        class_name="method-icon",
        aria_hidden="true",
    )


def told(words: rx.Var[str], **attributes: Any) -> rx.Component:
    """Say what came of what was just done, while there is something to say."""
    return rx.cond(
        words != "",
        rx.el.p(
            rx.icon("info", size=14, aria_hidden="true"),
            rx.el.span(words),
            role="status",
            class_name="outcome",
            **attributes,
        ),
    )


def saved(words: rx.Var[str]) -> rx.Component:
    """Say beside a form's button that it is done, while there is something to say."""
    return rx.el.span(
        rx.cond(words != "", rx.icon("check", size=14, aria_hidden="true")),
        rx.el.span(words),
        role="status",
        class_name="saved",
    )


def fact(label: rx.Var[str], *value: rx.Component | rx.Var[str]) -> rx.Component:
    """Show one labelled value of a list of facts."""
    return rx.el.div(rx.el.dt(label), rx.el.dd(*value), class_name="fact")


def sheet(
    title: rx.Var[str],
    *content: rx.Component,
    is_open: rx.Var[bool],
    on_open_change: rx.EventHandler,
    class_name: str = "sheet",
) -> rx.Component:
    """Show content in a sheet at the side while ``is_open``."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.hstack(
                rx.dialog.title(title, class_name="dialog-title"),
                rx.spacer(),
                rx.dialog.close(
                    rx.icon_button(
                        rx.icon("x", size=16),
                        variant="ghost",
                        color_scheme="gray",
                        aria_label=t("Close"),
                    )
                ),
                align="center",
                class_name="sheet-head",
            ),
            *content,
            class_name=class_name,
            aria_describedby=None,
        ),
        open=is_open,
        on_open_change=on_open_change,
    )
