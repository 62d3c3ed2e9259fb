-- entries_at returns the entries of an array at these places (from 1), in their order; all of them unchanged where the places
-- are all; null for no array.
create or replace function app.entries_at(p_entries anyarray, p_places bigint[])
returns anyarray
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_entries is null or cardinality(p_places) = cardinality(p_entries) then
    return p_entries;
  end if;
  return array(select p_entries[p.place] from unnest(p_places) with ordinality as p (place, position) order by p.position);
end
$$;

comment on function app.entries_at(anyarray, bigint[]) is 'The entries of an array at these places, in their order.';
revoke all on function app.entries_at(anyarray, bigint[]) from public, anon, authenticated, service_role;
