begin;
select plan(11);
do $$ begin update app.plan_quotas set quota = null where plan = 'free' and metric in ('chatbots', 'storage_bytes'); end $$;
do $$ begin perform app.ensure_account('user_1'); end $$;
insert into app.chatbots (account_id, id, name, created_at)
select 'user_1', ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, 'Bot ' || i, '2020-01-01 00:00+00'::timestamptz + make_interval(days => i / 2)
from generate_series(1, 7) i;
insert into app.chatbots (account_id, name) values ('user_2', 'Foreign');
do $$ begin perform api.create_document('user_1', '00000000-0000-0000-0000-000000000007', 'a.txt', 'text/plain', 100, repeat('a', 64), array['one', 'two']);
  perform api.create_document('user_1', '00000000-0000-0000-0000-000000000007', 'b.txt', 'text/plain', 23, repeat('b', 64), array['three']); end $$;

select results_eq($$ select name from api.list_chatbots('user_1') $$, $$ select 'Bot ' || i from generate_series(7, 1, -1) i $$, 'chatbots come newest first; of one instant the greater id first');
select results_eq($$ select * from api.list_chatbots('user_1', 1) $$, $$ select * from api.read_chatbot('user_1', '00000000-0000-0000-0000-000000000007') $$, 'a row is what read_chatbot gives');
select results_eq($$ select document_count, storage_bytes from api.list_chatbots('user_1', 2) $$, $$ values (2::bigint, 123::bigint), (0, 0) $$, 'each with the number and the bytes of its own documents');
create function pg_temp.pages(p_limit integer) returns setof text[] language plpgsql as $$
declare
  v_names text[];
  v_last record;
begin
  select null::timestamptz as created_at, null::uuid as chatbot_id into v_last;
  loop
    select array_agg(c.name order by c.created_at desc, c.chatbot_id desc) into v_names from api.list_chatbots('user_1', p_limit, v_last.created_at, v_last.chatbot_id) c;
    exit when v_names is null;
    return next v_names;
    select c.created_at, c.chatbot_id into v_last from api.list_chatbots('user_1') c where c.name = v_names[cardinality(v_names)];
  end loop;
end
$$;
select results_eq($$ select * from pg_temp.pages(3) $$, $$ values (array['Bot 7', 'Bot 6', 'Bot 5']), (array['Bot 4', 'Bot 3', 'Bot 2']), (array['Bot 1']) $$,
  'page by page every chatbot comes once, also where a page ends within one instant');
select is_empty($$ select * from api.list_chatbots('user_1', 50, '2019-01-01 00:00+00', '00000000-0000-0000-0000-000000000001') $$, 'after the last there are none');
select results_eq($$ select name from api.list_chatbots('user_2') $$, $$ values ('Foreign') $$, 'an account sees only its own');
select is_empty($$ select * from api.list_chatbots('user_nobody') $$, 'an unknown account has none');
select is((select count(*) from app.accounts where account_id = 'user_nobody'), 0::bigint, '… and is not made by asking');
select throws_ok($$ select * from api.list_chatbots('user_1', 0) $$, 'PY004', 'limit must be from 1 to 100', 'a page of none is refused');
select throws_ok($$ select * from api.list_chatbots('user_1', 101) $$, 'PY004', 'limit must be from 1 to 100', 'a page of 101 is refused');
select throws_ok($$ select * from api.list_chatbots('user_1', null) $$, 'PY004', 'limit must be from 1 to 100', 'a page without limit is refused');

select * from finish();
rollback;
