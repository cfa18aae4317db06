"""Sending the outbox through a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from payments_app.db import outbox
from payments_app.db.mail_models import Mail
from payments_app.domain.mail import MailKind
from payments_app.services import delivery, mail
from payments_app.services.context import Portal
from payments_app.settings import MailSecurity, Mode
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.smtp import MailServer, mail_server
from tests.support.tls import certificate


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


@pytest.fixture
def sending(portal: Portal, server: MailServer) -> Portal:
    return through(portal, server, smtp_security=MailSecurity.NONE)


def through(portal: Portal, server: MailServer, **changed: Any) -> Portal:
    changes = {"smtp_host": "localhost", "smtp_port": server.port} | changed
    return replace(portal, settings=portal.settings.model_copy(update=changes))


async def invite(portal: Portal, count: int = 1, link: str = "https://portal.test/x") -> None:
    user = await make_user(portal.db)
    async with portal.db.write() as session:
        for _ in range(count):
            await mail.invitation(session, portal.clock(), user, link)


async def rows(portal: Portal) -> list[Mail]:
    async with portal.db.read() as session:
        return list((await session.execute(select(Mail).order_by(Mail.id))).scalars())


async def test_an_email_arrives_and_its_link_is_forgotten(
    sending: Portal, server: MailServer
) -> None:
    await invite(sending)
    assert await delivery.deliver_due(sending) == 1
    assert await delivery.deliver_due(sending) == 0
    (taken,) = server.mails
    assert taken["From"] == "Northwind Voice <no-reply@portal.test>"
    assert "https://portal.test/x" in str(taken)
    (row,) = await rows(sending)
    assert (row.sent_at, row.data, row.outcome) == (sending.clock(), {}, "taken")


async def test_several_workers_send_each_email_once(sending: Portal, server: MailServer) -> None:
    await invite(sending, 25)
    while sum(await asyncio.gather(*(delivery.deliver_due(sending) for _ in range(4)))):
        pass
    ids = [taken["Message-ID"] for taken in server.mails]
    assert len(ids) == len(set(ids)) == 25


async def test_a_4xx_is_tried_again_with_growing_pauses(
    sending: Portal, server: MailServer, clock: Clock
) -> None:
    server.answers = ["451 later", "421 busy"]
    await invite(sending)
    await delivery.deliver_due(sending)
    (row,) = await rows(sending)
    assert row.outcome == "451 later"
    clock.forward(seconds=59)
    assert await delivery.deliver_due(sending) == 0
    clock.forward(seconds=1)
    assert await delivery.deliver_due(sending) == 1
    clock.forward(minutes=4)
    assert await delivery.deliver_due(sending) == 0
    clock.forward(minutes=1)
    assert await delivery.deliver_due(sending) == 1
    assert len(server.mails) == 1
    (row,) = await rows(sending)
    assert (row.attempts, row.sent_at) == (3, clock())


async def test_a_5xx_is_given_up_at_once(sending: Portal, server: MailServer, clock: Clock) -> None:
    server.answers = ["550 no such user"]
    await invite(sending)
    await delivery.deliver_due(sending)
    (row,) = await rows(sending)
    assert (row.next_attempt_at, row.sent_at) == (None, None)
    assert row.outcome == "550 no such user"
    clock.forward(days=9)
    assert await delivery.deliver_due(sending) == 0


async def test_an_email_is_given_up_after_two_days_of_silence(portal: Portal, clock: Clock) -> None:
    async with mail_server() as server:
        gone = through(portal, server, smtp_security=MailSecurity.NONE)
    await invite(gone)
    while await delivery.deliver_due(gone):
        clock.forward(days=1)
    (row,) = await rows(gone)
    assert (row.attempts, row.next_attempt_at, row.sent_at) == (8, None, None)
    assert row.outcome.startswith("SMTPConnectError")


async def test_a_kill_between_sending_and_marking_repeats_the_same_message_id(
    sending: Portal, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process ends here."""

    async def killed(*_arguments: object) -> None:
        raise Killed

    await invite(sending)
    mark_sent = outbox.mark_sent
    monkeypatch.setattr(outbox, "mark_sent", killed)
    with pytest.raises(Killed):
        await delivery.deliver_due(sending)
    monkeypatch.setattr(outbox, "mark_sent", mark_sent)
    assert await delivery.deliver_due(sending) == 0
    clock.forward(minutes=5)
    assert await delivery.deliver_due(sending) == 1
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert await delivery.deliver_due(sending) == 0


async def test_an_email_that_cannot_be_written_stops_no_other(
    sending: Portal, server: MailServer
) -> None:
    user = await make_user(sending.db)
    async with sending.db.write() as session:
        await mail.enqueue(session, sending.clock(), user, MailKind.INVITATION, "no link in it")
    await invite(sending)
    await delivery.deliver_due(sending)
    broken, _ = await rows(sending)
    assert len(server.mails) == 1
    assert broken.outcome == "The e-mail could not be written."
    assert broken.next_attempt_at is not None


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
async def test_tls_is_verified_and_used(
    portal: Portal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    security: MailSecurity,
) -> None:
    context = certificate(tmp_path)
    start = {security.value: context}
    async with mail_server(**start) as server:
        sending = through(
            portal,
            server,
            smtp_security=security,
            smtp_user="portal",
            smtp_password=SecretStr("right"),
        )
        await invite(sending)
        await delivery.deliver_due(sending)
        assert server.mails == []
        assert "CERTIFICATE_VERIFY_FAILED" in (await rows(sending))[0].outcome
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        clock.forward(minutes=1)
        await delivery.deliver_due(sending)
    assert len(server.mails) == 1
    assert server.logins == [(b"portal", b"right")]


async def test_a_wrong_password_of_the_mail_server_gives_nothing_up(
    sending: Portal, server: MailServer
) -> None:
    wrong = through(
        sending,
        server,
        smtp_user="portal",
        smtp_password=SecretStr("wrong"),
        smtp_security=MailSecurity.NONE,
    )
    await invite(wrong)
    await delivery.deliver_due(wrong)
    (row,) = await rows(wrong)
    assert row.outcome.startswith("SMTPAuthenticationError")
    assert row.next_attempt_at is not None


async def test_live_mode_without_a_mail_server_keeps_emails_waiting(portal: Portal) -> None:
    live = replace(portal, settings=portal.settings.model_copy(update={"portal_mode": Mode.LIVE}))
    await invite(live)
    await delivery.deliver_due(live)
    (row,) = await rows(live)
    assert (row.outcome, row.sent_at) == ("no mail server is set", None)
    assert row.next_attempt_at is not None
