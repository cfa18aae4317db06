"""The words of receipts and statements."""

from typing import Final

from payments_app.domain.payment import PaymentKind

RECEIPTS: Final[dict[PaymentKind, str]] = {
    PaymentKind.TOP_UP: "Receipt",
    PaymentKind.CHARGE: "Receipt of purchase",
    PaymentKind.REFUND: "Receipt of refund",
    PaymentKind.CHARGEBACK: "Note of chargeback",
    PaymentKind.ADJUSTMENT: "Note of adjustment",
}
STATEMENT: Final = "Statement of account"

ISSUED_BY: Final = "Issued by"
ISSUED_TO: Final = "Issued to"
NUMBER: Final = "Number"
DATE: Final = "Date"
DESCRIPTION: Final = "Description"
METHOD: Final = "Method"
PROVIDERS_REFERENCE: Final = "Provider's reference"
TAKES_BACK: Final = "Payment taken back"
PAID: Final = "You paid"
FEE: Final = "Fee"
AMOUNT: Final = "Amount"
BALANCE_AFTER: Final = "Balance after it"
REFERENCE: Final = "Reference"
BALANCE: Final = "Balance"
OPENING: Final = "Opening balance"
CLOSING: Final = "Closing balance"
NO_PAYMENTS: Final = "No payments in this period."
FROM_THE_START: Final = "From the start to {until}"
PERIOD: Final = "{since} to {until}"
ZONE: Final = "Times are in {zone}. Only completed payments count."
PAGE: Final = "Page {page} of {pages}"
