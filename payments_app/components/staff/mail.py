"""The staff's list of e-mails."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.pieces import told
from payments_app.components.staff import operations
from payments_app.components.staff.parts import section_head
from payments_app.components.staff.table import (
    cell,
    column,
    dense_table,
    empty,
    no_match,
    pages,
    skeleton_rows,
)
from payments_app.components.words import t
from payments_app.services.mailroom import MailRow
from payments_app.services.wording import MAIL_STATES
from payments_app.state.payments import ANY
from payments_app.state.staff.mail import STATES, MailroomState

_LEAD = t("Every e-mail to a user, and whether the mail server took it. The text is not kept.")
_HEADS = (
    (t("Written"), ""),
    (t("To"), ""),
    (t("About"), ""),
    (t("Payment"), ""),
    (t("State"), ""),
    (t("Tries"), "end"),
    (t("Mail server said"), ""),
)


def mail_list() -> rx.Component:
    """Show the list with its filters."""
    return rx.fragment(
        section_head(t("Mail"), lead=_LEAD),
        _filters(),
        told(MailroomState.notice, margin_bottom="12px"),
        rx.match(
            MailroomState.phase,
            ("loading", _table(*skeleton_rows(len(_HEADS) + 1))),
            rx.cond(
                MailroomState.rows.length() > 0,
                rx.fragment(_table(rx.foreach(MailroomState.rows, _row)), _pages()),
                rx.cond(
                    MailroomState.narrowed,
                    no_match(
                        t("No e-mail matches"),
                        t("An address or a reference has to be given whole."),
                        MailroomState.clear,
                    ),
                    empty(
                        "mail",
                        t("No e-mail yet"),
                        t("They are written when payments complete, fail or are refunded."),
                    ),
                ),
            ),
        ),
    )


def _filters() -> rx.Component:
    return rx.el.div(
        rx.box(
            rx.input(
                rx.input.slot(rx.icon("search", size=14, aria_hidden="true")),
                default_value=MailroomState.search_text,
                on_change=MailroomState.search.debounce(300),
                placeholder=t("Address or reference"),
                aria_label=t("Search by a whole e-mail address or a payment's reference"),
                type="search",
                max_length=254,
                size="2",
                key=f"search-{MailroomState.form}-{MailroomState.phase}",
            ),
            class_name="search",
        ),
        operations.choice(
            t("State"),
            MailroomState.chosen_state,
            MailroomState.choose_state,
            rx.select.item(t("Any state"), value=ANY),
            *(rx.select.item(t(MAIL_STATES[state]), value=state) for state in STATES),
        ),
        class_name="tools",
        role="search",
    )


def _table(*rows: rx.Component) -> rx.Component:
    heads = [column(label, look) for label, look in _HEADS]
    return dense_table(t("E-mails"), [*heads, column("")], *rows)


def _row(row: MailRow) -> rx.Component:
    return rx.el.tr(
        cell(t("Written"), row.created, class_name="quiet tabular nowrap"),
        cell(t("To"), row.recipient),
        cell(t("About"), row.kind),
        cell(t("Payment"), row.payment, class_name="tabular"),
        cell(t("State"), rx.el.span(row.state_label, class_name=f"pill mail-{row.state}")),
        cell(t("Tries"), row.attempts, class_name="end tabular"),
        cell(
            t("Mail server said"),
            row.told,
            rx.cond(
                row.next_attempt != "",
                rx.el.span(" ", t("Again {next_attempt}.", next_attempt=row.next_attempt)),
            ),
            class_name="quiet told",
        ),
        rx.el.td(
            rx.cond(
                MailroomState.can_act & row.can_retry,
                rx.button(
                    t("Send now"),
                    on_click=MailroomState.retry(row.id),
                    disabled=has_connection_errors,
                    variant="ghost",
                    size="1",
                    aria_label=t("Send now to {recipient}", recipient=row.recipient),
                ),
            ),
            class_name="end",
        ),
        key=row.id.to_string(),
    )


def _pages() -> rx.Component:
    return pages(
        "",
        MailroomState.go_newer,
        MailroomState.has_newer,
        MailroomState.go_older,
        MailroomState.has_older,
    )
