"""A text that very many payments hold is not looked for to its end (PostgreSQL).

Whoever asks only wants to know that there are more than ``most``: the list is walked then.

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Of many that hold the text in any account it is not known how many are the own ones, so as many
# are told as say that there are too many.
OWN_HOLDING = """
create or replace function own_payments_holding(wanted text, most integer) returns setof bigint
language plpgsql stable security definer set search_path = {schema}, pg_temp as $$
declare held bigint[];
begin
  execute 'select array(select payment_id from payment_search'
    ' where grams(content) @> grams($1) limit $2)' into held using wanted, 10 * most;
  if cardinality(held) = 10 * most then
    return query select generate_series(1, most::bigint);
  end if;
  return query execute
    'select id from payment where account_id = $1 and id = any($2)'
    ' and (strpos(lower(description), $3) > 0 or strpos(lower(reference), $3) > 0'
    ' or strpos(lower(method_detail), $3) > 0) limit $4'
    using (select current_setting('portal.account_id')::bigint), held, lower(wanted), most;
end $$
"""
HOLDING = """
create or replace function payments_holding(wanted text, most integer) returns setof bigint
language plpgsql stable as $$
begin
  return query execute
    'select {payment_id} from payment_search'
    ' where grams(content) @> grams($1) and strpos(lower(content), lower($1)) > 0 limit $2'
    using wanted, most;
end $$
"""
OWN_HOLDING_BEFORE = """
create or replace function own_payments_holding(wanted text, most integer) returns setof bigint
language plpgsql stable security definer set search_path = {schema}, pg_temp as $$
begin
  return query execute
    'select id from payment where account_id = $1 and id in'
    ' (select payment_id from payment_search where grams(content) @> grams($2))'
    ' and (strpos(lower(description), $3) > 0 or strpos(lower(reference), $3) > 0'
    ' or strpos(lower(method_detail), $3) > 0) limit $4'
    using (select current_setting('portal.account_id')::bigint), wanted, lower(wanted), most;
end $$
"""


def upgrade() -> None:
    _replace(OWN_HOLDING, "payment_id")


def downgrade() -> None:
    _replace(OWN_HOLDING_BEFORE, "distinct payment_id")


def _replace(own_holding: str, payment_id: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        schema = connection.exec_driver_sql("select quote_ident(current_schema())").scalar_one()
        op.execute(own_holding.format(schema=schema))
        op.execute(HOLDING.format(payment_id=payment_id))
