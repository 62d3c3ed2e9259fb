drop function api.read_usage_history;

drop function api.list_usage_windows;

drop function api.list_usage_events;

drop function app.window_named;

drop function app.require_counter;
drop index app.usage_events_history;
