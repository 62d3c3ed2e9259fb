import type { Client } from 'pg'

/** Sizes are how many rows of each kind {@link fillDatabase} writes. */
export type Sizes = { accounts: number; messages: number; passages: number; ledgerRows: number; deliveries: number }

/** REALISTIC is a service of a few years; small tables would be scanned whatever indexes they have. */
export const REALISTIC: Sizes = { accounts: 20_000, messages: 200_000, passages: 100_000, ledgerRows: 1_000_000, deliveries: 200_000 }

/** PASSAGES_OF_A_CHATBOT, MESSAGES_OF_A_CONVERSATION and CONVERSATIONS_OF_A_CHATBOT are what one tenant has. */
export const PASSAGES_OF_A_CHATBOT = 50
export const MESSAGES_OF_A_CONVERSATION = 5
export const CONVERSATIONS_OF_A_CHATBOT = 10

/** idOf is the uuid that {@link fillDatabase} gives a numbered thing. */
export const idOf = (kind: string, number: string): string => `md5('${kind}' || (${number}))::uuid`

/**
 * fillDatabase writes whole tables at once, past triggers and foreign keys, and analyses them. `progress` takes a line per
 * table. What it writes is for plans: sums and gauges do not add up.
 *
 * Account n is `user_n` and has chatbot n. Accounts are small and alike, but for `user_1`, which has ten thousands of everything.
 * One delivery in a thousand waits to be tried again, one reservation in ten thousand has expired.
 */
export async function fillDatabase(client: Client, sizes: Sizes, progress: (line: string) => void): Promise<void> {
  await client.query('set session_replication_role = replica')
  await client.query('set synchronous_commit = off')
  for (const [table, sql] of statements(sizes)) {
    const { rowCount } = await client.query(sql)
    progress(`${table}: ${(rowCount ?? 0).toLocaleString('en-US')} rows`)
  }
  await client.query('reset session_replication_role')
  await client.query('vacuum analyze')
}

function statements({ accounts, messages, passages, ledgerRows, deliveries }: Sizes): [string, string][] {
  const conversations = Math.ceil(messages / MESSAGES_OF_A_CONVERSATION)
  const documents = Math.ceil(passages / (PASSAGES_OF_A_CHATBOT / 2))
  const account = (number: string): string => `'user_' || (1 + (${number}) % ${accounts})`
  // Which chatbot, and so which account, the thing with this number belongs to.
  const owner = (number: string, each: number): string => `(1 + (${number}) / ${each})`
  const window = `date_trunc('month', now())`
  const past = (number: string, seconds: number): string => `now() - ((${number}) * ${seconds} % 7776000) * interval '1 second'`
  const numbers = (count: number): string => `from generate_series(0, ${count - 1}) n`
  return [
    ['accounts', `insert into app.accounts (account_id, plan, anchor, counts_from, created_at)
      select ${account('n')}, (array['free', 'free', 'starter', 'growth'])[1 + n % 4], ${window}, ${window}, ${past('n', 389)} ${numbers(accounts)}`],
    ['chatbots', `insert into app.chatbots (account_id, id, name, created_at)
      select ${account('n')}, ${idOf('bot', 'n + 1')}, 'Bot ' || n, ${past('n', 389)} ${numbers(accounts)}`],
    ['documents', `insert into app.documents (account_id, id, chatbot_id, name, media_type, size_bytes, sha256, passage_count, created_at)
      select 'user_' || ${owner('n', 2)}, ${idOf('document', 'n')}, ${idOf('bot', owner('n', 2))}, 'd' || n || '.txt', 'text/plain', 9000,
             repeat('0', 64), ${PASSAGES_OF_A_CHATBOT / 2}, ${past('n', 97)} ${numbers(documents)}`],
    // Words as languages have them: a few in every passage, most in hardly any.
    ['passages', `insert into app.passages (account_id, document_id, place, chatbot_id, content)
      select 'user_' || ${owner('n', PASSAGES_OF_A_CHATBOT)}, ${idOf('document', `n / ${PASSAGES_OF_A_CHATBOT / 2}`)}, n % ${PASSAGES_OF_A_CHATBOT / 2},
             ${idOf('bot', owner('n', PASSAGES_OF_A_CHATBOT))},
             (select string_agg('word' || floor(5000 * power(((n * 7919 + k * 104729) % 100003) / 100003.0, 3)), ' ') from generate_series(1, 30) k)
      ${numbers(passages)}`],
    ['conversations', `insert into app.conversations (account_id, id, chatbot_id, channel, created_at, updated_at)
      select 'user_' || ${owner('n', CONVERSATIONS_OF_A_CHATBOT)}, ${idOf('conversation', 'n')}, ${idOf('bot', owner('n', CONVERSATIONS_OF_A_CHATBOT))},
             'playground', ${past('n', 193)}, ${past('n', 193)} ${numbers(conversations)}`],
    ['messages', `insert into app.messages (account_id, id, conversation_id, role, status, content, created_at)
      select 'user_' || ${owner('n', MESSAGES_OF_A_CONVERSATION * CONVERSATIONS_OF_A_CHATBOT)}, ${idOf('message', 'n')},
             ${idOf('conversation', `n / ${MESSAGES_OF_A_CONVERSATION}`)}, (array['user', 'assistant'])[1 + n % 2], 'complete',
             repeat('Some words of it. ', 10), now() - (${messages} - n) * interval '1 second' ${numbers(messages)}`],
    ['counters', `insert into app.counters (account_id, metric, window_start, used)
      select 'user_' || n, metric, case kind when 'gauge' then '-infinity' else ${window} end, 1
      from generate_series(1, ${accounts}) n cross join app.metrics`],
    ['usage_events', `insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason, request_id)
      select ${account('n')}, (array['messages', 'llm_tokens', 'api_calls'])[1 + n / ${accounts} % 3], 1, ${past('n', 7)},
             ${window} - (n / ${accounts} % 6) * interval '1 month', 'charge', 'ledger-' || n ${numbers(ledgerRows)}`],
    ['usage_requests', `insert into app.usage_requests
        (account_id, request_id, reason, metric, amount, allowed, used, quota, resets_at, plan, window_start, created_at)
      select ${account('n')}, 'request-' || n, 'charge', 'messages', 1, true, 1, 100, now(), 'free', ${window}, ${past('n', 37)}
      ${numbers(Math.ceil(ledgerRows / 4))}`],
    ['usage_reservations', `insert into app.usage_reservations
        (account_id, request_id, metric, window_start, reserved, settled, status, message_id, created_at, expires_at)
      select ${account('n')}, 'answer-' || n, 'messages', ${window}, 1, case when n % 1000 = 0 then null else 1 end,
             case when n % 1000 = 0 then 'open' else 'settled' end, null, now(), now() + (n % 20 - 2) * interval '1 minute'
      ${numbers(Math.ceil(messages / 2))}`],
    ['webhook_events', `insert into app.webhook_events
        (processor, id, event_type, status, attempts, account_id, subscription_id, occurred_at, payload, payload_sha256, next_attempt_at, created_at, processed_at)
      select (array['stripe', 'paddle', 'razorpay'])[1 + n % 3], 'evt_' || n, 'customer.subscription.updated',
             case when n % 1000 = 0 then 'failed' else 'processed' end, 1, ${account('n')}, 'sub_' || (1 + n % ${accounts}), ${past('n', 41)},
             repeat('{"some": "payload"} ', 60), repeat('0', 64),
             case when n % 1000 = 0 then now() + (n % 7 - 4) * interval '1 minute' end, ${past('n', 41)}, now() ${numbers(deliveries)}`],
    // What is planned for the many small accounts is used for this one too.
    ['conversations of user_1', `insert into app.conversations (account_id, id, chatbot_id, channel, created_at, updated_at)
      select 'user_1', ${idOf('large', 'n')}, ${idOf('bot', '1')}, 'playground', ${past('n', 193)}, ${past('n', 193)} ${numbers(20_000)}`],
    ['messages of user_1', `insert into app.messages (account_id, id, conversation_id, role, status, content, created_at)
      select 'user_1', ${idOf('large', 'n')}, ${idOf('conversation', '0')}, (array['user', 'assistant'])[1 + n % 2], 'complete', 'Some words.', ${past('n', 193)}
      ${numbers(20_000)}`],
    ['documents of user_1', `insert into app.documents (account_id, id, chatbot_id, name, media_type, size_bytes, sha256, passage_count, created_at)
      select 'user_1', ${idOf('large', 'n')}, ${idOf('bot', '1')}, 'd' || n || '.txt', 'text/plain', 9000, repeat('0', 64), 1, ${past('n', 97)}
      ${numbers(5_000)}`],
    ['usage_events of user_1', `insert into app.usage_events (account_id, metric, amount, occurred_at, window_start, reason)
      select 'user_1', (array['messages', 'llm_tokens', 'api_calls'])[1 + n % 3], 1, ${past('n', 7)}, ${window} - (n % 6) * interval '1 month', 'charge'
      ${numbers(100_000)}`],
    ['processor_links', `insert into app.processor_links (processor, object_id, account_id, event_id)
      select 'stripe', kind || n, 'user_' || n, 'evt_' || n from generate_series(1, ${accounts}) n cross join (values ('cus_'), ('sub_')) k (kind)`],
    ['subscription_events', `insert into app.subscription_events
        (account_id, processor, subscription_id, event_id, occurred_at, event_rank, status, plan, period_start, period_end, customer_id)
      select ${account('n')}, 'stripe', 'sub_' || (1 + n % ${accounts}), 'evt_' || n, ${past('n', 59)}, 2, 'active', 'starter', ${window},
             ${window} + interval '1 month', 'cus_' || (1 + n % ${accounts}) ${numbers(accounts * 4)}`],
    ['processor_subscriptions', `insert into app.processor_subscriptions
        (account_id, processor, subscription_id, status, plan, period_start, period_end, in_force, as_of, as_of_rank, as_of_event_id, customer_id)
      select 'user_' || n, 'stripe', 'sub_' || n, 'active', 'starter', ${window}, ${window} + interval '1 month', true, now() - interval '1 day', 2,
             'evt_' || n, 'cus_' || n from generate_series(1, ${accounts}) n`]
  ]
}
