"""The look of every staff table: dense rows, a sticky head, cards on narrow screens.

``dense_table`` with ``column``, ``sortable`` and ``cell`` makes the table; ``skeleton_rows``,
``empty``, ``no_match`` and ``failed`` are its other states, and ``pages`` stands beneath.
"""

from collections.abc import Sequence

import reflex as rx

from payments_app.components.words import t

_SKELETON_ROWS = 12


def dense_table(
    label: rx.Var[str],
    head: Sequence[rx.Component],
    *rows: rx.Component,
    busy: rx.Var[bool] | bool = False,
) -> rx.Component:
    """Return a table of 36 px rows; ``label`` is its name for screen readers."""
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*head)),
            rx.el.tbody(*rows),
            class_name="dense",
            aria_label=label,
            aria_busy=busy,
        ),
        class_name="dense-frame",
    )


def column(label: rx.Var[str] | str, class_name: str = "") -> rx.Component:
    """Return a column's head; class ``end`` puts figures to the right, and one of buttons has no
    label."""
    if isinstance(label, str) and not label:
        return rx.el.td(class_name=class_name)
    return rx.el.th(label, scope="col", class_name=class_name)


def sortable(
    label: rx.Var[str],
    on_click: rx.EventHandler,
    *,
    ascending: rx.Var[bool],
    descending: rx.Var[bool],
    class_name: str = "",
) -> rx.Component:
    """Return the head of a column to sort by, with an arrow while the list is."""
    return rx.el.th(
        rx.el.button(
            label,
            rx.cond(
                ascending,
                rx.icon("arrow-up", size=12),
                rx.cond(
                    descending,
                    rx.icon("arrow-down", size=12),
                    rx.icon("chevrons-up-down", size=12, class_name="unsorted"),
                ),
            ),
            type="button",
            on_click=on_click,
        ),
        scope="col",
        class_name=class_name,
        aria_sort=rx.cond(ascending, "ascending", rx.cond(descending, "descending", "none")),
    )


def cell(
    label: rx.Var[str], *content: rx.Component | rx.Var[str], class_name: str = ""
) -> rx.Component:
    """Return one cell; ``label`` stands before it where the row is a card."""
    return rx.el.td(*content, class_name=class_name, custom_attrs={"data-label": label})


def skeleton_rows(columns: int) -> list[rx.Component]:
    """Keep the place of rows that are still being read."""
    return [
        rx.el.tr(
            *(rx.el.td(rx.skeleton(width="70%", height="12px")) for _ in range(columns)),
            class_name="skeleton",
        )
        for _ in range(_SKELETON_ROWS)
    ]


def notice(icon: str, title: rx.Var[str], *content: rx.Component) -> rx.Component:
    """Say something in the place of a table."""
    return rx.el.div(
        rx.el.span(rx.icon(icon, size=20), class_name="notice-icon", aria_hidden="true"),
        rx.el.h2(title),
        *content,
        class_name="notice",
    )


def empty(icon: str, title: rx.Var[str], text: str, *actions: rx.Component) -> rx.Component:
    """Say that there is nothing yet, and what to do next."""
    return notice(icon, title, rx.el.p(text), rx.el.div(*actions, class_name="notice-actions"))


def no_match(
    title: rx.Var[str], filters: rx.Var[str] | str, on_clear: rx.EventHandler
) -> rx.Component:
    """Say that the filters leave nothing over, which they are, and offer to clear them."""
    return notice(
        "search-x",
        title,
        rx.el.p(filters),
        rx.button(t("Clear filters"), on_click=on_clear, variant="surface", size="2"),
    )


def failed(title: rx.Var[str], reference: rx.Var[str], on_retry: rx.EventHandler) -> rx.Component:
    """Say that the list could not be read, with the reference to quote."""
    return notice(
        "triangle-alert",
        title,
        rx.el.p(t("Nothing is lost. Try again in a moment.")),
        rx.button(t("Try again"), on_click=on_retry, variant="surface", size="2"),
        rx.el.small(t("If it stays so, quote {reference} to the operators.", reference=reference)),
    )


def pages(
    range_text: rx.Var[str],
    on_newer: rx.EventHandler,
    has_newer: rx.Var[bool],
    on_older: rx.EventHandler,
    has_older: rx.Var[bool],
) -> rx.Component:
    """Return what stands beneath a table: which rows these are, and the way to the next."""
    return rx.el.nav(
        rx.el.span(range_text, class_name="tabular"),
        rx.el.span(class_name="grow"),
        _page_button(t("Previous"), on_newer, has_newer),
        _page_button(t("Next"), on_older, has_older),
        class_name="foot",
        aria_label=t("Pages"),
    )


def _page_button(label: rx.Var[str], on_click: rx.EventHandler, can: rx.Var[bool]) -> rx.Component:
    return rx.button(
        label, on_click=on_click, disabled=~can, variant="surface", color_scheme="gray", size="1"
    )
