import { expect, test } from '@jest/globals'
import { pino } from 'pino'
import { type EventSource, Unreadable } from '../../src/billing/processor.ts'
import type { Arguments, Database } from '../../src/db/database.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { retryWebhooks } from '../../src/jobs/retry-webhooks.ts'

test('a stored delivery that nobody can read any more is given up with the reason, not tried for ever', async () => {
  const recorded: Arguments[] = []
  const claimed = [{ processor: 'paddle', id: 'evt_1', payload: '{}', attempts: 3 }]
  const db: Database = {
    rpc(name, args) {
      if (name === 'claim_webhook_events') return Promise.resolve(claimed.splice(0))
      recorded.push(args)
      return Promise.resolve([
        { outcome: 'dead', account_id: null, subscription_id: null, tie: false, linked: false, last_error: 'the body is no JSON object' }
      ])
    },
    close: () => Promise.resolve()
  }
  const source: EventSource = {
    name: 'paddle',
    verify: () => ({ valid: false, reason: 'never asked' }),
    normalise: () => {
      throw new Unreadable('the body is no JSON object')
    }
  }
  await retryWebhooks({ db, sources: [source], processors: [], metrics: createMetrics(), log: pino({ level: 'silent' }) })
  expect(recorded).toMatchObject([{ p_event_id: 'evt_1', p_kind: 'rejected', p_reason: 'the body is no JSON object', p_is_retry: true }])
})
