"""The users of an account, or the staff: listed, invited, disabled. Two pages share this."""

from typing import Any, Final

from pydantic import ValidationError

from payments_app.domain.errors import InvalidRequest, NotAllowed, NotFound
from payments_app.domain.languages import later
from payments_app.domain.payment import STAFF_ROLES, Role
from payments_app.services import directory, users
from payments_app.services.catalogues import say
from payments_app.services.context import current
from payments_app.services.users import NewUser, UserRow
from payments_app.state.gate import finance_event, owner_event, viewer_event
from payments_app.state.session import SessionState
from payments_app.state.topics import watch_topic

_NAME: Final = later("Enter a name of up to 200 characters.")
_EMAIL: Final = later("Enter an e-mail address.")
_TAKEN: Final = later("A user with this e-mail address is there already.")
_REFUSED: Final = later("That is not allowed.")
TEAM_ACCOUNT: Final = 0
"""Stands for the staff, who have no account."""


class UsersState(SessionState):
    """``account`` is the account's number, 0 for the staff. ``link`` is a fresh invitation's."""

    account: int = TEAM_ACCOUNT
    users: list[UserRow] = []
    loaded: bool = False
    inviting: bool = False
    role: str = Role.VIEWER.value
    errors: dict[str, str] = {}
    link: str = ""
    notice: str = ""

    @viewer_event
    async def load_team(self) -> None:
        """Show the staff."""
        await self._begin(TEAM_ACCOUNT)

    @viewer_event
    async def load_account(self) -> None:
        """Show the users of the account that the address names."""
        number = self.router.url.path.rstrip("/").rpartition("/")[2]
        await self._begin(int(number) if number.isdecimal() and len(number) < 19 else -1)

    @viewer_event
    async def refresh(self) -> None:
        """Take in what is new; the server sends this when users have changed."""
        await self._show()

    @finance_event
    def ask_for_new(self, is_open: bool) -> None:
        """Show or hide the dialog for a new user."""
        self.inviting, self.errors, self.link = is_open is True, {}, ""

    @owner_event
    def choose_role(self, role: str) -> None:
        """Choose the role of a new member of staff."""
        if role in STAFF_ROLES:
            self.role = role

    @finance_event(temporal=True)
    async def invite(self, form: dict[str, Any]) -> None:
        """Invite the user; the dialog then shows the link."""
        who = await self._identity()
        if who is None or not self.inviting:
            return
        try:
            new = NewUser.model_validate(form)
            role, account = Role.CUSTOMER, self.account
            if account == TEAM_ACCOUNT:
                role = Role(self.role)
            self.link = await users.add(
                current(), who, new, role, account or None, self.router.session.client_ip
            )
        except ValidationError as error:
            wrong = {fault["loc"][0] for fault in error.errors() if fault["loc"]} or {"name"}
            texts = {"name": say(_NAME), "email": say(_EMAIL)}
            self.errors = {field: texts[field] for field in texts if field in wrong}
            return
        except InvalidRequest:
            self.errors = {"email": say(_TAKEN)}
            return
        except (NotAllowed, NotFound):
            self.errors = {"name": say(_REFUSED)}
            return
        self.errors = {}
        await self._show()

    @finance_event(temporal=True)
    async def invite_again(self, user_id: int) -> None:
        """Send a user who has chosen no password yet another link, and show it."""
        link = await self._act(users.invite_again, user_id)
        if isinstance(link, str):
            self.inviting, self.errors, self.link = True, {}, link

    @finance_event(temporal=True)
    async def disable(self, user_id: int) -> None:
        """Keep a user out."""
        await self._act(users.set_disabled, user_id, True)

    @finance_event(temporal=True)
    async def enable(self, user_id: int) -> None:
        """Let a user in again."""
        await self._act(users.set_disabled, user_id, False)

    @finance_event(temporal=True)
    async def remove_second_factor(self, user_id: int) -> None:
        """Let a user who lost phone and recovery codes log in with the password alone."""
        await self._act(users.remove_second_factor, user_id)

    @owner_event(temporal=True)
    async def give_role(self, user_id: int, role: str) -> None:
        """Give a member of staff another role."""
        if role in STAFF_ROLES:
            await self._act(users.set_role, user_id, Role(role))

    async def _begin(self, account: int) -> None:
        watch_topic(self.router.session.client_token, directory.TOPIC, UsersState.refresh)
        self.account, self.users, self.loaded = account, [], False
        self.inviting, self.errors, self.link, self.notice = False, {}, "", ""
        await self._show()

    async def _act(self, service: Any, user_id: int, *values: object) -> Any:
        who = await self._identity()
        if who is None or not isinstance(user_id, int):
            return None
        self.notice = ""
        try:
            result = await service(current(), who, user_id, *values, self.router.session.client_ip)
        except (NotAllowed, NotFound):
            self.notice = say(_REFUSED)
            return None
        await self._show()
        return result

    async def _show(self) -> None:
        who = await self._identity()
        if who is not None:
            self.users = list(await users.users_of(current(), who, self.account or None))
            self.loaded = True
