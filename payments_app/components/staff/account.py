"""One account's page: what its customer sees, its users, limits and notes."""

import reflex as rx

from payments_app.components.forms import field, panel, posted_form
from payments_app.components.pieces import method_icon, saved, status_pill
from payments_app.components.staff.add_payment import add_payment_button
from payments_app.components.staff.parts import section_head, stat, stats
from payments_app.components.staff.personal_data import personal_data
from payments_app.components.staff.table import cell, column, dense_table, notice
from payments_app.components.staff.users import invite_button, invite_dialog, users_table
from payments_app.components.words import t
from payments_app.domain.payment import Role
from payments_app.services.directory import Note
from payments_app.services.reports import BalanceLine, Row
from payments_app.state.payments import Choice
from payments_app.state.session import SessionState
from payments_app.state.staff.account import AccountState

_HEAD = (
    (t("Date / Time"), ""),
    (t("Description"), ""),
    (t("Method"), ""),
    (t("Status"), ""),
    (t("Total"), "end"),
)
_MAY_ACT = (SessionState.role == Role.OWNER.value) | (SessionState.role == Role.FINANCE.value)


def account() -> rx.Component:
    """Show the account that the address names."""
    return rx.match(
        AccountState.phase,
        ("loading", rx.skeleton(width="100%", height="320px")),
        (
            "missing",
            notice(
                "search-x",
                t("There is no such account"),
                rx.button(rx.link(t("All accounts"), href="/staff/accounts"), variant="surface"),
            ),
        ),
        rx.cond(AccountState.profile, _profile()),
    )


def _profile() -> rx.Component:
    profile = AccountState.profile
    return rx.fragment(
        section_head(
            profile.name,
            rx.cond(
                profile.erased,
                rx.el.span(t("Erased"), class_name="pill bad"),
                rx.cond(profile.disabled, rx.el.span(t("Disabled"), class_name="pill bad")),
            ),
            rx.cond(~profile.disabled, add_payment_button(profile.id, profile.name)),
            rx.cond(_MAY_ACT & ~profile.erased, _disabling()),
            posted_form(
                f"/auth/view-as/{profile.id}",
                rx.button(
                    rx.icon("eye", size=14, aria_hidden="true"),
                    t("View as customer"),
                    type="submit",
                    variant="surface",
                    size="2",
                ),
            ),
        ),
        stats(rx.foreach(profile.balances, _balance)),
        panel(
            t("Latest payments"),
            rx.cond(
                profile.payments.length() > 0,
                dense_table(
                    t("Latest payments"),
                    [column(label, look) for label, look in _HEAD],
                    rx.foreach(profile.payments, _payment),
                ),
                rx.el.p(t("No payments yet."), class_name="quiet"),
            ),
        ),
        panel(
            t("Users"),
            users_table(t("Users")),
            actions=rx.cond(profile.erased, rx.fragment(), invite_button(Role.FINANCE)),
        ),
        rx.el.div(panel(t("Limits"), _limits()), panel(t("Notes"), _notes()), class_name="halves"),
        personal_data(profile),
        rx.el.p(
            t("Customer since {since}.", since=profile.since),
            " ",
            rx.link(
                t("Audit of this account"),
                href=f"/staff/audit?subject=account:{profile.id}",
                underline="always",
            ),
            class_name="quiet",
        ),
        invite_dialog(),
    )


def _disabling() -> rx.Component:
    return rx.cond(
        AccountState.profile.disabled,
        rx.button(t("Enable"), on_click=AccountState.enable, variant="surface", size="2"),
        rx.alert_dialog.root(
            rx.alert_dialog.trigger(
                rx.button(t("Disable"), variant="surface", color_scheme="gray", size="2")
            ),
            rx.alert_dialog.content(
                rx.alert_dialog.title(t("Disable this account?"), class_name="dialog-title"),
                rx.alert_dialog.description(
                    t(
                        "Its users cannot log in until you enable it again. "
                        "Payments on their way still arrive."
                    ),
                    class_name="dialog-note",
                ),
                rx.flex(
                    rx.alert_dialog.cancel(
                        rx.button(t("Leave it"), variant="soft", color_scheme="gray")
                    ),
                    rx.alert_dialog.action(
                        rx.button(t("Disable"), on_click=AccountState.disable, color_scheme="red")
                    ),
                    spacing="3",
                    justify="end",
                    margin_top="16px",
                ),
                max_width="420px",
            ),
            open=AccountState.asks_to_disable,
            on_open_change=AccountState.ask_to_disable,
        ),
    )


def _balance(line: BalanceLine) -> rx.Component:
    pending = rx.cond(line.pending != "", t("{pending} pending", pending=line.pending), "")
    return stat(line.name, line.amount, pending)


def _payment(row: Row) -> rx.Component:
    return rx.el.tr(
        cell(t("Date / Time"), row.date, class_name="soft tabular"),
        cell(t("Description"), row.description, class_name="cut"),
        cell(
            t("Method"),
            rx.el.span(method_icon(row.icon), rx.el.span(row.method), class_name="method"),
        ),
        cell(t("Status"), status_pill(row.status, row.status_label)),
        cell(t("Total"), row.total, class_name="end tabular"),
        key=row.reference,
    )


def _limits() -> rx.Component:
    profile = AccountState.profile
    currency = profile.home_currency
    return rx.el.form(
        rx.el.div(
            field(
                t("Minimum payment"),
                "minimum_payment",
                AccountState.errors["minimum_payment"],
                default_value=f"{profile.minimum_payment}",
                input_mode="decimal",
                disabled=~_MAY_ACT,
            ),
            field(
                t("Debit limit"),
                "debit_limit",
                AccountState.errors["debit_limit"],
                default_value=f"{profile.debit_limit}",
                input_mode="decimal",
                disabled=~_MAY_ACT,
            ),
            class_name="halves",
        ),
        rx.el.p(t("Both in {currency}; 0 means none.", currency=currency), class_name="field-note"),
        rx.el.fieldset(
            rx.el.legend(t("Allowed currencies"), class_name="field-label"),
            rx.el.div(rx.foreach(AccountState.all_currencies, _currency), class_name="choices"),
        ),
        rx.el.fieldset(
            rx.el.legend(t("Allowed methods"), class_name="field-label"),
            rx.el.div(rx.foreach(AccountState.all_methods, _method), class_name="choices"),
        ),
        rx.cond(
            _MAY_ACT,
            rx.flex(
                rx.button(t("Save limits"), type="submit", variant="surface", size="2"),
                saved(AccountState.notice),
                align="center",
                spacing="3",
            ),
        ),
        on_submit=AccountState.save_limits,
        class_name="stacked",
        key=f"limits-{AccountState.form}",
    )


def _currency(code: rx.Var[str]) -> rx.Component:
    return rx.checkbox(
        code,
        checked=AccountState.currencies.contains(code),
        on_change=lambda on: AccountState.toggle_currency(code, on),
        disabled=~_MAY_ACT,
    )


def _method(choice: Choice) -> rx.Component:
    return rx.checkbox(
        choice.label,
        checked=AccountState.methods.contains(choice.value),
        on_change=lambda on: AccountState.toggle_method(choice.value, on),
        disabled=~_MAY_ACT,
    )


def _notes() -> rx.Component:
    return rx.el.div(
        rx.cond(
            _MAY_ACT,
            rx.el.form(
                rx.text_area(
                    name="note",
                    placeholder=t("Write a note for other staff"),
                    aria_label=t("Note"),
                    max_length=2000,
                    rows="3",
                ),
                rx.cond(
                    AccountState.errors["note"],
                    rx.el.span(AccountState.errors["note"], class_name="fault", role="alert"),
                ),
                rx.flex(rx.button(t("Add note"), type="submit", variant="surface", size="2")),
                on_submit=AccountState.add_note,
                reset_on_submit=True,
                class_name="stacked",
            ),
        ),
        rx.cond(
            AccountState.profile.notes.length() > 0,
            rx.el.ul(rx.foreach(AccountState.profile.notes, _note), class_name="notes"),
            rx.el.p(t("No notes yet. Customers never see them."), class_name="quiet"),
        ),
        class_name="stacked",
    )


def _note(note: Note) -> rx.Component:
    return rx.el.li(
        rx.el.p(note.text),
        rx.el.small(t("{author}, {at}", author=note.author, at=note.at)),
        key=note.id,
    )
