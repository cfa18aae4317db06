"""The search for a text that very many payments hold ends when that is known (PostgreSQL).

In plpgsql ``return query`` goes on: all that were found were looked at in vain.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

OWN_HOLDING = """
create or replace function own_payments_holding(wanted text, most integer) returns setof bigint
language plpgsql stable security definer set search_path = {schema}, pg_temp as $$
declare held bigint[];
begin
  execute 'select array(select payment_id from payment_search'
    ' where grams(content) @> grams($1) limit $2)' into held using wanted, 10 * most;
  if cardinality(held) = 10 * most then
    return query select generate_series(1, most::bigint);
    {at_once}
  end if;
  return query execute
    'select id from payment where account_id = $1 and id = any($2)'
    ' and (strpos(lower(description), $3) > 0 or strpos(lower(reference), $3) > 0'
    ' or strpos(lower(method_detail), $3) > 0) limit $4'
    using (select current_setting('portal.account_id')::bigint), held, lower(wanted), most;
end $$
"""


def upgrade() -> None:
    _replace("return;")


def downgrade() -> None:
    _replace("")


def _replace(at_once: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        schema = connection.exec_driver_sql("select quote_ident(current_schema())").scalar_one()
        op.execute(OWN_HOLDING.format(schema=schema, at_once=at_once))
