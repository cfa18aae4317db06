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
from payments_app.components.words import t
from payments_app.services.directory import AccountRow
from payments_app.state.session import SessionState
from payments_app.state.staff.accounts import LONGEST_SEARCH, AccountsState

_HEAD = (
    (t("Account"), ""),
    (t("Balances"), "end"),
    (t("Last payment"), ""),
    (t("Users"), "end"),
    (t("State"), ""),
)


def accounts() -> rx.Component:
    """Show all accounts by name."""
    return rx.fragment(
        section_head(
            t("Accounts"),
            rx.cond(
                SessionState.role == "viewer",
                rx.fragment(),
                rx.button(t("New account"), on_click=AccountsState.ask_for_new(True), size="2"),
            ),
            lead=t("Customer companies, with what they hold and when they last paid."),
        ),
        rx.el.div(
            rx.input(
                rx.input.slot(rx.icon("search", size=14, aria_hidden="true")),
                default_value=AccountsState.search_text,
                on_change=AccountsState.search.debounce(250),
                placeholder=t("Search by name or e-mail"),
                aria_label=t("Search accounts by name or by a user's e-mail address"),
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
                    t("The accounts cannot be shown"),
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
                        t("No account matches"),
                        t(
                            "No name or e-mail address holds “{search_text}”.",
                            search_text=AccountsState.search_text,
                        ),
                        AccountsState.clear,
                    ),
                    empty("building-2", t("No accounts yet"), t("Make one to invite its users.")),
                ),
            ),
        ),
        _new_account(),
    )


def _table(*rows: rx.Component) -> rx.Component:
    head = [column(label, look) for label, look in _HEAD]
    return dense_table(t("Accounts"), head, *rows, busy=AccountsState.phase == "loading")


def _row(row: AccountRow) -> rx.Component:
    return rx.el.tr(
        cell(
            t("Account"),
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
            t("Balances"),
            rx.el.span(
                rx.foreach(row.balances, lambda amount: rx.el.span(amount)), class_name="amounts"
            ),
            class_name="end tabular",
        ),
        cell(
            t("Last payment"),
            rx.cond(row.last_payment != "", row.last_payment, t("Never")),
            class_name="soft tabular",
        ),
        cell(t("Users"), row.users, class_name="end tabular"),
        cell(
            t("State"),
            rx.cond(
                row.disabled,
                rx.el.span(t("Disabled"), class_name="pill"),
                rx.el.span(t("Active"), class_name="pill completed"),
            ),
        ),
        key=row.id,
    )


def _new_account() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(t("New account"), class_name="dialog-title"),
            rx.el.form(
                field(t("Name"), "name", AccountsState.errors["name"], max_length=200),
                rx.el.label(
                    rx.el.span(t("Home currency"), class_name="field-label"),
                    rx.select(
                        AccountsState.currencies,
                        value=AccountsState.currency,
                        on_change=AccountsState.choose_currency,
                        width="100%",
                        custom_attrs={"aria-label": t("Home currency")},
                    ),
                    class_name="field",
                ),
                dialog_buttons(t("Make account"), AccountsState.ask_for_new(False)),
                on_submit=AccountsState.create,
                class_name="stacked",
            ),
            max_width="420px",
            aria_describedby=None,
        ),
        open=AccountsState.creating,
        on_open_change=AccountsState.ask_for_new,
    )
