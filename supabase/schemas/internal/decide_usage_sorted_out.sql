-- decide_usage_sorted_out decides a batch that decide_usage_at_once could not: it holds every account and counter, and then
-- decides at once what is plain, and one by one what is not: entries that are bad, repeated or of a closed account, and those
-- of a counter on which some fit and some do not. So one awkward entry costs itself, not the batch.
--
-- Args:    arrays of one length, as for check_and_increment_usage_many
-- Returns: the answer as app.usage_batches keeps it, without a batch id
-- Errors:  PY998, PY999 another session used one of the request ids at this moment: once more
-- Locks:   the accounts, shared, then the counters in the order (account, metric), then the request ids, until commit
create or replace function app.decide_usage_sorted_out(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[],
  p_chatbot_ids uuid[], p_conversation_ids uuid[], p_channels text[], p_operations text[]
)
returns app.usage_batches
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_good bigint[];
  v_plain bigint[];
  v_rest bigint[];
  v_plainly app.usage_batches;
  v_answer app.usage_batches;
begin
  -- What is wrong in itself locks nothing, and leaves no account behind.
  v_good := array(
    select e.place
    from unnest(p_account_ids, p_metrics, p_amounts, p_request_ids, p_channels)
         with ordinality as e (account_id, metric, amount, request_id, channel, place)
    join app.metrics m on m.metric = e.metric and not m.counts_rows
    where length(e.account_id) between 1 and 255 and e.amount between 1 and 1000000000
      and coalesce(length(e.request_id) between 1 and 255, true)
      and coalesce(e.channel in ('playground', 'widget', 'api'), true)
    order by e.place);
  perform app.open_windows(app.entries_at(p_account_ids, v_good), app.entries_at(p_metrics, v_good), true);

  v_plain := app.plain_entries(p_account_ids, p_metrics, p_amounts, p_request_ids, v_good);
  if cardinality(v_plain) > 0 then
    v_plainly := app.decide_usage_at_once(
      app.entries_at(p_account_ids, v_plain), app.entries_at(p_metrics, v_plain), app.entries_at(p_amounts, v_plain),
      app.entries_at(p_request_ids, v_plain), app.entries_at(p_chatbot_ids, v_plain),
      app.entries_at(p_conversation_ids, v_plain), app.entries_at(p_channels, v_plain), app.entries_at(p_operations, v_plain));
  end if;

  v_rest := array(
    select p.place from generate_series(1, cardinality(p_account_ids)) p (place)
    left join unnest(v_plain) d (place) on d.place = p.place
    where d.place is null order by p.place);
  with verdict as (
    select v_plain[d.place] as place, null::text as error_code, null::text as error_message, d.allowed, d.used, d.quota,
           d.resets_at, d.plan, d.replayed
    from unnest(v_plainly.allowed, v_plainly.used, v_plainly.quotas, v_plainly.resets_at, v_plainly.plans, v_plainly.replayed)
         with ordinality as d (allowed, used, quota, resets_at, plan, replayed, place)
    union all
    select v_rest[o.place], o.error_code, o.error_message, o.allowed, o.used, o.quota, o.resets_at, o.plan, o.replayed
    from app.decide_usage_one_by_one(
      app.entries_at(p_account_ids, v_rest), app.entries_at(p_metrics, v_rest), app.entries_at(p_amounts, v_rest),
      app.entries_at(p_request_ids, v_rest), app.entries_at(p_chatbot_ids, v_rest),
      app.entries_at(p_conversation_ids, v_rest), app.entries_at(p_channels, v_rest), app.entries_at(p_operations, v_rest)) o
  )
  select array_agg(v.error_code), array_agg(v.error_message), array_agg(v.allowed), array_agg(v.used), array_agg(v.quota),
         array_agg(v.resets_at), array_agg(v.plan), array_agg(v.replayed)
  into v_answer.error_codes, v_answer.error_messages, v_answer.allowed, v_answer.used, v_answer.quotas, v_answer.resets_at,
       v_answer.plans, v_answer.replayed
  from (select v.* from verdict v order by v.place) v;
  v_answer.created_at := app.clock();
  return v_answer;
end
$$;

comment on function app.decide_usage_sorted_out(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[]) is
  'Decides a batch with awkward entries: holds every counter, then decides at once what is plain and one by one what is not.';
revoke all on function app.decide_usage_sorted_out(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[])
  from public, anon, authenticated, service_role;
