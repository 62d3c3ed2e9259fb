-- list_webhook_events lists the deliveries of the inbox for operators, of all accounts, the newest first, a page at a time.
--
-- Args:    p_status, p_processor, p_account_id   only these; null = all
--          p_limit                1 to 100
--          p_before_created_at, p_before_processor,
--          p_before_id            the last row of the page before; null = the first page
-- Returns: the deliveries without their payloads; account_id null = not known yet; received_at = when the inbox took it in
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_webhook_events(
  p_status text default null, p_processor text default null, p_account_id text default null, p_limit integer default 50,
  p_before_created_at timestamptz default null, p_before_processor text default null, p_before_id text default null
)
returns table (
  processor text, event_id text, event_type text, kind text, status text, attempts integer, deliveries integer, last_error text,
  account_id text, subscription_id text, occurred_at timestamptz, received_at timestamptz, processed_at timestamptz,
  next_attempt_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
-- Which index serves depends on which filters are given.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  perform app.check_page_limit(p_limit);
  return query
  select e.processor, e.id, e.event_type, e.kind, e.status, e.attempts, e.deliveries, e.last_error, e.account_id,
         e.subscription_id, e.occurred_at, e.created_at, e.processed_at, e.next_attempt_at
  from app.webhook_events e
  where (p_status is null or e.status = p_status)
    and (p_processor is null or e.processor = p_processor)
    and (p_account_id is null or e.account_id = p_account_id)
    and (p_before_created_at is null or (e.created_at, e.processor, e.id) < (p_before_created_at, p_before_processor, p_before_id))
  order by e.created_at desc, e.processor desc, e.id desc
  limit p_limit;
end
$$;

comment on function api.list_webhook_events(text, text, text, integer, timestamptz, text, text) is
  'Lists the deliveries of the inbox for operators, the newest first, a page at a time.';
revoke all on function api.list_webhook_events(text, text, text, integer, timestamptz, text, text) from public, anon, authenticated;
grant execute on function api.list_webhook_events(text, text, text, integer, timestamptz, text, text) to service_role;
