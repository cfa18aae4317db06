"""Handing one e-mail over: to the mail server of the settings, or to the sandbox's mailbox."""

from email.message import EmailMessage
from typing import Final

import aiosmtplib
import httpx

from payments_app.domain.errors import PortalError
from payments_app.gateways.http import tls
from payments_app.settings import MailSecurity, Settings

TIMEOUT_SECONDS: Final = 30
_PERMANENT: Final = 500


class Undelivered(PortalError):
    """The e-mail was not taken over; ``final`` says that trying again would not help."""

    def __init__(self, told: str, *, final: bool = False) -> None:
        super().__init__(told)
        self.told = told
        self.final = final


async def hand_over(settings: Settings, message: EmailMessage) -> str:
    """Deliver one e-mail and return what the receiver answered; raises Undelivered."""
    if settings.smtp_host:
        return await _to_server(settings, message)
    if settings.live:
        raise Undelivered("no mail server is set")
    return await _to_sandbox(settings, message)


async def _to_server(settings: Settings, message: EmailMessage) -> str:
    password = settings.smtp_password.get_secret_value()
    try:
        _, answer = await aiosmtplib.send(
            message,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=password or None,
            use_tls=settings.smtp_security is MailSecurity.TLS,
            start_tls=settings.smtp_security is MailSecurity.STARTTLS,
            timeout=TIMEOUT_SECONDS,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refused(error.recipients[0]) from error
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
        raise _refused(error) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        # Not of this e-mail's making: the server is away, or its login is being changed.
        raise Undelivered(f"{type(error).__name__}: {error}") from error
    return answer


def _refused(answer: aiosmtplib.SMTPResponseException) -> Undelivered:
    return Undelivered(f"{answer.code} {answer.message}", final=answer.code >= _PERMANENT)


async def _to_sandbox(settings: Settings, message: EmailMessage) -> str:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, verify=tls()) as client:
            answer = await client.post(
                f"{settings.sandbox_origin}/mail",
                content=message.as_bytes(),
                headers={"Content-Type": "message/rfc822"},
            )
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise Undelivered(f"{type(error).__name__}: {error}") from error
    return "in the sandbox's mailbox"
