"""What staff see of e-mails: the outbox, who was told what, and trying again. Never their text."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from payments_app.db import outbox
from payments_app.db.mail_models import Mail
from payments_app.db.outbox import MailState
from payments_app.domain.errors import NotFound
from payments_app.domain.mail import MailKind
from payments_app.domain.payment import Role
from payments_app.services import audit, delivery, formatting, wording
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

PAGE_SIZE: Final = 50


class MailView(BaseModel):
    """Which e-mails are on screen; ``search`` is a whole address or a payment's reference."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    search: str = Field(default="", max_length=254, pattern=r"^[^\x00]*$")
    state: MailState | None = None


@dataclass(frozen=True, slots=True)
class MailRow:
    """One e-mail as a line of the list; ``told`` is what the mail server answered last."""

    id: int
    created: str
    recipient: str
    kind: str
    payment: str
    state: str
    state_label: str
    attempts: str
    next_attempt: str
    told: str
    can_retry: bool


@dataclass(frozen=True, slots=True)
class MailPage:
    """One page of the list; ``older`` is where the next one starts, None behind the last."""

    rows: tuple[MailRow, ...]
    older: int | None


async def mail_page(
    portal: Portal, who: Identity, view: MailView, after: int | None = None
) -> MailPage:
    """Return a page of the outbox, newest first; staff only (raises NotAllowed)."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await outbox.page(session, view.state, view.search, after, PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    return MailPage(
        rows=tuple(_row(who, mail, payment) for mail, payment in shown),
        older=shown[-1][0].key if len(found) > PAGE_SIZE else None,
    )


async def retry(portal: Portal, who: Identity, mail_id: int, address: str = "") -> None:
    """Send an e-mail that is not sent yet as soon as possible, with all its attempts anew.

    Raises NotAllowed below finance, and NotFound for one that is sent or not there.
    """
    who.require(Role.FINANCE)
    now = portal.clock()
    async with portal.db.write() as session:
        recipient = await outbox.revive(session, mail_id, now)
        if recipient is None:
            raise NotFound(f"mail {mail_id}")
        await audit.record(session, now, Actor.of(who, address), "mail_retried", f"mail:{mail_id}")
    await portal.feed.announce(delivery.TOPIC)


def _row(who: Identity, mail: Mail, payment: str | None) -> MailRow:
    state = outbox.state_of(mail)
    waits = mail.attempts > 0 and mail.next_attempt_at is not None
    return MailRow(
        id=mail.key,
        created=formatting.day_and_time(mail.created_at, who.locale, who.time_zone),
        recipient=mail.recipient,
        kind=wording.MAIL_NAMES[MailKind(mail.kind)],
        payment=payment or "",
        state=state.value,
        state_label=wording.MAIL_STATES[state.value],
        attempts=formatting.count(mail.attempts, who.locale),
        next_attempt=(
            formatting.day_and_time(mail.next_attempt_at, who.locale, who.time_zone)
            if waits and mail.next_attempt_at
            else ""
        ),
        told=mail.outcome,
        can_retry=waits or state is MailState.FAILED,
    )
