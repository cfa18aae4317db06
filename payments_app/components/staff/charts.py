"""The overview's charts: bars of plain HTML, each with its table: nothing is only a picture."""

import reflex as rx

from payments_app.components.staff.parts import stat, stats
from payments_app.components.staff.table import failed
from payments_app.components.words import t
from payments_app.services.overview import Bar, Part, Received, Today
from payments_app.state.staff.overview import OverviewState


def overview_charts() -> rx.Component:
    """Show today's figures and the three charts."""
    return rx.match(
        OverviewState.phase,
        (
            "error",
            failed(
                t("The overview cannot be shown just now"),
                OverviewState.error_reference,
                OverviewState.load,
            ),
        ),
        ("loading", rx.skeleton(width="100%", height="480px")),
        rx.fragment(
            rx.cond(
                OverviewState.today.length() > 0,
                stats(rx.foreach(OverviewState.today, _today)),
                rx.el.p(
                    t("Nothing has come in today yet."), class_name="quiet", margin_bottom="16px"
                ),
            ),
            rx.el.div(
                rx.foreach(OverviewState.received, _received),
                _rows(
                    t("Success rate by gateway, last 14 days"), t("Gateway"), OverviewState.success
                ),
                _rows(t("Pending by age"), t("Age"), OverviewState.pending),
                class_name="charts",
            ),
        ),
    )


def _today(today: Today) -> rx.Component:
    return stat(today.currency, today.received, today.note)


def _received(chart: Received) -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Received per day, {currency}", currency=chart.currency)),
        rx.el.div(
            rx.el.span(chart.most, class_name="most tabular"),
            rx.el.div(rx.foreach(chart.bars, _upright), class_name="uprights"),
            rx.el.div(rx.el.span(chart.first_day), rx.el.span(chart.last_day), class_name="ends"),
            aria_hidden="true",
        ),
        rx.el.div(rx.foreach(chart.legend, _legend), class_name="legend"),
        _table(t("Day (UTC)"), chart.bars),
        class_name="chart",
        key=chart.currency,
    )


def _upright(bar: Bar) -> rx.Component:
    return rx.el.div(
        rx.foreach(bar.parts, _piece),
        title=t("{label}: {text}", label=bar.label, text=bar.text),
        class_name="upright",
        key=bar.label,
    )


def _piece(part: Part) -> rx.Component:
    return rx.el.span(
        class_name=f"hue-{part.color}",
        style={"height": f"calc({part.share} * 0.1%)"},
        key=part.name,
    )


def _legend(part: Part) -> rx.Component:
    return rx.el.span(rx.el.span(class_name=f"swatch hue-{part.color}"), part.name, key=part.name)


def _rows(title: rx.Var[str], head: str, bars: rx.Var[list[Bar]]) -> rx.Component:
    return rx.el.section(
        rx.el.h2(title),
        rx.cond(
            bars.length() > 0,
            rx.fragment(
                rx.el.div(rx.foreach(bars, _lying), class_name="lyings", aria_hidden="true"),
                _table(head, bars),
            ),
            rx.el.p(t("No payment ended in these days."), class_name="quiet"),
        ),
        class_name="chart",
    )


def _lying(bar: Bar) -> rx.Component:
    return rx.el.div(
        rx.el.span(bar.label),
        rx.el.div(
            rx.foreach(
                bar.parts,
                lambda part: rx.el.span(
                    class_name=f"hue-{part.color}",
                    style={"width": f"calc({part.share} * 0.1%)"},
                    key=part.name,
                ),
            ),
            class_name="track",
        ),
        rx.el.span(bar.text, class_name="tabular"),
        class_name="lying",
        key=bar.label,
    )


def _table(head: rx.Var[str], bars: rx.Var[list[Bar]]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(t("Show as a table")),
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    rx.el.th(head, scope="col"),
                    rx.el.th(t("Figure"), scope="col", class_name="end"),
                )
            ),
            rx.el.tbody(rx.foreach(bars, _line)),
            class_name="totals tabular",
        ),
    )


def _line(bar: Bar) -> rx.Component:
    return rx.el.tr(
        rx.el.th(bar.label, scope="row"),
        rx.el.td(
            bar.text,
            rx.foreach(
                bar.parts,
                lambda part: rx.cond(
                    bar.parts.length() > 1,
                    rx.el.small(t("{name} {text}", name=part.name, text=part.text), key=part.name),
                ),
            ),
            class_name="end",
        ),
        key=bar.label,
    )
