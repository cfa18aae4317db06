"""What an account's payments come to, kept by the database at every change of a payment.

Lists ask at each click how many payments there are and what is Pending. Read from the payments
themselves that takes longer the more there are.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FIGURES = ("pending", "completed", "cancelled", "pending_amount", "completed_amount")
COLUMNS = f"account_id, currency, {', '.join(FIGURES)}"
# Of payments that came (1) and went (-1), what the figures move by.
MOVED = """
select account_id, currency,
  sum(case status when 'pending' then way else 0 end) as pending,
  sum(case status when 'completed' then way else 0 end) as completed,
  sum(case status when 'cancelled' then way else 0 end) as cancelled,
  sum(case status when 'pending' then way * amount else 0 end) as pending_amount,
  sum(case status when 'completed' then way * amount else 0 end) as completed_amount
from ({changes}) as changes where true group by account_id, currency
"""
READ = "select account_id, currency, status, amount, {way} as way from {payments}"
ADD = f"""
insert into payment_total ({COLUMNS}) {{moved}}
on conflict (account_id, currency) do update set
  {", ".join(f"{name} = payment_total.{name} + excluded.{name}" for name in FIGURES)}
"""
CAME = READ.format(way=1, payments="came")
WENT = READ.format(way=-1, payments="went")
# Once for a statement, however many rows it writes. The order keeps two of them from waiting for
# each other; what does not move is not locked.
IN_ORDER = f"""
select * from ({MOVED}) as moved
where {" or ".join(f"{name} <> 0" for name in FIGURES)} order by account_id, currency
"""
FOLLOW = """
create or replace function payment_total_follow() returns trigger
language plpgsql set search_path = {schema}, pg_temp as $$
begin
  if tg_op = 'INSERT' then {inserted};
  elsif tg_op = 'UPDATE' then {updated};
  else {deleted};
  end if;
  return null;
end $$
"""
TRIGGERS = {
    "insert": "new table as came",
    "update": "old table as went new table as came",
    "delete": "old table as went",
}


def upgrade() -> None:
    op.create_table(
        "payment_total",
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in FIGURES),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_payment_total_account_id"),
        sa.PrimaryKeyConstraint("account_id", "currency", name="pk_payment_total"),
    )
    if op.get_bind().dialect.name == "sqlite":
        _follow_sqlite()
    else:
        _follow_postgresql()
    # Last: the triggers have waited for who was writing, and now nobody does.
    payments = READ.format(way=1, payments="payment")
    op.execute(ADD.format(moved=MOVED.format(changes=payments)))


def _follow_sqlite() -> None:
    came, went = _move_sqlite("new", "+"), _move_sqlite("old", "-")
    told = ("account_id", "currency", "status", "amount")
    changed = " or ".join(f"old.{name} is not new.{name}" for name in told)
    op.execute(f"create trigger payment_total_insert after insert on payment begin {came} end")
    op.execute(f"create trigger payment_total_delete after delete on payment begin {went} end")
    op.execute(
        f"create trigger payment_total_update after update of {', '.join(told)} on payment"
        f" when {changed} begin {went} {came} end"
    )


def _move_sqlite(row: str, sign: str) -> str:
    """Move the figures by one row: a sum over it would take three times as long."""
    counts = [f"({row}.status = '{name}')" for name in FIGURES[:3]]
    amounts = [f"{count} * {row}.amount" for count in counts[:2]]
    figures = ", ".join(sign + figure for figure in (*counts, *amounts))
    return ADD.format(moved=f"values ({row}.account_id, {row}.currency, {figures})") + ";"


def _follow_postgresql() -> None:
    connection = op.get_bind()
    schema = connection.exec_driver_sql("select quote_ident(current_schema())").scalar_one()
    changes = {"inserted": CAME, "updated": f"{WENT} union all {CAME}", "deleted": WENT}
    op.execute(
        FOLLOW.format(
            schema=schema,
            **{
                name: ADD.format(moved=IN_ORDER.format(changes=read))
                for name, read in changes.items()
            },
        )
    )
    for action, tables in TRIGGERS.items():
        op.execute(
            f"create trigger payment_total_{action} after {action} on payment"
            f" referencing {tables} for each statement execute function payment_total_follow()"
        )
    op.execute("grant select on payment_total to portal_customer")
    op.execute("alter table payment_total enable row level security")
    op.execute(
        "create policy own_rows on payment_total for select to portal_customer"
        " using (account_id = (select current_setting('portal.account_id')::bigint))"
    )


def downgrade() -> None:
    for action in TRIGGERS:
        where = " on payment" if op.get_bind().dialect.name == "postgresql" else ""
        op.execute(f"drop trigger payment_total_{action}{where}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("drop function payment_total_follow")
    op.drop_table("payment_total")
