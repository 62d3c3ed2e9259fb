-- What a signed-in user may read through PostgREST with a session token: rows of its own account. The views run with the
-- rights of the reader; the row policies of the tables decide.

create view api.my_chatbots with (security_invoker = true) as
select id as chatbot_id, name, instructions, welcome_message, model, created_at, updated_at from app.chatbots;

create view api.my_documents with (security_invoker = true) as
select id as document_id, chatbot_id, name, media_type, size_bytes, passage_count, created_at from app.documents;

create view api.my_conversations with (security_invoker = true) as
select id as conversation_id, chatbot_id, title, channel, created_at, updated_at from app.conversations;

create view api.my_messages with (security_invoker = true) as
select id as message_id, conversation_id, place, role, status, content, citations, created_at, finished_at from app.messages;

create view api.my_usage_events with (security_invoker = true) as
select id, metric, amount, occurred_at, window_start, reason, chatbot_id, conversation_id, channel, operation from app.usage_events;

comment on view api.my_chatbots is 'The chatbots of the signed-in account.';
comment on view api.my_documents is 'The documents of the signed-in account, without their text.';
comment on view api.my_conversations is 'The conversations of the signed-in account.';
comment on view api.my_messages is 'The messages of the signed-in account.';
comment on view api.my_usage_events is 'The ledger of the signed-in account.';

revoke all on table api.my_chatbots, api.my_documents, api.my_conversations, api.my_messages, api.my_usage_events
  from public, anon, authenticated, service_role;
grant select on table api.my_chatbots, api.my_documents, api.my_conversations, api.my_messages, api.my_usage_events to authenticated;
