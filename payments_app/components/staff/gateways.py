"""The gateways at a glance, and the sheet in which owners set one."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.look import CopyButton
from payments_app.components.pieces import fact, method_icon
from payments_app.components.staff import operations
from payments_app.components.staff.gateway_form import gateway_sheet
from payments_app.components.words import t
from payments_app.services.gateway_cards import Answers, GatewayCard, Setting
from payments_app.state.staff.gateways import GatewaysState

_LEAD = t(
    "How each gateway is set up and answers. Keys come from the environment and are never shown."
)


def gateway_list() -> rx.Component:
    """Show a card for each gateway."""
    return rx.fragment(
        operations.head(t("Gateways"), _LEAD),
        rx.cond(
            GatewaysState.phase == "loading",
            operations.skeleton(),
            rx.el.div(rx.foreach(GatewaysState.cards, _card), class_name="ops-cards"),
        ),
        gateway_sheet(),
    )


def _card(card: GatewayCard) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            method_icon(card.icon),
            rx.el.h2(card.label),
            rx.el.span(card.state_label, class_name=f"pill {card.state}"),
            rx.el.span(class_name="grow"),
            rx.el.span(card.mode, class_name="label"),
            class_name="ops-card-head",
        ),
        rx.cond(card.why != "", rx.el.p(card.why, class_name="ops-why")),
        rx.cond(card.circuit != "", _figures(card)),
        rx.el.dl(
            rx.cond(card.circuit != "", fact(t("Circuit breaker"), card.circuit)),
            rx.cond(card.last_success != "", fact(t("Last answer"), card.last_success)),
            rx.cond(
                card.last_fault_at != "",
                fact(t("Last error"), card.last_fault, rx.el.small(card.last_fault_at)),
            ),
            fact(t("Currencies"), rx.cond(card.currencies != "", card.currencies, t("None"))),
            fact(t("Fee"), card.fee_text),
            fact(t("Place in the list"), card.order),
            fact(
                t("Webhooks go to"),
                CopyButton.create(text=card.webhook_url, label=t("Copy address")),
            ),
            fact(
                t("Settings"),
                rx.el.ul(rx.foreach(card.needed, _setting), class_name="ops-settings"),
            ),
            class_name="facts tabular",
        ),
        rx.cond(GatewaysState.tested == card.code, _test_result()),
        rx.cond(GatewaysState.asks_about == card.code, _switch_question(card), _actions(card)),
        class_name="ops-card",
        aria_label=card.label,
        key=card.code,
    )


def _figures(card: GatewayCard) -> rx.Component:
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th(rx.el.span(t("Time"), class_name="sr-only"), scope="col"),
                rx.el.th(t("Calls"), scope="col", class_name="end"),
                rx.el.th(t("Answered"), scope="col", class_name="end"),
                rx.el.th(t("On average"), scope="col", class_name="end"),
            )
        ),
        rx.el.tbody(_period(t("Last hour"), card.hour), _period(t("Last day"), card.day)),
        class_name="totals tabular",
    )


def _period(label: rx.Var[str], answers: Answers) -> rx.Component:
    none = rx.el.span(t("none"), class_name="quiet")
    return rx.el.tr(
        rx.el.th(label, scope="row"),
        rx.el.td(answers.calls, class_name="end"),
        rx.el.td(rx.cond(answers.rate != "", answers.rate, none), class_name="end"),
        rx.el.td(rx.cond(answers.duration != "", answers.duration, none), class_name="end"),
    )


def _setting(setting: Setting) -> rx.Component:
    return rx.el.li(
        rx.el.code(setting.name),
        rx.cond(
            setting.is_set,
            rx.el.span(t("set"), class_name="quiet"),
            rx.el.span(t("missing"), class_name="ops-missing"),
        ),
        key=setting.name,
    )


def _test_result() -> rx.Component:
    return rx.el.p(
        rx.cond(
            GatewaysState.test_ok,
            rx.icon("check", size=14, aria_hidden="true"),
            rx.icon("triangle-alert", size=14, aria_hidden="true"),
        ),
        GatewaysState.test_text,
        class_name=rx.cond(GatewaysState.test_ok, "ops-result good", "ops-result bad"),
        role="status",
    )


def _actions(card: GatewayCard) -> rx.Component:
    return rx.hstack(
        rx.cond(
            GatewaysState.can_act & card.can_probe,
            rx.button(
                t("Test"),
                on_click=GatewaysState.test(card.code),
                loading=GatewaysState.testing == card.code,
                disabled=(GatewaysState.testing != "") | has_connection_errors,
                variant="surface",
                size="2",
                aria_label=t("Test {label}", label=card.label),
            ),
        ),
        rx.cond(
            GatewaysState.can_set,
            rx.fragment(
                rx.button(
                    t("Settings"),
                    on_click=GatewaysState.edit(card.code),
                    variant="surface",
                    color_scheme="gray",
                    size="2",
                    aria_label=t("Settings of {label}", label=card.label),
                ),
                rx.button(
                    rx.cond(card.enabled, t("Switch off"), t("Switch on")),
                    on_click=GatewaysState.ask_about_switch(card.code),
                    variant="soft",
                    color_scheme="gray",
                    size="2",
                ),
            ),
        ),
        spacing="2",
        class_name="ops-card-actions",
    )


def _switch_question(card: GatewayCard) -> rx.Component:
    return operations.question(
        rx.cond(
            card.enabled,
            t("Customers will not be offered it any more, at once. Open payments go on."),
            t("Customers will be offered it at once."),
        ),
        GatewaysState.ask_about_switch(""),
        rx.cond(card.enabled, t("Switch off"), t("Switch on")),
        GatewaysState.switch(~card.enabled),
        disabled=has_connection_errors,
    )
