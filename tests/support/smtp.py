"""A real SMTP server on this event loop that keeps what it takes and answers as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.sandbox import free_port

TAKEN = "250 taken"


@dataclass
class MailServer:
    """``mails`` are the taken ones; ``answers`` are given to the next ones, then "250 taken"."""

    port: int
    password: bytes = b"right"
    mails: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one message, or not."""
        answer = self.answers.pop(0) if self.answers else TAKEN
        if answer == TAKEN:
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
            self.encrypted.append(session.ssl is not None)
        return answer

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        """Let in who knows the password."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == self.password, handled=False)


@asynccontextmanager
async def mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MailServer]:
    """Serve until the block ends: in the clear, with STARTTLS, or with TLS from the start."""
    loop = asyncio.get_running_loop()
    here = MailServer(free_port())

    def session() -> SMTP:
        return SMTP(
            here,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=here.authenticate,
            auth_require_tls=starttls is not None,
            loop=loop,
        )

    server = await loop.create_server(session, "localhost", here.port, ssl=tls)
    try:
        yield here
    finally:
        server.close()
        await server.wait_closed()
