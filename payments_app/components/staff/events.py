"""The staff's list of webhooks and the sheet of one."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.look import CopyButton
from payments_app.components.pieces import fact, method_icon, sheet, told
from payments_app.components.staff import operations
from payments_app.components.words import t
from payments_app.services.events import EventRow, Header
from payments_app.state.payments import ANY, Choice
from payments_app.state.staff.events import STATE_LABELS, EventsState

_LEAD = t("Every webhook that ever came, genuine or not, and what it did.")


def events_list() -> rx.Component:
    """Show the list with its filters."""
    return rx.fragment(
        operations.head(t("Events"), _LEAD, _replay_all()),
        rx.cond(
            EventsState.asks_for_all,
            operations.question(
                t(
                    "Replay every webhook that was given up or belongs to no payment? Nothing "
                    "that is"
                    " done already is done twice."
                ),
                EventsState.ask_for_all(False),
                t("Replay all"),
                EventsState.replay_all,
                disabled=has_connection_errors,
            ),
        ),
        rx.cond(~EventsState.sheet_open, told(EventsState.notice, margin_top="16px")),
        _filters(),
        rx.cond(
            EventsState.phase == "loading",
            operations.skeleton(),
            rx.cond(
                EventsState.rows.length() > 0,
                rx.fragment(_table(), _pages()),
                rx.cond(EventsState.narrowed, _no_match(), _empty()),
            ),
        ),
        _sheet(),
    )


def _replay_all() -> rx.Component:
    return rx.cond(
        EventsState.can_act & (EventsState.unhandled > 0),
        rx.button(
            t("Replay {unhandled} unhandled", unhandled=EventsState.unhandled),
            on_click=EventsState.ask_for_all(True),
            variant="surface",
            size="2",
        ),
    )


def _filters() -> rx.Component:
    return rx.el.div(
        rx.box(
            rx.input(
                rx.input.slot(rx.icon("search", size=14, aria_hidden="true")),
                default_value=EventsState.search_text,
                on_change=EventsState.search.debounce(300),
                placeholder=t("Reference, ours or the gateway's"),
                aria_label=t("Search by reference, ours or the gateway's, or by the webhook's id"),
                type="search",
                max_length=200,
                size="2",
                key=f"search-{EventsState.form}-{EventsState.phase}",
            ),
            class_name="search",
        ),
        operations.choice(
            t("Gateway"),
            EventsState.gateway,
            EventsState.choose_gateway,
            rx.select.item(t("Any gateway"), value=ANY),
            rx.foreach(EventsState.gateways, _gateway),
        ),
        operations.choice(
            t("Outcome"),
            EventsState.chosen_state,
            EventsState.choose_state,
            rx.select.item(t("Any outcome"), value=ANY),
            *(rx.select.item(t(label), value=state) for state, label in STATE_LABELS.items()),
        ),
        operations.day(t("From"), EventsState.since, EventsState.choose_since.debounce(400)),
        operations.day(t("To"), EventsState.until, EventsState.choose_until.debounce(400)),
        rx.cond(
            EventsState.narrowed,
            rx.button(
                t("Clear"),
                on_click=EventsState.clear,
                variant="ghost",
                color_scheme="gray",
                size="2",
                class_name="clear",
            ),
        ),
        class_name="tools",
        role="search",
    )


def _gateway(gateway: Choice) -> rx.Component:
    return rx.select.item(gateway.label, value=gateway.value)


def _table() -> rx.Component:
    return rx.el.div(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    rx.el.th(
                        t("Received"),
                        rx.el.span(EventsState.time_zone, class_name="zone"),
                        scope="col",
                    ),
                    rx.el.th(t("Gateway"), scope="col"),
                    rx.el.th(t("Message"), scope="col"),
                    rx.el.th(t("Reference"), scope="col"),
                    rx.el.th(t("Came"), scope="col", class_name="end"),
                    rx.el.th(t("State"), scope="col"),
                    rx.el.th(t("What it did"), scope="col"),
                )
            ),
            rx.el.tbody(rx.foreach(EventsState.rows, _row)),
            class_name="ops-table",
            aria_label=t("Webhooks"),
        ),
        class_name="ops-scroll",
    )


def _row(row: EventRow) -> rx.Component:
    flash = rx.cond(EventsState.flashed.contains(row.id), f"flash-{EventsState.flash_turn}", "")
    return rx.el.tr(
        rx.el.td(
            rx.el.button(
                row.received,
                type="button",
                on_click=EventsState.open_event(row.id),
                class_name="ops-open",
            ),
            class_name="quiet tabular nowrap",
        ),
        rx.el.td(
            rx.el.span(method_icon(row.icon), rx.el.span(row.gateway), class_name="method"),
            class_name="nowrap",
        ),
        rx.el.td(rx.cond(row.kind != "", row.kind, t("Not trusted"))),
        rx.el.td(row.reference, class_name="tabular"),
        rx.el.td(row.times, class_name="end tabular", custom_attrs={"data-label": t("Came")}),
        rx.el.td(rx.el.span(row.state_label, class_name=f"pill event-{row.state}")),
        rx.el.td(row.outcome, class_name="quiet"),
        class_name=flash,
        key=row.id.to_string(),
    )


def _pages() -> rx.Component:
    return rx.el.nav(
        rx.el.span(class_name="grow"),
        *(
            rx.button(
                label, on_click=go, disabled=~can, variant="surface", color_scheme="gray", size="1"
            )
            for label, go, can in (
                (t("Newer"), EventsState.go_newer, EventsState.has_newer),
                (t("Older"), EventsState.go_older, EventsState.has_older),
            )
        ),
        class_name="foot",
        aria_label=t("Pages"),
    )


def _empty() -> rx.Component:
    return operations.nothing(
        "webhook",
        t("No webhook has come yet"),
        t("Gateways send them to the addresses that the Gateways page shows."),
    )


def _no_match() -> rx.Component:
    return operations.nothing(
        "search-x",
        t("No webhook matches"),
        t("A reference has to be given whole."),
        rx.button(t("Show all webhooks"), on_click=EventsState.clear, variant="surface", size="2"),
    )


def _sheet() -> rx.Component:
    return sheet(
        t("Webhook"),
        rx.cond(
            EventsState.found,
            _detail(),
            rx.el.div(rx.el.p(t("There is no such webhook.")), class_name="sheet-body quiet"),
        ),
        is_open=EventsState.sheet_open,
        on_open_change=EventsState.moved,
        class_name="sheet ops-sheet",
    )


def _detail() -> rx.Component:
    detail = EventsState.detail
    row = detail.row
    return rx.el.div(
        rx.el.div(
            rx.el.strong(
                rx.cond(row.kind != "", row.kind, t("Not trusted")), class_name="ops-title"
            ),
            rx.el.span(row.state_label, class_name=f"pill event-{row.state}"),
            class_name="sheet-sum",
        ),
        rx.el.p(row.outcome),
        rx.el.p(detail.advice, class_name="quiet"),
        told(EventsState.notice),
        rx.cond(
            EventsState.can_act & detail.can_replay,
            rx.box(
                rx.button(
                    t("Replay"),
                    on_click=EventsState.replay,
                    disabled=has_connection_errors,
                    variant="surface",
                    size="2",
                )
            ),
        ),
        rx.el.dl(
            fact(t("Gateway"), row.gateway),
            rx.cond(
                row.payment != "",
                fact(
                    t("Payment"),
                    rx.link(row.payment, href=f"/staff/payments?payment={row.payment}"),
                ),
            ),
            rx.cond(
                detail.gateway_reference != "",
                fact(
                    t("Gateway's reference"),
                    CopyButton.create(text=detail.gateway_reference, label=t("Copy reference")),
                ),
            ),
            fact(
                t("Webhook's id"),
                CopyButton.create(text=detail.event_id, label=t("Copy webhook's id")),
            ),
            fact(t("First received"), row.received),
            fact(t("Times received"), row.times),
            fact(t("Tries to handle"), detail.attempts),
            rx.cond(detail.handled != "", fact(t("Handled"), detail.handled)),
            rx.cond(detail.next_attempt != "", fact(t("Next try"), detail.next_attempt)),
            class_name="facts tabular",
        ),
        rx.el.h2(t("Body")),
        _source(detail.body, t("Body")),
        rx.cond(
            detail.meaning != "",
            rx.fragment(rx.el.h2(t("As we understood it")), _source(detail.meaning, t("Meaning"))),
        ),
        rx.el.h2(t("Headers")),
        rx.el.dl(rx.foreach(detail.headers, _header), class_name="facts ops-headers"),
        class_name="sheet-body",
    )


def _source(text: rx.Var[str], label: rx.Var[str]) -> rx.Component:
    return rx.el.pre(text, class_name="ops-source", tab_index=0, aria_label=label, role="region")


def _header(header: Header) -> rx.Component:
    return rx.el.div(rx.el.dt(header.name), rx.el.dd(header.value), class_name="fact")
