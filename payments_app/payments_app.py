"""Composition root: the app, its pages, routes and background work."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import reflex as rx
from fastapi import FastAPI
from reflex.constants import Dirs
from reflex.utils.prerequisites import get_web_dir
from starlette.types import ASGIApp

from payments_app import wiring
from payments_app.api import (
    documents,
    exports,
    faults,
    first_rows,
    login,
    monitoring,
    places,
    returns,
    staff_exports,
    webhooks,
    words,
)
from payments_app.api.headers import with_headers
from payments_app.api.limits import with_limits
from payments_app.components.look import LOOK
from payments_app.components.words import speak_on_pages, t
from payments_app.pages.access import forgot_page, link_page, not_found_page, profile_page
from payments_app.pages.login import login_page
from payments_app.pages.payments import payments_page
from payments_app.pages.result import result_page
from payments_app.pages.staff.accounts import account_page, accounts_page, team_page
from payments_app.pages.staff.audit import audit_page
from payments_app.pages.staff.events import events_page
from payments_app.pages.staff.gateways import gateways_page
from payments_app.pages.staff.mail import mail_page
from payments_app.pages.staff.overview import overview_page
from payments_app.pages.staff.payments import staff_payments_page
from payments_app.pages.staff.reconciliation import reconciliation_page
from payments_app.pages.staff.review import review_page
from payments_app.services import logs
from payments_app.services.context import install
from payments_app.settings import Settings
from payments_app.state.checkout import CheckoutState
from payments_app.state.door import guard
from payments_app.state.gate import Gate, keep_payloads_out_of_logs
from payments_app.state.links import ForgotState, LinkState
from payments_app.state.live import follow_changes
from payments_app.state.notice import event_failed, page_failed
from payments_app.state.payments import PaymentsState
from payments_app.state.profile import ProfileState
from payments_app.state.session import SessionState
from payments_app.state.staff.account import AccountState
from payments_app.state.staff.accounts import AccountsState
from payments_app.state.staff.audit import AuditState
from payments_app.state.staff.detail import StaffDetailState
from payments_app.state.staff.events import EventsState
from payments_app.state.staff.first_steps import FirstStepsState
from payments_app.state.staff.gateways import GatewaysState
from payments_app.state.staff.mail import MailroomState
from payments_app.state.staff.overview import OverviewState
from payments_app.state.staff.payments import StaffPaymentsState
from payments_app.state.staff.reconciliation import ReconciliationState
from payments_app.state.staff.review import ReviewState
from payments_app.state.staff.saved_views import SavedViewsState
from payments_app.state.staff.unmatched import UnmatchedState
from payments_app.state.staff.users import UsersState
from payments_app.state.tokens import count_tabs, keep_tabs
from payments_app.state.topics import follow_topics

settings = Settings()
logs.configure(settings)
portal = wiring.build_portal(settings)
sandbox = wiring.build_sandbox(settings)
install(portal)

api = FastAPI(title=settings.portal_name, docs_url=None, redoc_url=None, openapi_url=None)
ROUTES = (login, places, words, documents, exports, staff_exports, returns, webhooks, monitoring)
for module in ROUTES:
    api.include_router(module.router)
faults.answer_faults(api)
if sandbox is not None:
    api.mount("/sandbox", sandbox.app)

static_dir = get_web_dir() / Dirs.STATIC
app = rx.App(
    api_transformer=[
        api,
        first_rows.with_first_rows(static_dir),
        partial(with_limits, most_bytes=settings.webhook_body_limit),
        with_headers(portal, static_dir, apart=("/sandbox/",) if sandbox else ()),
    ],
    backend_exception_handler=event_failed,
    frontend_exception_handler=page_failed,
    **LOOK,
)
speak_on_pages(app)
app.add_middleware(Gate())
guard(app)
keep_payloads_out_of_logs()
keep_tabs(app)


def served() -> ASGIApp:
    """Return what a server runs: the app, and the webhooks before it."""
    return webhooks.webhooks_first(app(), settings)


@app.register_lifespan_task
@asynccontextmanager
async def background() -> AsyncIterator[None]:
    """Follow changes, handle webhooks and sweep while the server runs."""
    async with (
        wiring.running(portal, sandbox),
        count_tabs(app),
        follow_changes(app, portal),
        follow_topics(app, portal),
    ):
        # What is there by now stays: to look at all of it for garbage again and again would hold
        # up whoever waits for an answer just then.
        gc.freeze()
        yield


def _titled(name: rx.Var[str]) -> rx.Var[str]:
    return rx.Var.create(f"{name} \N{MIDDLE DOT} {settings.portal_name}")


app.add_page(login_page, route="/login", title=_titled(t("Log in")))
app.add_page(
    forgot_page, route="/forgot", title=_titled(t("Forgot password")), on_load=[ForgotState.load]
)
app.add_page(not_found_page, route="404", title=_titled(t("No page here")))
app.add_page(
    link_page,
    route="/reset/[token]",
    title=_titled(t("New password")),
    on_load=[LinkState.load_reset],
)
app.add_page(
    link_page,
    route="/invite/[token]",
    title=_titled(t("Welcome")),
    on_load=[LinkState.load_invitation],
)
app.add_page(
    profile_page,
    route="/profile",
    title=_titled(t("Profile")),
    on_load=[SessionState.load_user, ProfileState.load],
)
app.add_page(
    payments_page,
    route="/",
    title=_titled(t("Payments")),
    on_load=[SessionState.load_customer, PaymentsState.load, CheckoutState.load],
)
app.add_page(
    result_page,
    route="/pay/[reference]",
    title=_titled(t("Payment")),
    on_load=[SessionState.load_customer, CheckoutState.load_result, PaymentsState.load],
)


def _add_staff_page(
    page: Callable[[], rx.Component], route: str, name: rx.Var[str], *loads: Any
) -> None:
    """Add one of the staff's sections, which is loaded once staff are known."""
    app.add_page(
        page,
        route=route,
        title=_titled(name),
        on_load=[SessionState.load_staff, StaffDetailState.page_loaded, *loads],
    )


_add_staff_page(overview_page, "/staff", t("Overview"), FirstStepsState.load, OverviewState.load)
_add_staff_page(review_page, "/staff/review", t("Review"), ReviewState.load, UnmatchedState.load)
_add_staff_page(events_page, "/staff/events", t("Events"), EventsState.load)
_add_staff_page(gateways_page, "/staff/gateways", t("Gateways"), GatewaysState.load)
_add_staff_page(accounts_page, "/staff/accounts", t("Accounts"), AccountsState.load)
_add_staff_page(
    account_page,
    "/staff/accounts/[account]",
    t("Account"),
    AccountState.load,
    UsersState.load_account,
)
_add_staff_page(team_page, "/staff/team", t("Team"), UsersState.load_team)
_add_staff_page(audit_page, "/staff/audit", t("Audit"), AuditState.load)
_add_staff_page(mail_page, "/staff/mail", t("Mail"), MailroomState.load)
_add_staff_page(
    staff_payments_page,
    "/staff/payments",
    t("Payments"),
    StaffPaymentsState.load,
    SavedViewsState.load,
)
_add_staff_page(
    reconciliation_page, "/staff/reconciliation", t("Reconciliation"), ReconciliationState.load
)
