"""Row-level security of PostgreSQL: a session that sees one account's rows, whatever it asks for.

The role and its policies are made by a migration. Both settings end with the transaction, so that a
connection goes back to its pool, or to a pooler between, as it came.
"""

from typing import Any, Final

from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

ROLE: Final = "portal_customer"
"""The role of sessions that read for customers; it may read some tables and write none."""

_ACCOUNT: Final = "portal.account_id"
# A role belongs to all databases of a server, so no dump of one has it.
_MAKE_ROLE: Final = f"""
do $$ begin
  if not exists (select from pg_roles where rolname = '{ROLE}') then
    create role {ROLE} nologin;
    execute format('grant {ROLE} to %I', current_user);
  end if;
end $$
"""

_IN_FORCE: Final = """
select exists (
  select from pg_roles where rolname = :role and not rolsuper and not rolbypassrls
    and pg_has_role(current_user, oid,
      case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end)
) and (
  select bool_and(relrowsecurity) from pg_class
  where oid in (select polrelid from pg_policy where polname = 'own_rows')
)
"""


def confine(session: AsyncSession, account_id: int) -> None:
    """Confine each transaction that a session begins to the rows of one account."""
    confined = select(
        func.set_config("role", ROLE, True), func.set_config(_ACCOUNT, str(account_id), True)
    )

    def begin(_session: Any, _transaction: Any, connection: Connection) -> None:
        connection.execute(confined)

    event.listen(session.sync_session, "after_begin", begin)


async def in_force(session: AsyncSession) -> bool:
    """Tell whether sessions can be confined: the role is there, may be taken and sees no more."""
    return bool((await session.execute(text(_IN_FORCE), {"role": ROLE})).scalar_one())


async def make_role(session: AsyncSession) -> None:
    """Make the role on a server that has never had it, for the policies of a restored database."""
    await session.execute(text(_MAKE_ROLE))
