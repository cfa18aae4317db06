"""PayPal's Transaction Search: captures and refunds as lines of a report.

https://developer.paypal.com/docs/api/transaction-search/v1/. Here they appear at once.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from payments_app.sandbox.paypal_objects import order_of, read_money, refuse, timestamp, write_money
from payments_app.sandbox.store import Document, Transaction

_LONGEST_SPAN: Final = timedelta(days=31)
_LARGEST_PAGE: Final = 500
_EVERYTHING: Final = 1_000_000
_STATUSES: Final = {
    "COMPLETED": "S",
    "PARTIALLY_REFUNDED": "S",
    "REFUNDED": "V",
    "PENDING": "P",
    "DECLINED": "D",
}


async def report(tx: Transaction, query: Mapping[str, str]) -> Document:
    """Answer one page, newest first; 400 for a time that is missing or too long."""
    since, until = _moment(query, "start_date"), _moment(query, "end_date")
    if not since < until <= since + _LONGEST_SPAN:
        raise refuse(400, "INVALID_DATE_RANGE", "INVALID_REQUEST")
    size, page = int(query.get("page_size", "100")), int(query.get("page", "1"))
    if not (1 <= size <= _LARGEST_PAGE and page >= 1):
        raise refuse(400, "INVALID_PARAMETER_VALUE", "INVALID_REQUEST")
    lines = []
    for kind, write in (("capture", _capture), ("refund", _refund)):
        found = await tx.find(
            kind, since=since.timestamp(), before=until.timestamp(), limit=_EVERYTHING
        )
        lines += [await write(tx, each) for each in found]
    lines.sort(key=lambda line: str(line["transaction_initiation_date"]), reverse=True)
    shown = lines[size * (page - 1) : size * page]
    return {
        "transaction_details": [{"transaction_info": line} for line in shown],
        "start_date": query["start_date"],
        "end_date": query["end_date"],
        "last_refreshed_datetime": timestamp(tx.now),
        "page": page,
        "total_items": len(lines),
        "total_pages": -(-len(lines) // size) or 1,
        "links": [],
    }


def _moment(query: Mapping[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(query[name])
    except (KeyError, ValueError):
        raise refuse(400, "INVALID_DATE_FORMAT", "INVALID_REQUEST") from None
    if moment.tzinfo is None:
        raise refuse(400, "INVALID_DATE_FORMAT", "INVALID_REQUEST")
    return moment


async def _capture(tx: Transaction, capture: Document) -> Document:
    order = await order_of(tx, capture)
    amount = read_money(capture["amount"])
    fee = (capture.get("seller_receivable_breakdown") or {}).get("paypal_fee")
    line: Document = {
        "transaction_id": capture["id"],
        "paypal_reference_id": order["id"],
        "paypal_reference_id_type": "ODR",
        "transaction_event_code": "T0006",
        "transaction_initiation_date": capture["create_time"],
        "transaction_updated_date": capture["create_time"],
        "transaction_amount": write_money(amount),
        "transaction_status": _STATUSES.get(capture["status"], capture["status"]),
        "custom_field": capture.get("custom_id"),
        "invoice_id": capture.get("invoice_id"),
        "protection_eligibility": "01",
    }
    if fee:
        line["fee_amount"] = write_money(-read_money(fee))
    return line


async def _refund(tx: Transaction, refund: Document) -> Document:
    return {
        "transaction_id": refund["id"],
        "paypal_reference_id": refund["links"][1]["href"].rpartition("/")[2],
        "paypal_reference_id_type": "TXN",
        "transaction_event_code": "T1107",
        "transaction_initiation_date": refund["create_time"],
        "transaction_updated_date": refund["create_time"],
        "transaction_amount": write_money(-read_money(refund["amount"])),
        "transaction_status": "S",
        "custom_field": refund.get("custom_id"),
        "invoice_id": refund.get("invoice_id"),
    }
