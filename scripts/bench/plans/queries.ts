import { idOf, type Sizes } from './fill.ts'

/**
 * HotQuery is one of the statements most requests wait for: `statement` finds it among those that `call` runs, `inside` is the
 * function its text stands in. `call` writes the call for the account with the given number; each number comes once.
 */
export type HotQuery = { name: string; inside: string; statement: RegExp; call: (number: number) => string }

/** hotQueries are the statements of the paths of a decision, an answer, a page and a delivery. */
export function hotQueries({ deliveries }: Sizes): HotQuery[] {
  const decide = (number: number): string => `select * from api.check_and_increment_usage('user_${number}', 'messages', 1, 'plans-${number}')`
  const chat = (number: number, kind: string): string => idOf(kind, String(kind === 'bot' ? number : (number - 1) * 10))
  const retrieve = (number: number): string =>
    `select * from api.search_passages('user_${number}', ${chat(number, 'bot')}, 'Where do word0, word1, word2, word3, word4, word5, word6 and word7 come before word${100 + number}?')`
  const deliver = (number: number, eventId: string): string =>
    `select * from api.record_billing_event(null, 'stripe', '${eventId}', 'customer.subscription.updated', 'state', now(), 2,
       'cus_${number}', 'sub_${number}', 'active', null, '{}', '{}', '{}', null, null, null, '{}')`
  const fresh = (number: number): string => deliver(number, `evt_fresh_${number}`)
  const batch = (number: number): string =>
    `select * from api.check_and_increment_usage_many(array(select 'user_' || (${number * 64} + n) from generate_series(1, 64) n), array_fill('messages'::text, array[64]),
       null, array(select 'plans-batch-${number}-' || n from generate_series(1, 64) n))`
  return [
    { name: 'decision: charge the counter', inside: 'app.decide_usage', statement: /^\s*update app\.counters/, call: decide },
    { name: 'decision: was this request seen before', inside: 'app.decide_usage', statement: /^\s*select r\.\* .*from app\.usage_requests/s, call: decide },
    { name: 'decision: plan, quota, window', inside: 'app.decide_usage', statement: /^\s*select a\.ctid as version/, call: decide },
    { name: 'decision: ledger row', inside: 'app.decide_usage', statement: /^\s*insert into app\.usage_events/, call: decide },
    { name: '64 decisions: lock all counters', inside: 'app.decide_usage_at_once', statement: /for update of c/, call: batch },
    { name: '64 decisions: charge all counters', inside: 'app.decide_usage_at_once', statement: /^\s*update app\.counters/, call: batch },
    { name: 'answer: passages for a question', inside: 'api.search_passages', statement: /app\.passages/, call: retrieve },
    {
      name: 'answer: page of messages', inside: 'api.list_messages', statement: /from app\.messages/,
      call: (number) => `select * from api.list_messages('user_${number}', ${chat(number, 'conversation')}, 51)`
    },
    {
      name: 'conversations, last used first', inside: 'api.list_conversations', statement: /from app\.conversations/,
      call: (number) => `select * from api.list_conversations('user_${number}', ${chat(number, 'bot')}, 51)`
    },
    { name: 'delivery: into the inbox', inside: 'api.record_billing_event', statement: /^\s*insert into app\.webhook_events/, call: fresh },
    {
      name: 'delivery: the same again', inside: 'api.record_billing_event', statement: /^\s*insert into app\.webhook_events/,
      call: (number) => deliver(number, `evt_${Math.floor(deliveries / 2) + (number % 300) * 3}`)
    },
    { name: 'delivery: whose subscription', inside: 'app.account_of_event', statement: /from app\.processor_links/, call: fresh },
    { name: 'delivery: the subscription\'s events', inside: 'app.fold_subscription', statement: /^\s*select e\.\* from app\.subscription_events/, call: fresh },
    {
      name: 'retries that are due', inside: 'api.claim_webhook_events', statement: /^\s*update app\.webhook_events/,
      call: () => 'select * from api.claim_webhook_events(5)'
    },
    {
      name: 'reservations that expired', inside: 'api.release_expired_reservations', statement: /from app\.usage_reservations r\s+where r\.status = 'open'/,
      call: () => 'select * from api.release_expired_reservations(2)'
    }
  ]
}

/** OTHER_CALLS run on the same paths: their statements are judged too, though not shown. */
export const OTHER_CALLS: ((number: number) => string)[] = [
  (number) => `select * from api.begin_answer('user_${number}', ${idOf('bot', String(number))}, ${idOf('conversation', String((number - 1) * 10))}, 'A question?', 500,
                 'plans-answer-${number}', 'playground', 900, ${idOf('plans-answer', String(number))})`,
  (number) => `select * from api.finish_answer('user_${number}', ${idOf('plans-answer', String(number))}, 'complete', 'An answer.', '[]', 200, 100)`,
  (number) => `select * from api.read_usage('user_${number}')`,
  (number) => `select * from api.read_account('user_${number}')`,
  (number) => `select * from api.read_subscription('user_${number}')`,
  (number) => `select * from api.read_chatbot('user_${number}', ${idOf('bot', String(number))})`,
  (number) => `select * from api.list_chatbots('user_${number}')`,
  (number) => `select * from api.list_documents('user_${number}', ${idOf('bot', String(number))})`,
  (number) => `select * from api.read_conversation('user_${number}', ${idOf('bot', String(number))}, ${idOf('conversation', String((number - 1) * 10))})`,
  (number) => `select * from api.decrement_usage('user_${number}', 'messages', 1, 'plans-${number}')`
]
