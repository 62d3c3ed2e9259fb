import type { Pool } from 'pg'
import { z } from 'zod'

/**
 * Facts are what the tables say after a run, row by row. `effects` counts what an event said of a subscription, `charged` is
 * the sum of a message's ledger rows, `open` its reservations that nobody has ended.
 */
export type Facts = {
  inbox: { processor: string; id: string; status: string; effects: number }[]
  plans: { accountId: string; plan: string }[]
  ledger: { accountId: string; key: string; rows: number; amount: number }[]
  counters: { accountId: string; metric: string; used: number; summed: number }[]
  answers: { accountId: string; conversationId: string; messageId: string; status: string; messages: number; tokens: number; open: number }[]
  openReservations: number
  brokenInvariants: string[]
}

const text = z.string()
const count = z.coerce.number()

/** readFacts reads them in one snapshot. */
export async function readFacts(pool: Pool): Promise<Facts> {
  const client = await pool.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    const read = async <Row extends z.ZodType>(sql: string, row: Row): Promise<z.output<Row>[]> => z.array(row).parse((await client.query(sql)).rows)
    return {
      inbox: await read(INBOX, z.object({ processor: text, id: text, status: text, effects: count })),
      plans: await read(`select account_id as "accountId", plan from app.accounts`, z.object({ accountId: text, plan: text })),
      ledger: await read(LEDGER, z.object({ accountId: text, key: text, rows: count, amount: count })),
      counters: await read(COUNTERS, z.object({ accountId: text, metric: text, used: count, summed: count })),
      answers: await read(ANSWERS, z.object({ accountId: text, conversationId: text, messageId: text, status: text, messages: count, tokens: count, open: count })),
      openReservations: (await read(OPEN, z.object({ open: count })))[0]?.open ?? 0,
      brokenInvariants: (await read(INVARIANTS, z.object({ broken: text }))).map(({ broken }) => broken)
    }
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const INBOX = `
  select w.processor, w.id, w.status, count(s.event_id) as effects
  from app.webhook_events w left join app.subscription_events s on (s.processor, s.event_id) = (w.processor, w.id)
  group by w.processor, w.id, w.status`

const LEDGER = `
  select account_id as "accountId", request_id as key, count(*) as rows, sum(amount) as amount
  from app.usage_events where reason = 'charge' and request_id is not null group by account_id, request_id`

const COUNTERS = `
  select coalesce(c.account_id, l.account_id) as "accountId", coalesce(c.metric, l.metric) as metric, coalesce(c.used, 0) as used, coalesce(l.summed, 0) as summed
  from (select account_id, metric, sum(used) as used from app.counters group by account_id, metric) c
  full join (select account_id, metric, sum(amount) as summed from app.usage_events group by account_id, metric) l
    on (l.account_id, l.metric) = (c.account_id, c.metric)`

const ANSWERS = `
  select m.account_id as "accountId", m.conversation_id as "conversationId", m.id as "messageId", m.status,
         (select coalesce(sum(e.amount), 0) from app.usage_events e
          where e.account_id = m.account_id and e.metric = 'messages' and e.request_id = 'answer:' || m.id || ':messages') as messages,
         (select coalesce(sum(e.amount), 0) from app.usage_events e
          where e.account_id = m.account_id and e.metric = 'llm_tokens' and e.request_id = 'answer:' || m.id || ':llm_tokens') as tokens,
         (select count(*) from app.usage_reservations r where r.account_id = m.account_id and r.message_id = m.id and r.status = 'open') as open
  from app.messages m where m.role = 'assistant'`

const OPEN = `select count(*) as open from app.usage_reservations where status = 'open'`

const INVARIANTS = `select format('%s: %s, such as %s', name, violations, example) as broken from api.check_invariants() where violations > 0`
