-- require_counter refuses a metric that has no windows.
--
-- Errors:  PY001 unknown metric · PY004 a gauge: a level has no windows, and no history but its ledger
create or replace function app.require_counter(p_metric text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind text;
begin
  select m.kind into v_kind from app.metrics m where m.metric = p_metric;
  if not found then
    raise exception 'unknown metric %', coalesce(quote_literal(p_metric), 'null') using errcode = 'PY001';
  end if;
  if v_kind = 'gauge' then
    raise exception 'metric % is a level: it has no windows and no history by day; list its usage events instead', p_metric
      using errcode = 'PY004';
  end if;
end
$$;

comment on function app.require_counter(text) is 'Raises unless the metric is a counter: a level has no windows.';
revoke all on function app.require_counter(text) from public, anon, authenticated, service_role;
