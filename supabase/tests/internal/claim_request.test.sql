-- claim_request: what its docstring promises.
begin;
select plan(17);

select app.ensure_account('org_a'), app.ensure_account('org_b');

select is(
  app.claim_request('org_a', 'key-1', 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000001'),
  '00000000-0000-4000-8000-000000000001'::uuid, 'a new key is claimed for the new resource');
select is(
  app.claim_request('org_a', 'key-1', 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000002'),
  '00000000-0000-4000-8000-000000000001'::uuid, 'a repeated request is told the resource it made before');
select is(
  app.claim_request('org_a', 'key-1', 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000003'),
  '00000000-0000-4000-8000-000000000001'::uuid, 'however often it is repeated');
select is(
  app.claim_request('org_a', 'key-2', 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000002'),
  '00000000-0000-4000-8000-000000000002'::uuid, 'another key is another request, with the same arguments too');
select is(
  app.claim_request('org_b', 'key-1', 'create_chatbot', 'print-2', '00000000-0000-4000-8000-000000000004'),
  '00000000-0000-4000-8000-000000000004'::uuid, 'keys belong to their account');
select throws_ok(
  $$ select app.claim_request('org_a', 'key-1', 'create_chatbot', 'print-2', '00000000-0000-4000-8000-000000000005') $$, 'PY409',
  'request id key-1 was used for another request; use another id', 'a key used with other arguments is an error');
select throws_ok(
  $$ select app.claim_request('org_a', 'key-1', 'create_document', 'print-1', '00000000-0000-4000-8000-000000000005') $$, 'PY409', null,
  'a key used for another operation is an error');
select is(
  app.claim_request('org_a', null, 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000006'),
  '00000000-0000-4000-8000-000000000006'::uuid, 'without a key every call does it');
select is(
  app.claim_request('org_a', null, 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000007'),
  '00000000-0000-4000-8000-000000000007'::uuid, 'again');
select results_eq(
  $$ select account_id, request_id, operation, fingerprint, resource_id from app.idempotency_keys order by 1, 2 $$,
  $$ values ('org_a', 'key-1', 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000001'::uuid),
            ('org_a', 'key-2', 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000002'),
            ('org_b', 'key-1', 'create_chatbot', 'print-2', '00000000-0000-4000-8000-000000000004') $$,
  'each key is kept with its first request');
select is(
  app.claim_request('org_a', repeat('x', 255), 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000008'),
  '00000000-0000-4000-8000-000000000008'::uuid, 'a key may have 255 characters');
select throws_ok(
  format($$ select app.claim_request('org_a', %s, 'create_chatbot', 'print-1', '00000000-0000-4000-8000-000000000009') $$, bad), 'PY004',
  'request_id must have 1 to 255 characters', format('key %s is an error', left(bad, 10)))
from unnest(array['''''', 'repeat(''x'', 256)']) bad;

-- Who may call it: no role; the functions of schema api do
set local role service_role;
select throws_ok($$ select app.claim_request('org_a', null, 'create_chatbot', 'f', '00000000-0000-4000-8000-000000000001') $$, '42501', null, 'the server may not call it');
set local role authenticated;
select throws_ok($$ select app.claim_request('org_a', null, 'create_chatbot', 'f', '00000000-0000-4000-8000-000000000001') $$, '42501', null, 'a signed-in user may not call it');
set local role anon;
select throws_ok($$ select app.claim_request('org_a', null, 'create_chatbot', 'f', '00000000-0000-4000-8000-000000000001') $$, '42501', null, 'a visitor may not call it');
set local role operator;
select throws_ok($$ select app.claim_request('org_a', null, 'create_chatbot', 'f', '00000000-0000-4000-8000-000000000001') $$, '42501', null, 'an operator may not call it');
reset role;

select * from finish();
rollback;
