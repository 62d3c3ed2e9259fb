-- check_and_increment_usage grants an amount of a metric to an account, or refuses: exact however many call at once.
--
-- Args:    p_account_id  Clerk user or organization id; made on first use, on plan free
--          p_metric      a counter (messages, llm_tokens, api_calls) or a gauge that counts no rows (seats)
--          p_amount      whole units, 1 to 1,000,000,000
--          p_request_id  chosen by the caller, unique per account; repeat it to repeat the call safely
--          the others    the source: chatbot, conversation, channel playground|widget|api, operation
-- Returns: one row: allowed, used after it, quota and remaining (null = unlimited), resets_at (UTC; null = never), plan in
--          force, replayed (true = the first answer to this request id again)
-- Errors:  PY001 unknown metric · PY003 amount · PY004 account, request id or channel · PY409 request id used with other
--          arguments · PY410 the metric moves with its rows · PY415 the account is closed · 40001 the window changed while its
--          counter was waited for: nothing was done, repeat the call
-- Locks:   the counter of (account, metric, window) until commit. Idempotent per (account, request id).
-- Source:  docs/decisions/0002-one-conditional-update.md
create or replace function api.check_and_increment_usage(
  p_account_id text,
  p_metric text,
  p_amount bigint default 1,
  p_request_id text default null,
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
declare
  v_decision record;
begin
  if p_channel not in ('playground', 'widget', 'api') then
    raise exception 'channel must be playground, widget or api, not %', quote_literal(p_channel) using errcode = 'PY004';
  end if;
  -- (As an expression: a query would cost more.)
  v_decision := app.decide_usage(p_account_id, p_metric, p_amount, p_request_id, 'charge', false,
                                 p_chatbot_id, p_conversation_id, p_channel, p_operation);
  if v_decision.error_code is not null then
    raise exception '%', v_decision.error_message using errcode = v_decision.error_code;
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

comment on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text) is
  'Grants an amount of a metric to an account, or refuses: exact however many call at once, safe to repeat with a request id.';
revoke all on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text)
  from public, anon, authenticated;
grant execute on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text) to service_role;
