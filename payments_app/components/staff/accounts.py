"""The list of accounts, with search and the dialog for a new one."""

import reflex as rx

from payments_app.components.forms import dialog_buttons, field
from payments_app.components.staff.parts import section_head
from payments_app.components.staff.table import (
    cell,
    column,
    dense_table,
    empty,
    failed,
    no_match,
    pages,
    skeleton_rows,
)
from payments_app.services.directory import AccountRow
from payments_app.state.session import SessionState
from payments_app.state.staff.accounts import LONGEST_SEARCH, AccountsState

_HEAD = ("Account", "Balances", "Last payment", "Users", "State")


def accounts() -> rx.Component:
    """Show all accounts by name."""
    return rx.fragment(
        section_head(
            "Accounts",
            rx.cond(
                SessionState.role == "viewer",
                rx.fragment(),
                rx.button("New account", on_click=AccountsState.ask_for_new(True), size="2"),
            ),
            lead="Customer companies, with what they hold and when they last paid.",
        ),
        rx.el.div(
            rx.input(
                rx.input.slot(rx.icon("search", size=14, aria_hidden="true")),
                default_value=AccountsState.search_text,
                on_change=AccountsState.search.debounce(250),
                placeholder="Search by name or e-mail",
                aria_label="Search accounts by name or by a user's e-mail address",
                type="search",
                max_length=LONGEST_SEARCH,
                size="2",
                key=f"search-{AccountsState.form}",
            ),
            class_name="filters",
            role="search",
        ),
        rx.match(
            AccountsState.phase,
            ("loading", _table(*skeleton_rows(len(_HEAD)))),
            (
                "error",
                failed(
                    "The accounts cannot be shown",
                    AccountsState.error_reference,
                    AccountsState.refresh,
                ),
            ),
            rx.cond(
                AccountsState.rows.length() > 0,
                rx.fragment(
                    _table(rx.foreach(AccountsState.rows, _row)),
                    pages(
                        "",
                        AccountsState.go_newer,
                        AccountsState.has_newer,
                        AccountsState.go_older,
                        AccountsState.has_older,
                    ),
                ),
                rx.cond(
                    AccountsState.search_text != "",
                    no_match(
                        "No account matches",
                        f"No name or e-mail address holds \u201c{AccountsState.search_text}\u201d.",
                        AccountsState.clear,
                    ),
                    empty("building-2", "No accounts yet", "Make one to invite its users."),
                ),
            ),
        ),
        _new_account(),
    )


def _table(*rows: rx.Component) -> rx.Component:
    head = [
        column(label, class_name="end" if label in ("Balances", "Users") else "") for label in _HEAD
    ]
    return dense_table("Accounts", head, *rows, busy=AccountsState.phase == "loading")


def _row(row: AccountRow) -> rx.Component:
    return rx.el.tr(
        cell(
            "Account",
            rx.link(
                row.name,
                href=f"/staff/accounts/{row.id}",
                underline="none",
                color="inherit",
                _hover={},
                class_name="row-link",
            ),
            class_name="cut",
        ),
        cell(
            "Balances",
            rx.el.span(
                rx.foreach(row.balances, lambda amount: rx.el.span(amount)), class_name="amounts"
            ),
            class_name="end tabular",
        ),
        cell(
            "Last payment",
            rx.cond(row.last_payment != "", row.last_payment, "Never"),
            class_name="soft tabular",
        ),
        cell("Users", row.users, class_name="end tabular"),
        cell(
            "State",
            rx.cond(
                row.disabled,
                rx.el.span("Disabled", class_name="pill"),
                rx.el.span("Active", class_name="pill completed"),
            ),
        ),
        key=row.id,
    )


def _new_account() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("New account", size="4"),
            rx.el.form(
                field("Name", "name", AccountsState.errors["name"], max_length=200),
                rx.el.label(
                    rx.el.span("Home currency", class_name="field-label"),
                    rx.select(
                        AccountsState.currencies,
                        value=AccountsState.currency,
                        on_change=AccountsState.choose_currency,
                        width="100%",
                        custom_attrs={"aria-label": "Home currency"},
                    ),
                    class_name="field",
                ),
                dialog_buttons("Make account", AccountsState.ask_for_new(False)),
                on_submit=AccountsState.create,
                class_name="stacked",
            ),
            max_width="420px",
            aria_describedby=None,
        ),
        open=AccountsState.creating,
        on_open_change=AccountsState.ask_for_new,
    )
