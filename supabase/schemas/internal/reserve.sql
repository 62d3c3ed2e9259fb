-- reserve decides an estimate and, when it is granted, notes the reservation that settle_usage will end.
--
-- Args:    p_message_id  the answer the estimate is for, which the sweeper fails with it; null = none
--          the others    as for api.reserve_usage
-- Returns: the decision
-- Errors:  those of decide_usage, raised; PY004 request id or expiry
-- Locks:   the counter until commit. Idempotent per (account, request id).
create or replace function app.reserve(
  p_account_id text,
  p_metric text,
  p_amount bigint,
  p_request_id text,
  p_expires_in_seconds integer,
  p_message_id uuid,
  p_chatbot_id uuid,
  p_conversation_id uuid,
  p_channel text,
  p_operation text,
  out allowed boolean,
  out used bigint,
  out quota bigint,
  out remaining bigint,
  out resets_at timestamptz,
  out plan text,
  out replayed boolean
)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_decision record;
begin
  if p_request_id is null then
    raise exception 'request_id is required: it names the reservation to settle' using errcode = 'PY004';
  end if;
  if p_expires_in_seconds is null or p_expires_in_seconds not between 1 and 86400 then
    raise exception 'expires_in_seconds must be from 1 to 86400' using errcode = 'PY004';
  end if;

  select d.* into v_decision
  from app.decide_usage(p_account_id, p_metric, p_amount, p_request_id, 'reserve', false,
                        p_chatbot_id, p_conversation_id, p_channel, p_operation) d;
  if v_decision.error_code is not null then
    raise exception '%', v_decision.error_message using errcode = v_decision.error_code;
  end if;

  if v_decision.allowed and not v_decision.replayed then
    insert into app.usage_reservations
      (account_id, request_id, metric, window_start, reserved, message_id,
       chatbot_id, conversation_id, channel, operation, created_at, expires_at)
    values (p_account_id, p_request_id, p_metric, v_decision.window_start, p_amount, p_message_id,
            p_chatbot_id, p_conversation_id, p_channel, p_operation, app.clock(),
            app.clock() + make_interval(secs => p_expires_in_seconds));
  end if;

  allowed := v_decision.allowed;
  used := v_decision.used;
  quota := v_decision.quota;
  remaining := v_decision.remaining;
  resets_at := v_decision.resets_at;
  plan := v_decision.plan;
  replayed := v_decision.replayed;
end
$$;

comment on function app.reserve(text, text, bigint, text, integer, uuid, uuid, uuid, text, text) is
  'Decides an estimate and, when it is granted, notes the reservation that settle_usage will end.';
revoke all on function app.reserve(text, text, bigint, text, integer, uuid, uuid, uuid, text, text) from public, anon, authenticated, service_role;
