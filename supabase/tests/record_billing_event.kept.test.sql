-- What the inbox keeps of a delivery that comes again: the body that was applied, and longer pauses after each failure.
begin;
select plan(9);

update app.environment set kind = 'sandbox';
do $$ begin perform api.upsert_price('stripe', 'price_starter_monthly', 'starter', 'month'); end $$;
create function pg_temp.deliver(p_id text, p_payload text, p_price text default 'price_starter_monthly') returns text language sql as $$
  select r.outcome from api.record_billing_event('user_1', 'stripe', p_id, 'test.state', 'state', app.clock(), 2, 'cus_1', 'sub_' || p_id, 'active', null,
    array[p_price], array[app.clock()], array[app.clock() + interval '1 month'], null, null, null, p_payload) r
$$;
create function pg_temp.kept(p_id text) returns text language sql as $$
  select case when payload_sha256 = encode(sha256(convert_to(payload, 'UTF8')), 'hex') then payload else 'another digest' end from app.webhook_events where id = p_id
$$;

-- the body
select is(pg_temp.deliver('evt_1', '{"said": 1}'), 'processed', 'a delivery is applied');
select is(pg_temp.deliver('evt_1', '{"said": 2}'), 'duplicate', '… and delivered again with another body');
select is(pg_temp.kept('evt_1'), '{"said": 1}', 'the body that was applied is the one that is kept');
select is(pg_temp.deliver('evt_2', '{"said": 1}', 'price_unheard_of'), 'failed', 'a delivery fails');
select is(pg_temp.deliver('evt_2', '{"said": 2}'), 'processed', '… and delivered again with another body it is applied');
select is(pg_temp.kept('evt_2'), '{"said": 2}', '… which is then the one that is kept');

-- the pauses: e, e² … e⁹ seconds, and up to a tenth more
create temp table pauses (attempt integer, outcome text, seconds float8);
do $$ begin
  for i in 1 .. 9 loop
    insert into pauses select i, pg_temp.deliver('evt_3', '{}', 'price_unheard_of');
    update pauses set seconds = extract(epoch from (select next_attempt_at - app.clock() from app.webhook_events where id = 'evt_3')) where attempt = i;
  end loop;
end $$;
select is((select count(*) from pauses where outcome = 'failed'), 9::bigint, 'nine failures are retried');
select is_empty($$ select * from pauses where seconds not between exp(attempt) - 0.001 and exp(attempt) * 1.1 + 0.001 $$, '… each after a longer pause');
select is((select attempts from app.webhook_events where id = 'evt_3'), 9, '… and each is counted');

select * from finish();
rollback;
