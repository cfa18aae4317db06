"""What belongs to no payment, above the review queue."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.staff.add_payment import add_payment_button
from payments_app.components.staff.parts import why_form
from payments_app.components.words import t
from payments_app.services.unmatched import MOST_SHOWN, Stranger
from payments_app.state.staff.unmatched import UnmatchedState

_UNMATCHED = "/staff/events?state=unmatched"


def unmatched_list() -> rx.Component:
    """Show the newest of them, each with what can be done, and the way to all."""
    return rx.cond(
        UnmatchedState.strangers_count > 0,
        rx.el.section(
            rx.el.h2(t("Of no payment here"), id="unmatched"),
            rx.foreach(UnmatchedState.strangers, _stranger),
            rx.cond(
                UnmatchedState.strangers_count > MOST_SHOWN,
                rx.link(
                    t(
                        "All {count} of them",
                        count=UnmatchedState.strangers_count,
                    ),
                    href=_UNMATCHED,
                ),
            ),
            class_name="requests",
            aria_labelledby="unmatched",
        ),
    )


def _stranger(stranger: Stranger) -> rx.Component:
    dot = " \N{MIDDLE DOT} "
    return rx.el.div(
        rx.el.p(
            rx.cond(
                stranger.amount != "",
                rx.fragment(rx.el.strong(stranger.amount, class_name="tabular"), dot),
            ),
            stranger.gateway,
            dot,
            rx.cond(
                stranger.is_money,
                t("Paid at the provider, but not in our books"),
                stranger.kind,
            ),
        ),
        rx.el.p(
            rx.cond(stranger.reference != "", rx.fragment(rx.el.code(stranger.reference), dot)),
            stranger.received,
            class_name="quiet tabular",
        ),
        rx.cond(UnmatchedState.leaving == stranger.id, _leaving(), _ways(stranger)),
        class_name="question",
        key=stranger.id,
    )


def _ways(stranger: Stranger) -> rx.Component:
    return rx.hstack(
        rx.button(
            rx.link(t("Show message"), href=f"{_UNMATCHED}&event={stranger.id}", underline="none"),
            as_child=True,
            variant="surface",
            size="2",
        ),
        rx.cond(stranger.is_money, add_payment_button(variant="surface")),
        rx.cond(
            UnmatchedState.may_set_aside,
            rx.button(
                t("Set aside…"),
                on_click=UnmatchedState.ask_to_leave(stranger.id),
                variant="soft",
                color_scheme="gray",
                size="2",
            ),
        ),
        spacing="2",
        wrap="wrap",
    )


def _leaving() -> rx.Component:
    return why_form(
        rx.button(t("Set aside"), type="submit", disabled=has_connection_errors),
        fault=UnmatchedState.fault,
        on_leave=UnmatchedState.ask_to_leave(0),
        on_submit=UnmatchedState.set_aside,
    )
