-- reserve_usage charges an estimate before the work is done; settle_usage turns it into the real number afterwards, and
-- release_expired_reservations gives back what a crash left open.
--
-- Args:    p_amount              the estimate, an upper bound: what settles above it is charged only as far as the quota goes
--          p_request_id          names the reservation, unique per account among all request ids
--          p_expires_in_seconds  1 to 86,400
--          the others            as for check_and_increment_usage
-- Returns: one row, as check_and_increment_usage
-- Errors:  as check_and_increment_usage; PY004 also for a missing request id or an expiry out of range
-- Locks:   the counter until commit. Idempotent per (account, request id).
create or replace function api.reserve_usage(
  p_account_id text,
  p_metric text,
  p_amount bigint,
  p_request_id text,
  p_expires_in_seconds integer default 900,
  p_chatbot_id uuid default null,
  p_conversation_id uuid default null,
  p_channel text default null,
  p_operation text default null,
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
begin
  if p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api, not %', quote_literal(p_channel) using errcode = 'PY004';
  end if;
  select r.allowed, r.used, r.quota, r.remaining, r.resets_at, r.plan, r.replayed
  into allowed, used, quota, remaining, resets_at, plan, replayed
  from app.reserve(p_account_id, p_metric, p_amount, p_request_id, p_expires_in_seconds, null,
                   p_chatbot_id, p_conversation_id, p_channel, p_operation) r;
end
$$;

comment on function api.reserve_usage(text, text, bigint, text, integer, uuid, uuid, text, text) is
  'Charges an estimate before the work is done, to be settled to the real number after it; an open reservation is released when it expires.';
revoke all on function api.reserve_usage(text, text, bigint, text, integer, uuid, uuid, text, text) from public, anon, authenticated;
grant execute on function api.reserve_usage(text, text, bigint, text, integer, uuid, uuid, text, text) to service_role;
