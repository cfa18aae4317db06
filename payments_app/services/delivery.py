"""The worker that sends what is in the outbox.

An e-mail is sent at least once: a worker that is killed between handing it over and marking it
sends it again, with the same Message-ID, by which mail programs recognise the repeat.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from payments_app.db import outbox
from payments_app.db.mail_models import Mail
from payments_app.domain.languages import later
from payments_app.services import couriers, envelopes
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.couriers import Undelivered

log = structlog.get_logger()

TOPIC: Final = "mail"
"""The topic of the feed that tells the staff's tabs of news in the outbox."""

_LEASE: Final = timedelta(minutes=5)
_IDLE_SECONDS: Final = 1.0
_BATCH: Final = 10
_DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
"""What is waited after each failed attempt; after the last of them it is given up."""
_FAULT: Final = later("The e-mail could not be written.")
_OUTCOME_LENGTH: Final = 200


async def run(portal: Portal) -> None:
    """Send e-mails for ever, looking once a second."""
    while True:
        try:
            busy = await deliver_due(portal)
        except Exception:  # The worker outlives any single fault
            log.exception("mail_worker_failed")
            busy = 0
        if not busy:
            await asyncio.sleep(_IDLE_SECONDS)


async def deliver_due(portal: Portal) -> int:
    """Send the e-mails whose time has come, side by side; return how many there were."""
    async with portal.db.write() as session:
        mails = await outbox.claim_due(session, portal.clock(), _LEASE, _BATCH)
    await asyncio.gather(*(_deliver(portal, mail) for mail in mails))
    if mails:
        await portal.feed.announce(TOPIC)
    return len(mails)


async def _deliver(portal: Portal, mail: Mail) -> None:
    try:
        message = await envelopes.message(portal, mail)
        answer = await couriers.hand_over(portal.settings, message)
    except Undelivered as error:
        log.warning("mail_undelivered", mail=mail.key, kind=mail.kind, told=error.told)
        await _try_later(portal, mail, error.told, final=error.final)
    except Exception:  # One e-mail's fault must not stop the others
        log.exception("mail_failed", mail=mail.key, kind=mail.kind)
        await _try_later(portal, mail, say(_FAULT), final=False)
    else:
        async with portal.db.write() as session:
            await outbox.mark_sent(session, mail.key, portal.clock(), answer[:_OUTCOME_LENGTH])


async def _try_later(portal: Portal, mail: Mail, told: str, *, final: bool) -> None:
    over = final or mail.attempts > len(_DELAYS)
    until = None if over else portal.clock() + _DELAYS[mail.attempts - 1]
    if over:
        log.error("mail_given_up", mail=mail.key, kind=mail.kind, told=told)
    async with portal.db.write() as session:
        await outbox.postpone(session, mail.key, until, told[:_OUTCOME_LENGTH])
