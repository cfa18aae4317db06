"""The sheet in which an owner sets a gateway's place, currencies, limits and fee."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.pieces import sheet
from payments_app.components.words import t
from payments_app.services.gateway_cards import Limits
from payments_app.state.staff.gateways import GatewaysState


def gateway_sheet() -> rx.Component:
    """Return the sheet."""
    card = GatewaysState.card
    return sheet(
        rx.cond(card, card.label, t("Settings")),
        rx.cond(card, _form()),
        is_open=GatewaysState.editing != "",
        on_open_change=GatewaysState.moved,
        class_name="sheet ops-sheet",
    )


def _form() -> rx.Component:
    card = GatewaysState.card
    return rx.form(
        rx.el.div(
            rx.el.p(
                t("What you set here stands above the environment and counts at once."),
                class_name="quiet",
            ),
            _field(t("Place in the list"), "order", card.order, t("A low number comes first.")),
            _field(t("Currencies"), "currencies", card.currencies, t("Codes with commas between.")),
            _limits(),
            _fee(),
            rx.cond(
                GatewaysState.error_field == "settings",
                rx.el.p(GatewaysState.error, class_name="fault", role="alert"),
            ),
            rx.hstack(
                rx.button(t("Save"), type="submit", disabled=has_connection_errors, size="2"),
                rx.cond(
                    card.overridden,
                    rx.button(
                        t("Back to the environment's"),
                        type="button",
                        on_click=GatewaysState.reset_to_environment,
                        disabled=has_connection_errors,
                        variant="soft",
                        color_scheme="gray",
                        size="2",
                    ),
                ),
                spacing="2",
            ),
            class_name="sheet-body",
        ),
        on_submit=GatewaysState.save,
        key=GatewaysState.editing,
    )


def _field(label: rx.Var[str], name: str, value: rx.Var[str], hint: str) -> rx.Component:
    return rx.el.label(
        rx.el.span(label, class_name="label"),
        rx.el.input(name=name, default_value=value, class_name="ops-input", max_length=500),
        rx.el.span(hint, class_name="label"),
        _complaint(name),
        class_name="ops-field",
    )


def _complaint(*names: str) -> rx.Component:
    here = rx.Var.create(list(names)).contains(GatewaysState.error_field)
    return rx.cond(here, rx.el.span(GatewaysState.error, class_name="fault", role="alert"))


def _limits() -> rx.Component:
    return rx.fragment(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    rx.el.th(t("Currency"), scope="col"),
                    rx.el.th(t("Minimum"), scope="col"),
                    rx.el.th(t("Maximum"), scope="col"),
                    rx.cond(
                        GatewaysState.fee == "fixed",
                        rx.el.th(t("Customers pay on top"), scope="col"),
                    ),
                )
            ),
            rx.el.tbody(rx.foreach(GatewaysState.card.limits, _limit)),
            class_name="totals",
        ),
        _complaint("minimum", "maximum", "surcharge_fixed"),
    )


def _limit(limits: Limits) -> rx.Component:
    return rx.el.tr(
        rx.el.th(limits.currency, scope="row"),
        rx.el.td(_amount(t("Minimum"), "minimum", limits.currency, limits.minimum)),
        rx.el.td(_amount(t("Maximum"), "maximum", limits.currency, limits.maximum)),
        rx.cond(
            GatewaysState.fee == "fixed",
            rx.el.td(_amount(t("On top"), "fixed", limits.currency, limits.fixed)),
        ),
        key=limits.currency,
    )


def _amount(
    label: rx.Var[str], name: str, currency: str | rx.Var[str], value: str | rx.Var[str]
) -> rx.Component:
    return rx.el.input(
        name=f"{name}_{currency}",
        default_value=value,
        placeholder=t("none"),
        input_mode="decimal",
        aria_label=t("{label} in {currency}", label=label, currency=currency),
        class_name="ops-input tabular",
    )


def _fee() -> rx.Component:
    return rx.fragment(
        rx.el.label(
            rx.el.span(t("Fee"), class_name="label"),
            rx.select.root(
                rx.select.trigger(aria_label=t("Fee"), variant="surface", color_scheme="gray"),
                rx.select.content(
                    rx.select.item(t("None: we bear it"), value="none"),
                    rx.select.item(t("Customers pay a percentage on top"), value="percent"),
                    rx.select.item(t("Customers pay a fixed amount on top"), value="fixed"),
                    rx.select.item(
                        t("The gateway's fee is taken off the credit"), value="deducted"
                    ),
                    position="popper",
                ),
                value=GatewaysState.fee,
                on_change=GatewaysState.choose_fee,
                size="2",
            ),
            class_name="ops-field",
        ),
        rx.cond(
            GatewaysState.fee == "percent",
            rx.el.label(
                rx.el.span(t("Percent"), class_name="label"),
                rx.el.input(
                    name="percent",
                    default_value=GatewaysState.card.percent,
                    input_mode="decimal",
                    class_name="ops-input tabular",
                ),
                _complaint("surcharge_percent"),
                class_name="ops-field",
            ),
        ),
    )
