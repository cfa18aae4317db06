"""Row-level security on PostgreSQL: what a session that reads for one account can get at."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.db.mail_models import MailChoice
from payments_app.db.models import Account, Payment
from payments_app.db.own_rows import ROLE
from payments_app.db.schema import METADATA
from tests.support.databases import Postgres, migrate
from tests.support.factories import WHEN, make_account, make_payment, make_user

OWN_ROWS = (
    "account",
    "app_user",
    "payment",
    "payment_total",
    "balance",
    "timeline_entry",
    "mail_choice",
)
SHARED = {"gateway_override"}


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """PostgreSQL alone."""
    database = Database(postgres_url)
    yield database
    await database.close()


async def make_customer(database: Database) -> Account:
    """Make an account with one row in every table that customers are shown something of."""
    account = await make_account(database)
    user = await make_user(database, account)
    payment = await make_payment(database, account, completed=True, user_id=user.id)
    async with database.write() as session:
        session.add(MailChoice(user_id=user.key))
        ledger.add_timeline(session, payment, WHEN, "created", user.email)
    return account


async def rows(session: AsyncSession, table: str) -> int:
    return (await session.execute(select(func.count()).select_from(text(table)))).scalar_one()


async def test_a_query_without_any_filter_gets_the_own_rows_alone(database: Database) -> None:
    accounts = [await make_customer(database) for _ in range(3)]
    async with database.read() as session:
        assert {await rows(session, table) for table in OWN_ROWS} == {3}
    for account in accounts:
        async with database.read(account=account.key) as session:
            assert {await rows(session, table) for table in OWN_ROWS} == {1}
            assert (await session.execute(select(Account.id))).scalar_one() == account.id
            assert (await session.execute(select(Payment.account_id))).scalar_one() == account.id
    async with database.read(account=999) as session:
        assert {await rows(session, table) for table in OWN_ROWS} == {0}


async def refused(database: Database, statement: str) -> bool:
    async with database.read(account=1) as session:
        with pytest.raises(DBAPIError) as caught:
            await session.execute(text(statement))
    return "permission denied" in str(caught.value)


async def test_every_other_table_and_every_secret_is_out_of_reach(database: Database) -> None:
    for table in {*METADATA.tables, "alembic_version"} - {*OWN_ROWS} - SHARED:
        assert await refused(database, f"select 1 from {table}"), table
    for column in ("password_hash", "totp_secret"):
        assert await refused(database, f"select {column} from app_user")


@pytest.mark.parametrize("table", [*OWN_ROWS, *SHARED])
async def test_nothing_can_be_written(database: Database, table: str) -> None:
    assert await refused(database, f"delete from {table}")
    assert await refused(database, f"insert into {table} default values")


async def test_the_policies_cannot_be_left_by_forgetting_the_account(database: Database) -> None:
    await make_customer(database)
    async with database.read() as session:
        await session.execute(text(f"set local role {ROLE}"))
        with pytest.raises(DBAPIError, match=r"portal\.account_id|invalid input syntax"):
            await rows(session, "payment")


async def test_a_connection_returns_to_the_pool_as_it_came(database: Database) -> None:
    """One after the other they get the same connection, whatever became of the one before."""
    account, _ = await make_customer(database), await make_customer(database)
    numbers = set()

    async def plain() -> int:
        async with database.read() as session:
            number = (await session.execute(select(func.pg_backend_pid()))).scalar_one()
            numbers.add(number)
            role = (await session.execute(select(func.current_user()))).scalar_one()
            assert role != ROLE
            return await rows(session, "payment")

    async with database.read(account=account.key) as session:
        assert await rows(session, "payment") == 1
    assert await plain() == 2
    async with database.read(account=account.key) as session:
        await session.rollback()
        assert await rows(session, "payment") == 1, "the next transaction is confined as well"
    assert await plain() == 2
    assert await refused(database, "select 1 from audit_entry")
    assert await plain() == 2
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), database.read(account=account.key) as session:
            await session.execute(text("select pg_sleep(60)"))
    assert await plain() == 2
    async with database.write() as session:
        session.add(Account(name="New", home_currency="USD", created_at=WHEN))
    assert len(numbers) <= 2, "a cancelled statement may cost its connection, nothing else does"


async def test_readers_of_many_accounts_at_once_see_their_own(database: Database) -> None:
    accounts = [await make_customer(database) for _ in range(4)]

    async def read(account: Account) -> None:
        async with database.read(account=account.key, snapshot=True) as session:
            found = (await session.execute(select(Payment.account_id))).scalars().all()
        assert found == [account.id]

    await asyncio.gather(*(read(account) for account in accounts * 10))


@pytest.mark.parametrize("makes_roles", [True, False])
async def test_a_login_without_special_rights_migrates_and_reads(
    postgres: Postgres, makes_roles: bool
) -> None:
    """With CREATEROLE, or as a member of a role that the server's owner has made before."""
    name = f"plain{int(makes_roles)}"
    url = make_url(postgres.empty())
    owner = Database(url.render_as_string(hide_password=False))
    async with owner.write() as session:
        await session.execute(text(f"create role {name} login"))
        if makes_roles:
            await session.execute(text(f"alter role {name} createrole"))
            await session.execute(text(f"grant {ROLE} to {name} with admin option"))
        else:
            await session.execute(text(f"grant {ROLE} to {name}"))
        await session.execute(text(f"grant all on schema public to {name}"))
    await owner.close()
    plain = url.set(username=name).render_as_string(hide_password=False)
    migrate(plain)
    database = Database(plain)
    account, _ = await make_customer(database), await make_customer(database)
    async with database.read(account=account.key) as session:
        assert {await rows(session, table) for table in OWN_ROWS} == {1}
    async with database.read() as session:
        assert {await rows(session, table) for table in OWN_ROWS} == {2}
    await database.close()
