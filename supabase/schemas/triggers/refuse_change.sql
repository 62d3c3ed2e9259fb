-- refuse_change refuses an UPDATE, DELETE or TRUNCATE with the sentence the trigger gives it.
--
-- Errors:  PY411 immutable
create or replace function app.refuse_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception '%', tg_argv[0] using errcode = 'PY411';
end
$$;

comment on function app.refuse_change() is
  'Trigger: refuses an UPDATE, DELETE or TRUNCATE that would break what triggers keep true (PY411).';
revoke all on function app.refuse_change() from public, anon, authenticated, service_role;
create or replace trigger ledger_is_append_only before update or delete on app.usage_events
  for each row execute function app.refuse_change('the ledger is append-only: write a correction');
create or replace trigger ledger_is_not_truncated before truncate on app.usage_events
  for each statement execute function app.refuse_change('the ledger is append-only: write a correction');
create or replace trigger subscription_events_are_append_only before update or delete on app.subscription_events
  for each row execute function app.refuse_change('what a processor said is append-only');
create or replace trigger subscription_events_are_not_truncated before truncate on app.subscription_events
  for each statement execute function app.refuse_change('what a processor said is append-only');
create or replace trigger reversal_events_are_append_only before update or delete on app.reversal_events
  for each row execute function app.refuse_change('what a processor said is append-only');
create or replace trigger reversal_events_are_not_truncated before truncate on app.reversal_events
  for each statement execute function app.refuse_change('what a processor said is append-only');
create or replace trigger plan_prices_are_append_only before update or delete on app.plan_prices
  for each row execute function app.refuse_change('a price stays as it was sold: add a version');
create or replace trigger plan_prices_are_not_truncated before truncate on app.plan_prices
  for each statement execute function app.refuse_change('a price stays as it was sold: add a version');
create or replace trigger operator_actions_are_append_only before update or delete on app.operator_actions
  for each row execute function app.refuse_change('what operators did is append-only');
create or replace trigger operator_actions_are_not_truncated before truncate on app.operator_actions
  for each statement execute function app.refuse_change('what operators did is append-only');
create or replace trigger chatbots_stay_with_their_account before update of account_id, id on app.chatbots
  for each row when (new.account_id <> old.account_id or new.id <> old.id)
  execute function app.refuse_change('a chatbot keeps its account and its id');
create or replace trigger chatbots_are_not_truncated before truncate on app.chatbots
  for each statement execute function app.refuse_change('delete chatbots instead: the gauge counts them');
create or replace trigger documents_keep_their_size before update of account_id, chatbot_id, size_bytes on app.documents
  for each row when ((new.account_id, new.chatbot_id, new.size_bytes) is distinct from (old.account_id, old.chatbot_id, old.size_bytes))
  execute function app.refuse_change('a document keeps its account, chatbot and size: upload another');
create or replace trigger documents_are_not_truncated before truncate on app.documents
  for each statement execute function app.refuse_change('delete documents instead: the gauge counts them');
