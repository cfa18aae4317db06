"""What holds for every gateway, whichever provider is behind it.

A gateway's test file subclasses ``GatewayContract``, says in its attributes what the provider can
do, and in two methods how a customer pays and is declined there. Everything runs against the
provider's twin over real HTTP.
"""

import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import (
    Customer,
    Gateway,
    GatewayEvent,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    RefundRequest,
    Subject,
)
from payments_app.gateways.circuit import Circuit
from payments_app.gateways.errors import (
    GatewayRejected,
    GatewayUnavailable,
    InvalidSignature,
    UnknownPayment,
    Unsupported,
)
from payments_app.gateways.http import TIMEOUT, Client
from payments_app.sandbox.app import issued_settings
from payments_app.services.lookup import readable
from tests.support.sandbox import Delivery, RunningSandbox

PENDING, COMPLETED, CANCELLED = PaymentStatus
HASTE = httpx.Timeout(0.5)
NOTHING_DONE = ("timeout_before", "server_error", "rate_limit")
ANSWER_LOST = ("timeout_after", "reset", "malformed")
GARBAGE = (b"", b"{", b"{}", b"[]", b"null", b"1", b"\xff\xfe\x00", b'{"id":', b"[" * 100_000)
ODD_TEXTS = ("", "x", "t=,v1=", "\xff\x00", "t=1,v1=\xe9", "9" * 5000, "=,=", "f" * 128)


class GatewayContract:
    """The tests, and what a gateway's test file fills in."""

    kind: type[Gateway]
    charge = Money(5000, "USD")
    channel: str | None = None
    creating: str
    """Part of "METHOD /path" by which a payment is created at the provider."""
    secrets: tuple[str, ...]
    """Names of the settings that nobody may see."""
    probed_by: str
    """The setting that is wrong when the provider refuses the probe."""
    declines = True
    refunds = True
    cancels = True
    page_size: str | None = None
    """Where its list of payments keeps how many it asks for at once; None: it has no list."""
    wrong_keys_are_refused = True

    async def approve(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        """Pay as the customer does at the provider.

        ``created`` may come from a look-up, then perhaps without a next action.
        """
        raise NotImplementedError

    async def decline(self, sandbox: RunningSandbox, created: PaymentResult) -> None:
        """Try to pay and be declined for want of funds, or just declined."""
        raise NotImplementedError

    # What the tests are written with

    @pytest.fixture
    async def gateway(self, sandbox: RunningSandbox) -> AsyncIterator[Gateway]:
        async with self.connected(sandbox) as gateway:
            yield gateway

    @asynccontextmanager
    async def connected(
        self, sandbox: RunningSandbox, patience: httpx.Timeout = TIMEOUT, **changed: Any
    ) -> AsyncIterator[Gateway]:
        """Make the gateway with the sandbox's keys, some of them perhaps changed."""
        issued = issued_settings(sandbox.origin)
        prefix = self.kind.Settings.model_config.get("env_prefix") or ""
        values = {
            name: issued[variable]
            for name in self.kind.Settings.model_fields
            if (variable := f"{prefix}{name}".upper()) in issued
        }
        settings = self.kind.Settings(_env_file=None, **{**values, **changed})
        gateway = self.kind(settings, Client(self.kind.code, timeout=patience))
        try:
            yield gateway
        finally:
            await gateway.aclose()

    @property
    def request_(self) -> PaymentRequest:
        """What is asked for: the same each time."""
        return PaymentRequest(
            reference="P7K2M4Q9T1W3X5Z",
            charge=self.charge,
            description="Top-up",
            customer=Customer("Ada Byron", "ada@example.com", "192.0.2.7"),
            return_url="http://portal.test/return/P7K2M4Q9T1W3X5Z",
            cancel_url="http://portal.test/return/P7K2M4Q9T1W3X5Z/cancelled",
            webhook_url="",
            expires_at=datetime(2035, 1, 1, tzinfo=UTC),
            channel=self.channel,
        )

    def request_at(self, sandbox: RunningSandbox) -> PaymentRequest:
        """Ask with the address of the sandbox's receiver for webhooks."""
        url = f"{sandbox.receiver.url}/webhooks/{self.kind.code}"
        return replace(self.request_, webhook_url=url)

    def lookup(self, gateway_reference: str | None) -> PaymentLookup:
        """Say how the payment is found again."""
        return PaymentLookup(
            reference=self.request_.reference,
            gateway_reference=gateway_reference,
            charge=self.charge,
            created_at=datetime.now(UTC),
            channel=self.channel,
        )

    async def settled(self, gateway: Gateway, created: PaymentResult) -> PaymentResult:
        """Look the payment up, and take what waits for it, as the portal does."""
        lookup = self.lookup(created.gateway_reference)
        result = await gateway.fetch_payment(lookup)
        return await gateway.capture_payment(lookup) if result.capturable else result

    async def pay(self, sandbox: RunningSandbox, gateway: Gateway) -> PaymentResult:
        """Create and pay."""
        created = await gateway.create_payment(self.request_at(sandbox))
        await self.approve(sandbox, created)
        return await self.settled(gateway, created)

    async def charges(self, sandbox: RunningSandbox) -> list[dict[str, object]]:
        """List what the provider charged."""
        return [each for each in await sandbox.ledger(self.kind.code) if each["kind"] == "charge"]

    async def calm(self, sandbox: RunningSandbox) -> None:
        """Turn the sandbox's faults off."""
        (await sandbox.http.delete(f"/faults/{self.kind.code}")).raise_for_status()

    async def of_payment(
        self, sandbox: RunningSandbox, gateway: Gateway, copies: int = 1
    ) -> tuple[list[Delivery], list[GatewayEvent]]:
        """Wait for the webhooks of a payment that names it, so many of each; all that came."""
        count = copies
        while True:
            deliveries = list(await sandbox.receiver.wait_for(count))
            events = [await gateway.parse_webhook(each.headers, each.body) for each in deliveries]
            named = [event for event in events if event.subject is Subject.PAYMENT]
            if len(named) >= copies:
                return deliveries, events
            count = len(deliveries) + 1

    # Creating and looking up

    async def test_tells_what_it_is(self, gateway: Gateway) -> None:
        assert gateway.code == self.kind.code
        assert gateway.offered
        assert gateway.currencies() <= gateway.all_currencies
        assert self.charge.currency in gateway.currencies()
        without = self.kind(self.kind.Settings(_env_file=None), gateway.client)
        prefix = self.kind.Settings.model_config.get("env_prefix") or ""
        missing = {f"{prefix}{name}".upper() for name in self.kind.required_settings}
        assert set(without.missing_settings()) == missing
        assert not missing or not without.offered

    async def test_creates_and_finds(self, sandbox: RunningSandbox, gateway: Gateway) -> None:
        created = await gateway.create_payment(self.request_at(sandbox))
        assert created.gateway_reference
        assert created.next_action is not None
        found = await gateway.fetch_payment(self.lookup(created.gateway_reference))
        for result in (created, found):
            assert (result.status, result.declined) == (PENDING, False)
            assert result.gateway_reference == created.gateway_reference
            assert result.own_reference in (None, self.request_.reference)
            assert result.amount in (None, self.charge)
        assert await self.charges(sandbox) == []

    async def test_same_reference_creates_once(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        created = [await gateway.create_payment(self.request_at(sandbox)) for _ in range(3)]
        for result in created:
            await self.approve(sandbox, result)
        assert (await self.settled(gateway, created[0])).status is COMPLETED
        assert len(await self.charges(sandbox)) == 1

    async def test_unknown_reference(self, gateway: Gateway) -> None:
        with pytest.raises((UnknownPayment, Unsupported)):
            await gateway.fetch_payment(self.lookup(None))
        with pytest.raises(UnknownPayment):
            await gateway.fetch_payment(replace(self.lookup("404404"), reference="PNOSUCH"))

    async def test_wrong_keys_are_refused(self, sandbox: RunningSandbox) -> None:
        if self.wrong_keys_are_refused:
            wrong = dict.fromkeys(self.secrets, "wrong")
            async with self.connected(sandbox, **wrong) as stranger:
                with pytest.raises(GatewayRejected):
                    await stranger.create_payment(self.request_at(sandbox))

    # Paying

    async def test_probe_changes_nothing(self, sandbox: RunningSandbox, gateway: Gateway) -> None:
        await gateway.probe()
        assert await sandbox.ledger(gateway.code) == []

    async def test_probe_with_wrong_keys_is_rejected(self, sandbox: RunningSandbox) -> None:
        async with self.connected(sandbox, **{self.probed_by: "wrong"}) as stranger:
            with pytest.raises(GatewayRejected):
                await stranger.probe()

    async def test_probe_without_an_answer_tells_so(self, sandbox: RunningSandbox) -> None:
        async with self.connected(sandbox) as gateway:
            await sandbox.fault(self.kind.code, server_error={})
            with pytest.raises(GatewayUnavailable):
                await gateway.probe()

    async def test_completes(self, sandbox: RunningSandbox, gateway: Gateway) -> None:
        paid = await self.pay(sandbox, gateway)
        again = await gateway.fetch_payment(self.lookup(paid.gateway_reference))
        for result in (paid, again):
            assert (result.status, result.amount) == (COMPLETED, self.charge)
            assert result.own_reference == self.request_.reference
            assert (result.reason, result.declined, result.capturable) == (None, False, False)
        (charge,) = await self.charges(sandbox)
        assert charge["reference"] == self.request_.reference

    async def test_decline_is_a_result(self, sandbox: RunningSandbox, gateway: Gateway) -> None:
        if self.declines:
            created = await gateway.create_payment(self.request_at(sandbox))
            await self.decline(sandbox, created)
            result = await self.settled(gateway, created)
            assert result.status in (PENDING, CANCELLED)
            assert result.reason
            assert result.reason.startswith(("declined:", "failed"))
            assert await self.charges(sandbox) == []

    async def test_unknown_status_is_pending_and_logged(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        await sandbox.fault(self.kind.code, unknown_status={})
        with capture_logs() as logs:
            result = await self.pay(sandbox, gateway)
        assert (result.status, result.reason) == (PENDING, Reason.UNKNOWN_STATUS)
        assert {"gateway": self.kind.code, "status": "sandbox_unknown"}.items() <= next(
            each for each in logs if each["event"] == "unknown_status"
        ).items()

    async def test_other_amount_is_reported_as_it_is(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        await sandbox.fault(self.kind.code, wrong_amount={"value": -100})
        result = await self.pay(sandbox, gateway)
        charged = (await self.charges(sandbox))[0]["amount"]
        assert charged != self.charge.minor
        arrived = result.received or result.amount
        assert arrived != self.charge or result.status is not COMPLETED

    async def test_lists_what_was_paid(self, sandbox: RunningSandbox, gateway: Gateway) -> None:
        hour, now = timedelta(hours=1), datetime.now(UTC)
        if self.page_size is None:
            with pytest.raises(Unsupported):
                [each async for each in gateway.list_payments(now - hour, now + hour)]
            return
        paid = await self.pay(sandbox, gateway)
        (listed,) = [each async for each in gateway.list_payments(now - hour, now + hour)]
        assert now - hour < listed.at < now + hour
        assert listed.result.gateway_reference in (None, paid.gateway_reference)
        assert listed.result.own_reference == self.request_.reference
        assert (listed.result.status, listed.result.amount) == (COMPLETED, self.charge)
        assert listed.result.reason is None
        assert listed.result.raw
        for start in (now - 2 * hour, now + hour):
            assert [each async for each in gateway.list_payments(start, start + hour)] == []

    async def test_lists_every_page(
        self, sandbox: RunningSandbox, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if self.page_size is not None:
            monkeypatch.setattr(self.page_size, 2)
            references = {f"P{number}K2M4Q9T1W3X5Z" for number in range(5)}
            for reference in references:
                request = replace(self.request_at(sandbox), reference=reference)
                created = await gateway.create_payment(request)
                await self.approve(sandbox, created)
                lookup = replace(self.lookup(created.gateway_reference), reference=reference)
                if (await gateway.fetch_payment(lookup)).capturable:
                    await gateway.capture_payment(lookup)
            hour, now = timedelta(hours=1), datetime.now(UTC)
            found = [each async for each in gateway.list_payments(now - hour, now + hour)]
            assert len(found) == 5
            assert {each.result.own_reference for each in found} == references
            assert {each.result.status for each in found} == {COMPLETED}

    # Faults

    @pytest.mark.parametrize("fault", [*NOTHING_DONE, *ANSWER_LOST])
    async def test_creation_without_an_answer_is_found_or_repeated(
        self, sandbox: RunningSandbox, gateway: Gateway, fault: str
    ) -> None:
        request = self.request_at(sandbox)
        await sandbox.fault(self.kind.code, **{fault: {"on_call": self.creating}})
        async with self.connected(sandbox, HASTE) as hasty:
            with pytest.raises(GatewayUnavailable) as caught:
                await hasty.create_payment(request)
        assert caught.value.retry_after == (1 if fault == "rate_limit" else 0)
        await self.calm(sandbox)
        try:
            found = await gateway.fetch_payment(self.lookup(None))
        except UnknownPayment:
            assert fault in NOTHING_DONE
            found = await gateway.create_payment(request)
        except Unsupported:
            found = await gateway.create_payment(request)
        assert found.status is PENDING
        await self.approve(sandbox, found)
        assert (await self.settled(gateway, found)).status is COMPLETED
        assert len(await self.charges(sandbox)) == 1

    async def test_an_answer_that_cannot_be_read_is_no_refusal(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        request = self.request_at(sandbox)
        for which in range(5):
            fault = {"on_call": self.creating, "value": which}
            await sandbox.fault(self.kind.code, unexpected=fault)
            gateway.client.circuit = Circuit(self.kind.code)
            with pytest.raises(GatewayUnavailable), readable(gateway):
                await gateway.create_payment(replace(request, reference=f"P{which}K2M4Q9T1W3X5Z"))

    @pytest.mark.parametrize("fault", ["timeout_after", "server_error", "malformed"])
    async def test_look_up_without_an_answer_proves_nothing(
        self, sandbox: RunningSandbox, gateway: Gateway, fault: str
    ) -> None:
        paid = await self.pay(sandbox, gateway)
        await sandbox.fault(self.kind.code, **{fault: {}})
        async with self.connected(sandbox, HASTE) as hasty:
            with pytest.raises(GatewayUnavailable):
                await hasty.fetch_payment(self.lookup(paid.gateway_reference))
        await self.calm(sandbox)
        found = await gateway.fetch_payment(self.lookup(paid.gateway_reference))
        assert found.status is COMPLETED

    # Webhooks

    async def test_webhook_names_the_payment(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        paid = await self.pay(sandbox, gateway)
        _, events = await self.of_payment(sandbox, gateway)
        for event in events:
            if event.subject is Subject.PAYMENT:
                assert event.reference in (None, self.request_.reference)
                assert event.gateway_reference in (None, paid.gateway_reference)
                assert event.reference or event.gateway_reference
                assert event.result is None or event.result.amount == self.charge

    async def test_webhook_twice_has_one_id(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        await sandbox.fault(self.kind.code, webhook_duplicate={})
        await self.pay(sandbox, gateway)
        _, events = await self.of_payment(sandbox, gateway, copies=2)
        ids = [event.event_id for event in events if event.subject is Subject.PAYMENT]
        assert ids[0] == ids[1]

    @pytest.mark.parametrize("spoil", ["webhook_forge", "webhook_old_key", "webhook_truncate"])
    async def test_spoiled_webhook_is_refused(
        self, sandbox: RunningSandbox, gateway: Gateway, spoil: str
    ) -> None:
        await sandbox.fault(self.kind.code, **{spoil: {}})
        await self.pay(sandbox, gateway)
        spoiled = (await sandbox.receiver.wait_for(1))[0]
        with pytest.raises(InvalidSignature):
            await gateway.parse_webhook(spoiled.headers, spoiled.body)

    async def test_whatever_is_not_signed_is_refused(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        await self.pay(sandbox, gateway)
        deliveries, events = await self.of_payment(sandbox, gateway)
        place = next(i for i, event in enumerate(events) if event.subject is Subject.PAYMENT)
        headers, body = deliveries[place].headers, deliveries[place].body
        tampered = self.tampered(body)
        assert tampered != body
        for garbage in (*GARBAGE, body[:-1], tampered):
            for sent in (headers, {}):
                with pytest.raises(InvalidSignature):
                    await gateway.parse_webhook(sent, garbage)
        own = {name for name in headers if "sig" in name or "paypal" in name}
        for name in own:
            for text in ODD_TEXTS:
                with pytest.raises(InvalidSignature):
                    await gateway.parse_webhook({**headers, name: text}, body)

    def tampered(self, body: bytes) -> bytes:
        """Change a signed webhook to be about another payment."""
        return body.replace(self.request_.reference.encode(), b"P7K2M4Q9T1W3X5Y")

    # Giving back and giving up

    async def test_refunds_once_and_never_more(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        paid = await self.pay(sandbox, gateway)
        lookup = self.lookup(paid.gateway_reference)
        part = Money(self.charge.minor // 5 * 2, self.charge.currency)
        request = RefundRequest("R7K2M4Q9T1W3X5Z", lookup, part, "Sorry")
        if not self.refunds:
            with pytest.raises(Unsupported):
                await gateway.refund(request)
            return
        given = [await gateway.refund(request) for _ in range(2)]
        for result in given:
            assert result.status in (PENDING, COMPLETED)
            assert (result.amount, result.gateway_reference) == (part, given[0].gateway_reference)
        assert given[0].gateway_reference
        found = await gateway.fetch_refund(request, given[0].gateway_reference)
        assert (found.status in (PENDING, COMPLETED), found.amount) == (True, part)
        with pytest.raises(GatewayRejected):
            await gateway.refund(replace(request, reference="R2TOOMUCH", amount=self.charge))
        assert (await gateway.fetch_payment(lookup)).status is COMPLETED
        moved = [each for each in await sandbox.ledger(self.kind.code) if each["kind"] == "refund"]
        assert [each["amount"] for each in moved] == [part.minor]

    async def test_refund_without_an_answer_is_given_once(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        if self.refunds:
            paid = await self.pay(sandbox, gateway)
            lookup = self.lookup(paid.gateway_reference)
            request = RefundRequest("R7K2M4Q9T1W3X5Z", lookup, self.charge)
            await sandbox.fault(self.kind.code, reset={"on_call": "POST"})
            with pytest.raises(GatewayUnavailable):
                await gateway.refund(request)
            await self.calm(sandbox)
            assert (await gateway.refund(request)).status in (PENDING, COMPLETED)
            entries = await sandbox.ledger(self.kind.code)
            assert [each["kind"] for each in entries] == ["charge", "refund"]

    async def test_cancels_what_is_open(self, sandbox: RunningSandbox, gateway: Gateway) -> None:
        created = await gateway.create_payment(self.request_at(sandbox))
        lookup = self.lookup(created.gateway_reference)
        if not self.cancels:
            with pytest.raises(Unsupported):
                await gateway.cancel_payment(lookup)
            return
        for _ in range(2):
            assert (await gateway.cancel_payment(lookup)).status is CANCELLED

    async def test_cancel_of_what_was_paid_tells_so(
        self, sandbox: RunningSandbox, gateway: Gateway
    ) -> None:
        paid = await self.pay(sandbox, gateway)
        try:
            result = await gateway.cancel_payment(self.lookup(paid.gateway_reference))
        except Unsupported:
            assert not self.cancels
        else:
            assert (result.status, result.amount) == (COMPLETED, self.charge)

    # Secrets

    async def test_nothing_secret_is_kept_or_told(
        self, sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        seen: list[str] = []
        with capture_logs() as logs:
            async with self.connected(sandbox, HASTE) as gateway:
                created = await gateway.create_payment(self.request_at(sandbox))
                await self.approve(sandbox, created)
                paid = await self.settled(gateway, created)
                seen += [json.dumps(dict(each.raw)) + repr(each) for each in (created, paid)]
                _, events = await self.of_payment(sandbox, gateway)
                seen += [repr(events), repr(gateway.settings)]
                await sandbox.fault(self.kind.code, malformed={})
                for call in (
                    gateway.create_payment(self.request_at(sandbox)),
                    gateway.fetch_payment(self.lookup(created.gateway_reference)),
                ):
                    with pytest.raises(GatewayUnavailable) as caught:
                        await call
                    seen += traceback.format_exception(caught.value)
                values = [getattr(gateway.settings, name) for name in self.secrets]
        told = ("stripe", "httpx", "payments_app.gateways")
        seen += [each.getMessage() for each in caplog.records if each.name.startswith(told)]
        text = "\n".join(seen) + str(logs)
        for value in values:
            assert (value.get_secret_value() if isinstance(value, SecretStr) else value) not in text
        for private in (*self.private(created), "Ada", "Byron", "ada@example.com"):
            assert private not in text

    def private(self, created: PaymentResult) -> tuple[str, ...]:
        """What else must not be told: a client secret, the digits of a card."""
        return ()
