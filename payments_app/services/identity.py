"""Who is asking: what a login session entitles to, read anew for every event and request."""

from dataclasses import dataclass

from payments_app.domain.errors import NotAllowed
from payments_app.domain.payment import STAFF_ROLES, Role, includes


@dataclass(frozen=True, slots=True)
class Identity:
    """A logged-in user. ``account_id`` is None for staff and never None for a customer.

    ``read_only`` marks a member of staff who looks at an account as its customers do: role and
    account are theirs, user and e-mail stay the viewer's own, and nothing may be changed.
    ``lacks_second_factor`` marks staff who have to set theirs up before they may do anything else.
    """

    user_id: int
    session_id: int
    email: str
    name: str
    role: Role
    time_zone: str
    locale: str
    account_id: int | None = None
    account_name: str = ""
    home_currency: str = ""
    read_only: bool = False
    lacks_second_factor: bool = False

    @property
    def subject(self) -> str:
        """The user's name in the audit log."""
        return f"user:{self.user_id}"

    @property
    def is_staff(self) -> bool:
        """Whether the user belongs to the platform's staff."""
        return self.role in STAFF_ROLES

    def may(self, role: Role) -> bool:
        """Whether the user has at least this staff role: an owner may what finance may."""
        return includes(self.role, role) and not self.lacks_second_factor

    def require(self, role: Role) -> None:
        """Raise NotAllowed unless the user has at least this staff role."""
        if not self.may(role):
            raise NotAllowed(f"{role} only")

    def require_acting(self) -> None:
        """Raise NotAllowed for staff who only look at a customer's account."""
        if self.read_only:
            raise NotAllowed("viewing only")

    def own_account(self) -> int:
        """Return the customer's account; raises NotAllowed for staff, who have none."""
        if self.account_id is None:
            raise NotAllowed("staff have no account")
        return self.account_id
