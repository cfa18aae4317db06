"""What is left to set up: accounts, mail, and each gateway's keys, webhook and first payment."""

import reflex as rx

from payments_app.components.forms import panel
from payments_app.components.look import CopyButton
from payments_app.components.pieces import method_icon
from payments_app.components.words import t
from payments_app.services.first_steps import GatewaySteps
from payments_app.state.staff.first_steps import FirstStepsState


def first_steps() -> rx.Component:
    """Show what is left to do; nothing once all of it is done."""
    return rx.cond(
        FirstStepsState.left,
        panel(
            t("First steps"),
            rx.el.p(
                t(
                    "What is left before every way to pay works. A step goes away by itself "
                    "once it is"
                    " done."
                ),
                class_name="quiet",
            ),
            rx.el.ul(
                rx.cond(
                    FirstStepsState.needs_account,
                    _step(
                        "building-2",
                        t("Make the first account and invite its customer."),
                        rx.link(t("Accounts"), href="/staff/accounts", underline="always"),
                    ),
                ),
                rx.cond(
                    FirstStepsState.needs_mail,
                    _step(
                        "mail",
                        t("E-mails wait: set SMTP_HOST in the environment."),
                        rx.link(t("Mail"), href="/staff/mail", underline="always"),
                    ),
                ),
                rx.foreach(FirstStepsState.gateways, _gateway),
                class_name="setup-steps",
            ),
        ),
    )


def _step(icon: str, text: rx.Var[str], link: rx.Component) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.icon(icon, size=16, aria_hidden="true"), rx.el.span(text), class_name="step-head"
        ),
        link,
        class_name="setup-once",
    )


def _gateway(steps: GatewaySteps) -> rx.Component:
    return rx.el.li(
        rx.el.span(method_icon(steps.icon), rx.el.strong(steps.label), class_name="step-head"),
        rx.el.ol(
            _part(
                steps.missing.length() == 0,
                t("Keys"),
                rx.el.span(
                    t("Set in the environment:"),
                    " ",
                    rx.foreach(steps.missing, lambda name: rx.el.code(name, key=name)),
                ),
            ),
            _part(
                steps.webhook == "",
                t("Webhook"),
                rx.el.span(
                    t("Enter this address at the provider:"),
                    " ",
                    CopyButton.create(text=steps.webhook, label=t("Copy address")),
                ),
            ),
            _part(
                steps.paid,
                t("Test payment"),
                rx.el.span(
                    t("Log in as a customer, pay the least amount, and refund it from its sheet.")
                ),
            ),
        ),
        key=steps.code,
    )


def _part(done: rx.Var[bool], name: rx.Var[str], todo: rx.Component) -> rx.Component:
    return rx.el.li(
        rx.cond(
            done,
            rx.icon("circle-check", size=16, aria_hidden="true"),
            rx.icon("circle", size=16, aria_hidden="true"),
        ),
        rx.el.span(
            name, rx.el.span(" ", rx.cond(done, t("done"), t("to do")), class_name="sr-only")
        ),
        rx.cond(done, rx.fragment(), todo),
        class_name=rx.cond(done, "done", "todo"),
    )
