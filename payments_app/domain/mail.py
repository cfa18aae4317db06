"""What the portal writes e-mails about."""

from enum import StrEnum
from typing import Final


class MailKind(StrEnum):
    """The occasion of an e-mail."""

    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_FAILED = "payment_failed"
    REFUND = "refund"
    STATEMENT = "statement"
    LOW_BALANCE = "low_balance"
    NEW_SIGN_IN = "new_sign_in"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105


CHOSEN_KINDS: Final = (MailKind.PAYMENT_RECEIVED, MailKind.PAYMENT_FAILED, MailKind.REFUND)
"""What users may turn off; a low balance is told of once they set a limit, and what concerns the
security of their login always."""
