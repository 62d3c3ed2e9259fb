-- check_page_limit raises PY004 unless a page has 1 to 100 rows.
create or replace function app.check_page_limit(p_limit integer)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_limit is null or p_limit not between 1 and 100 then
    raise exception 'limit must be from 1 to 100' using errcode = 'PY004';
  end if;
end
$$;

comment on function app.check_page_limit(integer) is
  'Raises PY004 unless a page has 1 to 100 rows.';
revoke all on function app.check_page_limit(integer) from public, anon, authenticated, service_role;
