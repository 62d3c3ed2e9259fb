-- window_at finds the window an instant falls into: [anchor + k months, anchor + (k+1) months), in UTC or at a fixed
-- distance from it.
-- Every bound is computed from the anchor, never from the bound before: 31 Jan, 28 Feb, 31 Mar.
--
-- Args:    p_anchor  where windows start
--          p_at      the instant; may lie before the anchor
--          p_offset  added to UTC, the clock by which months go (Razorpay bills at midnight in India, 5:30 ahead)
-- Returns: window_start <= p_at < window_end
-- Source:  Stripe's rule for a billing cycle anchor on a day that a month lacks (docs.stripe.com/billing/subscriptions/billing-cycle)
create or replace function app.window_at(
  p_anchor timestamptz, p_at timestamptz, p_offset interval default interval '0', out window_start timestamptz, out window_end timestamptz
)
language plpgsql
immutable
strict
set search_path = ''
as $$
declare
  v_anchor timestamp := p_anchor at time zone 'UTC' + p_offset;
  v_at timestamp := p_at at time zone 'UTC' + p_offset;
  v_months integer := (extract(year from v_at) - extract(year from v_anchor)) * 12
                      + extract(month from v_at) - extract(month from v_anchor);
begin
  -- Bound number v_months lies in the month of v_at, so the window is this one or the one before.
  if v_anchor + make_interval(months => v_months) > v_at then
    v_months := v_months - 1;
  end if;
  window_start := (v_anchor + make_interval(months => v_months) - p_offset) at time zone 'UTC';
  window_end := (v_anchor + make_interval(months => v_months + 1) - p_offset) at time zone 'UTC';
end
$$;

comment on function app.window_at(timestamptz, timestamptz, interval) is
  'The window an instant falls into: anchor + k months to anchor + (k+1) months, half-open, in UTC or at a fixed distance from it.';
revoke all on function app.window_at(timestamptz, timestamptz, interval) from public, anon, authenticated, service_role;
grant execute on function app.window_at(timestamptz, timestamptz, interval) to operator;
