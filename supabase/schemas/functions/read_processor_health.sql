-- read_processor_health tells when each processor last delivered anything, and whether it has been silent for longer than it
-- normally is. (Razorpay switches a webhook off after a day of failures and tells nobody but by silence.)
--
-- Returns: one row per processor that ever delivered, or has subscriptions: the longest pause of the 30 days before its last
--          delivery (normal_gap_seconds, at least an hour), the present pause, and silent = it is more than twice as long.
--          Fewer than 20 deliveries in those days tell nothing; but one that has had a subscription for an hour and never
--          delivered anything (last_event_at null) is silent. What had to be asked for was not delivered
create or replace function api.read_processor_health()
returns table (
  processor text, last_event_at timestamptz, deliveries bigint, failed bigint, dead bigint, normal_gap_seconds bigint, gap_seconds bigint,
  silent boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with latest as (
    select e.processor, max(e.created_at) as last_at
    from app.webhook_events e where e.deliveries > 0 and e.event_type <> 'fetched'
    group by e.processor
  ), arrivals as (
    select e.processor, e.created_at, e.status,
           e.created_at - lag(e.created_at) over (partition by e.processor order by e.created_at) as pause
    from app.webhook_events e
    join latest l on l.processor = e.processor
    where e.deliveries > 0 and e.event_type <> 'fetched' and e.created_at > l.last_at - interval '30 days'
  ), sums as (
    select a.processor, max(a.created_at) as last_at, count(*) as deliveries,
           count(*) filter (where a.status = 'failed') as failed, count(*) filter (where a.status = 'dead') as dead,
           greatest(max(a.pause), interval '1 hour') as normal
    from arrivals a group by a.processor
  )
  select s.processor, s.last_at, s.deliveries, s.failed, s.dead, extract(epoch from s.normal)::bigint,
         extract(epoch from app.clock() - s.last_at)::bigint,
         s.deliveries >= 20 and app.clock() - s.last_at > 2 * s.normal
  from sums s
  union all
  select p.processor, null, 0, 0, 0, 3600, extract(epoch from app.clock() - min(p.created_at))::bigint,
         app.clock() - min(p.created_at) > interval '1 hour'
  from app.subscription_events p
  where not exists (select from latest l where l.processor = p.processor)
  group by p.processor
  order by 1;
end
$$;

comment on function api.read_processor_health() is
  'When each processor last delivered anything, and whether it has been silent for longer than it normally is.';
revoke all on function api.read_processor_health() from public, anon, authenticated;
grant execute on function api.read_processor_health() to service_role;
