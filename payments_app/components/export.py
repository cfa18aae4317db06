"""The download: an icon button, and a dialog that says what the file holds."""

import reflex as rx

from payments_app.components.look import PlainLink
from payments_app.components.words import t
from payments_app.services.reports import TotalLine
from payments_app.state.export import ALL, CURRENT, ExportState
from payments_app.state.payments import PaymentsState

_LABEL = t("Download payments as CSV")


def export_button() -> rx.Component:
    """Return the button with its dialog."""
    return rx.dialog.root(
        rx.tooltip(
            rx.dialog.trigger(
                rx.icon_button(
                    rx.icon("download", size=16),
                    variant="surface",
                    color_scheme="gray",
                    size="2",
                    class_name="download",
                    aria_label=_LABEL,
                ),
            ),
            content=_LABEL,
        ),
        rx.dialog.content(
            rx.dialog.title(_LABEL, class_name="dialog-title"),
            rx.dialog.description(
                t("What the file holds, before it starts."),
                class_name="dialog-note",
            ),
            rx.cond(PaymentsState.narrowed, _scope()),
            rx.cond(ExportState.ready, _totals(), rx.skeleton(width="100%", height="96px")),
            rx.cond(
                ExportState.notice != "",
                rx.el.p(ExportState.notice, class_name="dialog-note", role="status"),
            ),
            rx.hstack(
                rx.button(
                    t("Cancel"),
                    on_click=ExportState.moved(False),
                    variant="soft",
                    color_scheme="gray",
                    type="button",
                ),
                rx.button(
                    PlainLink.create(
                        rx.icon("download", size=16, aria_hidden="true"),
                        t("Download"),
                        href=ExportState.address,
                        download=True,
                        on_click=ExportState.moved(False),
                    ),
                    as_child=True,
                ),
                justify="end",
                spacing="3",
                margin_top="20px",
            ),
            max_width="420px",
            aria_describedby=None,
        ),
        open=ExportState.is_open,
        on_open_change=ExportState.moved,
    )


def _scope() -> rx.Component:
    return rx.radio_group.root(
        _choice(CURRENT, t("Only what the filter shows")),
        _choice(ALL, t("All payments")),
        value=ExportState.scope,
        on_change=ExportState.choose,
        aria_label=t("Which payments"),
        margin_bottom="16px",
    )


def _choice(value: str, label: rx.Var[str]) -> rx.Component:
    return rx.el.label(rx.radio_group.item(value=value), label, class_name="choice")


def _totals() -> rx.Component:
    return rx.el.table(
        rx.el.caption(t("Payments: {rows}", rows=ExportState.rows)),
        rx.el.thead(
            rx.el.tr(
                rx.el.th(t("Currency"), scope="col"),
                rx.el.th(t("Payments"), scope="col", class_name="end"),
                rx.el.th(t("Total of Completed"), scope="col", class_name="end"),
            )
        ),
        rx.el.tbody(rx.foreach(ExportState.totals, _total)),
        class_name="totals tabular",
    )


def _total(total: TotalLine) -> rx.Component:
    return rx.el.tr(
        rx.el.td(total.currency),
        rx.el.td(total.rows, class_name="end"),
        rx.el.td(total.completed, class_name="end"),
        key=total.currency,
    )
