-- reversal_facts gives where a refund or dispute stands, to compare before with after.
--
-- Returns: jsonb, one text per fact; null = it is not known
create or replace function app.reversal_facts(p_processor text, p_reversal_id text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('reversal_status', r.status, 'reversal_amount', r.amount_minor::text)
    from app.reversal_events r
    where r.processor = p_processor and r.reversal_id = p_reversal_id
    order by r.occurred_at desc, r.event_rank desc, r.event_id collate "C" desc
    limit 1);
end
$$;

comment on function app.reversal_facts(text, text) is 'Where a refund or dispute stands, to compare before with after.';
revoke all on function app.reversal_facts(text, text) from public, anon, authenticated, service_role;
