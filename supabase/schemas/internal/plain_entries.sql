-- plain_entries tells which entries of a batch decide_usage_at_once can decide: of an account that is open, with a request id
-- that is new and the first of its kind in the batch, on a counter on which they all fit or none does.
--
-- Args:    arrays of one length; p_good  the places (from 1) of the entries that are valid in themselves
-- Returns: places, ascending
-- Locks:   none. It stays true until commit for who holds the accounts and the counters, except that another session may use a
--          request id on another counter.
create or replace function app.plain_entries(
  p_account_ids text[], p_metrics text[], p_amounts bigint[], p_request_ids text[], p_good bigint[]
)
returns bigint[]
language plpgsql
set search_path = ''
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return array(
    with entry as (
      -- (Of two metrics that share a request id the first by name has it, as when they are decided one by one.)
      select e.*, row_number() over (partition by e.account_id, e.request_id order by e.metric, e.place) as turn
      from (
        select g.place, p_account_ids[g.place] as account_id, p_metrics[g.place] as metric, p_amounts[g.place] as amount,
               p_request_ids[g.place] as request_id
        from unnest(p_good) as g (place)
      ) e
      join app.accounts a on a.account_id = e.account_id and a.closed_at is null
    ),
    fresh as (
      select e.*, sum(e.amount) over k as total, min(e.amount) over k as smallest,
             row_number() over (partition by e.account_id, e.metric order by e.place) as nth
      from entry e
      where e.request_id is null
         or e.turn = 1
            and not exists (select from app.usage_requests r where r.account_id = e.account_id and r.request_id = e.request_id)
      window k as (partition by e.account_id, e.metric)
    ),
    judged as (
      select f.place, bool_or(u.fits) over (partition by f.account_id, f.metric) as is_plain
      from fresh f
      -- Each counter is asked once, for its first entry.
      left join lateral (
        select c.used <= 9007199254740991 - f.total
               and (n.quota is null or c.used + f.total <= n.quota or c.used + f.smallest > n.quota) as fits
        from app.entitlement(f.account_id, f.metric) n
        join app.counters c on c.account_id = f.account_id and c.metric = f.metric and c.window_start = n.window_start
        where f.nth = 1
      ) u on true
    )
    select j.place from judged j where j.is_plain order by j.place
  );
end
$$;

comment on function app.plain_entries(text[], text[], bigint[], text[], bigint[]) is
  'Which entries of a batch can be decided at once, given that all its counters are held.';
revoke all on function app.plain_entries(text[], text[], bigint[], text[], bigint[]) from public, anon, authenticated, service_role;
