-- reconcile_event compares one thing a processor says happened with what is known, and corrects it by the same function
-- that takes deliveries in. One drift row per field that differed, in the same transaction.
--
-- Args:    p_run_id   the reconciliation · p_dry_run  find, do not correct: everything is done and taken back again
--          the others as for api.record_billing_event
-- Returns: one row. outcome
--            known      it was taken in before: nothing is different
--            same       a present state (event type fetched) that is what is known; it is not kept
--            corrected  it was missing (in a dry run: is); fields = how many differed
--            failed     as for record_billing_event, last_error tells
--          tie and linked as for record_billing_event
-- Errors:  those of record_billing_event
-- Locks:   those of record_billing_event, then the run, until commit. Idempotent per run and event.
create or replace function api.reconcile_event(
  p_run_id uuid, p_dry_run boolean,
  p_account_id text, p_processor text, p_event_id text, p_event_type text, p_kind text, p_occurred_at timestamptz, p_event_rank integer,
  p_customer_id text, p_subscription_id text, p_status text, p_payment text, p_price_ids text[], p_period_starts timestamptz[],
  p_period_ends timestamptz[], p_cancels_at timestamptz, p_amount_minor bigint, p_currency text, p_payload text,
  p_reason text default null, p_trial_ends_at timestamptz default null, p_payment_id text default null,
  p_object_ids text[] default '{}', p_reversal_id text default null, p_reversal_status text default null
)
returns table (outcome text, account_id text, subscription_id text, fields bigint, tie boolean, linked boolean, last_error text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_before jsonb;
  v_after jsonb;
  v_recorded record;
begin
  v_before := case when p_kind in ('refund', 'dispute') then app.reversal_facts(p_processor, p_reversal_id)
                   else app.subscription_facts(p_processor, p_subscription_id) end;
  begin
    select r.* into v_recorded
    from api.record_billing_event(
      p_account_id, p_processor, p_event_id, p_event_type, p_kind, p_occurred_at, p_event_rank, p_customer_id, p_subscription_id,
      p_status, p_payment, p_price_ids, p_period_starts, p_period_ends, p_cancels_at, p_amount_minor, p_currency, p_payload,
      -- What had to be asked for was not delivered.
      p_reason, true, p_trial_ends_at, p_payment_id, p_object_ids, p_reversal_id, p_reversal_status) r;
    v_after := case when p_kind in ('refund', 'dispute') then app.reversal_facts(p_processor, p_reversal_id)
                    else app.subscription_facts(p_processor, p_subscription_id) end;
    outcome := case v_recorded.outcome when 'duplicate' then 'known' when 'ignored' then 'known' when 'failed' then 'failed'
                                       when 'dead' then 'failed' else 'corrected' end;
    if p_event_type = 'fetched' and outcome = 'corrected' and v_before is not distinct from v_after then
      outcome := 'same';
    end if;
    if p_dry_run or outcome = 'same' then
      raise exception 'taken back' using errcode = 'PY417';
    end if;
  exception when sqlstate 'PY417' then
    v_recorded.linked := false;
    v_recorded.tie := false;
  end;

  account_id := v_recorded.account_id;
  subscription_id := p_subscription_id;
  tie := v_recorded.tie;
  linked := v_recorded.linked;
  last_error := v_recorded.last_error;
  fields := 0;
  if outcome in ('corrected', 'failed') then
    insert into app.reconciliation_drifts
      (run_id, event_id, field, processor, account_id, subscription_id, event_type, ours, theirs, corrected, created_at)
    select p_run_id, p_event_id, f.field, p_processor, v_recorded.account_id, p_subscription_id, p_event_type, f.ours, f.theirs,
           not p_dry_run and outcome = 'corrected', app.clock()
    from (
      select 'event' as field, 'missing' as ours, p_event_type as theirs where p_event_type <> 'fetched'
      union all
      select a.key, v_before ->> a.key, a.value from jsonb_each_text(v_after) a
      where a.value is distinct from v_before ->> a.key
    ) f
    on conflict do nothing;
    get diagnostics fields = row_count;
    update app.reconciliation_runs r
    set corrections = r.corrections + case when not p_dry_run and reconcile_event.outcome = 'corrected' then 1 else 0 end,
        updated_at = app.clock()
    where r.id = p_run_id;
  end if;
  return next;
end
$$;

comment on function api.reconcile_event(uuid, boolean, text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, timestamptz, text, text[], text, text) is
  'Compares one thing a processor says happened with what is known, and corrects it as a delivery would.';
revoke all on function api.reconcile_event(uuid, boolean, text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, timestamptz, text, text[], text, text) from public, anon, authenticated;
grant execute on function api.reconcile_event(uuid, boolean, text, text, text, text, text, timestamptz, integer, text, text, text, text, text[], timestamptz[], timestamptz[], timestamptz, bigint, text, text, text, timestamptz, text, text[], text, text) to service_role;
