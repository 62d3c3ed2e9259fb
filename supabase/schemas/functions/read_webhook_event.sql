-- read_webhook_event reads one delivery with its payload, for operators, of any account.
--
-- Returns: one row as of list_webhook_events, with the body as it was received (headers, and so signatures, are never stored);
--          no row for an unknown delivery
-- Locks:   none
create or replace function api.read_webhook_event(p_processor text, p_event_id text)
returns table (
  processor text, event_id text, event_type text, kind text, status text, attempts integer, deliveries integer, last_error text,
  account_id text, subscription_id text, occurred_at timestamptz, received_at timestamptz, processed_at timestamptz,
  next_attempt_at timestamptz, payload text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select e.processor, e.id, e.event_type, e.kind, e.status, e.attempts, e.deliveries, e.last_error, e.account_id,
         e.subscription_id, e.occurred_at, e.created_at, e.processed_at, e.next_attempt_at, e.payload
  from app.webhook_events e
  where e.processor = p_processor and e.id = p_event_id;
end
$$;

comment on function api.read_webhook_event(text, text) is 'One delivery with the body as it was received, for operators.';
revoke all on function api.read_webhook_event(text, text) from public, anon, authenticated;
grant execute on function api.read_webhook_event(text, text) to service_role;
