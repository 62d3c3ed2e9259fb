import { type Mutant, pgtap, unit } from './mutant.ts'

const FUNCTIONS = 'supabase/schemas/functions'
const TABLES = 'supabase/schemas/tables'
const TRIGGERS = 'supabase/schemas/triggers'
const CATALOG = pgtap('_catalog', '_roles')

/** ACCESS_GUARDS keep tenants apart and rows whole, whoever writes: grants, row security, triggers, constraints. */
export const ACCESS_GUARDS: Mutant[] = [
  {
    id: 'revoke-execute',
    guard: 'REVOKE: nobody but the server calls a function of api',
    file: `${FUNCTIONS}/check_and_increment_usage.sql`,
    find: `revoke all on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text)
  from public, anon, authenticated;`,
    statement: 'grant execute on function api.check_and_increment_usage(text, text, bigint, text, uuid, uuid, text, text) to public;',
    tests: [CATALOG],
    quick: true
  },
  {
    id: 'revoke-execute-by-name',
    guard: 'REVOKE from a role by name: Supabase’s defaults grant to anon and authenticated, not to PUBLIC',
    file: `${FUNCTIONS}/decrement_usage.sql`,
    find: 'from public, anon, authenticated;',
    statement: 'grant execute on function api.decrement_usage(text, text, bigint, text) to authenticated;',
    tests: [CATALOG]
  },
  {
    id: 'revoke-internal-function',
    guard: 'REVOKE: not even the server calls the functions behind those of api',
    file: 'supabase/schemas/internal/apply_subscriptions.sql',
    find: 'revoke all on function app.apply_subscriptions(text) from public, anon, authenticated, service_role;',
    statement: 'grant usage on schema app to service_role; grant execute on function app.apply_subscriptions(text) to service_role;',
    tests: [CATALOG]
  },
  {
    id: 'revoke-table',
    guard: 'REVOKE: signed-in users do not read the inbox',
    file: `${TABLES}/billing.sql`,
    find: 'grant select on table app.processor_subscriptions to authenticated;',
    statement: 'grant select on table app.webhook_events to authenticated;',
    tests: [CATALOG],
    quick: true
  },
  {
    id: 'revoke-write',
    guard: 'REVOKE: signed-in users write no table',
    file: `${TABLES}/usage.sql`,
    find: 'grant select on table app.usage_events, app.counters to authenticated;',
    statement: 'grant update (used) on table app.counters to authenticated;',
    tests: [CATALOG]
  },
  {
    id: 'revoke-temporary',
    guard: 'REVOKE TEMPORARY: nobody slips a type of its own under a name that a definer’s function uses',
    file: 'supabase/schemas/roles.sql',
    find: `execute format('revoke temporary on database %I from public', current_database());`,
    statement: `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$;`,
    tests: [unit('database-tools/real-migrations', 'no role but the owner may make temporary objects')]
  },
  {
    id: 'row-security',
    guard: 'row security of a table that signed-in users read',
    file: `${TABLES}/chatbots.sql`,
    find: 'alter table app.messages enable row level security;',
    statement: 'alter table app.messages disable row level security;',
    tests: [CATALOG],
    quick: true
  },
  {
    id: 'row-policy',
    guard: 'the policy that shows a signed-in user its own rows only',
    file: `${TABLES}/chatbots.sql`,
    find: 'create policy owner_reads on app.documents for select to authenticated using (account_id = (select app.signed_in_account()));',
    statement: 'drop policy owner_reads on app.documents; create policy owner_reads on app.documents for select to authenticated using (true);',
    tests: [CATALOG]
  },
  {
    id: 'invoker-view',
    guard: 'a view of own rows runs with the rights of its reader',
    file: 'supabase/schemas/views/own_rows.sql',
    find: 'create view api.my_messages with (security_invoker = true) as',
    statement: 'alter view api.my_messages set (security_invoker = false);',
    tests: [CATALOG]
  },
  {
    id: 'search-path',
    guard: 'a definer’s function has an empty search path',
    file: `${FUNCTIONS}/create_chatbot.sql`,
    find: `set search_path = ''`,
    statement: 'alter function api.create_chatbot(text, text, text, text, text, text, bigint) reset search_path;',
    tests: [CATALOG]
  },
  {
    id: 'organization-is-the-account',
    guard: 'whose rows are shown is told by the active organization, then by the user',
    file: 'supabase/schemas/internal/signed_in_account.sql',
    find: `v_claims -> 'o' ->> 'id', `,
    replace: '',
    tests: [pgtap('internal/signed_in_account')]
  },
  {
    id: 'tenant-of-a-message',
    guard: 'a message is read by its account only',
    file: `${FUNCTIONS}/read_message.sql`,
    find: 'm.account_id = p_account_id and ',
    replace: '',
    tests: [pgtap('read_message')],
    quick: true
  },
  {
    id: 'tenant-of-a-document',
    guard: 'a document is deleted by its account only',
    file: `${FUNCTIONS}/delete_document.sql`,
    find: 'where d.account_id = p_account_id and d.chatbot_id',
    replace: 'where d.chatbot_id',
    tests: [pgtap('delete_document')],
    quick: true
  },
  {
    id: 'tenant-of-an-answer',
    guard: 'an answer is stopped by its account only',
    file: `${FUNCTIONS}/stop_answer.sql`,
    find: 'where m.account_id = p_account_id and m.id = p_message_id',
    nth: 1,
    replace: 'where m.id = p_message_id',
    tests: [pgtap('stop_answer')]
  },
  {
    id: 'tenant-of-a-visitor',
    guard: 'a visitor’s token opens a chatbot of its account only',
    file: `${FUNCTIONS}/read_visitor.sql`,
    find: 'where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.token_sha256',
    replace: 'where v.token_sha256',
    tests: [pgtap('read_visitor')]
  },
  {
    id: 'gauge-trigger-of-chatbots',
    guard: 'the trigger that moves the level with the chatbots',
    file: `${TRIGGERS}/chatbots_move_gauge.sql`,
    find: 'create or replace trigger chatbots_move_gauge after insert or delete on app.chatbots',
    statement: 'drop trigger chatbots_move_gauge on app.chatbots;',
    tests: [pgtap('triggers/chatbots_move_gauge')],
    quick: true
  },
  {
    id: 'gauge-trigger-of-documents',
    guard: 'the trigger that moves the level with the documents',
    file: `${TRIGGERS}/documents_move_gauge.sql`,
    find: 'create or replace trigger documents_move_gauge after insert or delete on app.documents',
    statement: 'drop trigger documents_move_gauge on app.documents;',
    tests: [pgtap('triggers/documents_move_gauge')]
  },
  {
    id: 'ledger-append-only',
    guard: 'the trigger that keeps the ledger append-only',
    file: `${TRIGGERS}/refuse_change.sql`,
    find: 'create or replace trigger ledger_is_append_only before update or delete on app.usage_events',
    statement: 'drop trigger ledger_is_append_only on app.usage_events;',
    tests: [pgtap('triggers/refuse_change')],
    quick: true
  },
  {
    id: 'chatbot-stays-with-its-account',
    guard: 'the trigger that keeps a chatbot with its account',
    file: `${TRIGGERS}/refuse_change.sql`,
    find: 'create or replace trigger chatbots_stay_with_their_account before update of account_id, id on app.chatbots',
    statement: 'drop trigger chatbots_stay_with_their_account on app.chatbots;',
    tests: [pgtap('triggers/refuse_change')]
  },
  {
    id: 'document-keeps-its-size',
    guard: 'the trigger that keeps the size of a document, by which its level was moved',
    file: `${TRIGGERS}/refuse_change.sql`,
    find: 'create or replace trigger documents_keep_their_size',
    statement: 'drop trigger documents_keep_their_size on app.documents;',
    tests: [pgtap('triggers/refuse_change')]
  },
  {
    id: 'constraint-counter-bounds',
    guard: 'CHECK: a counter is never below 0',
    file: `${TABLES}/usage.sql`,
    find: 'used bigint not null check (used between 0 and 9007199254740991)',
    statement: 'alter table app.counters drop constraint counters_used_check;',
    tests: [pgtap('_constraints')]
  },
  {
    id: 'constraint-one-subscription',
    guard: 'UNIQUE: one subscription of an account is in force',
    file: `${TABLES}/billing.sql`,
    find: 'create unique index one_subscription_in_force on app.processor_subscriptions (account_id) where in_force;',
    statement: 'drop index app.one_subscription_in_force;',
    tests: [pgtap('_constraints')]
  },
  {
    id: 'constraint-one-purchase',
    guard: 'UNIQUE: one purchase of an account is under way',
    file: `${TABLES}/changes.sql`,
    find: `create unique index one_open_checkout on app.checkouts (account_id) where status in ('reserved', 'open');`,
    statement: 'drop index app.one_open_checkout;',
    tests: [pgtap('_constraints')]
  },
  {
    id: 'constraint-one-change',
    guard: 'UNIQUE: one change of an account is scheduled',
    file: `${TABLES}/changes.sql`,
    find: `create unique index one_scheduled_change on app.plan_changes (account_id) where status = 'scheduled';`,
    statement: 'drop index app.one_scheduled_change;',
    tests: [pgtap('_constraints')]
  },
  {
    id: 'constraint-one-identity',
    guard: 'UNIQUE: one visit of an identity at a chatbot',
    file: `${TABLES}/widgets.sql`,
    find: 'create unique index visitors_identity on app.visitors (account_id, chatbot_id, external_id) where external_id is not null;',
    statement: 'drop index app.visitors_identity;',
    tests: [pgtap('_constraints')]
  },
  {
    id: 'constraint-state-or-payment',
    guard: 'CHECK: what a processor said is a state or a payment, and its period runs forward',
    file: `${TABLES}/billing.sql`,
    find: 'constraint state_or_payment check ((status is null) <> (payment is null)),',
    statement: 'alter table app.subscription_events drop constraint state_or_payment;',
    tests: [pgtap('_constraints')]
  },
  {
    id: 'constraint-production-clock',
    guard: 'CHECK: production keeps real time, whoever writes the row',
    file: `${TABLES}/environment.sql`,
    find: `constraint production_keeps_real_time check (kind = 'sandbox' or clock_offset = interval '0')`,
    statement: 'alter table app.environment drop constraint production_keeps_real_time;',
    tests: [pgtap('_constraints')]
  }
]
