"""The statement: an icon button above the list, and a dialog that says what it will hold."""

import reflex as rx

from payments_app.components.look import PlainLink
from payments_app.components.words import t
from payments_app.services.periods import PERIODS
from payments_app.services.statements import SummaryLine
from payments_app.state.statement import OTHER_DAYS, StatementState

_LABEL = t("Statement of account as PDF")


def statement_button() -> rx.Component:
    """Return the button with its dialog."""
    return rx.dialog.root(
        rx.tooltip(
            rx.dialog.trigger(
                rx.icon_button(
                    rx.icon("file-text", size=16),
                    variant="surface",
                    color_scheme="gray",
                    size="2",
                    aria_label=_LABEL,
                ),
            ),
            content=_LABEL,
        ),
        rx.dialog.content(
            rx.dialog.title(t("Statement of account"), class_name="dialog-title"),
            rx.dialog.description(
                t("Opening balance, every completed payment and closing balance."),
                class_name="dialog-note",
            ),
            rx.select.root(
                rx.select.trigger(aria_label=t("Period"), width="100%"),
                rx.select.content(
                    *(rx.select.item(t(label), value=code) for code, label in PERIODS.items()),
                    rx.select.item(t("Other days"), value=OTHER_DAYS),
                    position="popper",
                ),
                value=StatementState.period,
                on_change=StatementState.choose,
                size="2",
            ),
            rx.cond(StatementState.period == OTHER_DAYS, _days()),
            rx.cond(
                StatementState.fault != "",
                rx.el.p(StatementState.fault, class_name="fault", role="alert"),
                _summary(),
            ),
            rx.el.p(StatementState.told, class_name="quiet small-note", role="status"),
            _buttons(),
            max_width="480px",
            aria_describedby=None,
        ),
        open=StatementState.is_open,
        on_open_change=StatementState.moved,
    )


def _days() -> rx.Component:
    return rx.el.div(
        _day(t("From"), StatementState.since, StatementState.choose_since),
        _day(t("To"), StatementState.until, StatementState.choose_until),
        class_name="days spaced",
    )


def _day(label: rx.Var[str], value: rx.Var[str], on_change: rx.EventHandler) -> rx.Component:
    return rx.el.label(
        label,
        rx.el.input(type="date", default_value=value, on_change=on_change.debounce(400)),
    )


def _summary() -> rx.Component:
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th(t("Currency"), scope="col"),
                rx.el.th(t("Opening"), scope="col", class_name="end"),
                rx.el.th(t("Payments"), scope="col", class_name="end"),
                rx.el.th(t("Closing"), scope="col", class_name="end"),
            )
        ),
        rx.el.tbody(rx.foreach(StatementState.lines, _line)),
        class_name="totals tabular spaced",
        aria_label=t("What the statement holds"),
    )


def _line(line: SummaryLine) -> rx.Component:
    return rx.el.tr(
        rx.el.td(line.currency),
        rx.el.td(line.opening, class_name="end"),
        rx.el.td(line.rows, class_name="end"),
        rx.el.td(line.closing, class_name="end"),
        key=line.currency,
    )


def _buttons() -> rx.Component:
    unready = StatementState.address == ""
    return rx.hstack(
        rx.button(
            t("Cancel"),
            on_click=StatementState.moved(False),
            variant="soft",
            color_scheme="gray",
            type="button",
        ),
        rx.cond(
            StatementState.viewing,
            rx.fragment(),
            rx.button(
                t("Send by e-mail"),
                on_click=StatementState.send,
                disabled=unready | (StatementState.told != ""),
                variant="surface",
            ),
        ),
        rx.cond(
            unready,
            rx.button(t("Download"), disabled=True),
            rx.button(
                PlainLink.create(
                    rx.icon("download", size=16, aria_hidden="true"),
                    t("Download"),
                    href=StatementState.address,
                    download=True,
                    on_click=StatementState.moved(False),
                ),
                as_child=True,
            ),
        ),
        justify="end",
        wrap="wrap",
        spacing="3",
        margin_top="16px",
        class_name="dialog-buttons",
    )
