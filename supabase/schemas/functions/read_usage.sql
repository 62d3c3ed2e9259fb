-- read_usage tells what an account has used of every metric, and what its plan in force gives: what meters show is what
-- decide_usage decides by.
--
-- Args:    p_account_id  Clerk user or organization id; made on first use
-- Returns: one row per metric in catalog order; quota and remaining null = unlimited; resets_at null = a gauge
-- Errors:  PY004 account id
-- Locks:   none, but on the first use
create or replace function api.read_usage(p_account_id text)
returns table (
  metric text,
  kind text,
  unit text,
  title text,
  used bigint,
  quota bigint,
  remaining bigint,
  window_start timestamptz,
  resets_at timestamptz,
  plan text
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (select from app.accounts a where a.account_id = p_account_id) then
    perform app.ensure_account(p_account_id);
  end if;
  return query
  select m.metric, m.kind, m.unit, m.title, coalesce(c.used, 0), e.quota, app.remaining(e.quota, coalesce(c.used, 0)),
         nullif(e.window_start, '-infinity'), e.resets_at, e.plan
  from app.metrics m
  cross join lateral app.entitlement(p_account_id, m.metric) e
  left join app.counters c on c.account_id = p_account_id and c.metric = m.metric and c.window_start = e.window_start
  order by m.position, m.metric;
end
$$;

comment on function api.read_usage(text) is
  'Tells what an account has used of every metric in its current windows, and what its plan in force gives.';
revoke all on function api.read_usage(text) from public, anon, authenticated;
grant execute on function api.read_usage(text) to service_role;
