"""A portal whose sandbox runs on a port of its own, and customers who pay in a browser."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Locator, Page, WebSocketRoute
from sqlmodel import col, select

from payments_app.db.engine import Database
from payments_app.db.models import Account, Balance, Payment
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.http import tls
from payments_app.sandbox.app import create_sandbox
from tests.support.factories import make_account, make_user
from tests.support.logins import hash_password
from tests.support.portal import PortalServer
from tests.support.sandbox import eventually, free_port, serving

PASSWORD = "a long enough password"
GOOD_CARD = "4242424242424242"


@dataclass
class Shop:
    """The portal, its sandbox (``http`` is a client relative to it) and the portal's database."""

    portal: PortalServer
    origin: str
    http: httpx.AsyncClient
    database: Database

    async def fault(self, gateway: str, **knobs: dict[str, object]) -> None:
        """Set fault knobs: ``fault("card", webhook_drop={})``; none takes all back."""
        await self.http.delete(f"/faults/{gateway}")
        if knobs:
            (await self.http.put(f"/faults/{gateway}", json=knobs)).raise_for_status()

    async def charges(self, gateway: str) -> list[dict[str, object]]:
        """Read what the sandbox really charged."""
        entries: list[dict[str, object]] = (await self.http.get(f"/ledger/{gateway}")).json()[
            "entries"
        ]
        return entries


@dataclass
class Customer:
    """One customer with an account of their own, logged in, in a browser context."""

    shop: Shop
    account: Account
    context: BrowserContext
    page: Page
    held_back: list[str] = field(default_factory=list)

    async def payments(self, status: PaymentStatus | None = None) -> list[Payment]:
        """Read the account's payments, oldest first."""
        query = select(Payment).where(col(Payment.account_id) == self.account.id)
        if status is not None:
            query = query.where(col(Payment.status) == status)
        async with self.shop.database.read() as session:
            return list((await session.execute(query.order_by(col(Payment.id)))).scalars())

    async def balance(self, currency: str = "USD") -> int:
        """Read the account's balance in minor units."""
        query = select(Balance.amount).where(
            col(Balance.account_id) == self.account.id, col(Balance.currency) == currency
        )
        async with self.shop.database.read() as session:
            return (await session.execute(query)).scalar_one_or_none() or 0

    async def completed(self) -> Payment:
        """Wait until the one payment is Completed."""
        await eventually(lambda: self.payments(PaymentStatus.COMPLETED))
        (payment,) = await self.payments(PaymentStatus.COMPLETED)
        return payment

    @property
    def dialog(self) -> Locator:
        """The payment dialog."""
        return self.page.get_by_role("dialog", name=re.compile("^Payment$|Checkout$"))

    def button(self, name: str) -> Locator:
        """A button of the dialog."""
        return self.dialog.get_by_role("button", name=name, exact=True)

    async def open(self, method: str, amount: str) -> None:
        """Open the Payment dialog, choose how to pay and type the amount."""
        await self.page.get_by_role("button", name="Make Payment").first.click()
        await self.dialog.get_by_role("radio", name=method).click()
        await self.dialog.get_by_role("textbox", name="Amount").fill(amount)

    async def type_card(self, number: str, expiry: str = "1240", cvc: str = "123") -> None:
        """Fill in the card fields, each in its frame."""
        texts = {"cardNumber": number, "cardExpiry": expiry, "cardCvc": cvc}
        for kind, text in texts.items():
            frame = self.page.frame_locator(f"iframe[name=stripe-sandbox-{kind}]")
            await frame.locator("input").fill("")
            await frame.locator("input").press_sequentially(text)

    async def hold_back(self, word: str) -> None:
        """From the next page on, let no message with ``word`` reach the portal."""

        def connect(route: WebSocketRoute) -> None:
            server = route.connect_to_server()

            def pass_on(message: str | bytes) -> None:
                if word in str(message):
                    self.held_back.append(str(message))
                else:
                    server.send(message)

            route.on_message(pass_on)

        await self.page.route_web_socket(re.compile("/_event"), connect)


@asynccontextmanager
async def open_shop(directory: Path, **settings: str) -> AsyncIterator[Shop]:
    """Run a portal and, on its own port, the sandbox, until the block ends."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}/sandbox"
    data = directory / "portal"
    data.mkdir()
    portal = PortalServer(data, SANDBOX_URL=origin, **settings)
    sandbox = create_sandbox(directory / "sandbox.db", origin=origin, portal_url=portal.url)
    outer = FastAPI(openapi_url=None)
    outer.mount("/sandbox", sandbox.app)
    await portal.migrate()
    database = Database(portal.database_url)
    async with (
        sandbox.running(),
        serving(outer, port),
        httpx.AsyncClient(base_url=origin, timeout=10, verify=tls()) as http,
    ):
        await portal.start()
        try:
            yield Shop(portal, origin, http, database)
        finally:
            await portal.stop()
            await database.close()


@asynccontextmanager
async def visit(shop: Shop, browser: Browser) -> AsyncIterator[Customer]:
    """Log a new customer in, in a fresh browser context."""
    account = await make_account(shop.database)
    user = await make_user(
        shop.database, account, password_hash=await asyncio.to_thread(hash_password, PASSWORD)
    )
    context = await browser.new_context(base_url=shop.portal.url, locale="en-US")
    answer = await context.request.post(
        "/auth/login",
        data={"email": user.email, "password": PASSWORD},
        headers={"Origin": shop.portal.url},
    )
    assert answer.ok, await answer.text()
    try:
        yield Customer(shop, account, context, await context.new_page())
    finally:
        await context.close()
