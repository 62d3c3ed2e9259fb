-- claim_request claims an idempotency key for a new resource, or tells which resource the same request made before.
--
-- Args:    p_request_id   the caller's key
--          p_operation    what is being done, such as create_chatbot
--          p_fingerprint  digest of the arguments that must not differ between repeats
--          p_resource_id  the id the new resource will get
-- Returns: uuid; p_resource_id = the key is claimed, do it; another = done before, by that id
-- Errors:  PY004 request id · PY409 the key was used for another request
-- Locks:   the key until commit: a second call with the same key waits, then finds the first one's resource
create or replace function app.claim_request(
  p_account_id text, p_request_id text, p_operation text, p_fingerprint text, p_resource_id uuid
)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_key record;
begin
  if p_request_id is null then
    return p_resource_id;
  end if;
  if length(p_request_id) not between 1 and 255 then
    raise exception 'request_id must have 1 to 255 characters' using errcode = 'PY004';
  end if;
  insert into app.idempotency_keys (account_id, request_id, operation, fingerprint, resource_id)
  values (p_account_id, p_request_id, p_operation, p_fingerprint, p_resource_id)
  on conflict (account_id, request_id) do nothing;
  if found then
    return p_resource_id;
  end if;
  select k.* into strict v_key from app.idempotency_keys k
  where k.account_id = p_account_id and k.request_id = p_request_id
  for update;
  if v_key.operation <> p_operation or v_key.fingerprint <> p_fingerprint then
    raise exception 'request id % was used for another request; use another id', p_request_id using errcode = 'PY409';
  end if;
  return v_key.resource_id;
end
$$;

comment on function app.claim_request(text, text, text, text, uuid) is
  'Claims an idempotency key for a new resource, or tells which resource the same request made before; PY409 for another request.';
revoke all on function app.claim_request(text, text, text, text, uuid) from public, anon, authenticated, service_role;
