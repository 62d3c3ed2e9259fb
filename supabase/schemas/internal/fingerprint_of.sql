-- fingerprint_of digests the arguments that must not differ between repeats of a request.
create or replace function app.fingerprint_of(p_arguments text[])
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return encode(sha256(convert_to(to_jsonb(p_arguments)::text, 'UTF8')), 'hex');
end
$$;

comment on function app.fingerprint_of(text[]) is 'Digests the arguments that must not differ between repeats of a request.';
revoke all on function app.fingerprint_of(text[]) from public, anon, authenticated, service_role;
