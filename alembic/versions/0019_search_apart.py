"""The search index holds all that staff search, and the means of payment apart.

The means become known when a payment completes. With the other texts in one entry, all their groups
of three characters were written anew then; on PostgreSQL they even were at each change of a row.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TEXTS = ("description", "reference", "gateway_reference", "private_note")
MEANS = ("method_detail",)
ACTIONS = ("insert", "delete", "update")

TABLE = """
create table payment_search (
  payment_id bigint not null references payment on delete cascade,
  means boolean not null,
  content text not null,
  constraint pk_payment_search primary key (payment_id, means)
)
"""
CONTENTS = """
select payment.id, false,
  concat_ws(chr(10), description, reference, gateway_reference, private_note) from {payment}
union all select payment.id, true, method_detail from {payment} where method_detail is not null
"""
FILL = f"""
insert into payment_search (payment_id, means, content) {CONTENTS}
on conflict on constraint pk_payment_search do update set content = excluded.content
where payment_search.content is distinct from excluded.content
"""
FOLLOW = f"""
create function payment_search_follow() returns trigger language plpgsql as $$
begin
  {FILL.format(payment="(select new.*) as payment")};
  if tg_op = 'UPDATE' and new.method_detail is null and old.method_detail is not null then
    delete from payment_search where payment_id = new.id and means;
  end if;
  return null;
end $$
"""
# Planned anew for each text: one plan for all would read the whole index for a rare one.
HOLDING = """
create function payments_holding(wanted text, most integer) returns setof bigint
language plpgsql stable as $$
begin
  return query execute
    'select distinct payment_id from payment_search'
    ' where grams(content) @> grams($1) and strpos(lower(content), lower($1)) > 0 limit $2'
    using wanted, most;
end $$
"""
INDEXED = "id in (select payment_id from payment_search where grams(content) @> grams($2))"
# For a customer, as whom one may not read the index: of the own account alone, and not what staff
# alone may see.
OWN_HOLDING = """
create or replace function own_payments_holding(wanted text, most integer) returns setof bigint
language plpgsql stable security definer set search_path = {schema}, pg_temp as $$
begin
  return query execute
    'select id from payment where account_id = $1 and {indexed}'
    ' and (strpos(lower(description), $3) > 0 or strpos(lower(reference), $3) > 0'
    ' or strpos(lower(method_detail), $3) > 0) limit $4'
    using (select current_setting('portal.account_id')::bigint), wanted, lower(wanted), most;
end $$
"""

GRAMS = """
create function payment_grams(text, text, text) returns text[]
language sql immutable parallel safe as $$
  select coalesce(array_agg(distinct substr(whole, n, 3)), '{}')
  from lower(concat($1, chr(10), $2, chr(10), $3)) as whole, generate_series(1, length(whole) - 2) n
$$
"""


def upgrade() -> None:
    op.create_index("ix_payment_user_id", "payment", ["user_id"])
    _drop_old()
    if op.get_bind().dialect.name == "sqlite":
        _index_sqlite("payment_search", TEXTS)
        _index_sqlite("payment_search_means", MEANS)
    else:
        _index_postgresql()


def _drop_old() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ACTIONS:
            op.execute(f"drop trigger payment_search_{action}")
        op.execute("drop table payment_search")
    else:
        op.drop_index("ix_payment_search", "payment")


def _index_sqlite(table: str, columns: tuple[str, ...]) -> None:
    names = ", ".join(columns)

    def either(row: str) -> str:
        return " or ".join(f"{row}.{name} is not null" for name in columns)

    def all_of(row: str) -> str:
        return ", ".join(f"{row}.{name}" for name in columns)

    changed = " or ".join(f"old.{name} is not new.{name}" for name in columns)
    add = (
        f"insert into {table} (rowid, {names}) select new.id, {all_of('new')}"
        f" where {either('new')};"
    )
    remove = (
        f"insert into {table} ({table}, rowid, {names})"
        f" select 'delete', old.id, {all_of('old')} where {either('old')};"
    )
    op.execute(
        f"create virtual table {table} using fts5({names}, content='payment',"
        " content_rowid='id', tokenize='trigram', columnsize=0)"
    )
    op.execute(f"insert into {table} ({table}) values ('rebuild')")
    op.execute(f"create trigger {table}_insert after insert on payment begin {add} end")
    op.execute(f"create trigger {table}_delete after delete on payment begin {remove} end")
    op.execute(
        f"create trigger {table}_update after update of {names} on payment"
        f" when {changed} begin {remove} {add} end"
    )


def _index_postgresql() -> None:
    op.execute(TABLE)
    op.execute(FILL.format(payment="payment"))
    op.execute("create index ix_payment_search on payment_search using gin (grams(content))")
    op.execute(FOLLOW)
    follow = "for each row execute function payment_search_follow()"
    op.execute(f"create trigger payment_search_insert after insert on payment {follow}")
    changed = " or ".join(f"old.{name} is distinct from new.{name}" for name in (*TEXTS, *MEANS))
    op.execute(
        "create trigger payment_search_update after update on payment"
        f" for each row when ({changed}) execute function payment_search_follow()"
    )
    op.execute("drop function payment_grams")
    op.execute(HOLDING)
    op.execute(OWN_HOLDING.format(schema=_schema(), indexed=INDEXED))


def _schema() -> str:
    query = "select quote_ident(current_schema())"
    found: str = op.get_bind().exec_driver_sql(query).scalar_one()
    return found


def downgrade() -> None:
    op.drop_index("ix_payment_user_id", "payment")
    together = ("description", "reference", "method_detail")
    if op.get_bind().dialect.name == "sqlite":
        for table in ("payment_search", "payment_search_means"):
            for action in ACTIONS:
                op.execute(f"drop trigger {table}_{action}")
            op.execute(f"drop table {table}")
        _index_sqlite("payment_search", together)
        return
    for action in ("insert", "update"):
        op.execute(f"drop trigger payment_search_{action} on payment")
    for name in ("payment_search_follow", "payments_holding"):
        op.execute(f"drop function {name}")
    op.execute("drop table payment_search")
    op.execute(GRAMS)
    indexed = f"payment_grams({', '.join(together)})"
    op.execute(f"create index ix_payment_search on payment using gin ({indexed})")
    op.execute(OWN_HOLDING.format(schema=_schema(), indexed=f"{indexed} @> grams($2)"))
