import { expect, test } from '@jest/globals'
import { pino } from 'pino'
import { perform } from '../../src/billing/operations.ts'
import { AnswerUnknown, type Processor, type ProcessorApi, ProcessorRefusal } from '../../src/billing/processor.ts'
import type { Arguments, Database } from '../../src/db/database.ts'
import { createMetrics } from '../../src/http/metrics.ts'

/** pausing performs a pause that the processor answers with `refusal`, and tells what the database was told of it. */
async function pausing(refusal: Error): Promise<{ status: string; told: unknown[] }> {
  const told: unknown[] = []
  const db: Database = {
    rpc: (name: string, args: Arguments) => {
      told.push([name, args['p_outcome']])
      return Promise.resolve([{ status: args['p_outcome'] ?? '' }])
    },
    close: () => Promise.resolve()
  }
  // Only a pause is asked for here.
  const api = { pause: () => Promise.reject(refusal) } as Partial<ProcessorApi> as ProcessorApi
  const processor: Processor = {
    name: 'paddle',
    verify: () => ({ valid: false, reason: 'never asked' }),
    normalise: () => {
      throw new Error('never asked')
    },
    api
  }
  const operation = { accountId: 'a', operationId: 'op_1', processor: 'paddle', subscriptionId: 'sub_1', kind: 'pause', priceId: null } as const
  const parts = { db, processors: [processor], metrics: createMetrics(), log: pino({ level: 'silent' }) }
  const { status } = await perform(parts, operation)
  return { status, told }
}

test('a processor that refuses has refused: nothing is asked for again', async () => {
  expect(await pausing(new ProcessorRefusal('declined', 'No.'))).toEqual({ status: 'refused', told: [['settle_operation', 'refused']] })
})

test.each([new ProcessorRefusal('busy', 'It is being renewed.'), new AnswerUnknown('silence')])(
  'one that is busy with the subscription, and one that does not answer, is asked again: %p',
  async (error) => {
    expect(await pausing(error)).toEqual({ status: 'unknown', told: [['settle_operation', 'unknown']] })
  }
)
