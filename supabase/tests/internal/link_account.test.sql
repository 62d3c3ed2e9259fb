begin;
select plan(21);
do $$ begin perform app.ensure_account(a) from unnest(array['user_1', 'user_2']) a; end $$;
insert into app.webhook_events
  (processor, id, event_type, status, attempts, customer_id, subscription_id, occurred_at, payload, payload_sha256, last_error)
values
  ('stripe', 'by_customer',     't', 'failed',    4,  'cus_1', 'sub_other', now(), '{}', '', 'PY413 no account is known yet'),
  ('stripe', 'by_subscription', 't', 'failed',    1,  null,    'sub_1',     now(), '{}', '', 'PY413 no account is known yet'),
  ('stripe', 'dead',            't', 'dead',      10, 'cus_1', 'sub_1',     now(), '{}', '', 'PY413 no account is known yet'),
  ('stripe', 'itself',          't', 'failed',    1,  'cus_1', 'sub_1',     now(), '{}', '', 'PY413 no account is known yet'),
  ('stripe', 'of_others',       't', 'failed',    1,  'cus_2', 'sub_2',     now(), '{}', '', 'PY413 no account is known yet'),
  ('paddle', 'elsewhere',       't', 'failed',    1,  'cus_1', 'sub_1',     now(), '{}', '', 'PY413 no account is known yet'),
  ('stripe', 'priceless',       't', 'failed',    1,  'cus_1', 'sub_1',     now(), '{}', '', 'PY412 unknown price'),
  ('stripe', 'priceless_dead',  't', 'dead',      10, 'cus_1', 'sub_1',     now(), '{}', '', 'PY412 unknown price'),
  ('stripe', 'rejected',        't', 'dead',      1,  'cus_1', 'sub_1',     now(), '{}', '', 'names PY413, but is of an unknown shape'),
  ('stripe', 'without_error',   't', 'failed',    1,  'cus_1', 'sub_1',     now(), '{}', '', null),
  ('stripe', 'processed',       't', 'processed', 1,  'cus_1', 'sub_1',     now(), '{}', '', null);
create temp table before as select * from app.webhook_events;

select is(app.link_account('user_1', 'stripe', 'itself', array['cus_1', null, 'sub_1']), true,
  'ids not tied before are tied, and that is said');
select results_eq($$ select processor, object_id, account_id, event_id, created_at from app.processor_links order by object_id $$,
  $$ values ('stripe', 'cus_1', 'user_1', 'itself', app.clock()), ('stripe', 'sub_1', 'user_1', 'itself', app.clock()) $$,
  'each id has its account and the event that said so; a missing id is passed over');
select results_eq($$ select id, status, attempts from app.webhook_events where next_attempt_at = app.clock() order by id $$,
  $$ values ('by_customer', 'failed', 0), ('by_subscription', 'failed', 0), ('dead', 'failed', 0) $$,
  'what failed or died for want of either id is due now, with all its attempts before it');
select is((select count(*) from app.webhook_events where next_attempt_at is not null), 3::bigint, '… and nothing else is');
select set_eq($$ select * from app.webhook_events where next_attempt_at is null $$,
  $$ select * from before where id not in ('by_customer', 'by_subscription', 'dead') $$,
  '… or changes: not the event itself, not others'', not another processor''s, not what failed or died of something else');
update app.webhook_events set next_attempt_at = null;
select is(app.link_account('user_1', 'stripe', 'again', array['cus_1', 'sub_1']), false, 'the same again is nothing new');
select is((select count(*) from app.webhook_events where next_attempt_at is not null), 0::bigint, '… and wakes nothing');
select is(app.link_account('user_2', 'stripe', 'thief', array['cus_1', 'sub_1']), false,
  'an id that is tied is not tied to another account');
select results_eq($$ select distinct account_id from app.processor_links $$, $$ values ('user_1') $$, '… it stays with the first');
select is(app.link_account('user_2', 'stripe', 'half', array['cus_1', 'sub_2']), true, 'of two ids the one that is free is tied');
select set_eq($$ select id from app.webhook_events where next_attempt_at is not null $$, array['of_others'],
  '… and only what waited for that one is woken');
select is(app.link_account('user_2', 'paddle', 'other', array['cus_1']), true, 'the same id of another processor is another id');
select is(app.link_account('user_1', 'stripe', 'none', array[null, null]), false, 'no ids, nothing new');

-- other names of a payment
insert into app.webhook_events (processor, id, event_type, status, attempts, occurred_at, payload, payload_sha256, last_error, object_ids) values
  ('stripe', 'refund',        't', 'failed', 4,  now(), '{}', '', 'PY413 no account is known yet', array['ch_1', 'pi_1']),
  ('stripe', 'dead_refund',   't', 'dead',   10, now(), '{}', '', 'PY413 no account is known yet', array['pi_1']),
  ('stripe', 'of_another',    't', 'failed', 1,  now(), '{}', '', 'PY413 no account is known yet', array['pi_2']),
  ('paddle', 'of_elsewhere',  't', 'failed', 1,  now(), '{}', '', 'PY413 no account is known yet', array['pi_1']);
update app.webhook_events set next_attempt_at = null;
select is(app.link_account('user_1', 'stripe', 'invoice', array['in_1'], null), true, 'a payment is tied to an account');
select is((select count(*) from app.webhook_events where next_attempt_at is not null), 0::bigint, '… which wakes nothing that names it otherwise');
select is(app.link_account('user_1', 'stripe', 'settled', array['pi_1'], 'in_1'), true, 'another name of it is tied');
select results_eq($$ select object_id, account_id, stands_for from app.processor_links where object_id in ('in_1', 'pi_1') order by 1 $$, $$ values ('in_1', 'user_1', null::text), ('pi_1', 'user_1', 'in_1') $$, '… with the payment it stands for');
select results_eq($$ select id, status, attempts, next_attempt_at from app.webhook_events where next_attempt_at is not null order by id $$,
  $$ values ('dead_refund', 'failed', 0, app.clock()), ('refund', 'failed', 0, app.clock()) $$, '… which wakes what names it so, dead or not, and nothing else');
select is(app.link_account('user_1', 'stripe', 'again', array['pi_1'], 'in_2'), false, 'it does not come to stand for another payment');
select is((select stands_for from app.processor_links where object_id = 'pi_1'), 'in_1', '… whatever is said later');

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.link_account('user_1', 'stripe', 'e', array['x']) $$, '42501', null, 'the server may not call it');
reset role;

select * from finish();
rollback;
