"""Row-level security for what customers read (PostgreSQL): a role that sees one account's rows.

The account's number is a setting of the transaction. Policies bind the role alone: the owner of the
tables, as whom the portal logs in, sees everything.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# Read once for each query, and an error where it is not set.
ACCOUNT = "(select current_setting('portal.account_id')::bigint)"
# A role belongs to all databases of a server: another one may have made it.
ROLE = """
do $$ begin
  if not exists (select from pg_roles where rolname = 'portal_customer') then
    create role portal_customer nologin;
  end if;
  if not pg_has_role(current_user, 'portal_customer',
      case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end)
  then
    execute format('grant portal_customer to %I', current_user);
  end if;
end $$
"""
ROWS = {
    "account": f"id = {ACCOUNT}",
    "app_user": f"account_id = {ACCOUNT}",
    "payment": f"account_id = {ACCOUNT}",
    "balance": f"account_id = {ACCOUNT}",
    "timeline_entry": f"{ACCOUNT} = (select account_id from payment where id = payment_id)",
    "mail_choice": f"{ACCOUNT} = (select account_id from app_user where id = user_id)",
}
READABLE = dict.fromkeys(ROWS, "select") | {
    "app_user": "select (id, account_id, name, email)",  # no password, no second factor
    "gateway_override": "select",
}
# A policy comes before operators that might tell what they saw, and so before the search index.
# This function looks into the index for the role, of its own account alone.
SEARCH = f"""
create function own_payments_holding(wanted text, most integer) returns setof bigint
language plpgsql stable security definer set search_path = %s, pg_temp as $$
begin
  return query execute
    'select id from payment where account_id = $1'
    ' and payment_grams(description, reference, method_detail) @> grams($2)'
    ' and (strpos(lower(description), $3) > 0 or strpos(lower(reference), $3) > 0'
    ' or strpos(lower(method_detail), $3) > 0) limit $4'
    using {ACCOUNT}, wanted, lower(wanted), most;
end $$
"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    schema = connection.exec_driver_sql("select quote_ident(current_schema())").scalar_one()
    op.execute(ROLE)
    op.execute(f"grant usage on schema {schema} to portal_customer")
    for table, what in READABLE.items():
        op.execute(f"grant {what} on {table} to portal_customer")
    for table, rows in ROWS.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy own_rows on {table} for select to portal_customer using ({rows})"
        )
    op.execute(SEARCH % schema)
    op.execute("revoke execute on function own_payments_holding from public")
    op.execute("grant execute on function own_payments_holding to portal_customer")


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    schema = connection.exec_driver_sql("select quote_ident(current_schema())").scalar_one()
    op.execute("drop function own_payments_holding")
    for table in ROWS:
        op.execute(f"drop policy own_rows on {table}")
        op.execute(f"alter table {table} disable row level security")
    for table, what in READABLE.items():
        op.execute(f"revoke {what} on {table} from portal_customer")
    op.execute(f"revoke usage on schema {schema} from portal_customer")
