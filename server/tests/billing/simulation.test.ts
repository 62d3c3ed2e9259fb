import { inspect } from 'node:util'
import { expect, test } from '@jest/globals'
import { replayCommand, simulate } from '../../../scripts/simulate/simulation.ts'

const quiet = { onPhase: () => undefined, onStep: () => undefined }

test.each([
  { seed: '20', accounts: 4, months: 5 },
  { seed: '7', accounts: 3, months: 14 }
])(
  'lives on the twin with lost webhooks and answers (seed $seed): every invariant after each step, agreement at the end, the same from the inbox',
  async (life) => {
    const result = await simulate({ ...life, ...quiet }).catch((error: unknown) => {
      throw new Error(`The same life again: ${replayCommand(life)} --story\n${inspect(error)}`, { cause: error })
    })
    expect(result.steps).toBeGreaterThan(40)
    expect(result.subscriptions).toBeGreaterThan(3)
  },
  120_000
)
