"""The audit log: its table, one row in full, and the state of its chain."""

import reflex as rx

from payments_app.components.card_fields import Waiting
from payments_app.components.look import CopyButton, PlainLink
from payments_app.components.pieces import fact
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
from payments_app.services.audit_log import Difference, Line
from payments_app.state.staff.audit import AuditState

_TICK_SECONDS = 3600
_HEAD = (t("Date / Time"), t("Who"), t("Action"), t("Subject"), t("Change"), t("From"))


def audit_log() -> rx.Component:
    """Show the log with what narrows it."""
    return rx.fragment(
        section_head(
            t("Audit"),
            rx.button(
                PlainLink.create(
                    rx.icon("download", size=14, aria_hidden="true"),
                    t("Export CSV"),
                    href="/staff/exports/audit.csv",
                    download=True,
                ),
                as_child=True,
                variant="surface",
                color_scheme="gray",
                size="2",
            ),
            lead=t("Who did what, when and from where. Rows are only ever added."),
        ),
        _chain(),
        _filters(),
        rx.match(
            AuditState.phase,
            ("loading", _table(*skeleton_rows(len(_HEAD)))),
            (
                "error",
                failed(t("The log cannot be shown"), AuditState.error_reference, AuditState.load),
            ),
            rx.cond(
                AuditState.lines.length() > 0,
                rx.fragment(
                    _table(rx.foreach(AuditState.lines, _row)),
                    pages(
                        "",
                        AuditState.go_newer,
                        AuditState.has_newer,
                        AuditState.go_older,
                        AuditState.has_older,
                    ),
                ),
                rx.cond(
                    AuditState.narrowed,
                    no_match(t("No entry matches"), t("Try fewer letters."), AuditState.clear),
                    empty(
                        "scroll-text", t("Nothing was done yet"), t("What staff do is listed here.")
                    ),
                ),
            ),
        ),
        _entry(),
    )


def _chain() -> rx.Component:
    chain = AuditState.chain
    return rx.el.div(
        rx.cond(
            AuditState.phase == "ready",
            rx.cond(
                chain.age < 0,
                rx.el.span(t("Not checked yet"), class_name="pill"),
                rx.cond(
                    chain.broken > 0,
                    rx.el.span(
                        t("Broken at entry {broken}", broken=chain.broken), class_name="pill bad"
                    ),
                    rx.el.span(t("Intact"), class_name="pill completed"),
                ),
            ),
            rx.skeleton(width="64px", height="20px"),
        ),
        rx.el.span(
            Waiting.create(
                age=chain.age,
                stamp=AuditState.stamp,
                every=_TICK_SECONDS,
                text=t("checked {seconds} s ago"),
            ),
            class_name="quiet tabular",
        ),
        rx.button(
            t("Check now"),
            on_click=AuditState.check,
            loading=AuditState.checking,
            variant="surface",
            color_scheme="gray",
            size="1",
        ),
        class_name="chain",
        role="status",
    )


def _filters() -> rx.Component:
    return rx.el.div(
        _field(t("Who"), AuditState.actor, AuditState.search_actor, t("E-mail")),
        _field(t("Action"), AuditState.action, AuditState.search_action, t("logged in")),
        _field(t("Subject"), AuditState.subject, AuditState.search_subject, "account:7"),
        rx.cond(
            AuditState.narrowed,
            rx.button(
                t("Clear"),
                on_click=AuditState.clear,
                variant="ghost",
                color_scheme="gray",
                size="2",
            ),
        ),
        class_name="filters",
        role="search",
    )


def _field(
    label: rx.Var[str], value: rx.Var[str], on_change: rx.EventHandler, hint: str
) -> rx.Component:
    return rx.input(
        default_value=value,
        on_change=on_change.debounce(250),
        placeholder=t("{label}: {hint}", label=label, hint=hint),
        aria_label=label,
        type="search",
        max_length=60,
        size="2",
        key=f"{label}-{AuditState.form}-{AuditState.phase == 'loading'}",
    )


def _table(*rows: rx.Component) -> rx.Component:
    head = [column(label) for label in _HEAD]
    return dense_table(t("Audit log"), head, *rows, busy=AuditState.phase == "loading")


def _row(line: Line) -> rx.Component:
    return rx.el.tr(
        cell(t("Date / Time"), line.at, class_name="soft tabular"),
        cell(
            t("Who"),
            rx.el.button(
                line.actor,
                type="button",
                on_click=AuditState.open(line.id),
                class_name="row-link plain",
            ),
        ),
        cell(t("Action"), line.action),
        cell(t("Subject"), line.subject, class_name="soft"),
        cell(t("Change"), line.change, class_name="cut soft"),
        cell(t("From"), line.address, class_name="soft tabular"),
        key=line.id,
    )


def _entry() -> rx.Component:
    line = AuditState.shown
    return rx.dialog.root(
        rx.dialog.content(
            rx.cond(
                line,
                rx.fragment(
                    rx.dialog.title(line.action, class_name="dialog-title"),
                    rx.el.dl(
                        fact(t("Entry"), f"{line.id}"),
                        fact(t("Date / Time"), line.at),
                        fact(t("Who"), line.actor),
                        fact(t("From"), line.address),
                        fact(t("Subject"), line.subject),
                        rx.foreach(line.differences, _difference),
                        fact(
                            t("SHA-256"),
                            CopyButton.create(text=line.hash, label=t("Copy the hash")),
                        ),
                        class_name="facts",
                    ),
                ),
            ),
            rx.flex(
                rx.dialog.close(rx.button(t("Close"), variant="soft", color_scheme="gray")),
                justify="end",
                margin_top="16px",
            ),
            max_width="520px",
            aria_describedby=None,
        ),
        open=AuditState.shown.is_not_none(),
        on_open_change=AuditState.moved,
    )


def _difference(one: Difference) -> rx.Component:
    return rx.el.div(
        rx.el.dt(one.name),
        rx.el.dd(
            rx.cond(one.before != "", rx.el.del_(one.before)),
            " ",
            rx.cond(
                one.after != "", rx.el.ins(one.after), rx.el.span(t("none"), class_name="quiet")
            ),
        ),
        class_name="fact",
    )
