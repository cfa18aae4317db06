"""What the tables hold about people, why, and how an account's rows are found.

The export reads it from here, ``erasure`` removes it, and docs/security.md has it as a table.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, String, cast, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from payments_app.db.access_models import EmailLink, RecoveryCode
from payments_app.db.approval_models import ApprovalRequest
from payments_app.db.mail_models import Mail, MailChoice
from payments_app.db.models import Account, InboxEvent, LoginSession, Payment, TimelineEntry, User
from payments_app.db.staff_models import AccountNote, AuditEntry

_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """One table with data about people: which columns, what for, and what erasing makes of them.

    ``of`` finds an account's rows; ``secrets`` are columns that no export shows.
    """

    table: type[SQLModel]
    columns: tuple[str, ...]
    why: str
    erasing: str
    of: Callable[[int], ColumnElement[bool]]
    secrets: tuple[str, ...] = ()


def users_of(account_id: int) -> Any:
    """Find the numbers of an account's users."""
    return select(col(User.id)).where(col(User.account_id) == account_id)


def payments_of(account_id: int) -> Any:
    """Find the numbers of an account's payments."""
    return select(col(Payment.id)).where(col(Payment.account_id) == account_id)


def _subjects(kind: str, column: Any, of: ColumnElement[bool]) -> Any:
    return select(literal(f"{kind}:") + cast(column, String)).where(of)


def about_account(subject: Any, account_id: int) -> ColumnElement[bool]:
    """Match what was done to an account or to one of its payments."""
    of = col(Payment.account_id) == account_id
    references = _subjects("payment", col(Payment.reference), of)
    return or_(subject == f"account:{account_id}", subject.in_(references))


def about_people(account_id: int) -> ColumnElement[bool]:
    """Match the entries of the audit log that are by or about an account's users."""
    of = col(User.account_id) == account_id
    return or_(
        col(AuditEntry.user_id).in_(users_of(account_id)),
        col(AuditEntry.subject).in_(_subjects("user", col(User.id), of)),
    )


def _events(account_id: int) -> ColumnElement[bool]:
    of = col(Payment.account_id) == account_id
    return or_(
        col(InboxEvent.payment_id).in_(payments_of(account_id)),
        col(InboxEvent.reference).in_(select(col(Payment.reference)).where(of)),
        col(InboxEvent.gateway_reference).in_(select(col(Payment.gateway_reference)).where(of)),
    )


PERSONAL: Final = (
    Kept(
        Account,
        ("name",),
        "Staff and receipts name the customer; a company's name may be a person's.",
        'Replaced by "Erased" and the account\'s number',
        lambda account: col(Account.id) == account,
    ),
    Kept(
        User,
        ("email", "name", "password_hash", "totp_secret", "time_zone", "locale"),
        "To log in, to be written to, and to show times and amounts as the reader is used to.",
        'Replaced by "Erased", an address that cannot exist, and no password',
        lambda account: col(User.account_id) == account,
        secrets=("password_hash", "totp_secret", "totp_step"),
    ),
    Kept(
        LoginSession,
        ("token_hash", "address", "user_agent", "device_hash"),
        "To know who is asking; users see their own sessions and are told of a new device.",
        "Rows deleted, open tabs logged out",
        lambda account: col(LoginSession.user_id).in_(users_of(account)),
        secrets=("token_hash", "device_hash"),
    ),
    Kept(
        EmailLink,
        ("token_hash",),
        "To let a user choose a password once.",
        "Rows deleted",
        lambda account: col(EmailLink.user_id).in_(users_of(account)),
        secrets=("token_hash",),
    ),
    Kept(
        RecoveryCode,
        ("code_hash",),
        "To log in without the second factor once.",
        "Rows deleted",
        lambda account: col(RecoveryCode.user_id).in_(users_of(account)),
        secrets=("code_hash",),
    ),
    Kept(
        Mail,
        ("recipient", "data", "outcome"),
        "The outbox: what was sent to whom, and whether it arrived.",
        "Rows deleted; what is not sent yet never is",
        lambda account: col(Mail.user_id).in_(users_of(account)),
        secrets=("data",),
    ),
    Kept(
        MailChoice,
        ("muted", "low_balance"),
        "What each user wants to be told.",
        "Rows deleted",
        lambda account: col(MailChoice.user_id).in_(users_of(account)),
    ),
    Kept(
        AccountNote,
        ("text",),
        "What staff wrote down about a customer, for each other.",
        "Rows deleted",
        lambda account: col(AccountNote.account_id) == account,
    ),
    Kept(
        Payment,
        ("description", "private_note", "method_detail", "next_action"),
        "The books; what customers and staff read beside an amount.",
        "Texts typed by hand, private notes and the means (Visa ending 4242) removed; amount, "
        "dates, status and references stay",
        lambda account: col(Payment.account_id) == account,
        secrets=("next_action",),
    ),
    Kept(
        TimelineEntry,
        ("actor", "details"),
        "Who did what to a payment, and why.",
        "The customer's address becomes their number, staff's remarks are removed",
        lambda account: col(TimelineEntry.payment_id).in_(payments_of(account)),
    ),
    Kept(
        InboxEvent,
        ("event", "headers", "body"),
        "To handle a webhook, and to handle it again. Card numbers, names and addresses are "
        "scrubbed before it is stored.",
        "Headers, body and translation removed; what it did stays",
        _events,
    ),
    Kept(
        ApprovalRequest,
        ("reason", "order"),
        "What a second person has to agree to.",
        "Reason and order removed",
        lambda account: about_account(col(ApprovalRequest.subject), account),
    ),
    Kept(
        AuditEntry,
        ("actor", "address", "before", "after"),
        "To find out later who did what, and from where.",
        "Blanked where the row is by or about the account's people, or holds a text about it; the "
        "chain stands on a salted digest and still verifies",
        lambda account: or_(about_people(account), about_account(col(AuditEntry.subject), account)),
        secrets=("salt", "personal_hash", "hash"),
    ),
)
"""Every table that holds data about customers' people."""


async def rows_of(
    session: AsyncSession, kept: Kept, account_id: int
) -> AsyncIterator[dict[str, Any]]:
    """Give an account's rows of one table, without secrets, in the order they were written."""
    columns = [column for column in _columns(kept.table) if column.name not in kept.secrets]
    query = select(*columns).where(kept.of(account_id)).order_by(columns[0])
    rows = await session.stream(query.execution_options(yield_per=_ROWS_AT_ONCE))
    async for row in rows:
        yield dict(row._mapping)


def _columns(table: type[SQLModel]) -> Sequence[Any]:
    return tuple(table.metadata.tables[str(table.__tablename__)].columns)
