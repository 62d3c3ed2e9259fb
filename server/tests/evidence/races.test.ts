import { describe, expect, test } from '@jest/globals'
import { races } from '../../../scripts/evidence/races.ts'
import { type Call, type History, quotaKey, type Version } from '../../../scripts/evidence/races/history.ts'
import { judge } from '../../../scripts/evidence/races/judge.ts'

const MONTH = { windowStartMs: 1_000, windowEndMs: 2_000 }
const FREE: Version = { accountId: 'alice', plan: 'free', ...MONTH, fromMs: -Infinity, untilMs: Infinity }

type Told = Partial<Omit<Call, 'answer'>> & { answer?: Partial<NonNullable<Call['answer']>> }

/** take is a call as it stands in a history; free allows 10 messages. */
function take(label: string, [startMs, endMs]: [number, number], used: number, { answer, ...told }: Told = {}): Call {
  return {
    label, kind: 'take', accountId: 'alice', metric: 'messages', amount: 1, startMs, endMs, error: null, ...told,
    answer: { allowed: true, used, quota: 10, plan: 'free', resetsAtMs: 2_000, replayed: false, ...answer }
  }
}

const refused = { answer: { allowed: false } }

/** honest is 4 + 4 granted, 3 refused while 8 of 10 were used, 1 given back, 3 granted, and a refusal at the end. */
function honest(): History {
  const calls = [
    take('a', [0, 10], 4, { amount: 4 }),
    take('b', [5, 20], 8, { amount: 4 }),
    take('c', [21, 30], 8, { amount: 3, ...refused }),
    take('a', [31, 40], 7, { kind: 'give', amount: 1 }),
    take('d', [41, 50], 10, { amount: 3 }),
    take('e', [51, 60], 10, refused)
  ]
  const row = (label: string, amount: number) => ({ accountId: 'alice', metric: 'messages', window: 1_000, amount, label })
  return {
    calls,
    ledger: [row('a', 4), row('b', 4), row('a', -1), row('d', 3)],
    counters: [{ accountId: 'alice', metric: 'messages', window: 1_000, used: 10 }],
    versions: [FREE],
    quotas: new Map([[quotaKey('free', 'messages'), 10], [quotaKey('growth', 'messages'), 100], [quotaKey('free', 'seats'), 1]]),
    levels: new Set(['seats'])
  }
}

/** change is the history with one call of it replaced. */
function change(label: string, with_: (call: Call) => Call): History {
  const history = honest()
  return { ...history, calls: history.calls.map((call) => (call.label === label && call.kind === 'take' ? with_(call) : call)) }
}

const told = (call: Call, answer: Partial<NonNullable<Call['answer']>>): Call => ({
  ...call,
  answer: call.answer && { ...call.answer, ...answer }
})

/** faults are the kinds of what the judge finds. */
function faults(history: History): string[] {
  return [...new Set(judge(history).map(({ fault }) => fault))].toSorted()
}

describe('the judge of the races', () => {
  test('an honest history holds', () => {
    expect(judge(honest())).toEqual([])
  })

  test('an answer that was lost holds, with its row and without', () => {
    expect(judge(change('d', (call) => ({ ...call, answer: null, error: 'reset' })))).toEqual([])
    const never = honest()
    never.calls.push({ ...take('lost', [0, 1], 0), answer: null, error: 'reset' })
    expect(judge(never)).toEqual([])
  })

  test('refusals that overlap what filled the quota hold; told the same after a give-back was answered, they do not', () => {
    expect(judge(change('c', (call) => ({ ...call, endMs: 45 })))).toEqual([])
    // Not before 41 ms could it have seen 10.
    expect(faults(change('c', (call) => told({ ...call, endMs: 40 }, { used: 10 })))).toEqual(['chain'])
  })

  test.each<{ planted: string; history: () => History; found: string[] }>([
    {
      planted: 'an over-grant: 11 of 10 granted',
      history: () => {
        const history = change('e', (call) => told(call, { allowed: true, used: 11 }))
        history.ledger.push({ accountId: 'alice', metric: 'messages', window: 1_000, amount: 1, label: 'e' })
        return { ...history, counters: history.counters.map((counter) => ({ ...counter, used: 11 })) }
      },
      found: ['quota']
    },
    { planted: 'a `used` told twice', history: () => change('b', (call) => told(call, { used: 4 })), found: ['chain'] },
    { planted: 'a `used` that was left out', history: () => change('d', (call) => told(call, { used: 9 })), found: ['chain'] },
    { planted: 'an under-grant: 2 refused at 8 of 10', history: () => change('c', (call) => ({ ...call, amount: 2 })), found: ['refusal'] },
    {
      planted: 'an under-grant with numbers that would justify it',
      history: () => change('c', (call) => told({ ...call, amount: 2 }, { used: 10 })),
      found: ['refusal']
    },
    {
      planted: 'a refusal by what was true only before it began',
      history: () => change('e', (call) => told({ ...call, amount: 5 }, { used: 8 })),
      found: ['chain']
    },
    {
      planted: 'a refusal that saw less than one answered before it',
      history: () => {
        const history = honest()
        history.calls.push(take('seen', [42, 44], 10, refused), take('stale', [45, 49], 7, { amount: 4, ...refused }))
        return history
      },
      found: ['chain']
    },
    { planted: 'a missing ledger row', history: () => ({ ...honest(), ledger: honest().ledger.slice(0, 3) }), found: ['ledger', 'refusal'] },
    {
      planted: 'a ledger row of nobody',
      history: () => ({ ...honest(), ledger: honest().ledger.map((row) => (row.label === 'd' ? { ...row, label: 'x' } : row)) }),
      found: ['ledger']
    },
    {
      planted: 'a counter that is not its ledger',
      history: () => ({ ...honest(), counters: honest().counters.map((counter) => ({ ...counter, used: 9 })) }),
      found: ['ledger']
    },
    { planted: 'a counter that was never made', history: () => ({ ...honest(), counters: [] }), found: ['ledger'] },
    {
      planted: 'a grant that took effect after its answer',
      history: () => {
        const { ledger, ...history } = honest()
        const [a, b, ...others] = ledger
        return { ...history, calls: history.calls.map((call) => (call.label === 'b' ? { ...call, startMs: 11 } : call)), ledger: [b, a, ...others].flatMap((row) => row ?? []) }
      },
      found: ['chain']
    },
    {
      planted: 'a request id decided twice',
      history: () => {
        const history = honest()
        history.calls.push(take('e', [51, 70], 10, refused))
        return history
      },
      found: ['repeat']
    },
    {
      planted: 'a request id with two answers',
      history: () => {
        const history = honest()
        history.calls.push(take('d', [51, 70], 9, { amount: 3, answer: { replayed: true } }))
        return history
      },
      found: ['repeat']
    },
    {
      planted: 'a request id charged twice',
      history: () => {
        const history = change('e', (call) => ({ ...call }))
        history.ledger.push({ accountId: 'alice', metric: 'messages', window: 1_000, amount: 3, label: 'd' })
        return { ...history, counters: history.counters.map((counter) => ({ ...counter, used: 13 })) }
      },
      found: ['chain', 'ledger', 'quota']
    },
    { planted: 'a plan that was not in force', history: () => change('b', (call) => told(call, { plan: 'growth', quota: 100 })), found: ['plan'] },
    {
      planted: 'a grant by the larger plan of before, though somebody was refused by the smaller one first',
      history: () => {
        const history = honest()
        history.calls.push(take('late', [45, 70], 12, { amount: 2, answer: { plan: 'growth', quota: 100 } }))
        history.ledger.push({ accountId: 'alice', metric: 'messages', window: 1_000, amount: 2, label: 'late' })
        return {
          ...history,
          counters: history.counters.map((counter) => ({ ...counter, used: 12 })),
          versions: [{ ...FREE, untilMs: 44 }, { ...FREE, plan: 'growth', fromMs: 43, untilMs: 50.5 }, { ...FREE, fromMs: 50.2 }]
        }
      },
      found: ['plan', 'quota']
    },
    {
      planted: 'a refusal by the plan before, after the upgrade was answered',
      history: () => ({
        ...honest(),
        versions: [{ ...FREE, untilMs: 50.5 }, { ...FREE, plan: 'growth', fromMs: 50.2, untilMs: Infinity }]
      }),
      found: ['plan']
    },
    {
      planted: 'a window that was not open',
      history: () => ({ ...honest(), versions: [{ ...FREE, untilMs: 45 }, { ...FREE, windowStartMs: 3_000, windowEndMs: 4_000, fromMs: 44 }] }),
      found: ['plan']
    },
    {
      planted: 'a give-back of more than there was',
      history: () => {
        const history = honest()
        return { ...history, ledger: history.ledger.map((row) => (row.amount < 0 ? { ...row, amount: -2 } : row)) }
      },
      found: ['chain', 'ledger', 'refusal']
    }
  ])('it reports $planted', ({ history, found }) => {
    expect(faults(history())).toEqual(found)
  })
})

test('a short dose of the races holds', async () => {
  const checks = await races({ seed: 'test', short: true, progress: () => undefined })
  expect(checks.flatMap(({ guarantee, violations }) => violations.map((violation) => `${guarantee}: ${violation}`))).toEqual([])
  expect(checks.map(({ guarantee }) => guarantee)).toEqual([
    'The last unit goes to exactly one caller',
    'Everybody gets a decision',
    'Nobody is granted beyond the quota in force',
    'At every instant looked at: counter = ledger, and within the quota',
    'Nobody is refused what fitted at every moment of the call',
    'The answers follow from one another: no `used` twice, none left out, none out of its time',
    'Every granted call has its ledger row, every row its call, every counter is their sum',
    'Renewals, upgrades, downgrades and ends in the middle: everybody is decided by a plan and window in force during the call',
    'A request id sent by several processes at once is decided once, with one answer',
    'All invariants hold after every round',
    'No deadlock'
  ])
}, 120_000)
