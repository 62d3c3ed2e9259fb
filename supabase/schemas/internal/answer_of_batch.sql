-- answer_of_batch returns what a batch was answered, for its sender to have again. replayed is as it was then: sending a batch
-- twice is the sender's affair, not that of who asked.
--
-- Returns: as check_and_increment_usage_many; no row for a batch that is not known
create or replace function app.answer_of_batch(p_batch_id uuid)
returns table (
  place integer, error_code text, error_message text, allowed boolean, used bigint, quota bigint, remaining bigint,
  resets_at timestamptz, plan text, replayed boolean
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select e.place::integer, e.error_code, e.error_message, e.allowed, e.used, e.quota, app.remaining(e.quota, e.used),
         e.resets_at, e.plan, e.replayed
  from app.usage_batches b
  cross join lateral unnest(b.error_codes, b.error_messages, b.allowed, b.used, b.quotas, b.resets_at, b.plans, b.replayed)
       with ordinality as e (error_code, error_message, allowed, used, quota, resets_at, plan, replayed, place)
  where b.batch_id = p_batch_id
  order by e.place;
end
$$;

comment on function app.answer_of_batch(uuid) is 'What a batch was answered, for its sender to have again.';
revoke all on function app.answer_of_batch(uuid) from public, anon, authenticated, service_role;
