-- check_and_increment_usage_many decides a batch of requests, each exactly as check_and_increment_usage would, those of
-- one account and metric in the order of arrival. One bad entry gets its own verdict and never fails the others.
--
-- Args:    arrays of one length, entry by entry the arguments of check_and_increment_usage; p_amounts null = all 1, the
--          later ones null = no entry has it. At most 1,000 entries (a hosted PostgREST cuts off longer answers).
--          p_batch_id  made by the sender: a batch sent again, because its connection was lost, gets its first answer
-- Returns: one row per entry in the order of arrival: place (from 1), then error_code and error_message, or the decision
-- Errors:  PY004 arrays of different lengths, or too many entries. Faults of single entries are rows, with the same codes.
-- Locks:   the counters, in the order (account, metric), until commit: two batches wait for each other, they do not
--          deadlock on counters. A request id shared across metrics still can; 40P01 is safe to repeat. A batch that is
--          taken back to be decided one by one has given its locks back before.
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
  v_good bigint[];
  v_bad bigint[];
  v_way text := 'at once';
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

  -- What is wrong in itself locks nothing and is decided beside the others.
  v_good := array(
    select e.place
    from unnest(p_account_ids, p_metrics, v_amounts, p_request_ids, p_channels)
         with ordinality as e (account_id, metric, amount, request_id, channel, place)
    join app.metrics m on m.metric = e.metric and not m.counts_rows
    where length(e.account_id) between 1 and 255 and e.amount between 1 and 1000000000
      and coalesce(length(e.request_id) between 1 and 255, true)
      and coalesce(e.channel in ('playground', 'widget', 'api'), true)
    order by e.place);
  if cardinality(v_good) = 0 then
    v_way := 'one by one';
  end if;
  v_bad := array(select p.place from generate_series(1, v_count) p (place) where p.place <> all (v_good));

  loop
    begin
      if v_way = 'one by one' then
        perform app.open_windows(app.entries_at(p_account_ids, v_good), app.entries_at(p_metrics, v_good), true);
        v_bad := array(select generate_series(1, v_count));
      elsif v_way = 'with first uses' then
        perform app.open_windows(app.entries_at(p_account_ids, v_good), app.entries_at(p_metrics, v_good), false);
      end if;

      return query
      with verdict as materialized (
        select v_good[d.place]::integer as place, null::text as error_code, null::text as error_message, d.allowed, d.used, d.quota,
               d.resets_at, d.plan, false as replayed
        from app.decide_usage_at_once(
          app.entries_at(p_account_ids, v_good), app.entries_at(p_metrics, v_good), app.entries_at(v_amounts, v_good),
          app.entries_at(p_request_ids, v_good), app.entries_at(p_chatbot_ids, v_good),
          app.entries_at(p_conversation_ids, v_good), app.entries_at(p_channels, v_good), app.entries_at(p_operations, v_good)) d
        where v_way <> 'one by one'
        union all
        select v_bad[o.place]::integer, o.error_code, o.error_message, o.allowed, o.used, o.quota, o.resets_at, o.plan, o.replayed
        from app.decide_usage_one_by_one(
          app.entries_at(p_account_ids, v_bad), app.entries_at(p_metrics, v_bad), app.entries_at(v_amounts, v_bad),
          app.entries_at(p_request_ids, v_bad), app.entries_at(p_chatbot_ids, v_bad),
          app.entries_at(p_conversation_ids, v_bad), app.entries_at(p_channels, v_bad), app.entries_at(p_operations, v_bad)) o
      ),
      kept as (
        insert into app.usage_batches
          (batch_id, created_at, error_codes, error_messages, allowed, used, quotas, resets_at, plans, replayed)
        select p_batch_id, app.clock(), array_agg(v.error_code order by v.place), array_agg(v.error_message order by v.place),
               array_agg(v.allowed order by v.place), array_agg(v.used order by v.place), array_agg(v.quota order by v.place),
               array_agg(v.resets_at order by v.place), array_agg(v.plan order by v.place), array_agg(v.replayed order by v.place)
        from verdict v
        where p_batch_id is not null
        having count(*) > 0
        returning 1
      )
      select v.place, v.error_code, v.error_message, v.allowed, v.used, v.quota,
             case when v.quota is not null then greatest(0, v.quota - v.used) end, v.resets_at, v.plan, v.replayed
      from verdict v
      -- Looked at, so that it is done before the first row is answered: what was answered is not taken back.
      cross join (select count(*) from kept) k
      order by v.place;
      return;
    exception
      when sqlstate 'PY998' then
        v_way := case v_way when 'at once' then 'with first uses' else 'one by one' end;
      when sqlstate 'PY999' then
        v_way := 'one by one';
      when unique_violation then
        -- The same batch, decided before. Any other duplicate would be a fault of ours.
        return query select b.* from app.answer_of_batch(p_batch_id) b;
        if not found then
          raise;
        end if;
        return;
    end;
  end loop;
end
$$;

comment on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid) is
  'Decides a batch of requests, each exactly as the single call would, in the order of arrival; a bad entry gets its own verdict.';
revoke all on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid)
  from public, anon, authenticated;
grant execute on function api.check_and_increment_usage_many(text[], text[], bigint[], text[], uuid[], uuid[], text[], text[], uuid)
  to service_role;
