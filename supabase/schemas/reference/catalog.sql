-- The default catalog. Adding a metric or a plan is one row: its quotas follow from the metrics' default_quota.
insert into app.metrics (metric, kind, counts_rows, position, title, unit, default_quota, over_quota_message) values
  ('messages',      'counter', false, 1, 'Messages',  'message', 100,      'Please wait until %s message(s) fit again'),
  ('llm_tokens',    'counter', false, 2, 'Tokens',    'token',   500000,   'Please wait until %s token(s) fit again'),
  ('api_calls',     'counter', false, 3, 'API calls', 'call',    1000,     'Please wait until %s API call(s) fit again'),
  ('chatbots',      'gauge',   true,  4, 'Chatbots',  'chatbot', 1,        'Please delete %s chatbot(s) before downgrading'),
  ('storage_bytes', 'gauge',   true,  5, 'Storage',   'byte',    10000000, 'Please delete documents of %s byte(s) before downgrading'),
  ('seats',         'gauge',   false, 6, 'Seats',     'seat',    1,        'Please remove %s seat(s) before downgrading');

insert into app.plans (plan, name, position, grace_days, trial_days) values
  ('free', 'Free', 0, 0, 0),
  ('starter', 'Starter', 1, 7, 0),
  ('growth', 'Growth', 2, 7, 14),
  ('enterprise', 'Enterprise', 3, 14, 0);

insert into app.plan_quotas (plan, metric, quota) values
  ('starter', 'messages', 2000),
  ('starter', 'llm_tokens', 10000000),
  ('starter', 'api_calls', 20000),
  ('starter', 'chatbots', 3),
  ('starter', 'storage_bytes', 100000000),
  ('starter', 'seats', 3),
  ('growth', 'messages', 10000),
  ('growth', 'llm_tokens', 50000000),
  ('growth', 'api_calls', 100000),
  ('growth', 'chatbots', 10),
  ('growth', 'storage_bytes', 1000000000),
  ('growth', 'seats', 10),
  ('enterprise', 'messages', null),
  ('enterprise', 'llm_tokens', null),
  ('enterprise', 'api_calls', null),
  ('enterprise', 'chatbots', null),
  ('enterprise', 'storage_bytes', null),
  ('enterprise', 'seats', null)
on conflict (plan, metric) do update set quota = excluded.quota;

-- A year costs twelve months less 15 %.
insert into app.plan_prices (plan, billing_interval, version, currency, amount_minor) values
  ('starter', 'month', 1, 'USD', 1900),
  ('starter', 'year', 1, 'USD', 19380),
  ('growth', 'month', 1, 'USD', 7900),
  ('growth', 'year', 1, 'USD', 80580),
  ('enterprise', 'month', 1, 'USD', 39900),
  ('enterprise', 'year', 1, 'USD', 406980);
