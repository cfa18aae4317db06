"""PayPal's Transaction Search: which payments arrived between two moments.

https://developer.paypal.com/docs/api/transaction-search/v1/. The REST app needs its permission
Transaction Search. One call spans at most 31 days, and payments appear up to three hours late.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from urllib.parse import urlencode

import structlog

from payments_app.domain.errors import PortalError
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import ListedPayment, ListedRefund, PaymentResult, Takeback
from payments_app.gateways.http import scrub
from payments_app.gateways.paypal_api import PayPalApi

log = structlog.get_logger()

_SPAN: Final = timedelta(days=31)
_PAGE: Final = 500
_PAYMENT_EVENTS: Final = "T00"
_REFUND_EVENT: Final = "T1107"
"""Event codes that begin so are payments, and refunds we made; others are fees, withdrawals ..."""
_ORDER: Final = "ODR"

TRANSACTION_STATUSES: Final[dict[str, tuple[PaymentStatus, str | None]]] = {
    "S": (PaymentStatus.COMPLETED, None),
    "P": (PaymentStatus.PENDING, Reason.PROVIDER_REVIEW),
    "D": (PaymentStatus.CANCELLED, Reason.DECLINED),
    "V": (PaymentStatus.CANCELLED, Reason.REVERSED),
}
"""Successful, pending, denied, and reversed after success. What is not here is Pending, logged."""


async def listed(api: PayPalApi, since: datetime, until: datetime) -> AsyncIterator[ListedPayment]:
    """List the payments that PayPal dates in that time."""
    async for info in _lines(api, since, until):
        found = _payment(info)
        if found is not None and since <= found.at < until:
            yield found


async def listed_refunds(
    api: PayPalApi, since: datetime, until: datetime
) -> AsyncIterator[tuple[str, ListedRefund]]:
    """List the refunds that PayPal dates in that time, each with the id of its capture."""
    async for info in _lines(api, since, until):
        found = _refund(info)
        if found is not None and since <= found.at < until:
            yield str(info["paypal_reference_id"]), found


async def _lines(
    api: PayPalApi, since: datetime, until: datetime
) -> AsyncIterator[Mapping[str, Any]]:
    """Read the report page by page."""
    for start, end in _spans(since, until):
        query: dict[str, str | int] = {
            "start_date": _written(start),
            "end_date": _written(end),
            "fields": "transaction_info",
            "page_size": _PAGE,
        }
        for page in count(1):
            path = f"/v1/reporting/transactions?{urlencode(query | {'page': page})}"
            answer = await api.ask("GET", path)
            for detail in answer.get("transaction_details") or []:
                yield detail["transaction_info"]
            if page >= int(answer.get("total_pages") or 1):
                break


def _spans(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + _SPAN, until)
        yield since, end
        since = end


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refund(info: Mapping[str, Any]) -> ListedRefund | None:
    """Translate one line of the report; None for what is no refund."""
    amount = _money(info.get("transaction_amount"))
    if amount is None or info.get("transaction_event_code") != _REFUND_EVENT:
        return None
    takeback = Takeback(
        str(info["transaction_id"]),
        -amount,
        _status(info)[0],
        own_reference=info.get("custom_field"),
    )
    return ListedRefund(_at(info), takeback)


def _at(info: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(info["transaction_initiation_date"]))


def _status(info: Mapping[str, Any]) -> tuple[PaymentStatus, str | None]:
    name = str(info.get("transaction_status"))
    if name not in TRANSACTION_STATUSES:
        log.warning("unknown_status", gateway="paypal", kind="transaction", status=name)
    return TRANSACTION_STATUSES.get(name, (PaymentStatus.PENDING, Reason.UNKNOWN_STATUS))


def _payment(info: Mapping[str, Any]) -> ListedPayment | None:
    """Translate one line of the report; None for what is no payment to us."""
    amount = _money(info.get("transaction_amount"))
    code = str(info.get("transaction_event_code"))
    if amount is None or amount.minor <= 0 or not code.startswith(_PAYMENT_EVENTS):
        return None
    status, reason = _status(info)
    fee = _money(info.get("fee_amount"))
    of_order = info.get("paypal_reference_id_type") == _ORDER
    result = PaymentResult(
        status,
        info.get("paypal_reference_id") if of_order else None,
        amount=amount,
        own_reference=info.get("custom_field"),
        fee=-fee if fee else None,
        reason=reason,
        raw=scrub(info),
    )
    return ListedPayment(_at(info), result)


def _money(written: Any) -> Money | None:
    """Read an amount, signed; None when there is none, or none that can be read."""
    try:
        return Money.from_decimal(str(written["value"]), str(written["currency_code"]))
    except (KeyError, TypeError, PortalError):
        return None
