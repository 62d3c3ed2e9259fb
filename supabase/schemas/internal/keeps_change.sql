-- keeps_change tells whether Parley itself must keep a change for the end of the period, because the processor cannot be
-- told in advance: Paddle changes prices at once, Razorpay does not take a cancellation at the end of the cycle back.
--
-- Args:    p_direction  of a plan change: downgrade, interval, price, cancel
create or replace function app.keeps_change(p_processor text, p_direction text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return p_processor = 'paddle' and p_direction <> 'cancel' or p_processor = 'razorpay' and p_direction = 'cancel';
end
$$;

comment on function app.keeps_change(text, text) is
  'Whether Parley itself must keep a change for the end of the period, because the processor cannot be told in advance.';
revoke all on function app.keeps_change(text, text) from public, anon, authenticated, service_role;
