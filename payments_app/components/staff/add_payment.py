"""The dialog with which staff add a payment by hand, and the button that opens it."""

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from payments_app.components.pieces import told
from payments_app.components.words import t
from payments_app.services.manual import KINDS
from payments_app.services.wording import KINDS as KIND_WORDS
from payments_app.services.wording import STATUSES
from payments_app.state.staff.add_payment import AddPaymentState


def add_payment_button(
    account_id: rx.Var[int] | int = 0, name: rx.Var[str] | str = "", *, variant: str = "solid"
) -> rx.Component:
    """Return the button that opens the dialog, for one account or for any; not for viewers."""
    return rx.cond(
        AddPaymentState.role != "viewer",
        rx.button(
            t("Add payment"),
            on_click=AddPaymentState.open_dialog(account_id, name),
            disabled=has_connection_errors,
            variant=variant,
            size="2",
        ),
    )


def add_payment_dialog() -> rx.Component:
    """Return the dialog, which stands once on every page of the staff."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(t("Add payment"), class_name="dialog-title"),
            rx.dialog.description(
                t("Book a purchase, an adjustment, or money that came another way."),
                class_name="dialog-note",
            ),
            rx.form(
                _account(),
                _field(
                    "text",
                    t("Description"),
                    rx.input(name="text", id="add-text", max_length=1000, auto_complete=False),
                    t("What stands behind # is private: only staff ever see it."),
                ),
                rx.el.div(
                    _field(
                        "total",
                        t("Total"),
                        rx.input(name="total", id="add-total", required=True, auto_complete=False),
                        t("Negative for a purchase."),
                    ),
                    _field(
                        "currency",
                        t("Currency"),
                        rx.input(
                            name="currency",
                            id="add-currency",
                            default_value="USD",
                            max_length=3,
                            required=True,
                        ),
                    ),
                    class_name="deed-pair",
                ),
                rx.el.div(
                    _field(
                        "kind", t("Kind"), _choice("kind", [(k, t(KIND_WORDS[k])) for k in KINDS])
                    ),
                    _field("status", t("Status"), _choice("status", _statuses())),
                    class_name="deed-pair",
                ),
                _field(
                    "fee",
                    t("Payment Fee"),
                    rx.input(name="fee", id="add-fee", auto_complete=False),
                    t("For reference only: it does not move the balance."),
                ),
                rx.el.label(
                    rx.checkbox(name="email", custom_attrs={"aria-label": t("Email Confirmation")}),
                    rx.el.span(t("Email Confirmation")),
                    class_name="choice",
                ),
                told(AddPaymentState.notice),
                rx.hstack(
                    rx.dialog.close(
                        rx.button(t("Cancel"), type="button", variant="soft", color_scheme="gray")
                    ),
                    rx.button(t("Add payment"), type="submit", disabled=has_connection_errors),
                    justify="end",
                    spacing="2",
                ),
                on_submit=AddPaymentState.add,
                reset_on_submit=False,
                class_name="deed-form",
            ),
            max_width="480px",
        ),
        open=AddPaymentState.is_open,
        on_open_change=AddPaymentState.moved,
    )


def _account() -> rx.Component:
    return _field(
        "account",
        t("Account"),
        rx.fragment(
            rx.input(
                name="account",
                id="add-account",
                list="add-accounts",
                default_value=AddPaymentState.account,
                on_change=AddPaymentState.search.debounce(200),
                placeholder=t("Type a part of its name"),
                required=True,
                auto_complete=False,
                key=AddPaymentState.account,
            ),
            rx.el.datalist(
                rx.foreach(AddPaymentState.accounts, lambda name: rx.el.option(value=name)),
                id="add-accounts",
            ),
        ),
    )


def _statuses() -> list[tuple[str, str]]:
    names = [(status.value, t(label)) for status, label in STATUSES.items()]
    return sorted(names, key=lambda name: name[0] != "completed")


def _choice(name: str, options: list[tuple[str, str]]) -> rx.Component:
    return rx.select.root(
        rx.select.trigger(id=f"add-{name}", width="100%"),
        rx.select.content(
            *(rx.select.item(label, value=str(value)) for value, label in options),
            position="popper",
        ),
        name=name,
        default_value=str(options[0][0]),
    )


def _field(name: str, label: rx.Var[str], control: rx.Component, hint: str = "") -> rx.Component:
    fault = AddPaymentState.fault
    return rx.el.div(
        rx.el.label(label, html_for=f"add-{name}", class_name="label"),
        control,
        rx.cond(
            fault.field == name,
            rx.el.p(fault.text, class_name="fault", role="alert"),
            rx.cond(hint, rx.el.small(hint, class_name="label")),
        ),
        class_name="deed-field",
    )
