import type { Pool } from 'pg'
import type { ChargeNote, DeliveryNote, QuestionNote } from './notes.ts'

/** Trace is what a killed request left behind, at the moment when the database has done with it; else what there is, in words. */
export type Trace = 'nothing' | 'everything' | 'begun' | `parts: ${string}`

/** traceOfDelivery looks for each row the first event of a subscription leaves. `begun`: it waits in the inbox, without effect. */
export async function traceOfDelivery(pool: Pool, { processor, inboxId, accountId, plan }: DeliveryNote): Promise<Trace> {
  const facts = await look(
    pool,
    `select (select count(*) from app.webhook_events w where (w.processor, w.id) = ($1, $2)) as inbox,
            (select count(*) from app.webhook_events w where (w.processor, w.id) = ($1, $2) and w.status = 'processed') as processed,
            (select count(*) from app.webhook_events w where (w.processor, w.id) = ($1, $2) and w.status = 'failed') as waiting,
            (select count(*) from app.subscription_events s where s.processor = $1 and s.event_id = $2) as effects,
            (select count(*) from app.accounts a where a.account_id = $3 and a.plan = $4) as plans`,
    [processor, inboxId, accountId, plan]
  )
  const { inbox, processed, waiting, effects, plans } = facts
  if (inbox === 0 && effects === 0 && plans === 0) return 'nothing'
  if (inbox === 1 && waiting === 1 && effects === 0) return 'begun'
  return inbox === 1 && processed === 1 && effects === 1 && plans === 1 ? 'everything' : partsOf(facts)
}

/** traceOfCharge looks for the decision, the ledger row and what the counter holds, of an account that made one charge. */
export async function traceOfCharge(pool: Pool, { accountId, key, amount }: ChargeNote): Promise<Trace> {
  const facts = await look(
    pool,
    `select (select count(*) from app.usage_requests r where (r.account_id, r.request_id) = ($1, $2)) as decided,
            (select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.request_id) = ($1, $2)) as charged,
            (select coalesce(sum(c.used), 0) from app.counters c where c.account_id = $1) as counted`,
    [accountId, key]
  )
  const { decided, charged, counted } = facts
  if (decided === 0 && charged === 0 && counted === 0) return 'nothing'
  return decided === 1 && charged === amount && counted === amount ? 'everything' : partsOf(facts)
}

/** traceOfQuestion looks at a conversation of one question. `begun`: stored and reserved, and nothing settled. */
export async function traceOfQuestion(pool: Pool, { accountId, conversationId }: QuestionNote): Promise<Trace> {
  const facts = await look(
    pool,
    `select (select count(*) from app.messages m where (m.account_id, m.conversation_id) = ($1, $2)) as messages,
            (select count(*) from app.messages m where (m.account_id, m.conversation_id) = ($1, $2) and m.status = 'streaming') as streaming,
            (select count(*) from app.messages m where (m.account_id, m.conversation_id) = ($1, $2) and m.role = 'assistant' and m.status = 'complete') as complete,
            (select count(*) from app.usage_reservations r where (r.account_id, r.conversation_id) = ($1, $2) and r.status = 'open') as open,
            (select count(*) from app.usage_reservations r where (r.account_id, r.conversation_id) = ($1, $2) and r.status = 'settled') as settled,
            (select count(*) from app.usage_reservations r where (r.account_id, r.conversation_id) = ($1, $2) and r.status = 'released') as released`,
    [accountId, conversationId]
  )
  const { messages, streaming, complete, open, settled, released } = facts
  if (messages === 0 && open === 0 && settled === 0) return 'nothing'
  if (messages === 2 && streaming === 1 && open === 3 && settled === 0 && released === 0) return 'begun'
  return messages === 2 && complete === 1 && open === 0 && settled === 3 ? 'everything' : partsOf(facts)
}

/** traceOfRelease looks at a conversation of one answer that was begun and lost: begun, or all of it released. */
export async function traceOfRelease(pool: Pool, accountId: string, conversationId: string): Promise<Trace> {
  const facts = await look(
    pool,
    `select (select count(*) from app.messages m where (m.account_id, m.conversation_id) = ($1, $2) and m.status = 'streaming') as streaming,
            (select count(*) from app.messages m where (m.account_id, m.conversation_id) = ($1, $2) and m.status = 'failed') as failed,
            (select count(*) from app.usage_reservations r where (r.account_id, r.conversation_id) = ($1, $2) and r.status = 'open') as open,
            (select coalesce(sum(e.amount), 0) from app.usage_events e where (e.account_id, e.conversation_id) = ($1, $2)) as charged`,
    [accountId, conversationId]
  )
  const { streaming, failed, open, charged } = facts
  if (streaming === 1 && failed === 0 && open === 3 && charged !== 0) return 'begun'
  return streaming === 0 && failed === 1 && open === 0 && charged === 0 ? 'everything' : partsOf(facts)
}

/**
 * traceOfOperation looks at the cancellation of an account's only subscription. `begun`: written down, perhaps done at the
 * processor, and not settled; `everything`: settled, known, and done there once.
 */
export async function traceOfOperation(pool: Pool, accountId: string, effectCount: number): Promise<Trace> {
  const facts = await look(
    pool,
    `select (select count(*) from app.processor_operations o where o.account_id = $1 and o.next_attempt_at is not null) as waiting,
            (select count(*) from app.processor_operations o where o.account_id = $1 and o.status = 'done') as done,
            (select count(*) from app.processor_subscriptions s where s.account_id = $1 and s.cancels_at is not null) as ending`,
    [accountId]
  )
  const { waiting, done, ending } = facts
  if (waiting === 1 && done === 0 && effectCount <= 1) return 'begun'
  return waiting === 0 && done === 1 && ending === 1 && effectCount === 1 ? 'everything' : partsOf({ ...facts, effects: effectCount })
}

type Facts = Record<string, number>

async function look(pool: Pool, text: string, values: string[]): Promise<Facts> {
  const { rows } = await pool.query<Record<string, string>>(text, values)
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]))
}

function partsOf(facts: Facts): Trace {
  return `parts: ${Object.entries(facts).map(([name, count]) => `${name} ${count}`).join(', ')}`
}
