-- A batch with a closed account in it: that is refused alone, and nothing is taken from it.
begin;
select plan(4);

do $$ begin
  perform api.check_and_increment_usage(a, 'messages', 5) from unnest(array['org_closed', 'org_open']) a;
  update app.accounts set closed_at = app.clock() where account_id = 'org_closed';
end $$;
select results_eq(
  $$ select place, error_code, allowed, used from api.check_and_increment_usage_many(array['org_open', 'org_closed', 'org_open'], array['messages', 'messages', 'messages']) $$,
  $$ values (1, null::text, true, 6::bigint), (2, 'PY415', null, null), (3, null, true, 7) $$, 'the closed account is refused, the others are granted');
select is((select used from app.counters where account_id = 'org_closed' and metric = 'messages'), 5::bigint, 'its counter stays as it was');
select results_eq($$ select error_code from api.check_and_increment_usage_many(array['org_closed', 'org_closed'], array['messages', 'seats']) $$,
  $$ values ('PY415'), ('PY415') $$, 'a batch of nothing else is refused whole');
select is((select count(*) from app.usage_events where account_id = 'org_closed'), 1::bigint, '… and leaves nothing in its ledger');

select * from finish();
rollback;
