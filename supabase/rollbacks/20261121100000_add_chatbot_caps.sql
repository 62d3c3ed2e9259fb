-- Undoes 20261121100000_add_chatbot_caps: caps and their counts are lost, and answers that were given anew are listed again.
drop function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid, uuid);
drop function api.create_chatbot(text, text, text, text, text, text, bigint);
drop function api.update_chatbot(text, uuid, text, text, text, text, bigint);
drop function api.read_chatbot(text, uuid);
drop function api.list_chatbots(text, integer, timestamptz, uuid);
drop function app.chatbot_rows(text, uuid);
drop table app.chatbot_answers;
alter table app.messages drop column replaced_by;
alter table app.chatbots drop column monthly_message_cap;

--! Included schemas/functions/update_chatbot.sql
-- update_chatbot changes a chatbot's settings.
--
-- Args:    null leaves a setting as it is; p_model '' = the service's default; limits as for create_chatbot
-- Returns: the chatbot after it; no row where it is not the account's
-- Errors:  PY004 argument · PY414 the chatbot is read-only
-- Locks:   the chatbot until commit. Idempotent.
create or replace function api.update_chatbot(
  p_account_id text, p_chatbot_id uuid, p_name text default null, p_instructions text default null,
  p_welcome_message text default null, p_model text default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if length(p_name) not between 1 and 100 then
    raise exception 'name must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if length(p_instructions) > 8000 then
    raise exception 'instructions must have at most 8000 characters' using errcode = 'PY004';
  end if;
  if length(p_welcome_message) > 500 then
    raise exception 'welcome_message must have at most 500 characters' using errcode = 'PY004';
  end if;
  if length(p_model) > 100 then
    raise exception 'model must have at most 100 characters' using errcode = 'PY004';
  end if;
  perform app.require_writable_chatbot(p_account_id, p_chatbot_id);
  update app.chatbots b
  set name = coalesce(p_name, b.name),
      instructions = coalesce(p_instructions, b.instructions),
      welcome_message = coalesce(p_welcome_message, b.welcome_message),
      model = case when p_model is null then b.model else nullif(p_model, '') end,
      updated_at = app.clock()
  where b.account_id = p_account_id and b.id = p_chatbot_id;
  return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r where p_chatbot_id is not null;
end
$$;

comment on function api.update_chatbot(text, uuid, text, text, text, text) is
  'Changes a chatbot''s settings; null leaves one as it is, an empty model means the service''s default.';
revoke all on function api.update_chatbot(text, uuid, text, text, text, text) from public, anon, authenticated;
grant execute on function api.update_chatbot(text, uuid, text, text, text, text) to service_role;
--! EndIncluded schemas/functions/update_chatbot.sql

--! Included schemas/functions/settle_usage.sql
-- settle_usage turns a reservation into the real number: what was not used is given back into the window that was
-- charged; what was used beyond the estimate is charged as far as the quota goes, the rest is noted as overrun.
--
-- Args:    p_request_id  the reservation
--          p_amount      the real number, 0 to 1,000,000,000; 0 = nothing is charged
-- Returns: one row, as check_and_increment_usage; allowed = false where the reservation had been released before (it
--          stays so: what was said to cost nothing costs nothing, even if the work ends a month later)
-- Errors:  PY003 amount · PY404 no such reservation · PY409 settled before to another number
-- Locks:   the reservation, then the counter, until commit. Idempotent per (account, request id).
create or replace function api.settle_usage(
  p_account_id text,
  p_request_id text,
  p_amount bigint,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_reservation record;
  v_extra bigint := 0;
begin
  if p_amount is null or p_amount not between 0 and 1000000000 then
    raise exception 'amount must be a whole number from 0 to 1000000000, not %', coalesce(p_amount::text, 'null') using errcode = 'PY003';
  end if;
  select r.* into v_reservation from app.usage_reservations r
  where r.account_id = p_account_id and r.request_id = p_request_id
  for update;
  if not found then
    raise exception 'no reservation %', coalesce(p_request_id, 'null') using errcode = 'PY404';
  end if;

  replayed := v_reservation.status <> 'open';
  allowed := v_reservation.status <> 'released' or p_amount = 0;
  if v_reservation.status = 'settled' and v_reservation.settled + v_reservation.overrun <> p_amount then
    raise exception 'reservation % was settled to %', p_request_id, v_reservation.settled + v_reservation.overrun using errcode = 'PY409';
  end if;

  if not replayed then
    if p_amount > v_reservation.reserved then
      v_extra := app.charge_up_to_quota(p_account_id, v_reservation.metric, p_amount - v_reservation.reserved,
                                        v_reservation.window_start, p_request_id, v_reservation.chatbot_id,
                                        v_reservation.conversation_id, v_reservation.channel, v_reservation.operation);
    elsif p_amount < v_reservation.reserved then
      perform app.return_usage(p_account_id, v_reservation.metric, v_reservation.reserved - p_amount,
                               v_reservation.window_start, p_request_id,
                               case when p_amount = 0 then 'release' else 'settle' end, v_reservation.chatbot_id,
                               v_reservation.conversation_id, v_reservation.channel, v_reservation.operation);
    end if;
    update app.usage_reservations r
    set status = case when p_amount = 0 then 'released' else 'settled' end,
        settled = least(p_amount, v_reservation.reserved + v_extra),
        overrun = greatest(0, p_amount - v_reservation.reserved - v_extra)
    where r.account_id = p_account_id and r.request_id = p_request_id;
  end if;

  select e.plan, e.quota, case when e.window_start = v_reservation.window_start then e.resets_at end
  into plan, quota, resets_at
  from app.entitlement(p_account_id, v_reservation.metric) e;
  select c.used into used from app.counters c
  where c.account_id = p_account_id and c.metric = v_reservation.metric and c.window_start = v_reservation.window_start;
  remaining := app.remaining(quota, used);
end
$$;

comment on function api.settle_usage(text, text, bigint) is
  'Turns a reservation into the real number: gives back what was not used, charges what was used beyond it as far as the quota goes.';
revoke all on function api.settle_usage(text, text, bigint) from public, anon, authenticated;
grant execute on function api.settle_usage(text, text, bigint) to service_role;
--! EndIncluded schemas/functions/settle_usage.sql

--! Included schemas/functions/read_chatbot.sql
-- read_chatbot reads one chatbot.
--
-- Returns: the chatbot with the number and size of its documents; no row where it is not the account's
create or replace function api.read_chatbot(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if p_chatbot_id is not null then
    return query select r.* from app.chatbot_rows(p_account_id, p_chatbot_id) r;
  end if;
end
$$;

comment on function api.read_chatbot(text, uuid) is
  'One chatbot of an account; no row where it is not the account''s.';
revoke all on function api.read_chatbot(text, uuid) from public, anon, authenticated;
grant execute on function api.read_chatbot(text, uuid) to service_role;
--! EndIncluded schemas/functions/read_chatbot.sql

--! Included schemas/functions/list_messages.sql
-- list_messages lists a conversation's messages, newest first, a page at a time; also the answer being streamed.
--
-- Args:    p_limit         1 to 100
--          p_before_place  the place of the last row of the page before; null = the first page
-- Errors:  PY004 limit
create or replace function api.list_messages(
  p_account_id text, p_conversation_id uuid, p_limit integer default 50, p_before_place bigint default null
)
returns table (
  message_id uuid, place bigint, role text, status text, content text, citations jsonb,
  input_tokens bigint, output_tokens bigint, error text, created_at timestamptz, finished_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select m.id, m.place, m.role, m.status, m.content, m.citations,
         m.input_tokens, m.output_tokens, m.error, m.created_at, m.finished_at
  from app.messages m
  where m.account_id = p_account_id and m.conversation_id = p_conversation_id
    and (p_before_place is null or m.place < p_before_place)
  order by m.place desc
  limit p_limit;
end
$$;

comment on function api.list_messages(text, uuid, integer, bigint) is
  'Lists a conversation''s messages, newest first, a page at a time.';
revoke all on function api.list_messages(text, uuid, integer, bigint) from public, anon, authenticated;
grant execute on function api.list_messages(text, uuid, integer, bigint) to service_role;
--! EndIncluded schemas/functions/list_messages.sql

--! Included schemas/functions/list_chatbots.sql
-- list_chatbots lists an account's chatbots, newest first, a page at a time.
--
-- Args:    p_limit                1 to 100
--          p_before_created_at,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: the chatbots with the number and size of their documents
-- Errors:  PY004 limit
create or replace function api.list_chatbots(
  p_account_id text, p_limit integer default 50, p_before_created_at timestamptz default null, p_before_id uuid default null
)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  with page as (
    select b.id from app.chatbots b
    where b.account_id = p_account_id
      and (p_before_created_at is null or (b.created_at, b.id) < (p_before_created_at, p_before_id))
    order by b.created_at desc, b.id desc
    limit p_limit
  )
  select r.* from page cross join lateral app.chatbot_rows(p_account_id, page.id) r
  order by r.created_at desc, r.chatbot_id desc;
end
$$;

comment on function api.list_chatbots(text, integer, timestamptz, uuid) is
  'Lists an account''s chatbots, newest first, a page at a time.';
revoke all on function api.list_chatbots(text, integer, timestamptz, uuid) from public, anon, authenticated;
grant execute on function api.list_chatbots(text, integer, timestamptz, uuid) to service_role;
--! EndIncluded schemas/functions/list_chatbots.sql

--! Included schemas/functions/create_chatbot.sql
-- create_chatbot creates a chatbot where the quota allows it; the gauge moves in the same transaction.
--
-- Args:    p_name             1 to 100 characters
--          p_instructions     up to 8,000 characters
--          p_welcome_message  up to 500 characters
--          p_model            null or '' = the service's default
--          p_request_id       makes the call safe to repeat
-- Returns: one row: the decision on metric chatbots, and the chatbot; its columns are null when refused, or when a
--          replayed request's chatbot has been deleted since
-- Errors:  PY004 argument · PY409 request id used for another request
-- Locks:   the gauge until commit. Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.create_chatbot(
  p_account_id text,
  p_name text,
  p_instructions text default '',
  p_welcome_message text default '',
  p_model text default null,
  p_request_id text default null
)
returns table (
  allowed boolean,
  used bigint,
  quota bigint,
  remaining bigint,
  resets_at timestamptz,
  plan text,
  replayed boolean,
  chatbot_id uuid,
  name text,
  instructions text,
  welcome_message text,
  model text,
  created_at timestamptz,
  updated_at timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_id uuid := gen_random_uuid();
  v_claimed uuid;
  v_refusal text;
begin
  if p_name is null or length(p_name) not between 1 and 100 then
    raise exception 'name must have 1 to 100 characters' using errcode = 'PY004';
  end if;
  if length(p_instructions) > 8000 then
    raise exception 'instructions must have at most 8000 characters' using errcode = 'PY004';
  end if;
  if length(p_welcome_message) > 500 then
    raise exception 'welcome_message must have at most 500 characters' using errcode = 'PY004';
  end if;
  if length(p_model) > 100 then
    raise exception 'model must have at most 100 characters' using errcode = 'PY004';
  end if;
  perform app.ensure_account(p_account_id);

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'create_chatbot',
      encode(sha256(convert_to(jsonb_build_array(
        p_name, coalesce(p_instructions, ''), coalesce(p_welcome_message, ''), nullif(p_model, ''))::text, 'UTF8')), 'hex'), v_id);
    if v_claimed = v_id then
      insert into app.chatbots (account_id, id, name, instructions, welcome_message, model, created_at, updated_at)
      values (p_account_id, v_id, p_name, coalesce(p_instructions, ''), coalesce(p_welcome_message, ''), nullif(p_model, ''),
              app.clock(), app.clock());
    end if;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false,
           null::uuid, null::text, null::text, null::text, null::text, null::timestamptz, null::timestamptz
    from jsonb_to_record(v_refusal::jsonb) as d (used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  return query
  select true, c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, v_claimed <> v_id,
         b.id, b.name, b.instructions, b.welcome_message, b.model, b.created_at, b.updated_at
  from app.entitlement(p_account_id, 'chatbots') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'chatbots' and c.window_start = '-infinity'
  left join app.chatbots b on b.account_id = p_account_id and b.id = v_claimed;
end
$$;

comment on function api.create_chatbot(text, text, text, text, text, text) is
  'Creates a chatbot where the quota allows it; the gauge moves in the same transaction. Safe to repeat with a request id.';
revoke all on function api.create_chatbot(text, text, text, text, text, text) from public, anon, authenticated;
grant execute on function api.create_chatbot(text, text, text, text, text, text) to service_role;
--! EndIncluded schemas/functions/create_chatbot.sql

--! Included schemas/functions/check_invariants.sql
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
    (17, 'nothing asked of a processor is left undone')
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
--! EndIncluded schemas/functions/check_invariants.sql

--! Included schemas/functions/begin_answer.sql
-- begin_answer decides everything an answer costs before the model is called, and stores the question: all or nothing.
-- It reserves one message, the estimated tokens, and for channel api one API call; finish_answer settles them.
--
-- Args:    p_content             the question, 1 to 8,000 characters
--          p_token_estimate      upper bound of tokens in and out, 1 to 1,000,000,000
--          p_request_id          makes the call safe to repeat
--          p_channel             playground, widget or api
--          p_expires_in_seconds  when the sweeper may take the answer for lost
--          p_message_id          a new id for the answer, chosen by the caller: a call repeated because its connection was
--                                lost is recognised by it, and told that it started
-- Returns: one row. outcome
--            started    generate the answer for message_id, then call finish_answer
--            refused    metric and the decision say which quota is used up; nothing was stored or charged
--            running    the same request is being answered, as message_id
--            replayed   the same request was answered, by message_id; a failed answer is not replayed but tried again
--            not_found  no such conversation of this account and chatbot
-- Errors:  PY003 estimate · PY004 argument · PY409 request id used for another request · PY414 the chatbot is read-only
-- Locks:   the counters until commit. Idempotent per (account, request id); a refusal does not use the id up.
create or replace function api.begin_answer(
  p_account_id text, p_chatbot_id uuid, p_conversation_id uuid, p_content text, p_token_estimate bigint,
  p_request_id text default null, p_channel text default 'api', p_expires_in_seconds integer default 900,
  p_message_id uuid default null
)
returns table (
  outcome text, metric text, allowed boolean, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text,
  replayed boolean, user_message_id uuid, message_id uuid
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_answer uuid := coalesce(p_message_id, gen_random_uuid());
  v_claimed uuid;
  v_status text;
  v_charge record;
  v_decision record;
  v_refusal text;
begin
  if p_content is null or length(p_content) not between 1 and 8000 then
    raise exception 'content must have 1 to 8000 characters' using errcode = 'PY004';
  end if;
  if p_channel is null or p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api' using errcode = 'PY004';
  end if;
  perform from app.conversations c
  where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id
  for key share;
  if not found then
    outcome := 'not_found';
    return next;
    return;
  end if;

  -- The caller's own repeat: nobody else knows this id, and nobody else would generate the answer.
  select case m.status when 'streaming' then 'started' else 'replayed' end, 'messages', true,
         c.used, e.quota, app.remaining(e.quota, c.used), e.resets_at, e.plan, true, q.id, m.id
  into outcome, metric, allowed, used, quota, remaining, resets_at, plan, replayed, user_message_id, message_id
  from app.messages m
  cross join lateral app.entitlement(p_account_id, 'messages') e
  left join app.counters c on c.account_id = p_account_id and c.metric = 'messages' and c.window_start = e.window_start
  left join lateral (
    select u.id from app.messages u
    where u.account_id = m.account_id and u.conversation_id = m.conversation_id and u.role = 'user' and u.place < m.place
    order by u.place desc limit 1
  ) q on true
  where m.account_id = p_account_id and m.id = p_message_id and m.conversation_id = p_conversation_id;
  if found then
    return next;
    return;
  end if;

  begin
    v_claimed := app.claim_request(p_account_id, p_request_id, 'begin_answer',
      encode(sha256(convert_to(jsonb_build_array(p_conversation_id, p_content, p_channel)::text, 'UTF8')), 'hex'), v_answer);
    if v_claimed <> v_answer then
      select m.status into v_status from app.messages m where m.account_id = p_account_id and m.id = v_claimed;
      if v_status <> 'failed' then
        outcome := case when v_status = 'streaming' then 'running' else 'replayed' end;
        replayed := true;
        message_id := v_claimed;
        return next;
        return;
      end if;
      update app.idempotency_keys k set resource_id = v_answer
      where k.account_id = p_account_id and k.request_id = p_request_id;
    end if;
    perform app.require_writable_chatbot(p_account_id, p_chatbot_id);

    -- In the order of their names, as batches lock them; messages last, so that their decision is the one returned.
    for v_charge in
      select * from (values ('api_calls', 1::bigint), ('llm_tokens', p_token_estimate), ('messages', 1::bigint)) c (metric, amount)
      where c.metric <> 'api_calls' or p_channel = 'api'
    loop
      select r.* into v_decision
      from app.reserve(p_account_id, v_charge.metric, v_charge.amount, 'answer:' || v_answer || ':' || v_charge.metric,
                       p_expires_in_seconds, v_answer, p_chatbot_id, p_conversation_id, p_channel, 'answer') r;
      if not v_decision.allowed then
        raise exception 'quota exceeded' using errcode = 'PY402',
          detail = (to_jsonb(v_decision) || jsonb_build_object('metric', v_charge.metric))::text;
      end if;
    end loop;

    user_message_id := gen_random_uuid();
    message_id := v_answer;
    insert into app.messages (account_id, id, conversation_id, role, status, content, created_at, finished_at)
    values (p_account_id, user_message_id, p_conversation_id, 'user', 'complete', p_content, app.clock(), app.clock());
    insert into app.messages (account_id, id, conversation_id, role, status, created_at)
    values (p_account_id, message_id, p_conversation_id, 'assistant', 'streaming', app.clock());
    update app.conversations c set updated_at = app.clock()
    where c.account_id = p_account_id and c.id = p_conversation_id;
  exception when sqlstate 'PY402' then
    get stacked diagnostics v_refusal = pg_exception_detail;
    return query
    select 'refused', d.metric, false, d.used, d.quota, d.remaining, d.resets_at, d.plan, false, null::uuid, null::uuid
    from jsonb_to_record(v_refusal::jsonb) as d (
      metric text, used bigint, quota bigint, remaining bigint, resets_at timestamptz, plan text);
    return;
  end;

  outcome := 'started';
  metric := v_charge.metric;
  allowed := true;
  used := v_decision.used;
  quota := v_decision.quota;
  remaining := v_decision.remaining;
  resets_at := v_decision.resets_at;
  plan := v_decision.plan;
  replayed := false;
  return next;
end
$$;

comment on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) is
  'Decides everything an answer costs, before the model is called, and stores the question: all of it or nothing.';
revoke all on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) from public, anon, authenticated;
grant execute on function api.begin_answer(text, uuid, uuid, text, bigint, text, text, integer, uuid) to service_role;
--! EndIncluded schemas/functions/begin_answer.sql

drop function app.replace_answers;

drop function app.lock_question;

--! Included schemas/internal/chatbot_rows.sql
-- chatbot_rows gives the chatbots of an account as the API shows them, with the number and size of their documents.
--
-- Args:    p_chatbot_id  one of them; null = all
create or replace function app.chatbot_rows(p_account_id text, p_chatbot_id uuid)
returns table (
  chatbot_id uuid, name text, instructions text, welcome_message text, model text,
  document_count bigint, storage_bytes bigint, created_at timestamptz, updated_at timestamptz, read_only boolean
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select b.id, b.name, b.instructions, b.welcome_message, b.model, d.document_count, d.storage_bytes, b.created_at, b.updated_at,
         b.id in (select r.id from app.read_only_chatbots(p_account_id) r (id))
  from app.chatbots b
  cross join lateral (
    select count(*) as document_count, coalesce(sum(x.size_bytes), 0)::bigint as storage_bytes
    from app.documents x
    where x.account_id = b.account_id and x.chatbot_id = b.id
  ) d
  where b.account_id = p_account_id and (p_chatbot_id is null or b.id = p_chatbot_id);
end
$$;

comment on function app.chatbot_rows(text, uuid) is
  'The chatbots of an account as the API shows them: with the number and size of their documents.';
revoke all on function app.chatbot_rows(text, uuid) from public, anon, authenticated, service_role;
--! EndIncluded schemas/internal/chatbot_rows.sql
