-- entitlement tells what an account may use of one metric now: the plan in force, its quota, and the current window.
--
-- Args:    p_account_id  need not exist yet: it is then entitled as a new account on plan free
--          p_metric      the metric
-- Returns: one row; kind null for an unknown metric. quota null = unlimited; a gauge has window -infinity, resets_at null,
--          and is held to the smaller plan a downgrade is scheduled for; a closed account has quotas of 0
-- Locks:   none
create or replace function app.entitlement(
  p_account_id text,
  p_metric text,
  out plan text,
  out kind text,
  out quota bigint,
  out window_start timestamptz,
  out resets_at timestamptz
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app.clock();
  v_anchor timestamptz;
  v_counts_from timestamptz;
  v_offset interval;
  v_pending_plan text;
  v_closed_at timestamptz;
begin
  select case when a.plan_ends_at <= v_now then 'free' else a.plan end, a.anchor, a.counts_from, a.anchor_offset, a.pending_plan, a.closed_at
  into plan, v_anchor, v_counts_from, v_offset, v_pending_plan, v_closed_at
  from app.accounts a where a.account_id = p_account_id;
  plan := coalesce(plan, 'free');

  select m.kind into kind from app.metrics m where m.metric = p_metric;
  quota := case when v_closed_at is not null then 0
                -- (least passes over nulls: unlimited is above all.)
                when kind = 'gauge' and v_pending_plan is not null then least(app.quota_of(plan, p_metric), app.quota_of(v_pending_plan, p_metric))
                else app.quota_of(plan, p_metric) end;

  if kind = 'gauge' then
    window_start := '-infinity';
  else
    select w.window_start, w.window_end into window_start, resets_at
    from app.window_at(coalesce(v_anchor, v_now), greatest(v_now, v_counts_from), coalesce(v_offset, interval '0')) w;
  end if;
end
$$;

comment on function app.entitlement(text, text) is 'What an account may use of one metric now: plan in force, quota, current window.';
revoke all on function app.entitlement(text, text) from public, anon, authenticated, service_role;
grant execute on function app.entitlement(text, text) to operator;
