"""The stand-in for Stripe.js, in a page from another address than the sandbox's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser, FrameLocator, Page, Route, expect

from payments_app.sandbox.app import issued_settings
from tests.support.sandbox import (
    RunningSandbox,
    free_port,
    sandbox_at,
    serving,
    webhook_receiver,
)

SHOP = """<!doctype html><title>Shop</title>
<script src="{script}"></script>
<form><div id="cardNumber"></div><div id="cardExpiry"></div><div id="cardCvc"></div></form>
<script>
const stripe = Stripe("{key}");
const elements = stripe.elements();
const base = {{ color: "rgb(1, 2, 3)", fontSize: "18px" }};
const style = {{ base, invalid: {{ color: "red" }} }};
const fields = {{}}, last = {{}}, said = [], heard = [];
for (const kind of ["cardNumber", "cardExpiry", "cardCvc"]) {{
  const field = elements.create(kind, {{ style }});
  for (const type of ["ready", "focus", "blur"]) field.on(type, () => said.push(type + " " + kind));
  field.on("change", (event) => {{ last[kind] = event; }});
  field.mount("#" + kind);
  fields[kind] = field;
}}
const pay = (secret) => stripe.confirmCardPayment(secret, {{
  payment_method: {{ card: fields.cardNumber, billing_details: {{ name: "Ann" }} }},
}});
window.addEventListener("message", ({{ data }}) => heard.push(JSON.stringify(data)));
</script>"""


@dataclass
class Shop:
    """A merchant's page with the three fields in it."""

    page: Page
    running: RunningSandbox

    def field(self, kind: str) -> FrameLocator:
        return self.page.frame_locator(f"iframe[name=stripe-sandbox-{kind}]")

    async def fill(self, number: str, expiry: str = "1240", cvc: str = "123") -> None:
        for kind, text in (("cardNumber", number), ("cardExpiry", expiry), ("cardCvc", cvc)):
            field = self.field(kind).locator("input")
            await field.fill("")
            await field.press_sequentially(text)

    async def intent(self) -> str:
        issued = issued_settings(self.running.origin)
        answer = await self.running.http.post(
            "/stripe/v1/payment_intents",
            data={"amount": "5000", "currency": "usd"},
            headers={"Authorization": f"Bearer {issued['STRIPE_SECRET_KEY']}"},
        )
        return str(answer.json()["client_secret"])

    async def pay(self) -> dict[str, Any]:
        result: dict[str, Any] = await self.page.evaluate("pay", await self.intent())
        return result

    async def told(self, kind: str, expected: str) -> None:
        """Wait until the last change event of a field is as expected (JavaScript on ``e``)."""
        await self.page.wait_for_function(f"(e => e && ({expected}))(last.{kind})")


@pytest.fixture
async def shop(browser: Browser, tmp_path: Path) -> AsyncIterator[Shop]:
    async with webhook_receiver() as receiver, sandbox_at(tmp_path / "s.db", receiver) as running:
        issued = issued_settings(running.origin)
        html = SHOP.format(script=issued["STRIPE_JS_URL"], key=issued["STRIPE_PUBLISHABLE_KEY"])
        app = FastAPI(openapi_url=None)
        app.add_api_route("/", lambda: HTMLResponse(html))
        port = free_port()
        async with serving(app, port):
            context = await browser.new_context()
            page = await context.new_page()
            problems: list[str] = []
            page.on("pageerror", lambda error: problems.append(str(error)))
            await page.goto(f"http://localhost:{port}/")
            await page.wait_for_function("said.filter((t) => t.startsWith('ready')).length === 3")
            yield Shop(page, running)
            await context.close()
            assert problems == []


async def test_pays(shop: Shop) -> None:
    posted: list[str] = []
    shop.page.on("request", lambda request: posted.append(f"{request.url} {request.post_data}"))
    await shop.fill("4242424242424242")
    result = await shop.pay()
    assert result["paymentIntent"]["status"] == "succeeded"
    assert len(await shop.running.ledger("card")) == 1

    heard = " ".join(await shop.page.evaluate("heard"))
    assert "change" in heard
    assert "4242424242424242" not in heard.replace(" ", "")
    with_digits = [line for line in posted if "4242424242424242" in line]
    assert len(with_digits) == 1
    assert with_digits[0].startswith(f"{shop.running.origin}/stripe/v1/payment_intents/")


async def test_what_was_typed_before_the_field_was_ready_counts(shop: Shop) -> None:
    held: list[Route] = []
    await shop.page.route("**/stripe/field.js", lambda route: held.append(route))
    await shop.page.reload(wait_until="commit")
    await shop.fill("4242424242424242")
    for route in held:
        await route.continue_()
    await shop.told("cardNumber", "e.complete && e.brand === 'visa'")
    await shop.told("cardCvc", "e.complete")
    assert await shop.field("cardNumber").locator("input").input_value() == "4242 4242 4242 4242"
    result = await shop.pay()
    assert result["paymentIntent"]["status"] == "succeeded"


async def test_digits_are_grouped_and_checked_while_typing(shop: Shop) -> None:
    number = shop.field("cardNumber").locator("input")
    await number.press_sequentially("4242")
    assert await number.input_value() == "4242"
    await shop.told("cardNumber", "e.brand === 'visa' && !e.complete && !e.empty && !e.error")
    await number.press_sequentially("424242424241")
    assert await number.input_value() == "4242 4242 4242 4241"
    await shop.told("cardNumber", "e.error?.code === 'invalid_number'")
    assert await number.evaluate("(field) => getComputedStyle(field).color") == "rgb(255, 0, 0)"
    await number.press("Backspace")
    await number.press_sequentially("2")
    await shop.told("cardNumber", "e.complete")
    assert await number.evaluate("(field) => getComputedStyle(field).color") == "rgb(1, 2, 3)"

    await number.evaluate("(field) => field.setSelectionRange(5, 5)")
    await number.press("Backspace")
    assert await number.input_value() == "4244 2424 2424 242"
    assert await number.evaluate("(field) => field.selectionStart") == 3
    await number.press("2")
    assert await number.input_value() == "4242 4242 4242 4242"

    await number.fill("378282246310005")
    assert await number.input_value() == "3782 822463 10005"
    await shop.told("cardNumber", "e.brand === 'amex' && e.complete")
    cvc = shop.field("cardCvc").locator("input")
    await cvc.press_sequentially("123")
    await shop.told("cardCvc", "!e.complete")
    await cvc.press_sequentially("45")
    assert await cvc.input_value() == "1234"


async def test_expiry(shop: Shop) -> None:
    field = shop.field("cardExpiry").locator("input")
    await field.press_sequentially("1")
    assert await field.input_value() == "1"
    await field.press_sequentially("2")
    assert await field.input_value() == "12 / "
    await field.press("Backspace")
    assert await field.input_value() == "1"
    await field.fill("")
    await field.press_sequentially("520")
    assert await field.input_value() == "05 / 20"
    await shop.told("cardExpiry", "e.error?.code === 'invalid_expiry_year_past'")
    await field.fill("12/2040")
    assert await field.input_value() == "12 / 40"
    await shop.told("cardExpiry", "e.complete")
    await field.fill("12")
    await field.blur()
    await shop.told("cardExpiry", "e.error?.code === 'incomplete_expiry'")


async def test_incomplete_fields_are_refused_before_anything_is_sent(shop: Shop) -> None:
    assert (await shop.pay())["error"]["code"] == "incomplete_number"
    await shop.fill("4242424242424242", cvc="1")
    result = await shop.pay()
    assert result["error"]["type"] == "validation_error"
    assert result["error"]["code"] == "incomplete_cvc"


async def test_decline_then_another_card(shop: Shop) -> None:
    await shop.fill("4000000000009995")
    secret = await shop.intent()
    error = (await shop.page.evaluate("pay", secret))["error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "insufficient_funds")
    await shop.fill("4242424242424242")
    again = await shop.page.evaluate("pay", secret)
    assert again["paymentIntent"]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("button", "status"),
    [("Complete authentication", "succeeded"), ("Fail authentication", None)],
)
async def test_3d_secure(shop: Shop, button: str, status: str | None) -> None:
    await shop.fill("4000002500003155")
    await shop.page.evaluate("(secret) => { window.done = pay(secret); }", await shop.intent())
    dialog = shop.page.get_by_role("dialog", name="3-D Secure authentication")
    await expect(dialog).to_be_visible()
    frame = shop.page.frame_locator("iframe[name=stripe-sandbox-3ds]")
    await frame.get_by_role("button", name=button).click()
    result = await shop.page.evaluate("window.done")
    await expect(dialog).to_have_count(0)
    if status:
        assert result["paymentIntent"]["status"] == status
    else:
        assert result["error"]["code"] == "payment_intent_authentication_failure"


async def test_an_answer_that_never_comes(shop: Shop) -> None:
    await shop.running.fault("card", reset={"times": 1, "on_call": "/confirm"})
    await shop.fill("4242424242424242")
    secret = await shop.intent()
    assert (await shop.page.evaluate("pay", secret))["error"]["type"] == "api_connection_error"
    found = await shop.page.evaluate("(s) => stripe.retrievePaymentIntent(s)", secret)
    assert found["paymentIntent"]["status"] == "succeeded"


async def test_calls_of_an_element(shop: Shop) -> None:
    number = shop.field("cardNumber").locator("input")
    await number.press_sequentially("4242")
    await shop.page.evaluate("fields.cardNumber.clear()")
    await expect(number).to_have_value("")
    await shop.page.evaluate("fields.cardNumber.update({placeholder: 'Number'})")
    await expect(number).to_have_attribute("placeholder", "Number")
    await shop.page.evaluate("fields.cardCvc.focus()")
    await expect(shop.field("cardCvc").locator("input")).to_be_focused()
    await shop.page.wait_for_function("said.includes('blur cardNumber')")
    assert "focus cardNumber" in await shop.page.evaluate("said")
    await shop.page.evaluate("fields.cardCvc.destroy()")
    await expect(shop.page.locator("#cardCvc iframe")).to_have_count(0)
    await number.press_sequentially("4242424242424242")
    result = await shop.pay()
    assert result["error"]["type"] == "invalid_request_error"


async def test_fields_are_named_for_everyone(shop: Shop) -> None:
    async with httpx.AsyncClient() as http:
        unknown = await http.get(f"{shop.running.origin}/stripe/js/v3/field/other")
    assert unknown.status_code == 422
    for kind, label, autocomplete in (
        ("cardNumber", "card number", "cc-number"),
        ("cardExpiry", "Expiry date", "cc-exp"),
        ("cardCvc", "Security code", "cc-csc"),
    ):
        field = shop.field(kind).get_by_label(label)
        await expect(field).to_have_attribute("autocomplete", autocomplete)
        await expect(field).to_have_attribute("inputmode", "numeric")
