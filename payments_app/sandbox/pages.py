"""The /sandbox page for people, and the hosted payment pages of the redirect gateways."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from payments_app.sandbox import faults, webhooks
from payments_app.sandbox.faults import KNOBS, Fault, Setting
from payments_app.sandbox.store import Document, Transaction
from payments_app.sandbox.twin import Answer, Provider

STATIC = Path(__file__).with_name("static")
_ROWS = 20
_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-src 'self'; base-uri 'none'"
)
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Action:
    """A button on a hosted page; it posts an empty form, plus ``fields``, to ``url``."""

    label: str
    url: str
    look: Literal["primary", "plain", "danger"] = "plain"
    fields: tuple[tuple[str, str], ...] = ()


def render(template: str, **values: object) -> HTMLResponse:
    """Fill a template; the page loads nothing from outside the sandbox, and no inline code runs."""
    return HTMLResponse(
        _templates.get_template(template).render(values),
        headers={"Content-Security-Policy": _CSP, "Referrer-Policy": "no-referrer"},
    )


def hosted_page(
    here: Provider,
    *,
    title: str,
    merchant: str,
    amount: str,
    currency: str,
    description: str,
    actions: list[Action],
    lines: list[tuple[str, str]] | None = None,
) -> HTMLResponse:
    """A provider's payment page, marked as one where no money moves.

    ``amount`` is a decimal as the provider shows it; ``lines`` are further label and value pairs (a
    deposit address, a reference number for the counter).
    """
    return render(
        "hosted.html",
        root=urlsplit(here.origin).path,
        provider=here.twin.name,
        title=title,
        merchant=merchant,
        amount=amount,
        currency=currency,
        description=description,
        actions=actions,
        lines=lines or [],
    )


def back_to(url: str, **parameters: str) -> RedirectResponse:
    """Send the browser back to the merchant, with query parameters added to its address."""
    parts = urlsplit(url)
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True) + list(parameters.items()))
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)


def provider_of(request: Request, gateway: str) -> Provider:
    """Find the gateway named in a path; answers 404 otherwise."""
    provider: Provider | None = request.app.state.providers.get(gateway)
    if provider is None:
        raise Answer(404, {"error": f"no gateway {gateway}"})
    return provider


@router.get("/")
async def overview(request: Request, gateway: str = "") -> Response:
    """Recent objects and deliveries of one gateway, its ledger and its fault knobs."""
    providers: dict[str, Provider] = request.app.state.providers
    here = provider_of(request, gateway or next(iter(providers)))
    async with here.transaction() as tx:
        values = {
            "deliveries": await webhooks.recent(tx, _ROWS),
            "knobs_set": await faults.current(tx),
            "objects": await _recent_objects(tx),
            "totals": await _totals(tx),
        }
    return render(
        "overview.html",
        root=request.scope.get("root_path", ""),
        twins=[provider.twin for provider in providers.values()],
        twin=here.twin,
        knobs=KNOBS,
        clock=_clock,
        **values,
    )


@router.post("/set/{gateway}")
async def set_knob(request: Request, gateway: str) -> Response:
    """Take the fault form."""
    here = provider_of(request, gateway)
    form = await request.form()
    given = {name: str(text) for name, text in form.items() if text and name != "fault"}
    async with here.transaction() as tx:
        await faults.turn(tx, Fault(str(form["fault"])), Setting.model_validate(given))
    return _overview_of(request, gateway)


@router.post("/reset/{gateway}")
async def reset_knobs(request: Request, gateway: str) -> Response:
    """Turn the gateway's knobs off."""
    async with provider_of(request, gateway).transaction() as tx:
        await faults.reset(tx)
    return _overview_of(request, gateway)


@router.post("/again/{gateway}/{delivery}")
async def send_again(request: Request, gateway: str, delivery: int) -> Response:
    """Send a delivery once more."""
    async with provider_of(request, gateway).transaction() as tx:
        if not await webhooks.send_again(tx, delivery):
            raise Answer(404, {"error": "no such delivery"})
    return _overview_of(request, gateway)


@router.post("/empty")
async def empty(request: Request) -> Response:
    """Forget everything."""
    provider: Provider = next(iter(request.app.state.providers.values()))
    await provider.store.wipe()
    return RedirectResponse(f"{request.scope.get('root_path', '')}/", 303)


def _overview_of(request: Request, gateway: str) -> RedirectResponse:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/?gateway={gateway}", 303)


async def _recent_objects(tx: Transaction) -> list[Document]:
    rows = await tx.execute(
        "SELECT kind, id, body, created_at, updated_at FROM objects WHERE gateway = ?"
        " ORDER BY updated_at DESC, seq DESC LIMIT ?",
        *(tx.gateway, _ROWS),
    )
    for row in rows:
        body = json.loads(row["body"])
        row["status"] = body.get("status") or body.get("type") or ""
        row["body"] = json.dumps(body, indent=2, ensure_ascii=False)
    return rows


async def _totals(tx: Transaction) -> list[Document]:
    return await tx.execute(
        "SELECT kind, currency, count(*) AS count, sum(amount) AS amount FROM entries"
        " WHERE gateway = ? GROUP BY kind, currency ORDER BY kind, currency",
        tx.gateway,
    )


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
