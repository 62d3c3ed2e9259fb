-- move_gauge moves a gauge that counts rows, inside the transaction that changes them. Only their triggers call it.
--
-- Args:    p_amount      what came (+) or went (-)
--          p_chatbot_id  the chatbot the rows belong to, kept on the ledger row
-- Errors:  PY402 quota exceeded: the message says how much of how much, the detail is the decision as JSON
-- Locks:   the gauge until commit
create or replace function app.move_gauge(p_account_id text, p_metric text, p_amount bigint, p_chatbot_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_decision record;
begin
  if p_amount < 0 then
    perform app.return_usage(p_account_id, p_metric, -p_amount, null, null, 'delete', p_chatbot_id, null, null, null);
  elsif p_amount > 0 then
    select d.* into v_decision
    from app.decide_usage(p_account_id, p_metric, p_amount, null, 'insert', true, p_chatbot_id, null, null, null) d;
    if v_decision.error_code is not null then
      raise exception '%', v_decision.error_message using errcode = v_decision.error_code;
    end if;
    if not v_decision.allowed then
      raise exception 'quota exceeded: % of % % used on plan %',
        v_decision.used, v_decision.quota, p_metric, v_decision.plan
        using errcode = 'PY402', detail = (to_jsonb(v_decision) || jsonb_build_object('metric', p_metric))::text;
    end if;
  end if;
end
$$;

comment on function app.move_gauge(text, text, bigint, uuid) is
  'Moves a gauge that counts rows, inside the transaction that changes them; raises PY402 when the quota does not allow it.';
revoke all on function app.move_gauge(text, text, bigint, uuid) from public, anon, authenticated, service_role;
