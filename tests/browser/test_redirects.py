"""Pay at a gateway's page in a real browser: paid, cancelled, failed, and the tab closed."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from payments_app.domain.payment import PaymentStatus
from tests.support.axe import faults_in_both_themes
from tests.support.keyboard import Keyboard
from tests.support.sandbox import eventually
from tests.support.shop import Customer, Shop, open_shop, visit

METHODS = [("PayPal", "Approve"), ("Pay Stack", "Approve"), ("Now Payments", "Pay all")]
FAILURES = [("Pay Stack", "Fail: insufficient funds"), ("Now Payments", "Fail")]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    directory = tmp_path_factory.mktemp("redirects")
    async with open_shop(directory, SWEEP_INTERVAL_SECONDS="0.2") as shop:
        yield shop


@pytest.fixture
async def customer(shop: Shop, browser: Browser) -> AsyncIterator[Customer]:
    async with visit(shop, browser) as customer:
        yield customer


async def leave(customer: Customer, method: str) -> None:
    """Choose 50 dollars by ``method`` and wait for the gateway's page."""
    await customer.page.goto("/")
    await customer.open(method, "50")
    await customer.button("Pay $50.00").click()
    await customer.page.wait_for_url(f"{customer.shop.origin}/**")


async def press(customer: Customer, name: str) -> None:
    """Press a button of the gateway's page."""
    await customer.page.get_by_role("button", name=name, exact=True).click()


async def was_not_paid(customer: Customer, currency: str = "USD") -> None:
    """Wait for the result page to say so, and see that the one payment is Cancelled."""
    await customer.page.wait_for_url(f"{customer.shop.portal.url}/pay/**")
    await expect(customer.page.get_by_text("was not paid")).to_be_visible()
    await expect(customer.page.get_by_text("Nothing was charged").first).to_be_visible()
    (payment,) = await customer.payments()
    assert payment.status is PaymentStatus.CANCELLED
    assert await customer.balance(currency) == 0


@pytest.mark.parametrize(("method", "approve"), METHODS)
async def test_paying_there_by_keyboard_completes_here(
    customer: Customer, method: str, approve: str
) -> None:
    page, keyboard = customer.page, Keyboard(customer.page)
    await page.goto("/")
    await keyboard.press(page.get_by_role("button", name="Make Payment").first)
    await keyboard.choose(customer.dialog.get_by_role("radio"), method)
    await keyboard.write(customer.dialog.get_by_role("textbox", name="Amount"), "50")
    await expect(customer.button("Pay $50.00")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{customer.shop.origin}/**")
    await keyboard.press(page.get_by_role("button", name=approve, exact=True))
    await page.wait_for_url(f"{customer.shop.portal.url}/pay/**")
    await expect(customer.page.get_by_text("$50.00 is paid")).to_be_visible()
    assert await customer.balance() == 5000


@pytest.mark.parametrize("method", [method for method, _ in METHODS])
async def test_cancelling_there_charges_nothing(customer: Customer, method: str) -> None:
    await leave(customer, method)
    await press(customer, "Cancel")
    await was_not_paid(customer)


@pytest.mark.parametrize(("method", "approve"), METHODS)
async def test_the_webhook_completes_what_a_closed_tab_paid(
    customer: Customer, method: str, approve: str
) -> None:
    await leave(customer, method)
    # The browser never comes back: whatever leads to the portal is dropped.
    await customer.page.route(f"{customer.shop.portal.url}/**", lambda route: route.abort())
    await press(customer, approve)
    payment = await customer.completed()
    assert payment.amount == await customer.balance() == 5000


@pytest.mark.parametrize(("method", "fail"), FAILURES)
async def test_failing_there_charges_nothing(customer: Customer, method: str, fail: str) -> None:
    await leave(customer, method)
    await press(customer, fail)
    await was_not_paid(customer)


async def test_a_source_that_paypal_declines_is_replaced_by_another(customer: Customer) -> None:
    await leave(customer, "PayPal")
    await press(customer, "Fail: the funding source is declined")
    await customer.page.wait_for_url(f"{customer.shop.portal.url}/pay/**")
    await expect(customer.page.get_by_text("Nothing was charged").first).to_be_visible()
    assert await customer.balance() == 0
    await customer.page.get_by_text("Continue at PayPal").click()
    await customer.page.wait_for_url(f"{customer.shop.origin}/**")
    await press(customer, "Approve")
    await customer.page.wait_for_url(f"{customer.shop.portal.url}/pay/**")
    await expect(customer.page.get_by_text("$50.00 is paid")).to_be_visible()
    assert len(await customer.payments()) == 1
    assert await customer.balance() == 5000


async def open_paynamics(customer: Customer, channel: str) -> None:
    """Confirm 750 pesos by one channel in the dialog of its own."""
    await customer.page.goto("/")
    await customer.page.get_by_role("button", name="Pay With Paynamics").first.click()
    await customer.dialog.get_by_role("combobox", name="Pay via").click()
    await customer.page.get_by_role("option", name=channel, exact=True).click()
    await customer.dialog.get_by_role("textbox", name="Amount").fill("750")
    await customer.button("Confirm").click()


async def leave_for_gcash(customer: Customer) -> None:
    """Confirm 750 pesos by a wallet and wait for its page."""
    await open_paynamics(customer, "GCash")
    await customer.page.wait_for_url(f"{customer.shop.origin}/**")


async def test_a_wallet_of_paynamics_by_keyboard_completes(customer: Customer) -> None:
    page, keyboard = customer.page, Keyboard(customer.page)
    await page.goto("/")
    await keyboard.press(page.get_by_role("button", name="Pay With Paynamics").first)
    await keyboard.press(customer.dialog.get_by_role("combobox", name="Pay via"))
    await keyboard.reach(page.get_by_role("option", name="GCash", exact=True), "ArrowDown")
    await page.keyboard.press("Enter")
    await keyboard.write(customer.dialog.get_by_role("textbox", name="Amount"), "750")
    await keyboard.press(customer.button("Confirm"))
    await page.wait_for_url(f"{customer.shop.origin}/**")
    await keyboard.press(page.get_by_role("button", name="Approve", exact=True))
    await page.wait_for_url(f"{customer.shop.portal.url}/pay/**")
    await expect(customer.page.get_by_text("750.00 is paid")).to_be_visible()
    assert await customer.balance("PHP") == 75000


@pytest.mark.parametrize("end", ["Cancel", "Fail"])
async def test_an_unpaid_wallet_of_paynamics_charges_nothing(customer: Customer, end: str) -> None:
    await leave_for_gcash(customer)
    await press(customer, end)
    await was_not_paid(customer, "PHP")


async def test_the_webhook_completes_a_wallet_whose_tab_was_closed(customer: Customer) -> None:
    await leave_for_gcash(customer)
    await customer.page.route(f"{customer.shop.portal.url}/**", lambda route: route.abort())
    await press(customer, "Approve")
    payment = await customer.completed()
    assert payment.amount == await customer.balance("PHP") == 75000


async def test_a_counter_of_paynamics_shows_how_to_pay_and_completes(customer: Customer) -> None:
    await open_paynamics(customer, "7-Eleven")
    await expect(customer.dialog).to_contain_text("Reference")
    await expect(customer.dialog).to_contain_text("Pay until")
    assert await faults_in_both_themes(customer.page) == []
    (payment,) = await eventually(customer.payments)
    # Whoever closed the dialog finds it again from the payment's row.
    await customer.page.goto(f"/?payment={payment.reference}")
    await customer.page.get_by_role("link", name="How to pay").click()
    result = customer.page.get_by_role("main")
    await expect(result).to_contain_text("Pay until")
    assert await faults_in_both_themes(customer.page) == []
    counter = await customer.context.new_page()
    await counter.goto(f"{customer.shop.origin}/paynamics/counter/{payment.reference}")
    await counter.get_by_role("button", name="Pay at the counter").click()
    await expect(result).to_contain_text("750.00 is paid")
    assert await customer.balance("PHP") == 75000
