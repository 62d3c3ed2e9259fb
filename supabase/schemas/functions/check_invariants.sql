-- check_invariants asks the database itself which invariants of ARCHITECTURE.md hold, and whether every grant is as it
-- must be. It reads tables and the catalog, and trusts no function of ours; it changes nothing.
--
-- Returns: one row per check, in the order of the page: violations (0 = it holds) and one example in words
-- Locks:   none; all checks see one moment where the caller's transaction is repeatable read, else nearly one
create or replace function api.check_invariants()
returns table (place integer, name text, violations bigint, example text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with found (place, what) as (
    -- 1
    select 1, format('%s of %s in the window of %s: counter %s, ledger %s', coalesce(c.metric, l.metric),
                     coalesce(c.account_id, l.account_id), coalesce(c.window_start, l.window_start),
                     coalesce(c.used, 0), coalesce(l.summed, 0))
    from app.counters c
    full join (
      select e.account_id, e.metric, e.window_start, sum(e.amount) as summed
      from app.usage_events e group by e.account_id, e.metric, e.window_start
    ) l on l.account_id = c.account_id and l.metric = c.metric and l.window_start = c.window_start
    where coalesce(c.used, 0) <> coalesce(l.summed, 0)
    union all
    -- A counter above its quota is in order only where the plan fell after the last grant: where a plan the account had
    -- gives that much. A catalog that was lowered is found here too.
    select 2, format('%s has %s of %s %s on plan %s', c.account_id, c.used, q.quota, c.metric, u.plan)
    from app.counters c
    join app.metrics m on m.metric = c.metric
    join app.accounts a on a.account_id = c.account_id
    cross join lateral (select case when a.plan_ends_at <= app.clock() then 'free' else a.plan end) u (plan)
    join app.plan_quotas q on q.plan = u.plan and q.metric = c.metric
    cross join lateral app.window_at(a.anchor, greatest(app.clock(), a.counts_from), a.anchor_offset) w
    where c.used > q.quota and a.closed_at is null
      and c.window_start = case when m.kind = 'gauge' then '-infinity'::timestamptz else w.window_start end
      and not exists (
        select from app.subscription_events s
        join app.plan_quotas had on had.plan in (s.plan, 'free') and had.metric = c.metric
        where s.account_id = a.account_id and (had.quota is null or had.quota >= c.used))
    union all
    select 3, format('%s has %s chatbots, its gauge says %s', a.account_id, b.actual, coalesce(c.used, 0))
    from app.accounts a
    cross join lateral (select count(*) as actual from app.chatbots x where x.account_id = a.account_id) b
    left join app.counters c on c.account_id = a.account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
    where b.actual <> coalesce(c.used, 0)
    union all
    select 4, format('%s stores %s bytes, its gauge says %s', a.account_id, d.actual, coalesce(c.used, 0))
    from app.accounts a
    cross join lateral (select coalesce(sum(x.size_bytes), 0) as actual from app.documents x where x.account_id = a.account_id) d
    left join app.counters c on c.account_id = a.account_id and c.metric = 'storage_bytes' and c.window_start = '-infinity'
    where d.actual <> coalesce(c.used, 0)
    union all
    select 5, format('%s %s was said to be processed, but nothing of it is there', w.processor, w.id)
    from app.webhook_events w
    where w.status = 'processed' and (w.subscription_id is not null or w.kind in ('refund', 'dispute', 'closed'))
      and not exists (select from app.subscription_events s where s.processor = w.processor and s.event_id = w.id)
      and not exists (select from app.reversal_events r where r.processor = w.processor and r.event_id = w.id)
      -- A second deletion of a customer says no more than the first.
      and not (w.kind = 'closed' and (
        exists (select from app.tombstones t where t.processor = w.processor and t.object_id = w.customer_id)
        or exists (select from app.accounts a where a.account_id = w.account_id and a.closed_at is not null and w.processor = 'clerk')))
      -- A checkout says whose a subscription is, and nothing else.
      and not (w.event_type like 'checkout.%' and exists (
        select from app.processor_links l where l.processor = w.processor and l.object_id = w.subscription_id))
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', s.processor, s.event_id, coalesce(w.status, 'missing'))
    from app.subscription_events s
    left join app.webhook_events w on w.processor = s.processor and w.id = s.event_id
    where w.status is distinct from 'processed'
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', r.processor, r.event_id, coalesce(w.status, 'missing'))
    from app.reversal_events r
    left join app.webhook_events w on w.processor = r.processor and w.id = r.event_id
    where w.status is distinct from 'processed'
    union all
    select 6, format('%s %s has an effect, but its delivery is %s', t.processor, t.event_id, coalesce(w.status, 'missing'))
    from app.tombstones t
    left join app.webhook_events w on w.processor = t.processor and w.id = t.event_id
    where w.status is distinct from 'processed'
    union all
    select 7, case
      when p.account_id is null then format('%s speaks of %s of %s, which is not there', s.event_id, s.subscription_id, s.account_id)
      when (s.occurred_at, s.event_rank, s.event_id collate "C") > (p.as_of, p.as_of_rank, p.as_of_event_id collate "C") then
        format('%s of %s is as of %s, but %s of %s is later', p.subscription_id, p.account_id, p.as_of_event_id, s.event_id, s.occurred_at)
      when (s.occurred_at, s.event_rank, s.event_id) = (p.as_of, p.as_of_rank, p.as_of_event_id) then
        format('%s of %s is %s on %s, but %s says %s on %s',
               p.subscription_id, p.account_id, p.status, p.plan, s.event_id, s.status, s.plan)
      else format('%s of %s is as of %s, which says nothing of it', p.subscription_id, p.account_id, p.as_of_event_id)
    end
    from app.processor_subscriptions p
    full join (
      select distinct on (e.account_id, e.processor, e.subscription_id) e.*
      from app.subscription_events e
      order by e.account_id, e.processor, e.subscription_id, e.occurred_at desc, e.event_rank desc, e.event_id collate "C" desc
    ) s on s.account_id = p.account_id and s.processor = p.processor and s.subscription_id = p.subscription_id
    -- A payment says no status and a missing plan erases nothing, so only what the event says is compared.
    where (s.occurred_at, s.event_rank, s.event_id) is distinct from (p.as_of, p.as_of_rank, p.as_of_event_id)
      -- What once ended stays ended, whatever came after.
      or s.status <> p.status and not (p.status = 'canceled' and (
        exists (select from app.subscription_events o
                where o.account_id = p.account_id and o.processor = p.processor and o.subscription_id = p.subscription_id
                  and o.status = 'canceled')
        or exists (select from app.tombstones t where t.processor = p.processor and t.object_id = p.customer_id)))
      or p.status <> 'canceled' and (
        exists (select from app.subscription_events o
                where o.account_id = p.account_id and o.processor = p.processor and o.subscription_id = p.subscription_id
                  and o.status = 'canceled')
        or exists (select from app.tombstones t where t.processor = p.processor and t.object_id = p.customer_id))
      or s.status is not null and s.plan is distinct from p.plan and s.plan is not null
    union all
    select 8, format('the window of %s of %s from %s was opened by %s, which says nothing of it', w.subscription_id, w.account_id, w.window_start, w.opened_by)
    from app.windows w
    where not exists (
      select from app.subscription_events s
      where s.account_id = w.account_id and s.processor = w.processor and s.subscription_id = w.subscription_id
        and s.event_id = w.opened_by and s.period_start = w.window_start)
    union all
    select 9, format('%s has %s subscriptions in force', p.account_id, count(*))
    from app.processor_subscriptions p where p.in_force group by p.account_id having count(*) > 1
    union all
    select 10, format('%s %s of %s is tied to account %s', p.processor, p.subscription_id, p.account_id, l.account_id)
    from app.processor_subscriptions p
    join app.processor_links l on l.processor = p.processor and l.object_id = p.subscription_id
    where l.account_id <> p.account_id
    union all
    select 11, format('reservation %s of %s is open %s after its expiry', r.request_id, r.account_id, app.clock() - r.expires_at)
    from app.usage_reservations r
    where r.status = 'open' and r.expires_at < app.clock() - interval '5 minutes'
    union all
    select 12, format('an error stored with %s holds what looks like a secret or a token', e.source)
    from (
      select 'delivery ' || w.id, w.last_error from app.webhook_events w
      union all
      select 'answer ' || m.id, m.error from app.messages m
    ) e (source, error)
    where e.error ~ '(whsec_|sk_live_|sk_test_|rk_live_|pdl_ntfset_|eyJ[\w-]{10,}\.[\w-]+\.)'
    union all
    select 15, format('%s has %s until %s anchored %s by its row, %s until %s anchored %s by its subscriptions', a.account_id,
                      a.plan, coalesce(a.plan_ends_at::text, 'ever'), a.anchor, g.plan, coalesce(g.plan_ends_at::text, 'ever'), g.anchor)
    from app.accounts a
    cross join lateral app.granted_plan(a.account_id) g
    where (a.plan, a.anchor, a.anchor_offset, a.counts_from) is distinct from (g.plan, g.anchor, g.anchor_offset, g.counts_from)
      or a.plan_ends_at is distinct from g.plan_ends_at
    union all
    select 15, format('%s of %s is suspended by %s by its row, by %s by what was said', s.subscription_id, s.account_id,
                      coalesce(s.suspended_by, 'nothing'), coalesce(x.reversal_id, 'nothing'))
    from app.processor_subscriptions s
    cross join lateral app.suspension_of(s.account_id, s.processor, s.subscription_id) x (reversal_id)
    where s.suspended_by is distinct from x.reversal_id
    union all
    select 16, format('the levels of %s are held to %s, but its scheduled downgrade is to %s', a.account_id,
                      coalesce(a.pending_plan, 'no plan'), coalesce(c.to_plan, 'none'))
    from app.accounts a
    left join app.plan_changes c on c.account_id = a.account_id and c.status = 'scheduled' and c.direction = 'downgrade'
    where a.pending_plan is distinct from c.to_plan
    union all
    select 17, format('%s of %s of %s waits since %s', o.kind, o.subscription_id, o.account_id, o.created_at)
    from app.processor_operations o
    where o.next_attempt_at is not null and o.created_at < app.clock() - interval '1 day'
    union all
    select 17, format('purchase %s of %s is open %s after its time', c.id, c.account_id, app.clock() - c.expires_at)
    from app.checkouts c
    where c.status in ('reserved', 'open') and c.expires_at < app.clock() - interval '1 day'
    union all
    select 18, format('chatbot %s of %s answered %s in the window of %s, its count says %s', coalesce(a.chatbot_id, r.chatbot_id),
                      coalesce(a.account_id, r.account_id), coalesce(r.actual, 0), coalesce(a.window_start, r.window_start),
                      coalesce(a.used, 0))
    from (
      select x.* from app.chatbot_answers x join app.chatbots b on b.account_id = x.account_id and b.id = x.chatbot_id
    ) a
    full join (
      select x.account_id, x.chatbot_id, x.window_start, count(*) as actual
      from app.usage_reservations x
      join app.chatbots b on b.account_id = x.account_id and b.id = x.chatbot_id
      where x.metric = 'messages' and x.operation = 'answer' and x.message_id is not null and x.status <> 'released'
      group by x.account_id, x.chatbot_id, x.window_start
    ) r on r.account_id = a.account_id and r.chatbot_id = a.chatbot_id and r.window_start = a.window_start
    where coalesce(a.used, 0) <> coalesce(r.actual, 0)
    union all
    select 13, v.what from app.wrong_grants() v (what)
    union all
    select 14, v.what from app.missing_guards() v (what)
  )
  select c.place, c.name, count(f.what), min(f.what)
  from (values
    (1, 'a counter is the sum of its ledger'),
    (2, 'a counter is within its quota'),
    (3, 'the gauge of chatbots is the number of chatbots'),
    (4, 'the gauge of storage is the size of the documents'),
    (5, 'what is processed has its effect'),
    (6, 'what has an effect is processed'),
    (7, 'a subscription is as its latest event says'),
    (8, 'a window was opened by an event that carries it'),
    (9, 'one subscription of an account is in force'),
    (10, 'nothing of one account belongs to another'),
    (11, 'no reservation outlives its expiry'),
    (12, 'no stored error holds a secret'),
    (13, 'no role may more than it must'),
    (14, 'row security, triggers and search paths are in place'),
    (15, 'an account has the plan its subscriptions give'),
    (16, 'levels are held to the downgrade that is scheduled'),
    (17, 'nothing asked of a processor is left undone'),
    (18, 'a chatbot''s count is the answers it was charged for')
  ) c (place, name)
  left join found f on f.place = c.place
  group by c.place, c.name
  order by c.place;
end
$$;

comment on function api.check_invariants() is
  'Asks the database which invariants of ARCHITECTURE.md do not hold, and which grants are not as they must be; reads tables, trusts no function.';
revoke all on function api.check_invariants() from public, anon, authenticated;
grant execute on function api.check_invariants() to service_role;
grant execute on function api.check_invariants() to operator;
