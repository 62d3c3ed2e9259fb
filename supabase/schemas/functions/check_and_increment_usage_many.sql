-- check_and_increment_usage_many decides a batch of requests, each exactly as check_and_increment_usage would, those of
-- one account and metric in the order of arrival. One bad entry gets its own verdict and never fails the others.
--
-- Args:    arrays of one length, entry by entry the arguments of check_and_increment_usage; p_amounts null = all 1, the
--          later ones null = no entry has it. At most 1,000 entries (a hosted PostgREST cuts off longer answers).
--          p_batch_id  made by the sender: a batch sent again, because its connection was lost, gets its first answer
-- Returns: one row per entry in the order of arrival: place (from 1), then error_code and error_message, or the decision
-- Errors:  PY004 arrays of different lengths, no plain lists, or too many entries. Faults of single entries are rows, with the
--          same codes. 40001 others kept using its request ids meanwhile: safe to repeat.
-- Locks:   the counters, in the order (account, metric), until commit: two batches wait for each other, they do not
--          deadlock on counters. A request id shared across metrics still can; 40P01 is safe to repeat.
-- Idempotent per batch id, and per (account, request id), also between entries of the same batch; of two metrics that share
-- an id, the one whose name comes first has it.
-- Source:  docs/decisions/0012-batches.md
create or replace function api.check_and_increment_usage_many(
  p_account_ids text[],
  p_metrics text[],
  p_amounts bigint[] default null,
  p_request_ids text[] default null,
  p_chatbot_ids uuid[] default null,
  p_conversation_ids uuid[] default null,
  p_channels text[] default null,
  p_operations text[] default null,
  p_batch_id uuid default null
)
returns table (
  place integer,
  error_code text,
  error_message text,
  allowed boolean,
  used bigint,
  quota bigint,
  remaining bigint,
  resets_at timestamptz,
  plan text,
  replayed boolean
)
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_count integer := coalesce(cardinality(p_account_ids), 0);
  v_amounts bigint[] := coalesce(p_amounts, array_fill(1::bigint, array[v_count]));
  v_shape text := format('[1:%s]', v_count);
  v_way text := 'at once';
  v_turns integer := 0;
  v_answer app.usage_batches;
begin
  if v_count > 1000 then
    raise exception 'a batch has at most 1000 entries, not %', v_count using errcode = 'PY004';
  end if;
  if coalesce(cardinality(p_metrics), 0) <> v_count
     or cardinality(p_amounts) <> v_count or cardinality(p_request_ids) <> v_count
     or cardinality(p_chatbot_ids) <> v_count or cardinality(p_conversation_ids) <> v_count
     or cardinality(p_channels) <> v_count or cardinality(p_operations) <> v_count then
    raise exception 'all arrays of a batch must have the % entries of account_ids', v_count using errcode = 'PY004';
  end if;
  if v_count = 0 then
    return;
  end if;
  if array_dims(p_account_ids) <> v_shape or array_dims(p_metrics) <> v_shape or array_dims(p_amounts) <> v_shape
     or array_dims(p_request_ids) <> v_shape or array_dims(p_chatbot_ids) <> v_shape or array_dims(p_conversation_ids) <> v_shape
     or array_dims(p_channels) <> v_shape or array_dims(p_operations) <> v_shape then
    raise exception 'the arrays of a batch must be plain lists whose entries count from 1' using errcode = 'PY004';
  end if;

  loop
    v_turns := v_turns + 1;
    if v_turns > 10 then
      raise exception 'the batch could not be decided beside others' using errcode = 'serialization_failure';
    end if;
    begin
      if v_way = 'sorted out' then
        v_answer := app.decide_usage_sorted_out(
          p_account_ids, p_metrics, v_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations);
      else
        if v_way = 'with first uses' then
          perform app.open_windows(p_account_ids, p_metrics, false);
        end if;
        v_answer := app.decide_usage_at_once(
          p_account_ids, p_metrics, v_amounts, p_request_ids, p_chatbot_ids, p_conversation_ids, p_channels, p_operations);
      end if;
      if p_batch_id is not null then
        v_answer.batch_id := p_batch_id;
        insert into app.usage_batches select v_answer.*;
      end if;
      exit;
    exception
      -- What a way has locked is given back before the next is tried.
      when sqlstate 'PY998' then
        v_way := case v_way when 'at once' then 'with first uses' else 'sorted out' end;
      when sqlstate 'PY999' then
        v_way := 'sorted out';
      when unique_violation then
        -- The same batch, decided before. Any other duplicate would be a fault of ours.
        return query select b.* from app.answer_of_batch(p_batch_id) b;
        if not found then
          raise;
        end if;
        return;
    end;
  end loop;

  return query
  select e.place::integer, e.error_code, e.error_message, e.allowed, e.used, e.quota,
         -- (app.remaining as an expression: a call for each entry would cost as much as the rest of this.)
         case when e.quota is not null then greatest(0, e.quota - e.used) end, e.resets_at, e.plan, e.replayed
  from unnest(v_answer.error_codes, v_answer.error_messages, v_answer.allowed, v_answer.used, v_answer.quotas,
              v_answer.resets_at, v_answer.plans, v_answer.replayed)
       with ordinality as e (error_code, error_message, allowed, used, quota, resets_at, plan, replayed, place)
  order by e.place;
end
$$;

comment on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid) is
  'Decides a batch of requests, each exactly as the single call would, in the order of arrival; a bad entry gets its own verdict.';
revoke all on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid)
  from public, anon, authenticated;
grant execute on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid)
  to service_role;
