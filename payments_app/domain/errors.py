"""The faults of the portal's own rules, each one a small class.

A decline by a gateway is not an error but a result; see ``gateways.base``.
"""


class PortalError(Exception):
    """Base of every error that the portal raises on purpose."""


class AmountError(PortalError):
    """A typed amount cannot be taken.

    ``code`` is machine readable (``empty``, ``not_a_number``, ``too_many_decimals``, ``negative``,
    ``zero``, ``too_large``, ``below_minimum``, ``above_maximum``); ``limit`` is what the words
    should name, already exact: a count of decimals or an amount in minor units.
    """

    def __init__(self, code: str, limit: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.limit = limit


class CurrencyMismatch(PortalError):
    """Two amounts of different currencies were put together."""


class UnknownCurrency(PortalError):
    """A currency code that ISO 4217 does not list."""


class IllegalTransition(PortalError):
    """A status change that the transition table does not allow."""


class NotFound(PortalError):
    """The row does not exist, or is not the asker's to see: both look the same on purpose."""


class NotAllowed(PortalError):
    """The user's role or account does not permit the action."""


class IdempotencyConflict(PortalError):
    """An idempotency key came again with other parameters."""


class DatabaseBusy(PortalError):
    """The database, or a free connection to it, could not be had in time. Trying again is safe."""


class InvalidRequest(PortalError):
    """Input that breaks a rule; ``field`` names the input and ``code`` the rule."""

    def __init__(self, field: str, code: str, **details: str | int) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code
        self.details = details


class TooManyAttempts(PortalError):
    """Too often, or too many failures; ``retry_after`` is how many seconds to wait."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after
