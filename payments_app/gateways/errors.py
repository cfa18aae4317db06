"""The faults that a gateway raises; a decline is a result instead."""

from payments_app.domain.errors import PortalError


class GatewayUnavailable(PortalError):
    """The gateway did not answer, or not in a way to rely on: the outcome is unknown.

    ``retryable`` says whether the same call may be sent again; ``retry_after`` is how many seconds
    the gateway asked to wait.
    """

    def __init__(self, message: str, *, retryable: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class RateLimited(GatewayUnavailable):
    """The gateway lives, but asks to be called less often (429)."""


class GatewayRejected(PortalError):
    """The gateway refused the request itself; ``code`` is the provider's."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code} {message}".strip())
        self.code = code


class UnknownPayment(GatewayRejected):
    """The gateway has no such payment: it was never created there."""


class InvalidSignature(PortalError):
    """A webhook that its gateway did not sign, or not lately enough."""


class Unsupported(PortalError):
    """The gateway has no such operation; staff do it by hand."""
