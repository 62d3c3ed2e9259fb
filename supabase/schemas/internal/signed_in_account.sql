-- signed_in_account tells whose rows the caller may see: the active organization of its session token, else its user.
--
-- Returns: text account id; null without a verified token
-- Errors:  none
-- Source:  Clerk session token claims: version 2 carries the organization in o.id, version 1 in org_id
create or replace function app.signed_in_account()
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
begin
  return coalesce(v_claims -> 'o' ->> 'id', v_claims ->> 'org_id', v_claims ->> 'sub');
end
$$;

comment on function app.signed_in_account() is 'The account of the caller''s verified session token: its active organization, else its user.';
revoke all on function app.signed_in_account() from public, anon, authenticated, service_role;
grant execute on function app.signed_in_account() to authenticated;
