-- list_accounts lists all accounts for operators, the newest first, a page at a time.
--
-- Args:    p_search                the beginning of an account's id, or of a customer's, subscription's or payment's id at a
--                                  processor; null = all
--          p_limit                 1 to 100
--          p_before_created_at,
--          p_before_id             the last row of the page before; null = the first page
-- Returns: rows as of read_account_overview
-- Errors:  PY004 limit
-- Locks:   none
create or replace function api.list_accounts(
  p_search text default null, p_limit integer default 50, p_before_created_at timestamptz default null,
  p_before_id text default null
)
returns table (
  account_id text, plan text, status text, processor text, subscription_id text, chatbots bigint, messages_used bigint,
  messages_quota bigint, created_at timestamptz, closed_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_account_ids text[];
begin
  perform app.check_page_limit(p_limit);
  if p_search is null then
    select array_agg(page.account_id) into v_account_ids
    from (
      select a.account_id from app.accounts a
      where p_before_created_at is null or (a.created_at, a.account_id) < (p_before_created_at, p_before_id)
      order by a.created_at desc, a.account_id desc
      limit p_limit
    ) page;
  else
    -- Byte by byte, as the indexes for prefixes are ordered; a LIKE would need its wildcards escaped.
    select array_agg(page.account_id) into v_account_ids
    from (
      select a.account_id
      from (
        select x.account_id from app.accounts x
        where x.account_id ~>=~ p_search and x.account_id ~<~ (p_search || chr(1114111))
        union
        select l.account_id from app.processor_links l
        where l.object_id ~>=~ p_search and l.object_id ~<~ (p_search || chr(1114111))
      ) found
      join app.accounts a on a.account_id = found.account_id
      where p_before_created_at is null or (a.created_at, a.account_id) < (p_before_created_at, p_before_id)
      order by a.created_at desc, a.account_id desc
      limit p_limit
    ) page;
  end if;
  return query
  select r.* from unnest(v_account_ids) id cross join lateral api.read_account_overview(id) r
  order by r.created_at desc, r.account_id desc;
end
$$;

comment on function api.list_accounts(text, integer, timestamptz, text) is
  'Lists all accounts for operators, the newest first, a page at a time; finds them by the beginning of an id.';
revoke all on function api.list_accounts(text, integer, timestamptz, text) from public, anon, authenticated;
grant execute on function api.list_accounts(text, integer, timestamptz, text) to service_role;
