-- lock_counter locks the counter of an account and metric in the current window, making it (at 0) if there is none, so
-- that whoever is deciding on it is waited for.
--
-- Args:    p_account_id  an account that exists
-- Locks:   the counter until commit. Idempotent.
create or replace function app.lock_counter(p_account_id text, p_metric text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_window_start timestamptz := (app.entitlement(p_account_id, p_metric)).window_start;
begin
  insert into app.counters (account_id, metric, window_start, used)
  values (p_account_id, p_metric, v_window_start, 0)
  on conflict do nothing;
  perform from app.counters c
  where c.account_id = p_account_id and c.metric = p_metric and c.window_start = v_window_start
  for update;
end
$$;

comment on function app.lock_counter(text, text) is
  'Locks the counter of an account and metric in the current window, making it if there is none.';
revoke all on function app.lock_counter(text, text) from public, anon, authenticated, service_role;
