-- billing_offset tells by which clock a processor's months go, as a distance from UTC: Razorpay's days begin at midnight
-- in India, 5 hours 30 minutes ahead; the others' in UTC.
create or replace function app.billing_offset(p_processor text)
returns interval
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when p_processor = 'razorpay' then interval '5 hours 30 minutes' else interval '0' end;
end
$$;

comment on function app.billing_offset(text) is 'The clock by which a processor''s months go, as a distance from UTC.';
revoke all on function app.billing_offset(text) from public, anon, authenticated, service_role;
