"""Pay by card in a real browser, through the sandbox's stand-in for Stripe."""

import csv
import io
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Request, WebSocket, expect

from payments_app.domain.payment import PaymentStatus
from tests.support.axe import faults_in_both_themes
from tests.support.keyboard import Keyboard
from tests.support.sandbox import eventually
from tests.support.shop import GOOD_CARD, Customer, Shop, open_shop, visit

METHOD = "Credit Card"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    directory = tmp_path_factory.mktemp("card")
    async with open_shop(directory, SWEEP_INTERVAL_SECONDS="0.2") as shop:
        yield shop


@pytest.fixture
async def customer(shop: Shop, browser: Browser) -> AsyncIterator[Customer]:
    await shop.fault("card")
    async with visit(shop, browser) as customer:
        yield customer


async def charged(shop: Shop, customer: Customer) -> int:
    """How many charges the sandbox has made for this customer."""
    references = {payment.reference for payment in await customer.payments()}
    return sum(entry["reference"] in references for entry in await shop.charges("card"))


async def test_paying_completes_without_reload(shop: Shop, customer: Customer) -> None:
    page = customer.page
    await page.goto("/")
    await customer.open(METHOD, "50")
    await customer.type_card(GOOD_CARD)
    await expect(customer.dialog).to_contain_text("Your balance becomes $50.00.")
    await customer.button("Pay $50.00").click()
    await expect(customer.dialog).to_contain_text("$50.00 is paid")
    await expect(customer.dialog).to_contain_text("New balance$50.00")
    await customer.button("Done").click()
    await expect(customer.dialog).to_have_count(0)

    row = page.get_by_role("row").filter(has_text="Completed")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("$50.00")
    await expect(page.get_by_role("region", name="Balance")).to_contain_text("$50.00")
    assert await customer.balance() == 5000
    assert await charged(shop, customer) == 1

    answer = await customer.context.request.get("/exports/payments.csv")
    (line,) = csv.DictReader(io.StringIO((await answer.body()).decode("utf-8-sig")))
    assert (line["Total"], line["Currency"], line["Status"]) == ("50.00", "USD", "Completed")


async def test_the_whole_way_by_keyboard(shop: Shop, customer: Customer) -> None:
    page, keyboard, dialog = customer.page, Keyboard(customer.page), customer.dialog
    await page.goto("/")
    await keyboard.press(page.get_by_role("button", name="Make Payment").first)
    await keyboard.choose(dialog.get_by_role("radio"), METHOD)
    await keyboard.write(dialog.get_by_role("textbox", name="Amount"), "50")
    texts = {"cardNumber": GOOD_CARD, "cardExpiry": "1240", "cardCvc": "123"}
    for kind, text in texts.items():
        frame = page.frame_locator(f"iframe[name=stripe-sandbox-{kind}]")
        await keyboard.write(frame.locator("input"), text)
    await keyboard.press(customer.button("Pay $50.00"))
    await expect(dialog).to_contain_text("$50.00 is paid")
    assert await faults_in_both_themes(page) == []
    await keyboard.press(customer.button("Done"))
    await expect(dialog).to_have_count(0)
    await keyboard.press(page.get_by_role("row").filter(has_text="Completed").get_by_role("link"))
    await expect(page.get_by_role("dialog")).to_contain_text("What happened")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await charged(shop, customer) == 1


async def test_every_field_complains_before_anything_is_sent(customer: Customer) -> None:
    await customer.page.goto("/")
    await customer.page.get_by_role("button", name="Make Payment").first.click()
    await customer.button("Pay").click()
    await expect(customer.dialog).to_contain_text("Choose how to pay.")
    await expect(customer.dialog).to_contain_text("Enter an amount.")
    await customer.dialog.get_by_role("radio", name=METHOD).click()
    await customer.dialog.get_by_role("textbox", name="Amount").fill("0.01")
    await expect(customer.dialog).to_contain_text("The least is $0.50.")
    await customer.button("Pay").click()
    await expect(customer.dialog).to_contain_text("Enter the card number.")
    await expect(customer.dialog).to_contain_text("Enter the security code.")
    assert await faults_in_both_themes(customer.page) == []
    assert await customer.payments() == []


async def test_a_decline_is_told_and_can_be_tried_again(shop: Shop, customer: Customer) -> None:
    await customer.page.goto("/")
    await customer.open(METHOD, "20")
    await customer.type_card("4000000000009995")
    await customer.button("Pay $20.00").click()
    await expect(customer.dialog.get_by_role("alert")).to_contain_text(
        "Your bank declined the card: insufficient funds. Nothing was charged."
    )
    assert await faults_in_both_themes(customer.page) == []
    (declined,) = await customer.payments()
    assert declined.status is PaymentStatus.CANCELLED
    assert declined.reason == "declined:insufficient_funds"
    assert await customer.balance() == 0

    await expect(customer.dialog.get_by_role("textbox", name="Amount")).to_have_value("20")
    await customer.type_card(GOOD_CARD)
    await customer.button("Try again").click()
    await expect(customer.dialog).to_contain_text("$20.00 is paid")
    assert await customer.balance() == 2000
    assert await charged(shop, customer) == 1


async def test_3d_secure_accepted(customer: Customer) -> None:
    await customer.page.goto("/")
    await customer.open(METHOD, "30")
    await customer.type_card("4000002500003155")
    await customer.button("Pay $30.00").click()
    bank = customer.page.frame_locator("iframe[name=stripe-sandbox-3ds]")
    await bank.get_by_role("button", name="Complete authentication").click()
    await expect(customer.dialog).to_contain_text("$30.00 is paid")
    assert await customer.balance() == 3000


async def test_3d_secure_refused(customer: Customer) -> None:
    await customer.page.goto("/")
    await customer.open(METHOD, "30")
    await customer.type_card("4000002500003155")
    await customer.button("Pay $30.00").click()
    bank = customer.page.frame_locator("iframe[name=stripe-sandbox-3ds]")
    await bank.get_by_role("button", name="Fail authentication").click()
    await expect(customer.button("Try again")).to_be_visible()
    await expect(customer.dialog).to_contain_text("Nothing was charged.")
    assert await customer.balance() == 0


async def test_a_double_press_pays_once(shop: Shop, customer: Customer) -> None:
    await customer.page.goto("/")
    await customer.open(METHOD, "15")
    await customer.type_card(GOOD_CARD)
    await customer.button("Pay $15.00").dblclick()
    await expect(customer.dialog).to_contain_text("$15.00 is paid")
    assert len(await customer.payments()) == 1
    assert await charged(shop, customer) == 1


async def test_a_reload_in_the_middle_goes_on_with_the_same_payment(
    shop: Shop, customer: Customer
) -> None:
    await customer.page.goto("/")
    await customer.open(METHOD, "40")
    await customer.type_card("4000002500003155")
    await customer.button("Pay $40.00").click()
    bank = customer.page.frame_locator("iframe[name=stripe-sandbox-3ds]")
    await bank.get_by_role("button", name="Complete authentication").wait_for()
    await customer.page.reload()
    await expect(customer.dialog).to_contain_text("it stays one payment")
    await customer.type_card(GOOD_CARD)
    await customer.button("Pay $40.00").click()
    await expect(customer.dialog).to_contain_text("$40.00 is paid")
    assert len(await customer.payments()) == 1
    assert await charged(shop, customer) == 1


async def pay_and_vanish(shop: Shop, customer: Customer, amount: str) -> None:
    """Pay, and close the browser before the page can tell the portal."""
    await customer.hold_back("card_result")
    await customer.page.goto("/")
    await customer.open(METHOD, amount)
    await customer.type_card(GOOD_CARD)
    await customer.button(f"Pay ${amount}.00").click()
    await eventually(lambda: charged(shop, customer))
    await customer.context.close()


async def test_the_webhook_alone_completes_it(shop: Shop, customer: Customer) -> None:
    await pay_and_vanish(shop, customer, "60")
    payment = await customer.completed()
    assert payment.amount == 6000
    assert await customer.balance() == 6000


async def test_the_sweep_completes_it_when_no_webhook_comes(shop: Shop, customer: Customer) -> None:
    await shop.fault("card", webhook_drop={})
    await pay_and_vanish(shop, customer, "70")
    await customer.completed()
    assert await customer.balance() == 7000


async def test_a_waiting_page_turns_into_the_result(shop: Shop, customer: Customer) -> None:
    await customer.hold_back("card_result")
    await shop.fault("card", webhook_delay={"value": 2})
    await customer.page.goto("/")
    await customer.open(METHOD, "80")
    await customer.type_card(GOOD_CARD)
    await customer.button("Pay $80.00").click()
    (payment,) = await eventually(customer.payments)
    other = await customer.context.new_page()
    await other.goto(f"/pay/{payment.reference}")
    await expect(other.get_by_text("$80.00 is paid")).to_be_visible()
    await expect(customer.dialog).to_contain_text("$80.00 is paid")


async def test_no_card_number_reaches_the_portal(shop: Shop, customer: Customer) -> None:
    heard: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: heard.append(str(payload)))
        socket.on("framereceived", lambda payload: heard.append(str(payload)))

    def note(request: Request) -> None:
        if request.url.startswith(shop.portal.url):
            heard.append(f"{request.url} {request.headers} {request.post_data}")
        elif GOOD_CARD in (request.post_data or ""):
            posted.append(request.url)

    posted: list[str] = []
    customer.page.on("websocket", listen)
    customer.page.on("request", note)
    await customer.page.goto("/")
    await customer.open(METHOD, "90")
    await customer.type_card(GOOD_CARD)
    await customer.button("Pay $90.00").click()
    await expect(customer.dialog).to_contain_text("$90.00 is paid")

    assert any("card_changed" in message for message in heard)
    files = [path for path in shop.portal.log_path.parent.rglob("*") if path.is_file()]
    assert {"portal.db", "portal.log"} <= {path.name for path in files}
    kept = [path.read_bytes().decode(errors="replace") for path in files]
    for text in (*heard, *kept):
        assert GOOD_CARD not in text.replace(" ", "")
    (address,) = posted
    assert address.startswith(shop.origin)


async def test_card_fields_that_do_not_load_can_be_loaded_again(customer: Customer) -> None:
    script = "**/stripe/js/v3/"
    await customer.page.route(script, lambda route: route.abort())
    await customer.page.goto("/")
    await customer.open(METHOD, "5")
    again = customer.button("Load them again")
    await expect(again).to_be_visible()
    await customer.page.unroute(script)
    await again.click()
    await expect(again).to_have_count(0)
    await customer.type_card(GOOD_CARD)
    await customer.button("Pay $5.00").click()
    await expect(customer.dialog).to_contain_text("$5.00 is paid")
