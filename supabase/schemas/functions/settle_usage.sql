-- settle_usage turns a reservation into the real number: what was not used is given back into the window that was
-- charged; what was used beyond the estimate is charged as far as the quota goes, the rest is noted as overrun.
--
-- Args:    p_request_id  the reservation
--          p_amount      the real number, 0 to 1,000,000,000; 0 = nothing is charged
-- Returns: one row, as check_and_increment_usage; allowed = false where the reservation had been released before (it
--          stays so: what was said to cost nothing costs nothing, even if the work ends a month later)
-- Errors:  PY003 amount · PY404 no such reservation · PY409 settled before to another number
-- Locks:   the reservation, then the counter, then the count of the chatbot's answers, until commit. Idempotent per (account, request id).
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

    -- An answer that costs nothing does not count against its chatbot's cap either.
    if p_amount = 0 and v_reservation.metric = 'messages' and v_reservation.operation = 'answer' and v_reservation.message_id is not null then
      update app.chatbot_answers a set used = a.used - 1
      where a.account_id = p_account_id and a.chatbot_id = v_reservation.chatbot_id
        and a.window_start = v_reservation.window_start and a.used > 0;
    end if;
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
