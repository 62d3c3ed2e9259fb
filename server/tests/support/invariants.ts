import type { Client } from 'pg'

/**
 * brokenInvariants asks the database itself which invariants of ARCHITECTURE.md do not hold; an empty list is what every
 * test wants. It reads tables directly, as the owner, and trusts no function of ours.
 */
export async function brokenInvariants(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ broken: string }>(`
    select format('counter %s/%s/%s is %s, its ledger sums to %s', account_id, metric, window_start, used, coalesce(summed, 0)) as broken
    from app.counters
    left join (select account_id, metric, window_start, sum(amount) as summed from app.usage_events group by 1, 2, 3) ledger
      using (account_id, metric, window_start)
    where used <> coalesce(summed, 0)
    union all
    select format('ledger of %s/%s/%s has no counter', account_id, metric, window_start)
    from app.usage_events where not exists (
      select from app.counters c where (c.account_id, c.metric, c.window_start)
        = (usage_events.account_id, usage_events.metric, usage_events.window_start))
    union all
    select format('gauge chatbots of %s is %s, it has %s', c.account_id, c.used, b.actual)
    from app.counters c
    cross join lateral (select count(*) as actual from app.chatbots b where b.account_id = c.account_id) b
    where c.metric = 'chatbots' and c.used <> b.actual
    union all
    select format('gauge storage_bytes of %s is %s, its documents have %s', c.account_id, c.used, d.actual)
    from app.counters c
    cross join lateral (select coalesce(sum(size_bytes), 0) as actual from app.documents d where d.account_id = c.account_id) d
    where c.metric = 'storage_bytes' and c.used <> d.actual
    union all
    select format('chatbot %s of %s counts %s answers in the window of %s, it was charged for %s', b.id, b.account_id,
                  coalesce(a.used, 0), window_start, coalesce(r.actual, 0))
    from app.chatbot_answers a
    full join (
      select account_id, chatbot_id, window_start, count(*) as actual from app.usage_reservations
      where metric = 'messages' and operation = 'answer' and message_id is not null and status <> 'released' group by 1, 2, 3
    ) r using (account_id, chatbot_id, window_start)
    join app.chatbots b on (b.account_id, b.id) = (coalesce(a.account_id, r.account_id), coalesce(a.chatbot_id, r.chatbot_id))
    where coalesce(a.used, 0) <> coalesce(r.actual, 0)
    union all
    select format('%s subscriptions of %s are in force', count(*), account_id)
    from app.processor_subscriptions where in_force group by account_id having count(*) > 1
    union all
    select format('subscription event %s has an effect but its delivery is %s', s.event_id, w.status)
    from app.subscription_events s
    left join app.webhook_events w on w.processor = s.processor and w.id = s.event_id
    where w.status is distinct from 'processed'`)
  return rows.map((row) => row.broken)
}

/**
 * beyondQuota names the counters of these accounts that are above the quota of their plan in force, in one snapshot. It is
 * for accounts whose quota never fell: a downgrade leaves what was used before it above the new quota, and is meant to.
 */
export async function beyondQuota(client: Client, accountIds: string[]): Promise<string[]> {
  const { rows } = await client.query<{ beyond: string }>(
    `select format('%s/%s/%s is %s of %s on %s', c.account_id, c.metric, c.window_start, c.used, q.quota, q.plan) as beyond
     from app.counters c
     join app.accounts a using (account_id)
     join app.plan_quotas q on q.metric = c.metric
       and q.plan = case when a.plan_ends_at <= app.clock() then 'free' else a.plan end
     where c.account_id = any ($1) and c.used > q.quota`,
    [accountIds]
  )
  return rows.map((row) => row.beyond)
}
