"""Why a balance is what it is: opening, sums by kind, closing, and two small charts."""

import reflex as rx

from payments_app.components.words import t
from payments_app.services.balance_story import PERIODS, KindLine, Move, Point
from payments_app.state.balance import HEIGHT, WIDTH, BalanceState, Bar


def balance_dialog() -> rx.Component:
    """Return the dialog."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(t("Why is my balance this?"), class_name="dialog-title"),
            rx.dialog.description(BalanceState.name, class_name="dialog-note"),
            rx.select.root(
                rx.select.trigger(aria_label=t("Period"), width="100%"),
                rx.select.content(
                    *(rx.select.item(t(label), value=code) for code, label in PERIODS.items()),
                    position="popper",
                ),
                value=BalanceState.period,
                on_change=BalanceState.choose,
                size="2",
            ),
            _sums(),
            rx.cond(BalanceState.moves, _moves()),
            rx.el.h2(t("Balance over time"), class_name="chart-head"),
            _curve(),
            rx.el.h2(t("Paid in and spent"), class_name="chart-head"),
            _bars(),
            _ends(),
            _table(),
            rx.hstack(
                rx.button(
                    t("Close"),
                    on_click=BalanceState.moved(False),
                    variant="soft",
                    color_scheme="gray",
                    type="button",
                ),
                justify="end",
                margin_top="20px",
            ),
            max_width="500px",
            aria_describedby=None,
        ),
        open=BalanceState.is_open,
        on_open_change=BalanceState.moved,
    )


def _sums() -> rx.Component:
    return rx.el.table(
        rx.el.tbody(
            _sum(t("Opening balance"), "", BalanceState.opening),
            rx.foreach(BalanceState.lines, _kind),
            _sum(t("Balance now"), "", BalanceState.closing, class_name="strong"),
        ),
        class_name="totals tabular spaced",
        aria_label=t("What the balance is made of"),
    )


def _sum(label: rx.Var[str], rows: str, amount: rx.Var[str], class_name: str = "") -> rx.Component:
    return rx.el.tr(
        rx.el.th(label, scope="row"),
        rx.el.td(rows, class_name="end quiet"),
        rx.el.td(amount, class_name="end"),
        class_name=class_name,
    )


def _kind(line: KindLine) -> rx.Component:
    return rx.el.tr(
        rx.el.th(line.label, scope="row"),
        rx.el.td(line.rows, class_name="end quiet"),
        rx.el.td(line.amount, class_name="end"),
        key=line.label,
    )


def _moves() -> rx.Component:
    return rx.el.details(
        rx.el.summary(t("Show the newest payments behind it")),
        rx.el.div(
            rx.el.table(
                rx.el.tbody(rx.foreach(BalanceState.moves, _move)),
                class_name="totals tabular",
                aria_label=t("The newest payments behind it"),
            ),
            class_name="figures",
        ),
        class_name="spaced",
    )


def _move(move: Move) -> rx.Component:
    return rx.el.tr(
        rx.el.th(
            rx.link(
                move.label,
                href=f"/?payment={move.reference}",
                on_click=BalanceState.moved(False),
            ),
            scope="row",
        ),
        rx.el.td(move.day, class_name="quiet"),
        rx.el.td(move.amount, class_name="end"),
        key=move.reference,
    )


def _curve() -> rx.Component:
    return rx.el.svg(
        rx.el.line(x1="0", x2=str(WIDTH), y1=BalanceState.zero, y2=BalanceState.zero),
        rx.el.path(d=BalanceState.curve),
        view_box=f"-1 -2 {WIDTH + 2} {HEIGHT + 4}",
        class_name="chart curve",
        role="img",
        aria_label=t("Balance over time; the figures are in the table below"),
    )


def _bars() -> rx.Component:
    return rx.el.svg(
        rx.foreach(BalanceState.bars, _bar),
        rx.el.line(x1="0", x2=str(WIDTH), y1=str(HEIGHT), y2=str(HEIGHT)),
        view_box=f"-1 -2 {WIDTH + 2} {HEIGHT + 4}",
        class_name="chart bars",
        role="img",
        aria_label=t("Paid in and spent; the figures are in the table below"),
    )


def _bar(bar: Bar) -> rx.Component:
    return rx.el.g(
        rx.el.rect(x=bar.x, y=bar.in_y, width=bar.width, height=bar.in_height, class_name="in"),
        rx.el.rect(
            x=bar.out_x, y=bar.out_y, width=bar.width, height=bar.out_height, class_name="out"
        ),
        key=bar.label,
    )


def _ends() -> rx.Component:
    return rx.el.p(
        rx.el.span(t("Paid in"), class_name="key in"),
        rx.el.span(t("Spent or given back"), class_name="key out"),
        class_name="chart-key",
    )


def _table() -> rx.Component:
    return rx.el.details(
        rx.el.summary(t("Show the figures")),
        rx.el.div(
            rx.el.table(
                rx.el.thead(
                    rx.el.tr(
                        rx.el.th(t("When"), scope="col"),
                        rx.el.th(t("Paid in"), scope="col", class_name="end"),
                        rx.el.th(t("Spent"), scope="col", class_name="end"),
                        rx.el.th(t("Balance"), scope="col", class_name="end"),
                    )
                ),
                rx.el.tbody(rx.foreach(BalanceState.points, _point)),
                class_name="totals tabular",
            ),
            class_name="figures",
        ),
        class_name="spaced",
    )


def _point(point: Point) -> rx.Component:
    return rx.el.tr(
        rx.el.th(point.label, scope="row"),
        rx.el.td(point.texts[0], class_name="end"),
        rx.el.td(point.texts[1], class_name="end"),
        rx.el.td(point.texts[2], class_name="end"),
        key=point.label,
    )
